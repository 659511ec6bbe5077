import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { calculateJwkThumbprint, type JWK } from "jose";
import { key } from "../../../../src/objects/key";
import { backupFamily } from "../../../../src/provider/backup/family";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, day, newBackup } from "./backupStack";

const unknown = pulumi.runtime.unknownValue;

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await BackupStack.start(service);
});

/** The preview announces a new backup without a request, and `pulumi up` makes it. */
async function makesANewBackup(inputs: Record<string, unknown>, because: string): Promise<void> {
  const { blob } = stack.outputs;
  stack.pass(0);
  expect(await stack.preview(inputs)).toBe(true);
  expect(stack.asked).toEqual([]);
  expect(stack.printed).toContain(`KeyBackup ${stack.keyUri}: a new backup will be made, because ${because}`);
  await stack.mustUp(inputs);
  expect(stack.asked).toEqual(newBackup);
  expect(stack.outputs.blob).not.toBe(blob);
  expect(stack.outputs.sourceStatus).toBe("current");
  expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
  expect(await stack.preview(inputs)).toBe(false);
}

/** Neither the preview nor `pulumi up` asks the vault for anything or changes the record. */
async function keepsTheBackup(inputs: Record<string, unknown> = {}): Promise<void> {
  const { outputs } = stack;
  stack.vault.clearRequests();
  expect(await stack.preview(inputs)).toBe(false);
  await stack.mustUp(inputs);
  expect(stack.asked).toEqual([]);
  expect(stack.outputs).toEqual(outputs);
}

/** A refresh sees that the key changed. It reads only. */
async function refreshSees(reason: RegExp): Promise<void> {
  const { blob } = stack.outputs;
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus: "changed", sourceStatusReason: expect.stringMatching(reason) });
  expect(stack.outputs.blob).toBe(blob);
  expect(stack.asked).toEqual(["listVersions"]);
  stack.pass(0);
}

describe("the first backup", () => {
  it("takes three requests, and the preview before it takes none", async () => {
    await stack.vault.keys.create("orders");
    expect(await stack.preview()).toBeUndefined();
    expect(stack.asked).toEqual([]);
    await stack.mustUp();
    expect(stack.asked).toEqual(newBackup);
  });

  it("records the key, its versions, its public key, its tags and the blob with its hash", async () => {
    const {
      version,
      uri: keyUri,
      uriWithVersion: keyUriWithVersion,
    } = await stack.vault.keys.create("orders", { tags: { team: "a" } });
    await stack.mustUp({ keyUri: keyUriWithVersion, triggers: ["a"] });
    expect(stack.outputs).toEqual({
      vaultUri: stack.vault.vaultUri,
      keyName: "orders",
      keyUri,
      keyUriWithVersion,
      declaredVersion: version,
      triggers: ["a"],
      versions: [version],
      thumbprints: { [version]: await calculateJwkThumbprint(stack.vault.keys.publicJwk("orders") as JWK) },
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      tags: { team: "a" },
      blob: expect.stringMatching(/^[\w-]+$/),
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      blobBytes: Buffer.from(String(stack.outputs.blob), "base64url").length,
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      sourceStatus: "current",
      previous: {},
    });
  });

  it("has an id that says nothing of the key or the blob", async () => {
    await stack.backedUp();
    expect(stack.engine.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("fails without leaving a record if the key is not there", async () => {
    expect(await stack.up()).toBe(false);
    expect(stack.engine.failureMessage).toContain("404 KeyNotFound");
    expect(stack.engine.failure).not.toHaveProperty("id");
    expect(stack.engine.outputs).toBeUndefined();
  });

  it("is made without the permission to read the key, and then says what is unknown and what to grant", async () => {
    const { uriWithVersion: keyUriWithVersion } = await stack.vault.keys.create("orders");
    stack.vault.keys.permissions.delete("list");
    stack.vault.keys.permissions.delete("get");
    await stack.mustUp({ keyUri: keyUriWithVersion });
    expect(stack.outputs).toMatchObject({ versions: [], thumbprints: {}, sourceStatus: "unreachable" });
    expect(stack.outputs.sourceStatusReason).toContain("Microsoft.KeyVault/vaults/keys/read");
    for (const name of ["keyUriWithVersion", "updatedAt", "tags"]) expect(stack.outputs).not.toHaveProperty(name);
    await keepsTheBackup({ keyUri: keyUriWithVersion });
  });
});

describe("a new backup is made when", () => {
  it("the program names a version that the backup does not hold", async () => {
    await stack.backedUp();
    const { version, uriWithVersion: keyUriWithVersion } = await stack.vault.keys.rotate("orders");
    await makesANewBackup({ keyUri: keyUriWithVersion }, `the backup does not hold version ${version}.`);
    expect(stack.outputs.keyUriWithVersion).toBe(keyUriWithVersion);
  });

  it("triggers changed", async () => {
    await stack.backedUp({ triggers: [{ a: [1] }] });
    await keepsTheBackup({ triggers: [{ a: [1] }] });
    await makesANewBackup({ triggers: [{ a: [2] }] }, "triggers changed.");
    await makesANewBackup({}, "triggers changed.");
  });

  it("the backup is older than maxAgeDays", async () => {
    await stack.backedUp({ maxAgeDays: 7 });
    stack.pass(7 * day - 60_000);
    await keepsTheBackup({ maxAgeDays: 7 });
    stack.pass(60_000);
    await makesANewBackup({ maxAgeDays: 7 }, `the backup of ${stack.outputs.backedUpAt} is older than maxAgeDays (7).`);
  });

  it("maxAgeDays is set for a backup that is already older", async () => {
    await stack.backedUp();
    stack.pass(day);
    await makesANewBackup({ maxAgeDays: 0.5 }, "the backup of ");
  });

  it("a refresh saw a new version", async () => {
    await stack.backedUp();
    const { version } = await stack.vault.keys.rotate("orders");
    await keepsTheBackup();
    await refreshSees(new RegExp(`does not hold version ${version}$`));
    await makesANewBackup({}, `the backup does not hold version ${version}.`);
  });

  it("a refresh saw that an attribute changed", async () => {
    await stack.backedUp();
    stack.vault.keys.update("orders", undefined, { enabled: false });
    await refreshSees(/^attributes or tags changed at \d{4}-/);
    await makesANewBackup({}, "attributes or tags changed at ");
  });

  it("a refresh saw that a tag changed within the second of the backup", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, updatedAt: "2999-01-01T00:00:00.000Z" });
    stack.vault.keys.update("orders", undefined, { tags: { a: "b" } });
    await refreshSees(/^tags changed$/);
    await makesANewBackup({}, "tags changed.");
    expect(stack.outputs.tags).toEqual({ a: "b" });
  });

  it("a refresh saw that the key was created anew", async () => {
    const version = await stack.backedUp();
    await stack.createAnew();
    await refreshSees(new RegExp(`no longer has version ${version} of the backup`));
    await makesANewBackup({}, `the vault no longer has version ${version} of the backup`);
  });

  it("a refresh may list versions that the backup could not list", async () => {
    stack.vault.keys.permissions.delete("list");
    const version = await stack.backedUp();
    expect(stack.outputs.versions).toEqual([]);
    stack.vault.keys.permissions.add("list");
    await refreshSees(/without the permission to list versions/);
    await makesANewBackup({}, "the backup was made without the permission to list versions");
    expect(stack.outputs.versions).toEqual([version]);
  });

  it("the blob in the state is damaged", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    await makesANewBackup({}, "the blob in the state is damaged: its SHA-256 is ");
    expect(stack.previous).toEqual([]);
  });

  it("the program has --refresh in the same command", async () => {
    await stack.backedUp();
    await stack.vault.keys.rotate("orders");
    expect(await stack.engine.up(stack.declaring(), { refresh: true })).toBe(true);
    expect(stack.asked).toEqual(["listVersions", ...newBackup]);
  });

  it("the state records no backup", async () => {
    await stack.backedUp();
    stack.engine.edit({});
    expect(await stack.preview()).toBe(true);
    expect(stack.printed).toContain("because the state records no backup");
    await stack.mustUp();
    expect(stack.asked).toEqual(newBackup);
  });
});

describe("no new backup is made when", () => {
  it("nothing changed", async () => {
    await stack.backedUp();
    await keepsTheBackup();
    expect(await stack.engine.refresh()).toBe(true);
    await keepsTheBackup();
    expect(stack.printed).toBe("");
  });

  it("the same key is written in another way", async () => {
    const version = await stack.backedUp();
    const host = stack.vault.vaultUri.replace("localhost", "LOCALHOST");
    await keepsTheBackup({ vaultUri: host });
    await keepsTheBackup({ vaultUri: host.slice(0, -1), keyName: "ORDERS" });
    await keepsTheBackup({ keyUri: `${host}/keys/orders/` });
    await keepsTheBackup({ keyUri: `${host}keys/Orders/${version.toUpperCase()}` });
  });

  it("an earlier version is named that the backup holds", async () => {
    const version = await stack.backedUp();
    await stack.vault.keys.rotate("orders");
    await stack.mustUp({ triggers: [1] });
    await keepsTheBackup({ keyUri: `${stack.keyUri}/${version}`, triggers: [1] });
  });

  it("ignoreChanges makes the engine hand back the recorded inputs", async () => {
    const { uriWithVersion: keyUriWithVersion } = await stack.vault.keys.create("orders");
    const provider = defineProvider(backupFamily("KeyBackup", key), stack.stack.environment());
    const program = { keyUri: keyUriWithVersion.replace("localhost", "LOCALHOST"), triggers: ["a"] };
    const { inputs: recorded } = await provider.check({}, program, undefined);
    await stack.mustUp(program);
    const { uriWithVersion: rotated } = await stack.vault.keys.rotate("orders");
    const changed = { keyUri: rotated, triggers: ["b"] };
    await keepsTheBackup({ ...changed, keyUri: recorded.keyUri, triggers: recorded.triggers });
    expect(await stack.preview({ ...changed, keyUri: recorded.keyUri })).toBe(true);
  });

  it("the key cannot be reached", async () => {
    await stack.backedUp();
    stack.vault.fail("listVersions", { kind: "forbidden", reason: "firewall" });
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs.sourceStatus).toBe("unreachable");
    await keepsTheBackup();
  });

  it("only retain changed, or is not known yet", async () => {
    await stack.backedUp();
    expect(await stack.preview({ retain: 3 })).toBe(false);
    expect(await stack.preview({ retain: unknown })).toBe(false);
  });

  it("the backup is too old and the key is missing, which a line says", async () => {
    await stack.backedUp({ maxAgeDays: 1 });
    stack.vault.keys.delete("orders");
    await stack.engine.refresh();
    stack.pass(2 * day);
    await keepsTheBackup({ maxAgeDays: 1 });
    expect(stack.printed).toContain("no new backup: the backup of ");
    expect(stack.printed).toContain(
      "but the source was missing at the last refresh. If it is back, run pulumi up --ref",
    );
    stack.vault.keys.recover("orders");
    expect(await stack.engine.up(stack.declaring({ maxAgeDays: 1 }), { refresh: true })).toBe(true);
    expect(stack.asked).toEqual(["listVersions", ...newBackup]);
  });
});

describe("a value that is known only during the update", () => {
  it.each([
    ["keyUri", { keyUri: unknown }],
    ["triggers", { triggers: [{ deep: [unknown] }] }],
    ["maxAgeDays", { maxAgeDays: unknown }],
    ["forget", { forget: [unknown] }],
    ["forceDelete", { forceDelete: unknown }],
    ["keyName", { keyName: unknown }],
    ["vaultUri and keyName", { vaultUri: unknown, keyName: unknown }],
  ])("makes the preview say that a new backup may be made: %s", async (names, inputs) => {
    await stack.backedUp();
    expect(await stack.preview(inputs)).toBe(true);
    expect(stack.printed).toContain(`a new backup may be made: ${names} will be known during the update.`);
    expect(stack.printed).not.toContain(unknown);
    expect(stack.asked).toEqual([]);
  });

  it("leads to no request if it turns out to be the recorded value", async () => {
    await stack.backedUp({ triggers: ["a"] });
    expect(await stack.preview({ triggers: [unknown] })).toBe(true);
    await keepsTheBackup({ triggers: ["a"] });
    const provider = defineProvider(backupFamily("KeyBackup", key), stack.stack.environment());
    const { outs } = await provider.update("id", stack.outputs, stack.declaring({ triggers: ["a"] }), undefined);
    expect(stack.asked).toEqual([]);
    expect(outs).toMatchObject({ blobSha256: stack.outputs.blobSha256, triggers: ["a"] });
  });

  it("does not hide that another key is named", async () => {
    await stack.backedUp();
    expect(await stack.preview({ keyName: "invoices", triggers: [unknown] })).toBe(true);
    expect(stack.printed).toContain(`because the program no longer names ${stack.keyUri}`);
  });

  it("does not hide a reason for a new backup if it decides only what is kept", async () => {
    await stack.backedUp();
    expect(await stack.preview({ triggers: [1], retain: unknown, forget: [unknown] })).toBe(true);
    expect(stack.printed).toContain("because triggers changed");
  });
});

describe("a new backup that fails", () => {
  it("leaves the record as it was, and is made by the next update", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    stack.vault.fail("backup", { kind: "status", status: 400 });
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
    stack.pass(0);
    await makesANewBackup({ triggers: [1] }, "triggers changed");
  });

  it("leaves the record as it was if the key is missing", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    await stack.engine.refresh();
    const { outputs } = stack;
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.engine.failureMessage).toContain("404 KeyNotFound");
    expect(stack.outputs).toEqual(outputs);
  });

  it("leaves the record as it was if the key lacks the declared version", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    expect(await stack.up({ keyUri: `${stack.keyUri}/${"b".repeat(32)}` })).toBe(false);
    expect(stack.engine.failureMessage).toContain(`version ${"b".repeat(32)} does not exist`);
    expect(stack.asked).toEqual(["listVersions"]);
    expect(stack.outputs).toEqual(outputs);
  });

  it("leaves the record as it was if the engine is killed before it writes the state", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    expect(await stack.engine.up(stack.declaring({ triggers: [1] }), { isKilled: true })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });
});

describe("thumbprints", () => {
  const thumbprintOf = (version: string) =>
    calculateJwkThumbprint(stack.vault.keys.publicJwk("orders", version) as JWK);

  it("are added for each newest version, and stay while a backup holds the version", async () => {
    const first = await stack.backedUp();
    const { version: second } = await stack.vault.keys.rotate("orders");
    await stack.mustUp({ triggers: [1] });
    const both = { [first]: await thumbprintOf(first), [second]: await thumbprintOf(second) };
    expect(stack.outputs.thumbprints).toEqual(both);
    stack.vault.keys.permissions.delete("get");
    stack.pass(1_000);
    await stack.vault.keys.rotate("orders");
    await stack.mustUp({ triggers: [2] });
    expect(stack.outputs.versions).toHaveLength(3);
    expect(stack.outputs.thumbprints).toEqual(both);
  });

  it("are dropped with the last backup that holds the version", async () => {
    const first = await stack.backedUp();
    const { blobSha256 } = stack.outputs;
    const second = await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    expect(Object.keys(stack.outputs.thumbprints as object).sort()).toEqual([first, second].sort());
    await stack.mustUp({ triggers: [2], forget: [blobSha256] });
    expect(Object.keys(stack.outputs.thumbprints as object)).toEqual([second]);
  });
});
