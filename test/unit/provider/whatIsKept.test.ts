import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { sha256OfBlob } from "../../../src/backup/blob";
import { MemoryService, type MemoryStack } from "../../support/model/memoryStack";

let service: MemoryService;
let stack: MemoryStack;
let said: string[];

beforeAll(async () => {
  service = await MemoryService.start();
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

/** A backup of a key that was created anew, with the only one of the first key beside it. */
async function withOnlyCopy(): Promise<string> {
  const version = await stack.backedUp();
  await stack.createAnew();
  expect(await stack.up({ triggers: [1] })).toBe(true);
  stack.pass();
  return version;
}

async function deletionIsRefused(because: string): Promise<void> {
  const before = await stack.engine.records();
  expect(await stack.engine.destroy()).toBe(false);
  expect(stack.failure).toContain(`The backup of ${stack.vault.vaultUri}keys/orders is not deleted: `);
  for (const text of [
    because,
    "pulumi stack export --show-secrets",
    "set forceDelete: true, run pulumi up, and delete it then",
    'set forget: ["',
    "pulumi state delete <urn>",
  ]) {
    expect(stack.failure).toContain(text);
  }
  expect(stack.engine.failure).toHaveProperty("stack", "");
  expect(await stack.engine.records()).toEqual(before);
}

async function deletionGoesOn(asked: string[]): Promise<void> {
  stack.pass();
  expect(await stack.engine.destroy()).toBe(true);
  expect(stack.asked).toEqual(asked);
  expect(await stack.engine.records()).toEqual([]);
}

describe("in these cases earlier backups are kept, or not", () => {
  it("a new backup holds all their versions", async () => {
    await stack.backedUp();
    const made = [stack.outputs.blobSha256];
    for (const [trigger, retain, kept] of [
      [1, 0, 0],
      [2, 2, 1],
      [3, 2, 2],
      [4, 2, 2],
    ]) {
      expect(await stack.up({ triggers: [trigger], retain })).toBe(true);
      expect(stack.previous.map(({ blobSha256 }) => blobSha256)).toEqual(made.slice(0, kept));
      made.unshift(stack.outputs.blobSha256);
      stack.pass();
    }
    expect(stack.previous[0]?.keptBecause).toBe("retain: a newer backup holds all of its versions");
  });

  it("the key was created anew, and lacks versions that they hold", async () => {
    const version = await stack.backedUp();
    const { blob, blobSha256, backedUpAt } = stack.outputs;
    await stack.createAnew();
    expect(await stack.up({ triggers: [1] })).toBe(true);
    const keptBecause = `no newer backup is known to hold version ${version}`;
    expect(stack.previous).toEqual([{ blob, blobSha256, backedUpAt, keyVersions: [version], keptBecause }]);
    expect(said.join("")).toContain(`the backup of ${backedUpAt} (${blobSha256}) is kept in previous: ${keptBecause}.`);
    expect(await stack.up({ triggers: [2] })).toBe(true);
    expect(stack.previous.length).toBe(1);
    stack.lose();
    expect(await stack.vault.restoreKey(String(blob))).toBe(true);
    expect(await stack.up({ triggers: [3] })).toBe(true);
    // Now the second key is the one that is nowhere else.
    expect(stack.previous.map(({ keyVersions }) => keyVersions.includes(version))).toEqual([false]);
  });

  it("the versions of one cannot be read", async () => {
    await stack.backedUp();
    stack.vault.permissions.delete("list");
    expect(await stack.up({ triggers: [1] })).toBe(true);
    expect(stack.previous).toMatchObject([{ keptBecause: "which versions the newer backup holds is not known" }]);
    stack.vault.permissions.add("list");
    expect(await stack.up({ triggers: [2] })).toBe(true);
    expect(stack.previous).toMatchObject([{ keyVersions: [], keptBecause: "which versions it holds is not known" }]);
  });

  it("a backup fails, or the engine is killed", async () => {
    await withOnlyCopy();
    const before = await stack.engine.records();
    stack.vault.fail("backup", { kind: "reset" }, 9);
    expect(await stack.up({ triggers: [2] })).toBe(false);
    stack.vault.clearFaults();
    expect(await stack.engine.up(stack.declaring({ triggers: [2] }), { isKilled: true })).toBe(false);
    expect(await stack.engine.records()).toEqual(before);
  });

  it("`retain` is lowered", async () => {
    await stack.backedUp();
    for (const trigger of [1, 2]) expect(await stack.up({ triggers: [trigger], retain: 2 })).toBe(true);
    stack.pass();
    expect(await stack.up({ triggers: [2], retain: 0 })).toBe(true);
    expect([stack.previous.length, stack.asked.length]).toEqual([2, 0]);
    stack.vault.fail("backup", { kind: "status", status: 400 });
    expect(await stack.up({ triggers: [3], retain: 0 })).toBe(false);
    expect(stack.previous.length).toBe(2);
    expect(await stack.up({ triggers: [3], retain: 0 })).toBe(true);
    expect(stack.previous).toEqual([]);
  });

  it("`forget` names one", async () => {
    await withOnlyCopy();
    const [{ blobSha256 } = { blobSha256: "" }] = stack.previous;
    const declared = { triggers: [1], forget: [blobSha256.toUpperCase()] };
    expect(await stack.announces(declared)).toBe(true);
    expect(said.join("")).toContain(`forget names ${blobSha256}, which will be dropped`);
    expect(await stack.up(declared)).toBe(true);
    expect([stack.previous, stack.asked]).toEqual([[], []]);
    expect(await stack.announces(declared)).toBe(false);
  });

  it("the resource is deleted, and the key has all their versions", async () => {
    await stack.backedUp();
    await stack.vault.rotateKey("orders");
    await deletionGoesOn(["listVersions"]);
  });

  it("the resource is deleted, and the key is missing", async () => {
    await stack.backedUp();
    stack.vault.deleteKey("orders");
    await deletionIsRefused('it may be the only copy of the key: key "orders" in localhost');
    expect(stack.failure).toContain("is soft-deleted. Recover it: az keyvault key recover");
    stack.vault.purgeKey("orders");
    await deletionIsRefused('it may be the only copy of the key: key "orders" is not in localhost:');
  });

  it("the resource is deleted, and the key lacks a version that one holds", async () => {
    const version = await withOnlyCopy();
    await deletionIsRefused(`it may hold the only copy: the key in the vault lacks version ${version}.`);
    expect(stack.failure).toContain(`set forget: ["${stack.previous[0]?.blobSha256}"] there`);
  });

  it("the resource is deleted, and whether the key is there cannot be learnt", async () => {
    await stack.backedUp();
    for (const fault of [
      { kind: "forbidden", reason: "firewall" },
      { kind: "forbidden", reason: "privateLink" },
      { kind: "unauthorized" },
      { kind: "html", status: 403 },
      { kind: "status", status: 500 },
      { kind: "reset" },
      { kind: "throttled" },
      { kind: "stall" },
    ] as const) {
      stack.vault.fail("listVersions", fault, Number.POSITIVE_INFINITY);
      await deletionIsRefused("whether the key is still there could not be learnt: ");
      stack.vault.clearFaults();
    }
    await deletionGoesOn(["listVersions"]);
  });

  it("the resource is deleted, and the key may not be read", async () => {
    await stack.backedUp();
    stack.vault.permissions.delete("list");
    stack.vault.deleteKey("orders");
    await deletionGoesOn(["listVersions"]);
    expect(said.join("")).toContain(
      "deleted, and whether the key is still there is not known: Key Vault refused to read",
    );
  });

  it("the resource is deleted with `forceDelete` recorded", async () => {
    await stack.backedUp();
    stack.vault.deleteKey("orders");
    expect(await stack.up({ forceDelete: true })).toBe(true);
    expect(stack.asked).toEqual([]);
    expect(said.join("")).toContain("updated without a new backup, because forceDelete changed.");
    await deletionGoesOn([]);
  });

  it("the program names another key, and the first is missing", async () => {
    await stack.backedUp();
    const { blobSha256 } = stack.outputs;
    stack.vault.deleteKey("orders");
    await stack.vault.createKey("invoices");
    expect(await stack.up({ keyName: "invoices" })).toBe(false);
    expect((await stack.engine.records()).map(({ isPendingDelete }) => isPendingDelete)).toEqual([false, true]);
    expect(await stack.up({ keyName: "invoices" })).toBe(false);
    expect(await stack.up({ keyName: "invoices", forget: [blobSha256] })).toBe(true);
    expect((await stack.engine.records()).map(({ keyName }) => keyName)).toEqual(["invoices"]);
  });
});

it("a backup is not kept that was forgotten before the new one was made", async () => {
  await stack.backedUp();
  const { blobSha256, blob } = stack.outputs;
  await stack.createAnew();
  expect(await stack.up({ forget: [blobSha256] })).toBe(true);
  expect(stack.outputs.blob).toBe(blob);
  expect(await stack.up({ forget: [blobSha256], triggers: [1] })).toBe(true);
  expect(stack.previous).toEqual([]);
});

it("an access policy without list tells by the versions that were backed up what may be dropped", async () => {
  stack.vault.authorization = "accessPolicy";
  stack.vault.permissions.delete("list");
  const version = await stack.backedUp();
  await stack.vault.rotateKey("orders");
  expect(await stack.up({ triggers: [1] })).toBe(true);
  expect(stack.outputs.keyVersions).toContain(version);
  expect(stack.previous).toEqual([]);
  await stack.vault.rotateKey("orders");
  await deletionGoesOn(["listVersions", "get", "get"]);
});

it("deletion is refused for a backup of unknown versions, whatever the key has", async () => {
  stack.vault.permissions.delete("list");
  await stack.backedUp();
  stack.vault.permissions.add("list");
  await deletionIsRefused("it may hold the only copy: which versions it holds was not known when it was made.");
});

it("a blob that is unlike an earlier one takes no earlier one's place", async () => {
  const version = await stack.backedUp();
  stack.vault.fail("backup", { kind: "value", value: "AAAA" });
  expect(await stack.up({ triggers: [1] })).toBe(true);
  expect(said.join("")).toContain("warning: the backup is not like those of Key Vault");
  expect(stack.outputs.keyVersions).toEqual([]);
  expect(stack.previous).toMatchObject([{ keyVersions: [version] }]);
});

it("deletion is refused again once forceDelete is taken back", async () => {
  await stack.backedUp({ forceDelete: true });
  expect(await stack.up()).toBe(true);
  stack.vault.deleteKey("orders");
  await deletionIsRefused("it may be the only copy of the key");
});

describe("a blob that is not the one that was recorded", () => {
  const hashes = (blob: string, blobSha256: unknown) =>
    `its SHA-256 is ${sha256OfBlob(blob)}, and blobSha256 says ${blobSha256}`;

  it("is carried over by no new backup, amendment or refresh, and by none is the vault asked, until it is forgotten", async () => {
    await withOnlyCopy();
    const [kept] = stack.previous;
    stack.engine.edit({ ...stack.outputs, previous: { [`${kept?.blobSha256}`]: { ...kept, blob: "AAAA" } } });
    for (const inputs of [{ triggers: [2] }, { triggers: [1], forceDelete: true }]) {
      expect(await stack.up(inputs)).toBe(false);
      expect(stack.failure).toContain(hashes("AAAA", kept?.blobSha256));
      expect(stack.failure).toContain(`forget: ["${kept?.blobSha256}"]`);
    }
    expect(await stack.engine.refresh()).toBe(false);
    expect(stack.asked).toEqual([]);
    expect(await stack.up({ triggers: [2], forget: [kept?.blobSha256] })).toBe(true);
    expect(stack.previous).toEqual([]);
  });

  it("is not kept for `retain`", async () => {
    await stack.backedUp({ retain: 1 });
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    expect(await stack.up({ retain: 1 })).toBe(true);
    expect(stack.previous).toEqual([]);
  });

  it("takes no earlier one with it where it is missing", async () => {
    await withOnlyCopy();
    const { previous } = stack;
    stack.engine.edit({ ...stack.outputs, blob: null });
    await deletionIsRefused("it may hold the only copy");
    expect(await stack.up({ triggers: [1] })).toBe(true);
    expect(stack.previous).toEqual(previous);
  });

  it("stays where it may be the only copy", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, blobSha256: "0".repeat(64) });
    const { blob } = stack.outputs;
    await stack.createAnew();
    expect(await stack.up()).toBe(false);
    expect(stack.failure).toContain(hashes(String(blob), "0".repeat(64)));
    expect(stack.outputs.blob).toBe(blob);
  });
});
