import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { createRestoreDrillProvider } from "../../../src/provider/restoreDrill";
import { leaksIn } from "../../support/leaks";
import { impatientVault } from "../../support/model/impatientVault";
import { MemoryEngine } from "../../support/model/memoryEngine";
import { drillProviderOfAnotherProcess, RestoringService, type RestoringStack } from "../../support/restoringStack";

const day = 86_400_000;

let service: RestoringService;
let stack: RestoringStack;
let said: string[];

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.drill.failure as Error | undefined)?.message;
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };

function forget(): void {
  stack.source.clearRequests();
  stack.target.clearRequests();
  said = [];
}

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(failure()).toBeUndefined();
}

function nothingIsLeft(): void {
  expect(stack.target.hasKey("orders")).toBe(false);
  expect(stack.target.isDeleted("orders")).toBe(false);
}

describe.each(["RSA", "EC"] as const)("a drill of the backup of an %s key", (kty) => {
  it("verifies versions, public keys and private keys, and leaves nothing behind", async () => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await up();
    expect(stack.drill.outputs).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      owner: "organization/project/dev/orders",
      blobSha256: stack.recorded.blobSha256,
      drilledAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      verifiedAt: stack.drill.outputs?.drilledAt,
      outcome: "verified",
      checks: [
        { version: second, ...passed },
        { version: first, ...passed },
      ],
      durationMs: expect.any(Number),
      restoredVersions: [second, first],
    });
    nothingIsLeft();
    expect(said.join("")).not.toContain("RestoreDrill");
  });
});

/** The preview announces a drill, without a request, and `pulumi up` runs it, once. */
async function isRun(inputs: Record<string, unknown>, because: string): Promise<void> {
  forget();
  const announcing = stack.newDrill(drillProviderOfAnotherProcess());
  announcing.edit(stack.drill.outputs ?? {});
  expect(await announcing.preview(stack.drilling(inputs))).toEqual({ changes: true });
  expect(said).toEqual([`RestoreDrill id: a restore drill will be run, because ${because}.\n`]);
  expect([...stack.source.requests, ...stack.target.requests]).toEqual([]);
  const before = stack.drill.outputs?.drilledAt;
  stack.pass(1_000);
  await up(inputs);
  expect(stack.target.count("restore")).toBe(1);
  expect(stack.drill.outputs).toMatchObject({ outcome: "verified", blobSha256: stack.recorded.blobSha256 });
  expect(stack.drill.outputs?.drilledAt).not.toBe(before);
  await isNotRun(inputs);
}

/** Neither a preview nor `pulumi up`, nor a refresh, makes a request or changes what is recorded. */
async function isNotRun(inputs: Record<string, unknown> = {}): Promise<void> {
  forget();
  const { outputs } = stack.drill;
  expect(await stack.drill.preview(stack.drilling(inputs))).toEqual({ changes: false });
  expect(await stack.drill.up(stack.drilling(inputs))).toBe(true);
  expect(await stack.drill.refresh()).toBe(true);
  expect(await stack.drill.up(stack.drilling(inputs), { refresh: true })).toBe(true);
  expect([...stack.source.requests, ...stack.target.requests]).toEqual([]);
  expect(stack.drill.outputs).toEqual(outputs);
  expect(said).toEqual([]);
}

describe("in these cases a drill is run, or not", () => {
  it("nothing changed, however much time passes", async () => {
    await stack.backedUp();
    await up();
    await isNotRun();
    stack.pass(400 * day);
    await isNotRun();
  });

  it("there is another backup, of the same key or a new version", async () => {
    await stack.backedUp();
    await up();
    await stack.backUp();
    await isRun({}, "there is another backup");
    await stack.rotated();
    await isRun({}, "there is another backup");
  });

  it("more is known of the same backup", async () => {
    await stack.backedUp();
    await up({ backup: { ...stack.recorded, keyThumbprints: undefined, backedUpAt: undefined } });
    await isNotRun();
  });

  it("`triggers` changed", async () => {
    await stack.backedUp();
    await up();
    await isNotRun({ triggers: [] });
    await isRun({ triggers: ["again", { and: [1] }] }, "triggers changed");
    await isRun({}, "triggers changed");
  });

  it.each([30, 0.5])("the last one ran longer ago than %s days", async (maxAgeDays) => {
    await stack.backedUp();
    await up({ maxAgeDays });
    stack.pass(maxAgeDays * day - 60_000);
    await isNotRun({ maxAgeDays });
    stack.pass(60_000);
    const because = `the last one ran at ${stack.drill.outputs?.drilledAt}, longer ago than maxAgeDays (${maxAgeDays})`;
    await isRun({ maxAgeDays }, because);
  });

  it("what a failure does, or may stay behind, changed", async () => {
    await stack.backedUp();
    await up();
    await isNotRun({ onFailure: "record", allowSoftDeletedCopies: true });
  });

  it("the last one left a copy behind", async () => {
    await stack.backedUp();
    await stack.target.createKey("keeper");
    stack.target.fail("purge", { kind: "forbidden", reason: "firewall" });
    await up();
    await isRun({}, "the last one left a copy of the key behind");
    nothingIsLeft();
  });

  it("the last one failed, and a failure is not merely recorded any more", async () => {
    await stack.backedUp();
    stack.target.fail("sign", { kind: "value", value: "AAAA" });
    await up({ onFailure: "record" });
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    await isRun({}, "the last one failed");
  });

  it("the scratch vault is another, which replaces the resource", async () => {
    await stack.backedUp();
    await up();
    const another = await stack.service.createVault();
    const inputs = { vaultUri: another.vaultUri };
    forget();
    const diff = await stack.drill.preview(stack.drilling(inputs));
    expect(diff).toEqual({ changes: true, replaces: ["vaultUri"] });
    expect(said.join("")).toContain(
      "replaced by a drill of another key or in another vault, because vaultUri changed.",
    );
    expect([...another.requests, ...stack.target.requests]).toEqual([]);
    await up(inputs);
    expect(stack.drill.outputs).toMatchObject({ vaultUri: another.vaultUri, outcome: "verified" });
    expect([another.count("restore"), stack.target.requests]).toEqual([1, []]);
  });

  it("the key is another, which replaces the resource, and not in another spelling", async () => {
    await stack.backedUp();
    await up();
    await isNotRun({
      vaultUri: stack.target.vaultUri.toUpperCase().replace("HTTPS", "https").replace(/\/$/, ""),
      backup: { ...stack.recorded, keyName: "ORDERS" },
    });
    const { version } = await stack.source.createKey("invoices");
    const blob = await stack.source.backUpKey("invoices");
    const backup = { blob, keyUri: `${stack.source.vaultUri}keys/invoices`, keyVersions: [version] };
    const diff = await stack.drill.preview(stack.drilling({ backup }));
    expect(diff).toEqual({ changes: true, replaces: ["backup"] });
    await up({ backup });
    expect(stack.drill.outputs).toMatchObject({ keyName: "invoices", outcome: "verified" });
  });

  it("an input is not known yet, which is announced, and shows in the update", async () => {
    await stack.backedUp();
    await up({ triggers: [1], maxAgeDays: 7 });
    const unknown = pulumi.runtime.unknownValue;
    for (const [inputs, names] of [
      [{ backup: { ...stack.recorded, blob: unknown } }, "backup"],
      [{ backup: { ...stack.recorded, keyVersions: [unknown] } }, "backup"],
      [{ backup: unknown, vaultUri: unknown }, "vaultUri and backup"],
      [{ triggers: [{ of: unknown }] }, "triggers"],
      [{ maxAgeDays: unknown }, "maxAgeDays"],
    ] as const) {
      forget();
      const declared = stack.drilling({ triggers: [1], maxAgeDays: 7, ...inputs });
      const announcing = stack.newDrill(drillProviderOfAnotherProcess());
      announcing.edit(stack.drill.outputs ?? {});
      expect(await announcing.preview(declared)).toEqual({ changes: true });
      const line = `a restore drill may be run: ${names} will be known during the update.`;
      expect(said).toEqual([`RestoreDrill id: ${line}\n`]);
      expect(stack.target.requests).toEqual([]);
    }
    await isNotRun({ triggers: [1], maxAgeDays: 7 });
    expect(await stack.newDrill().preview(stack.drilling({ backup: unknown, vaultUri: unknown }))).toBeUndefined();
  });
});

describe("a drill that fails", () => {
  const evidence = () => ({ outcome: "failed", blobSha256: stack.recorded.blobSha256 });
  const refuted = { ...passed, privateKey: "failed: its signature does not verify by the source's public key" };

  it("fails the update with the evidence, records it, and is run again until it succeeds", async () => {
    const version = await stack.backedUp();
    for (const attempt of [1, 2]) {
      stack.target.fail("sign", { kind: "value", value: "AAAA" });
      expect(await stack.drill.up(stack.drilling())).toBe(false);
      expect(failure()).toBe(
        `The restore drill of key "orders" in ${new URL(keyUri()).host} failed, of the backup whose SHA-256 is ` +
          `${stack.recorded.blobSha256}: Version ${version}: version id passed; public key passed; private key ` +
          `${refuted.privateKey}.`,
      );
      expect(stack.drill.outputs).toEqual({
        ...evidence(),
        vaultUri: stack.target.vaultUri,
        keyName: "orders",
        owner: "organization/project/dev/orders",
        checks: [{ version, ...refuted }],
        drilledAt: expect.any(String),
        durationMs: expect.any(Number),
        restoredVersions: [version],
      });
      expect(stack.target.count("restore")).toBe(attempt);
      nothingIsLeft();
    }
    await isRun({}, "the last one failed");
  });

  it("takes the place of one that succeeded in what is recorded", async () => {
    await stack.backedUp();
    await up();
    stack.target.fail("restore", { kind: "status", status: 400 });
    expect(await stack.drill.up(stack.drilling({ triggers: [1] }))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ ...evidence(), triggers: [1], restoredVersions: [] });
    expect(stack.drill.outputs?.failure).toMatch(/^Key Vault refused to restore key "orders" into /);
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
    expect(await stack.drill.refresh()).toBe(true);
    await isRun({ triggers: [1] }, "the last one failed");
  });

  it("as the scratch vault cannot be reached changes nothing in it, and is recorded too", async () => {
    await stack.backedUp();
    await stack.target.createKey("keeper");
    stack.target.fail("listVersions", { kind: "forbidden", reason: "privateLink" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(failure()).toContain("run in a network that has the vault's private endpoint.");
    expect(stack.drill.outputs).toMatchObject({ ...evidence(), restoredVersions: [] });
    expect(stack.changes).toEqual([]);
    await isRun({}, "the last one failed");
  });

  it("lets the update go on where it is merely recorded, says so in one line, and is not run again", async () => {
    const version = await stack.backedUp();
    stack.target.fail("sign", { kind: "value", value: "AAAA" });
    await up({ onFailure: "record" });
    expect(said).toEqual([
      expect.stringMatching(
        new RegExp(`^RestoreDrill ${keyUri()}: The restore drill of key "orders" in .* private key failed: [^\n]*\n$`),
      ),
    ]);
    expect(leaksIn(said.join(""), { blob: String(stack.recorded.blob) })).toEqual([]);
    expect(stack.drill.outputs).toMatchObject({ ...evidence(), checks: [{ version, ...refuted }] });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
    await isNotRun({ onFailure: "record" });
    stack.pass(day);
    const because = `the last one ran at ${stack.drill.outputs?.drilledAt}, longer ago than maxAgeDays (1)`;
    await isRun({ onFailure: "record", maxAgeDays: 1 }, because);
  });
});

describe("drills at the same time in one process", () => {
  it("of one key take turns in a scratch vault, and disturb one another in nothing", async () => {
    await stack.backedUp();
    const drills = ["one", "two", "three"].map((owner) => {
      const engine = stack.newDrill();
      return { engine, done: engine.up(stack.drilling({ owner })) };
    });
    for (const { engine, done } of drills) {
      expect([await done, engine.failure]).toEqual([true, undefined]);
      expect(engine.outputs).toMatchObject({ outcome: "verified" });
    }
    const copies = stack.target.requests.filter(({ operation, keyName, hasToken }) => {
      return hasToken && (operation === "restore" || (operation === "purge" && keyName === "orders"));
    });
    const turn = ["restore", "purge"];
    expect(copies.map(({ operation }) => operation)).toEqual([...turn, ...turn, ...turn]);
    nothingIsLeft();
    expect(stack.slept).toBe(0);
  });

  it("of different keys run beside one another, by one probe of an empty scratch vault", async () => {
    await stack.backedUp();
    const { version } = await stack.source.createKey("invoices");
    const blob = await stack.source.backUpKey("invoices");
    const keyThumbprints = undefined;
    const invoices = { blob, keyUri: `${stack.source.vaultUri}keys/invoices`, keyVersions: [version], keyThumbprints };
    const vaults = new Map(
      [stack.source, stack.target].map((vault) => [vault.vaultUri, impatientVault(stack.service, vault)]),
    );
    const vaultOf = (vaultUri: string) => vaults.get(vaultUri) ?? impatientVault(stack.service, { vaultUri });
    const engines = [stack.recorded, invoices].map((backup) => {
      const engine = new MemoryEngine(() => createRestoreDrillProvider(Date.now, vaultOf));
      return { engine, done: engine.up(stack.drilling({ backup })) };
    });
    for (const { engine, done } of engines) {
      expect([await done, engine.failure]).toEqual([true, undefined]);
      expect(engine.outputs).toMatchObject({ outcome: "verified" });
    }
    expect(stack.target.count("create")).toBe(1);
    nothingIsLeft();
  });
});

it("a drill takes its time where the scratch vault deletes and purges slowly, and so does one right after it", async () => {
  stack = await service.newStack({ deletionMilliseconds: 300, purgeMilliseconds: 300 });
  await stack.backedUp();
  await up();
  await up({ triggers: [1] });
  expect(stack.drill.outputs).toMatchObject({ outcome: "verified", triggers: [1] });
  expect(stack.drill.outputs).not.toHaveProperty("leftover");
  expect(Number(stack.drill.outputs?.durationMs)).toBeGreaterThanOrEqual(300);
  nothingIsLeft();
});

it("a drill is no longer there once it is deleted, without a request", async () => {
  await stack.backedUp();
  await up();
  forget();
  expect(await stack.drill.destroy()).toBe(true);
  expect([stack.drill.outputs, stack.target.requests]).toEqual([undefined, []]);
});
