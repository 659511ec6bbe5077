import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const hashes = () => stack.previous.map(({ blobSha256 }) => blobSha256);

describe.each(objectKinds)("a program that names another $noun", (kind) => {
  let invoices: string;

  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
    await stack.backedUp();
    ({ version: invoices } = await stack.create("invoices"));
  });

  it("updates the resource in place: the other object is backed up, and the first object's backup stays", async () => {
    const { id } = stack.engine;
    const { blob, blobSha256, versions } = stack.outputs;
    expect(await stack.preview(stack.named("invoices"))).toBe(true);
    expect(stack.printed).toContain(`a new backup will be made, because the program no longer names ${stack.uri}.`);
    await stack.mustUp(stack.named("invoices"));
    expect(stack.asked).toEqual(stack.newBackup);
    expect(stack.engine.id).toBe(id);
    expect(stack.outputs).toMatchObject({
      ...stack.named("invoices"),
      ...stack.at(stack.uriOf("invoices")),
      versions: [invoices],
    });
    expect(stack.previous).toMatchObject([
      { sourceUri: stack.uri, blob, blobSha256, versions, keptBecause: `it is a backup of ${stack.uri}` },
    ]);
    expect(await stack.preview(stack.named("invoices"))).toBe(false);
  });

  it("keeps one backup of the first object, however often the other object is backed up", async () => {
    const { blobSha256 } = stack.outputs;
    for (const trigger of [1, 2, 3]) await stack.mustUp({ ...stack.named("invoices"), triggers: [trigger] });
    expect(hashes()).toEqual([blobSha256]);
  });

  it("keeps the first object's backup also if the first object is deleted", async () => {
    stack.purge();
    await stack.mustUp(stack.named("invoices"));
    expect(stack.previous).toMatchObject([{ sourceUri: stack.uri }]);
  });

  it("drops the first object's backup once forget names it", async () => {
    const { blobSha256 } = stack.outputs;
    await stack.mustUp(stack.named("invoices"));
    stack.pass(0);
    await stack.mustUp({ ...stack.named("invoices"), forget: [blobSha256] });
    expect(stack.outputs.previous).toEqual({});
    expect(stack.asked).toEqual([]);
  });

  it("keeps the backups of each of several objects", async () => {
    await stack.create("returns");
    await stack.mustUp(stack.named("invoices"));
    stack.pass(1_000);
    await stack.mustUp(stack.named("returns"));
    expect(stack.previous.map(({ sourceUri }) => sourceUri)).toEqual([stack.uri, stack.uriOf("invoices")]);
  });

  it("replaces the first object's earlier backup when it names the first object again", async () => {
    const first = stack.outputs.versions;
    await stack.mustUp(stack.named("invoices"));
    const { blobSha256 } = stack.outputs;
    stack.pass(1_000);
    await stack.mustUp();
    expect(stack.outputs).toMatchObject({ ...stack.named("orders"), versions: first });
    expect(hashes()).toEqual([blobSha256]);
  });

  it("keeps the first object's earlier backup if the first object was created anew meanwhile", async () => {
    const { blobSha256 } = stack.outputs;
    await stack.mustUp(stack.named("invoices"));
    await stack.createAnew();
    await stack.mustUp();
    expect(hashes()).toContain(blobSha256);
    expect(stack.previous).toHaveLength(2);
  });

  it("leaves the record of the first object as it was if the other object is not there", async () => {
    const { outputs } = stack;
    expect(await stack.up(stack.named("returns"))).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });

  it("keeps the first object's backup also if its versions are unknown", async () => {
    stack.engine.edit({ ...stack.outputs, versions: [] });
    await stack.mustUp(stack.named("invoices"));
    expect(stack.previous).toMatchObject([{ sourceUri: stack.uri, versions: [] }]);
  });

  it("keeps the backup of the first vault's object if the other object has the same name in another vault", async () => {
    const { target } = stack.stack;
    const { version } = await stack.stack.copies.create("orders");
    const { blobSha256 } = stack.outputs;
    stack.pass(0);
    await stack.mustUp({ vaultUri: target.vaultUri });
    expect(stack.outputs).toMatchObject({ vaultUri: target.vaultUri, versions: [version] });
    expect(stack.previous).toMatchObject([{ blobSha256, sourceUri: stack.uri }]);
    expect(stack.asked).toEqual([]);
  });

  it("keeps the backup of the first vault's object if the other object is a copy with the same versions", async () => {
    const { target, copies } = stack.stack;
    const { blobSha256, blob } = stack.outputs;
    expect(await copies.restore(String(blob))).toBe(true);
    await stack.mustUp({ vaultUri: target.vaultUri });
    expect(hashes()).toEqual([blobSha256]);
  });
});
