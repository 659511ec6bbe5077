import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, newBackup } from "./backupStack";

let service: TestService;
let stack: BackupStack;
let invoices: string;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await BackupStack.start(service);
  await stack.backedUp();
  ({ version: invoices } = await stack.vault.keys.create("invoices"));
});

const hashes = () => stack.previous.map(({ blobSha256 }) => blobSha256);

describe("a program that names another key", () => {
  it("updates the resource in place: the other key is backed up, and the first key's backup stays", async () => {
    const { id } = stack.engine;
    const { blob, blobSha256, versions } = stack.outputs;
    expect(await stack.preview({ keyName: "invoices" })).toBe(true);
    expect(stack.printed).toContain(`a new backup will be made, because the program no longer names ${stack.keyUri}.`);
    await stack.mustUp({ keyName: "invoices" });
    expect(stack.asked).toEqual(newBackup);
    expect(stack.engine.id).toBe(id);
    expect(stack.outputs).toMatchObject({
      keyName: "invoices",
      keyUri: `${stack.vault.vaultUri}keys/invoices`,
      versions: [invoices],
    });
    expect(stack.previous).toMatchObject([
      { sourceUri: stack.keyUri, blob, blobSha256, versions, keptBecause: `it is a backup of ${stack.keyUri}` },
    ]);
    expect(await stack.preview({ keyName: "invoices" })).toBe(false);
  });

  it("keeps one backup of the first key, however often the other key is backed up", async () => {
    const { blobSha256 } = stack.outputs;
    for (const trigger of [1, 2, 3]) await stack.mustUp({ keyName: "invoices", triggers: [trigger] });
    expect(hashes()).toEqual([blobSha256]);
  });

  it("keeps the first key's backup also if the first key is deleted", async () => {
    stack.vault.keys.delete("orders");
    stack.vault.keys.purge("orders");
    await stack.mustUp({ keyName: "invoices" });
    expect(stack.previous).toMatchObject([{ sourceUri: stack.keyUri }]);
  });

  it("drops the first key's backup once forget names it", async () => {
    const { blobSha256 } = stack.outputs;
    await stack.mustUp({ keyName: "invoices" });
    stack.pass(0);
    await stack.mustUp({ keyName: "invoices", forget: [blobSha256] });
    expect(stack.outputs.previous).toEqual({});
    expect(stack.asked).toEqual([]);
  });

  it("keeps the backups of each of several keys", async () => {
    await stack.vault.keys.create("returns");
    await stack.mustUp({ keyName: "invoices" });
    stack.pass(1_000);
    await stack.mustUp({ keyName: "returns" });
    expect(stack.previous.map(({ sourceUri }) => sourceUri)).toEqual([
      stack.keyUri,
      `${stack.vault.vaultUri}keys/invoices`,
    ]);
  });

  it("replaces the first key's earlier backup when it names the first key again", async () => {
    const first = stack.outputs.versions;
    await stack.mustUp({ keyName: "invoices" });
    const { blobSha256 } = stack.outputs;
    stack.pass(1_000);
    await stack.mustUp();
    expect(stack.outputs).toMatchObject({ keyName: "orders", versions: first });
    expect(hashes()).toEqual([blobSha256]);
  });

  it("keeps the first key's earlier backup if the first key was created anew meanwhile", async () => {
    const { blobSha256 } = stack.outputs;
    await stack.mustUp({ keyName: "invoices" });
    await stack.createAnew();
    await stack.mustUp();
    expect(hashes()).toContain(blobSha256);
    expect(stack.previous).toHaveLength(2);
  });

  it("leaves the record of the first key as it was if the other key is not there", async () => {
    const { outputs } = stack;
    expect(await stack.up({ keyName: "returns" })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });

  it("keeps the first key's backup also if its versions are unknown", async () => {
    stack.engine.edit({ ...stack.outputs, versions: [] });
    await stack.mustUp({ keyName: "invoices" });
    expect(stack.previous).toMatchObject([{ sourceUri: stack.keyUri, versions: [] }]);
  });
});

it("A program that names a key of the same name in another vault keeps the backup of the first vault's key", async () => {
  const { target } = stack.stack;
  const { version } = await target.keys.create("orders");
  const { blobSha256 } = stack.outputs;
  await stack.mustUp({ vaultUri: target.vaultUri });
  expect(stack.outputs).toMatchObject({ vaultUri: target.vaultUri, versions: [version] });
  expect(stack.previous).toMatchObject([{ blobSha256, sourceUri: stack.keyUri }]);
  expect(stack.asked).toEqual([]);
});

it("A copy of the key with the same versions in another vault does not replace the first vault's backup", async () => {
  const { target } = stack.stack;
  const { blobSha256, blob } = stack.outputs;
  expect(await target.keys.restore(String(blob))).toBe(true);
  await stack.mustUp({ vaultUri: target.vaultUri });
  expect(hashes()).toEqual([blobSha256]);
});
