import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, day } from "./backupStack";

const unknown = pulumi.runtime.unknownValue;

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** The preview announces a new backup without a request, and `pulumi up` makes it. */
async function makesANewBackup(inputs: Record<string, unknown>, because: string): Promise<void> {
  const { blob } = stack.outputs;
  stack.pass(0);
  expect(await stack.preview(inputs)).toBe(true);
  expect(stack.asked).toEqual([]);
  expect(stack.printed).toContain(`${stack.resource} ${stack.uri}: a new backup will be made, because ${because}`);
  await stack.mustUp(inputs);
  expect(stack.asked).toEqual(stack.newBackup);
  expect(stack.outputs.blob).not.toBe(blob);
  expect(stack.outputs.sourceStatus).toBe("current");
  expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
  expect(await stack.preview(inputs)).toBe(false);
}

/** Neither the preview nor `pulumi up` asks the vault for anything or changes the record. */
async function keepsTheBackup(inputs: Record<string, unknown> = {}): Promise<void> {
  const { outputs } = stack;
  stack.forgetRequests();
  expect(await stack.preview(inputs)).toBe(false);
  await stack.mustUp(inputs);
  expect(stack.asked).toEqual([]);
  expect(stack.outputs).toEqual(outputs);
}

/** A refresh sees that the object changed. It reads only. */
async function refreshSees(reason: RegExp): Promise<void> {
  const { blob } = stack.outputs;
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus: "changed", sourceStatusReason: expect.stringMatching(reason) });
  expect(stack.outputs.blob).toBe(blob);
  expect(stack.asked).toEqual(["listVersions"]);
  stack.pass(0);
}

describe.each(objectKinds)("a new backup of a $noun is made when", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("the program names a version that the backup does not hold", async () => {
    await stack.backedUp();
    const { version, uriWithVersion } = await stack.rotate();
    await makesANewBackup(stack.at(uriWithVersion), `the backup does not hold version ${version}.`);
    expect(stack.outputs[kind.properties.uriWithVersion]).toBe(uriWithVersion);
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
    const { version } = await stack.rotate();
    await keepsTheBackup();
    await refreshSees(new RegExp(`does not hold version ${version}$`));
    await makesANewBackup({}, `the backup does not hold version ${version}.`);
  });

  it.each([
    ["the object is disabled", { enabled: false, tags: {} }],
    ["the tags changed", { tags: { team: "b" } }],
  ])("a refresh saw that %s", async (_, change) => {
    await stack.backedUp();
    stack.objects.update("orders", undefined, change);
    await refreshSees(/^attributes or tags changed at \d{4}-/);
    await makesANewBackup({}, "attributes or tags changed at ");
    expect(stack.outputs.tags).toEqual(change.tags);
  });

  it("a refresh saw that an earlier version is disabled", async () => {
    const version = await stack.backedUp();
    await stack.rotate();
    await stack.mustUp({ triggers: [1] });
    stack.pass(1_000);
    stack.objects.update("orders", version, { enabled: false });
    await refreshSees(/^attributes or tags changed at \d{4}-/);
    await makesANewBackup({ triggers: [1] }, "attributes or tags changed at ");
  });

  it("a refresh saw that a tag changed within the second of the backup", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, updatedAt: "2999-01-01T00:00:00.000Z" });
    stack.objects.update("orders", undefined, { tags: { a: "b" } });
    await refreshSees(/^tags changed$/);
    await makesANewBackup({}, "tags changed.");
    expect(stack.outputs.tags).toEqual({ a: "b" });
  });

  it("a refresh saw that the object was created anew", async () => {
    const version = await stack.backedUp();
    await stack.createAnew();
    await refreshSees(new RegExp(`no longer has version ${version} of the backup`));
    await makesANewBackup({}, `the vault no longer has version ${version} of the backup`);
  });

  it("a refresh may list versions that the backup could not list", async () => {
    stack.objects.permissions.delete("list");
    const version = await stack.backedUp();
    expect(stack.outputs.versions).toEqual([]);
    stack.objects.permissions.add("list");
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
    await stack.rotate();
    expect(await stack.engine.up(stack.declaring(), { refresh: true })).toBe(true);
    expect(stack.asked).toEqual(["listVersions", ...stack.newBackup]);
  });

  it("the state records no backup", async () => {
    await stack.backedUp();
    stack.engine.edit({});
    expect(await stack.preview()).toBe(true);
    expect(stack.printed).toContain("because the state records no backup");
    await stack.mustUp();
    expect(stack.asked).toEqual(stack.newBackup);
  });
});

describe.each(objectKinds)("no new backup of a $noun is made when", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("nothing changed", async () => {
    await stack.backedUp();
    await keepsTheBackup();
    expect(await stack.engine.refresh()).toBe(true);
    await keepsTheBackup();
    expect(stack.printed).toBe("");
  });

  it("the same object is written in another way", async () => {
    const version = await stack.backedUp();
    const host = stack.vault.vaultUri.replace("localhost", "LOCALHOST");
    await keepsTheBackup({ vaultUri: host });
    await keepsTheBackup({ vaultUri: host.slice(0, -1), ...stack.named("ORDERS") });
    await keepsTheBackup(stack.at(`${host}/${kind.collection}/orders/`));
    await keepsTheBackup(stack.at(`${host}${kind.collection}/Orders/${version.toUpperCase()}`));
  });

  it("an earlier version is named that the backup holds", async () => {
    const version = await stack.backedUp();
    await stack.rotate();
    await stack.mustUp({ triggers: [1] });
    await keepsTheBackup({ ...stack.at(`${stack.uri}/${version}`), triggers: [1] });
  });

  it("ignoreChanges makes the engine hand back the recorded inputs", async () => {
    const { uriWithVersion } = await stack.create("orders");
    const program = { ...stack.at(uriWithVersion.replace("localhost", "LOCALHOST")), triggers: ["a"] };
    const { inputs: recorded } = await stack.newProvider().check({}, program, undefined);
    await stack.mustUp(program);
    const changed = { ...stack.at((await stack.rotate()).uriWithVersion), triggers: ["b"] };
    const { [kind.properties.uri]: uri, triggers } = recorded;
    await keepsTheBackup({ ...changed, ...stack.at(uri), triggers });
    expect(await stack.preview({ ...changed, ...stack.at(uri) })).toBe(true);
  });

  it("the object cannot be reached", async () => {
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

  it("the backup is too old and the object is missing, which a line says", async () => {
    await stack.backedUp({ maxAgeDays: 1 });
    stack.objects.delete("orders");
    await stack.engine.refresh();
    stack.pass(2 * day);
    await keepsTheBackup({ maxAgeDays: 1 });
    expect(stack.printed).toContain("no new backup: the backup of ");
    expect(stack.printed).toContain(
      "but the source was missing at the last refresh. If it is back, run pulumi up --ref",
    );
    stack.objects.recover("orders");
    expect(await stack.engine.up(stack.declaring({ maxAgeDays: 1 }), { refresh: true })).toBe(true);
    expect(stack.asked).toEqual(["listVersions", ...stack.newBackup]);
  });
});

describe("a value that is known only during the update", () => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
  });

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
    const program = stack.declaring({ triggers: ["a"] });
    const { outs } = await stack.newProvider().update("id", stack.outputs, program, undefined);
    expect(stack.asked).toEqual([]);
    expect(outs).toMatchObject({ blobSha256: stack.outputs.blobSha256, triggers: ["a"] });
  });

  it("does not hide that another object is named", async () => {
    await stack.backedUp();
    expect(await stack.preview({ ...stack.named("invoices"), triggers: [unknown] })).toBe(true);
    expect(stack.printed).toContain(`because the program no longer names ${stack.uri}`);
  });

  it("does not hide a reason for a new backup if it decides only what is kept", async () => {
    await stack.backedUp();
    expect(await stack.preview({ triggers: [1], retain: unknown, forget: [unknown] })).toBe(true);
    expect(stack.printed).toContain("because triggers changed");
  });
});
