import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../../../../localVault/vaultFault";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import type { DynamicProvider } from "../../../../src/provider/engine/dynamicProvider";
import { leaksIn } from "../../../support/leaks";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** Names of the members of an object that have a blob or anything secret on the wire. */
function secretsIn(properties: object): string[] {
  return Object.entries(properties).flatMap(([name, value]) =>
    pulumi.runtime.isRpcSecret(value)
      ? [name]
      : typeof value === "object" && value !== null
        ? secretsIn(value).map((member) => `${name}.${member}`)
        : [],
  );
}

const inClear = (properties: object) =>
  JSON.stringify(properties, (_, value) => (pulumi.runtime.isRpcSecret(value) ? "[secret]" : value));

describe.each(objectKinds)("on the wire, of a $noun's backup,", (kind) => {
  let provider: DynamicProvider;

  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
    provider = stack.newProvider();
  });

  it("the blob is secret and nothing else is, after a create, a refresh and both kinds of update", async () => {
    await stack.backedUp();
    const inputs = stack.declaring();
    const { blob } = stack.outputs;
    const { id, outs } = await provider.create(inputs, undefined);
    const answers = [
      outs,
      (await provider.read(id, stack.outputs, undefined)).props,
      (await provider.update(id, stack.outputs, { ...inputs, triggers: [1] }, undefined)).outs,
      (await provider.update(id, stack.outputs, { ...inputs, forceDelete: true }, undefined)).outs,
    ];
    for (const answer of answers) {
      expect(secretsIn(answer)).toEqual(["blob"]);
      expect(leaksIn(inClear(answer), { blob: String(blob) })).toEqual([]);
    }
    expect(leaksIn(id, { blob: String(blob) })).toEqual([]);
  });

  it("the blobs in previous are secret too", async () => {
    await stack.backedUp();
    const { blobSha256, blob } = stack.outputs;
    await stack.createAnew();
    const inputs = stack.declaring({ triggers: [1] });
    const { outs } = await provider.update(stack.engine.id, stack.outputs, inputs, undefined);
    expect(secretsIn(outs)).toEqual(["blob", `previous.${blobSha256}.blob`]);
    expect(leaksIn(inClear(outs), { blob: String(blob) })).toEqual([]);
  });
});

describe.each(objectKinds)("in what a user reads of a $noun's backup", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("there is no part of a blob, whatever becomes of the object", async () => {
    await stack.backedUp();
    const blobs = [String(stack.outputs.blob)];
    const read: string[] = [];
    const step = async (act: () => Promise<unknown>) => {
      await act();
      read.push(stack.engine.failureMessage, stack.printed, stack.engine.id);
    };
    await step(() => stack.createAnew());
    await step(() => stack.up({ triggers: [1] }));
    blobs.push(String(stack.outputs.blob));
    const { blobSha256, ...others } = stack.outputs;
    stack.engine.edit({ ...others, blobSha256: "0".repeat(64) });
    await step(() => stack.engine.refresh());
    await step(() => stack.engine.destroy());
    await step(() => stack.up({ triggers: [2], forget: [blobs[0]] }));
    await step(() => stack.up(stack.named("missing")));
    stack.vault.fail("backup", { kind: "value", value: `${blobs[0]}!` });
    await step(() => stack.up({ triggers: [3] }));
    stack.vault.fail("backup", { kind: "cutJson" });
    await step(() => stack.up({ triggers: [4] }));
    expect(read.filter((text) => text !== "").length).toBeGreaterThan(7);
    expect(leaksIn(read.join("\n"), { blobs })).toEqual([]);
  });

  it("there is no value of triggers", async () => {
    await stack.backedUp({ triggers: ["hunter2"] });
    await stack.mustUp({ triggers: ["hunter3"] });
    expect(stack.printed).toContain("triggers changed");
    expect(stack.printed).not.toContain("hunter");
  });
});

describe("the value of a secret", () => {
  const values = ["hunter2 is the first value", "hunter3 is the value of the renewed secret", "hunter4, created anew"];

  /** How a text may hold a value: in clear, or in base64 or base64url, from any byte of a group of three on. */
  function formsOf(value: string): string[] {
    const encoded = [0, 1, 2].flatMap((offset) => {
      const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
      // The characters at both ends hold bits of other bytes too.
      const inner = (text: string) => text.replace(/=+$/, "").slice(offset === 0 ? 0 : offset + 1, -1);
      return [inner(bytes.toString("base64")), inner(bytes.toString("base64url"))];
    });
    return [value, ...new Set(encoded)];
  }

  function valuesIn(text: string): string[] {
    return values.filter((value) => formsOf(value).some((form) => text.includes(form)));
  }

  /** Everything that came out since the last look: the state, what the engine got, and what was printed. */
  const seen: string[] = [];

  async function step(act: () => Promise<unknown>): Promise<void> {
    await act();
    const { outputs, id, failure } = stack.engine;
    seen.push(inspect([outputs, id, failure], { depth: null, maxStringLength: null, showHidden: true }), stack.printed);
    stack.pass(1_000);
  }

  async function backedUp(waits: Partial<Waits> = {}): Promise<void> {
    stack = await BackupStack.start(service, secret, waits);
    seen.length = 0;
    await stack.vault.secrets.create("orders", { value: values[0] as string });
    await step(() => stack.mustUp());
  }

  it("is found by these tests in clear, in base64 and in base64url, wherever it stands", () => {
    for (const prefix of ["", "a", "ab", "abc"]) {
      const text = `${prefix}${values[1]}?>`;
      for (const encoding of ["utf8", "base64", "base64url"] as const) {
        expect(valuesIn(Buffer.from(text).toString(encoding))).toEqual([values[1]]);
      }
    }
    expect(valuesIn("hunter")).toEqual([]);
  });

  it("is nowhere in what comes out of a secret's whole life", async () => {
    await backedUp();
    await stack.vault.secrets.create("orders", { value: values[1] as string, contentType: "text/plain" });
    await step(() => stack.engine.refresh());
    await step(() => stack.mustUp());
    await step(() => stack.mustUp({ triggers: [1], retain: 1 }));
    stack.objects.delete("orders");
    await step(() => stack.engine.refresh());
    await step(() => stack.up({ triggers: [2] }));
    await step(() => stack.engine.destroy());
    stack.objects.purge("orders");
    await stack.vault.secrets.create("orders", { value: values[2] as string });
    await step(() => stack.engine.refresh());
    await step(() => stack.mustUp({ triggers: [2] }));
    stack.vault.secrets.update("orders", undefined, { enabled: false });
    await step(() => stack.engine.refresh());
    await step(() => stack.mustUp({ triggers: [2] }));
    await step(() => stack.mustUp({ triggers: [2], forceDelete: true }));
    await step(() => stack.engine.destroy());
    expect(stack.engine.outputs).toBeUndefined();
    expect(seen.join("\n")).toContain("SecretBackup ");
    expect(valuesIn(seen.join("\n"))).toEqual([]);
  });

  const faults: Fault[] = [
    { kind: "throttled" },
    ...[400, 401, 403, 404, 409, 500, 503].map((status) => ({ kind: "status" as const, status })),
    { kind: "reset" },
    { kind: "lostAnswer" },
    { kind: "stall" },
    { kind: "truncated" },
    { kind: "cutJson" },
    { kind: "noValue" },
    { kind: "value", value: "not a blob!" },
    { kind: "value", value: 5 },
    ...(["rbac", "accessPolicy", "accessDenied", "firewall", "privateLink", "certificate"] as const).map((reason) => ({
      kind: "forbidden" as const,
      reason,
    })),
    { kind: "unauthorized" },
    { kind: "html", status: 502 },
    { kind: "redirect", location: "https://elsewhere.example/" },
    { kind: "claimsChallenge", claims: "{}" },
  ];
  const nameOf = ({ kind, ...others }: Fault) => [kind, ...Object.values(others)].join(" ");

  it.each(faults.map((fault) => [nameOf(fault), fault] as const))(
    "is nowhere after a failure: %s",
    async (_, fault) => {
      // These faults are waited out until the time is over.
      const isWaitedOut = fault.kind === "stall" || fault.kind === "throttled";
      await backedUp(isWaitedOut ? { operation: 2_000, read: 300, attempt: 300 } : {});
      for (const operation of ["listVersions", "backup"] as const) {
        stack.vault.fail(operation, fault, Number.POSITIVE_INFINITY);
        await step(() => stack.up({ triggers: [operation] }));
        await step(() => stack.engine.refresh());
        await step(() => stack.engine.destroy());
        stack.vault.clearFaults();
      }
      expect(seen).toHaveLength(14);
      expect(valuesIn(seen.join("\n"))).toEqual([]);
    },
  );

  it("is not recorded, even if a list of versions carries it", async () => {
    await backedUp();
    const id = `${stack.uri}/${stack.objects.versions("orders")[0]?.version}`;
    const now = Math.floor(stack.stack.now() / 1000);
    const attributes = { enabled: true, created: now, updated: now };
    const body = { value: [{ id, value: values[0], attributes }] };
    stack.vault.fail("listVersions", { kind: "status", status: 200, body }, Number.POSITIVE_INFINITY);
    await step(() => stack.mustUp({ triggers: [1] }));
    expect(stack.outputs.updatedAt).toBe(new Date(now * 1000).toISOString());
    await step(() => stack.engine.refresh());
    expect(valuesIn(seen.join("\n"))).toEqual([]);
  });
});
