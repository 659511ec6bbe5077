import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

// Of a vault whose deletions and purges take a moment, as those of Key Vault do.
const slow = { deletionMilliseconds: 400, purgeMilliseconds: 400 };
// The last delay is longer than an operation may take: a missing permission is given up after an answer, never in the
// middle of an attempt.
const patient = { freeName: 10_000, notReady: [...Array<number>(40).fill(50), 60_000], transient: 20 };

/** A replica in the target vault, and a newer backup. */
async function outdatedReplica(kind: ObjectKind): Promise<void> {
  stack = await service.stackOf(kind, slow, patient);
  await stack.backedUp();
  if (!(await stack.restore.up(stack.restoring()))) throw stack.restore.failure;
  await stack.rotated();
  stack.target.clearRequests();
}

const recreate = () => stack.restore.up(stack.restoring({ onNewVersions: "recreate" }));

describe.each(objectKinds)("the recreation of a $noun", (kind) => {
  beforeEach(() => outdatedReplica(kind));

  it("waits for the end of the deletion, and for the name after the purge", async () => {
    expect([await recreate(), stack.restore.failureMessage]).toEqual([true, ""]);
    expect(stack.copies.versions("orders").length).toBe(2);
  });

  it("says that the object is gone, and that the backup holds it, if the restore fails", async () => {
    stack.copies.permissions.delete("restore");
    expect(await recreate()).toBe(false);
    expect(stack.restore.failureMessage).toMatch(/was deleted and purged, and is not restored yet\. The backup holds/);
    expect(stack.restore.failureMessage).toContain(kind.permissions.restore.dataAction);
    stack.copies.permissions.add("restore");
    expect([await recreate(), stack.restore.failureMessage]).toEqual([true, ""]);
  });
});

it("The recreation of a certificate waits for the name although it may look at certificates and keys alone.", async () => {
  await outdatedReplica(certificate);
  stack.target.secrets.permissions.clear();
  expect([await recreate(), stack.restore.failureMessage]).toEqual([true, ""]);
  stack.target.keys.permissions.clear();
  await stack.rotated();
  expect([await recreate(), stack.restore.failureMessage]).toEqual([true, ""]);
});

it("The recreation of a secret needs no permission to read values.", async () => {
  await outdatedReplica(secret);
  stack.target.secrets.permissions.delete("get");
  expect([await recreate(), stack.restore.failureMessage]).toEqual([true, ""]);
  expect(stack.target.secrets.versions("orders").length).toBe(2);
});

it("A secret whose older copy is in the vault is refused without a look at any value.", async () => {
  stack = await service.stackOf(secret);
  await stack.backedUp();
  await stack.copies.restore(await stack.objects.backUp("orders"));
  await stack.rotated();
  expect(await stack.restore.up(stack.restoring())).toBe(false);
  expect(stack.restore.failureMessage).toContain("an older copy is there");
  expect([stack.source.count("get"), stack.target.count("get")]).toEqual([0, 0]);
});
