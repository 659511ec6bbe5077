import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { sha256OfBlob } from "../../../src/backup/blob";
import { day, MemoryService, type MemoryStack } from "../../support/model/memoryStack";

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

const newBackup = ["listVersions", "get", "backup", "listVersions"];

/** The preview announces a new backup, without a request, and `pulumi up` makes it. */
async function isRenewed(inputs: Record<string, unknown>, because: string | RegExp): Promise<void> {
  expect(await stack.announces(inputs)).toBe(true);
  expect(stack.asked).toEqual([]);
  expect(said.join("")).toMatch(
    new RegExp(`a new backup will be made, because .*${typeof because === "string" ? because : because.source}`),
  );
  expect(await stack.up(inputs)).toBe(true);
  expect(stack.asked).toEqual(newBackup);
  expect(stack.outputs).toMatchObject({ sourceStatus: "current" });
  expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
  expect(await stack.announces(inputs)).toBe(false);
}

/** A refresh finds the key so, by readings alone, and keeps the backup. */
async function isFound(sourceStatus: string, reason: RegExp): Promise<void> {
  const { blob } = stack.outputs;
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus, sourceStatusReason: expect.stringMatching(reason), blob });
  expect(stack.asked).not.toContain("backup");
  stack.pass();
}

/** `pulumi up` asks the vault for nothing. */
async function isKept(inputs: Record<string, unknown> = {}): Promise<void> {
  const { outputs } = stack;
  expect(await stack.announces(inputs)).toBe(false);
  expect(await stack.up(inputs)).toBe(true);
  expect(stack.asked).toEqual([]);
  expect(stack.outputs).toEqual(outputs);
}

describe("in these cases a new backup is made, or not", () => {
  it("nothing changed", async () => {
    await stack.backedUp();
    await isKept();
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.asked).toEqual(["listVersions"]);
    expect(stack.outputs).toMatchObject({ sourceStatus: "current" });
    expect(said).toEqual([]);
  });

  it("the program names a version that the backup does not hold", async () => {
    await stack.backedUp();
    const { version, keyUriWithVersion } = await stack.vault.rotateKey("orders");
    await isRenewed({ keyUri: keyUriWithVersion }, `the recorded backup does not hold version ${version}`);
  });

  it("the program names the same key in another spelling", async () => {
    const version = await stack.backedUp();
    await isKept({ keyUri: `${stack.vault.vaultUri.toUpperCase().replace("HTTPS", "https")}/keys/ORDERS/${version}` });
  });

  it("the program names another key", async () => {
    await stack.backedUp();
    await stack.vault.createKey("invoices");
    expect(await stack.announces({ keyName: "invoices" })).toBe(true);
    expect(await stack.up({ keyName: "invoices" })).toBe(true);
    expect(stack.asked).toEqual([...newBackup, "listVersions"]);
    expect((await stack.engine.records()).map(({ keyName }) => keyName)).toEqual(["invoices"]);
  });

  it("`triggers` changed", async () => {
    await stack.backedUp();
    await isRenewed({ triggers: ["again"] }, "triggers changed");
  });

  it("the backup is older than `maxAgeDays`", async () => {
    const inputs = { maxAgeDays: 7 };
    await stack.backedUp(inputs);
    stack.pass(7 * day - 60_000);
    await isKept(inputs);
    stack.pass(60_000);
    await isRenewed(inputs, /the recorded backup was made at .*, longer ago than maxAgeDays \(7\)\./);
  });

  it("the blob in the state is not the one that was recorded", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    const damage = `its SHA-256 is ${sha256OfBlob("AAAA")}, and blobSha256 says ${stack.outputs.blobSha256}`;
    expect(await stack.engine.refresh()).toBe(false);
    expect(stack.failure).toContain(damage);
    await isRenewed({}, `the recorded blob is damaged: ${damage}`);
    expect(await stack.engine.refresh()).toBe(true);
  });

  it("the key has a new version, by hand or by its rotation policy", async () => {
    await stack.backedUp();
    const { version } = await stack.vault.rotateKey("orders");
    await isKept();
    stack.pass();
    await isFound("changed", new RegExp(`^the key has newer version ${version}$`));
    await isRenewed({}, `the key has newer version ${version}`);
  });

  it("an attribute or a tag of the key changed", async () => {
    await stack.backedUp();
    for (const change of [{ enabled: false }, { tags: { a: "b" } }]) {
      stack.vault.updateKey("orders", undefined, change);
      await isFound("changed", /^attributes or tags of the key changed at \d{4}-.*Z$/);
      await isRenewed({}, "attributes or tags of the key changed at");
      stack.pass();
    }
  });

  it("the key was created anew under the same name", async () => {
    const version = await stack.backedUp();
    await stack.createAnew();
    await isFound("changed", /^the key was created anew or restored: it lacks version/);
    await isRenewed({}, "the key was created anew or restored");
    expect(stack.previous).toMatchObject([{ keyVersions: [version] }]);
  });

  it("the key is missing", async () => {
    await stack.backedUp();
    stack.vault.deleteKey("orders");
    await isFound(
      "missing",
      /is soft-deleted\. Recover it: az keyvault key recover --vault-name localhost --name orders\.$/,
    );
    expect(said.join("")).toContain("the backup is kept, and the key is missing: ");
    await isKept();
    stack.vault.purgeKey("orders");
    await isFound("missing", /^key "orders" is not in localhost:\d+\.$/);
    await isKept();
  });

  it("the key cannot be reached, or may not be read", async () => {
    await stack.backedUp();
    const { vault } = stack;
    const obstacles: [() => unknown, RegExp][] = [
      [() => vault.fail("listVersions", { kind: "forbidden", reason: "firewall" }), /the vault's firewall/],
      [() => vault.fail("listVersions", { kind: "status", status: 503 }, 9), /The service failed, after retries/],
      [() => vault.fail("listVersions", { kind: "reset" }, 9), /the connection to localhost:\d+ failed \(ECONNRESET\)/],
      [() => vault.permissions.delete("list"), /Grant the data action Microsoft.KeyVault\/vaults\/keys\/read/],
    ];
    for (const [hide, reason] of obstacles) {
      vault.clearFaults();
      hide();
      await isFound("unreachable", reason);
      // What tells one request from another is left out, so that the next refresh finds nothing new.
      expect(stack.outputs.sourceStatusReason).not.toMatch(/Request id|[0-9a-f]{8}-/);
      await isKept();
    }
  });

  it("an input is known only during the update", async () => {
    await stack.backedUp();
    expect(await stack.announces({ triggers: [pulumi.runtime.unknownValue] })).toBe(true);
    expect(said.join("")).toContain("a new backup may be made: triggers will be known during the update.");
    await isKept({ triggers: [] });
  });

  it("a backup fails", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    stack.vault.fail("backup", { kind: "status", status: 400 });
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
    stack.pass();
    await isRenewed({ triggers: [1] }, "triggers changed");
  });
});

it("a missing key is tried all the same for changed triggers, and the record stays", async () => {
  await stack.backedUp();
  stack.vault.deleteKey("orders");
  await isFound("missing", /soft-deleted/);
  const { outputs } = stack;
  expect(await stack.up({ triggers: [1] })).toBe(false);
  expect(stack.failure).toContain("404 KeyNotFound");
  expect(stack.outputs).toEqual(outputs);
});

it("a key that is back is current again, for no reason", async () => {
  await stack.backedUp();
  stack.vault.deleteKey("orders");
  await isFound("missing", /soft-deleted/);
  stack.vault.recoverKey("orders");
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus: "current" });
  expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
});

it("a `retain` that is known only during the update announces nothing", async () => {
  await stack.backedUp();
  expect(await stack.announces({ retain: pulumi.runtime.unknownValue })).toBe(false);
});

it("a missing key is asked for by two readings", async () => {
  await stack.backedUp();
  stack.vault.deleteKey("orders");
  await stack.engine.refresh();
  expect(stack.asked).toEqual(["listVersions", "getDeleted"]);
});

it("an old backup of a missing key is not renewed, which is said, until a refresh finds the key", async () => {
  const inputs = { maxAgeDays: 1 };
  await stack.backedUp(inputs);
  stack.vault.deleteKey("orders");
  await stack.engine.refresh();
  stack.pass(2 * day);
  await isKept(inputs);
  expect(said.join("")).toContain("no new backup is made, because the key was not there at the last refresh;");
  stack.vault.recoverKey("orders");
  expect(await stack.engine.up(stack.declaring(inputs), { refresh: true })).toBe(true);
  expect(stack.asked).toEqual(["listVersions", ...newBackup]);
});

it("an access policy without list notices a rotation and a new key by two readings", async () => {
  stack.vault.authorization = "accessPolicy";
  stack.vault.permissions.delete("list");
  await stack.backedUp();
  await stack.engine.refresh();
  expect(stack.outputs).toMatchObject({ sourceStatus: "current" });
  expect(stack.asked).toEqual(["listVersions", "get"]);
  await stack.vault.rotateKey("orders");
  await isFound("changed", /newer version/);
  await stack.createAnew();
  await isFound("changed", /created anew/);
});

it("a state of release 0.1.0 previews unchanged, and learns in a refresh what it does not say", async () => {
  await stack.backedUp();
  const { sourceStatus, keyUpdatedAt, keyTags, previous, ...ofTheFirst } = stack.outputs;
  stack.engine.edit(ofTheFirst);
  await isKept();
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus: "current", previous: {} });
  await stack.vault.rotateKey("orders");
  await isFound("changed", /newer version/);
  await isRenewed({}, "the key has newer version");
});
