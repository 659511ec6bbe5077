import { beforeAll, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import {
  KeyBackup,
  RestoreDrill,
  type RestoreDrillArgs,
  type RestoreDrillCheck,
  type RestoreDrillResult,
} from "../../src";

const vaultUri = "https://scratch.vault.azure.net/";
const keyUri = "https://kv.vault.azure.net/keys/orders";
const backedUp = {
  blob: "AAAA",
  blobSha256: "11",
  keyName: "orders",
  keyUri,
  keyVersions: ["v2", "v1"],
  keyThumbprints: { v2: "two" },
  backedUpAt: "2026-03-01T00:00:00.000Z",
};
const registered = new Map<string, pulumi.runtime.MockResourceArgs>();

const mocks: pulumi.runtime.Mocks = {
  newResource: (args) => {
    registered.set(args.name, args);
    const isBackup = args.type.endsWith(":KeyBackup");
    return { id: isBackup ? keyUri : `${vaultUri}keys/orders`, state: { ...args.inputs, ...(isBackup && backedUp) } };
  },
  call: () => ({}),
};

beforeAll(() => pulumi.runtime.setMocks(mocks, "shop", "dev", false, "acme"));

function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** What the resource of that name was registered with. */
async function inputsOf(resource: pulumi.Resource, name: string): Promise<Record<string, unknown>> {
  await known(resource.urn);
  const { __provider, ...inputs } = registered.get(name)?.inputs ?? {};
  return inputs;
}

/** A secret as mocks see it, and also an object that has one. */
const secret = (value: unknown) => ({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value });
const handedOver = secret(backedUp);

describe("new RestoreDrill", () => {
  it("is of the type that states know", async () => {
    const drill = new RestoreDrill("type", { vaultUri, backup: backedUp });
    expect(await known(drill.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:RestoreDrill::type");
  });

  it("has its outputs under mocks", async () => {
    const drill = new RestoreDrill("outputs", { vaultUri, backup: backedUp });
    for (const name of [
      "vaultUri",
      "keyName",
      "verifiedAt",
      "drilledAt",
      "outcome",
      "failure",
      "checks",
      "durationMs",
      "restoredVersions",
      "blobSha256",
      "leftover",
    ] as const) {
      expect(pulumi.Output.isInstance(drill[name])).toBe(true);
    }
    expect(await known(drill.vaultUri)).toBe(vaultUri);
  });

  it("is given a KeyBackup as plain values, of which the blob is secret, and never as a resource", async () => {
    const backup = new KeyBackup("source", { keyUri });
    const { backup: given } = await inputsOf(new RestoreDrill("of-backup", { vaultUri, backup }), "of-backup");
    expect(given).toEqual(handedOver);
  });

  it("is given what is known of a backup that is kept elsewhere, with its blob secret though it was given in clear", async () => {
    const drill = new RestoreDrill("of-values", { vaultUri, backup: { ...backedUp } });
    expect(await inputsOf(drill, "of-values")).toEqual({
      vaultUri,
      backup: handedOver,
      owner: "acme/shop/dev/of-values",
    });
  });

  it("says who made it, by organization, project, stack and name, by which a later run knows its copies", async () => {
    for (const name of ["orders", "invoices"]) {
      const { owner } = await inputsOf(new RestoreDrill(name, { vaultUri, backup: backedUp }), name);
      expect(owner).toBe(`acme/shop/dev/${name}`);
    }
  });

  it("is given when to run again, and what a failure does", async () => {
    const choices = { maxAgeDays: 0.5, onFailure: "record", allowSoftDeletedCopies: true, triggers: [1] } as const;
    const drill = new RestoreDrill("choices", { vaultUri, backup: backedUp, ...choices });
    expect(await inputsOf(drill, "choices")).toMatchObject(choices);
  });

  it("takes outputs of other resources and any JSON for triggers", async () => {
    const text = pulumi.output("x");
    const triggers = [text, { a: [1, null, text] }, true, "", []];
    const drill = new RestoreDrill("triggers", { vaultUri: pulumi.output(vaultUri), backup: backedUp, triggers });
    expect((await inputsOf(drill, "triggers")).triggers).toEqual(["x", { a: [1, null, "x"] }, true, "", []]);
  });

  it("does not change the arguments that it is given", () => {
    const args: RestoreDrillArgs = { vaultUri, backup: { ...backedUp }, triggers: [{ a: 1 }], maxAgeDays: 30 };
    new RestoreDrill("one", args);
    new RestoreDrill("two", args);
    expect(args).toEqual({ vaultUri, backup: backedUp, triggers: [{ a: 1 }], maxAgeDays: 30 });
  });

  it("keeps the options of its user", async () => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const drill = new RestoreDrill("child", { vaultUri, backup: backedUp }, { parent });
    expect(await known(drill.urn)).toContain("test:index:Parent$pulumi-nodejs:dynamic/keyvault:RestoreDrill");
  });

  it("is not compiled without a backup, a blob or a vault, or with an unknown choice", () => {
    // @ts-expect-error the backup is missing
    const nothing: RestoreDrillArgs = { vaultUri };
    // @ts-expect-error the vault is missing
    const nowhere: RestoreDrillArgs = { backup: backedUp };
    // @ts-expect-error the blob is missing
    const empty: RestoreDrillArgs = { vaultUri, backup: { keyName: "orders" } };
    // @ts-expect-error a drill knows which key it may copy: a blob alone does not tell
    const blobAlone: RestoreDrillArgs = { vaultUri, blob: "AAAA" };
    // @ts-expect-error there is no such choice
    const ignoring: RestoreDrillArgs = { vaultUri, backup: backedUp, onFailure: "ignore" };
    // @ts-expect-error triggers are an array
    const single: RestoreDrillArgs = { vaultUri, backup: backedUp, triggers: "once" };
    expect([nothing, nowhere, empty, blobAlone, ignoring, single].length).toBe(6);
  });
});

describe("mocks that name no organization, as those of most programs' tests", () => {
  beforeAll(() => pulumi.runtime.setMocks(mocks));

  it("let a program make a RestoreDrill, as they let it make the other resources", () => {
    expect(() => new RestoreDrill("mocked", { vaultUri, backup: backedUp })).not.toThrow();
  });
});

describe("the types of the evidence", () => {
  it("tell a check that passed from one that failed or was not run", () => {
    const results: RestoreDrillResult[] = ["passed", "failed: no", "not run: it is so"];
    // @ts-expect-error no such result
    results.push("skipped");
    const check: RestoreDrillCheck = { version: "v1", versionId: "passed", publicKey: "passed", privateKey: "passed" };
    expect([results.length, check.version]).toEqual([4, "v1"]);
  });
});
