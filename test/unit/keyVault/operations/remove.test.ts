import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { type RemovalCandidate, remove } from "../../../../src/keyVault/operations/remove";
import { key } from "../../../../src/objects/key";
import { connectTo } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;
/** What was looked at, in turn. */
let looks: RemovalCandidate[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  service.identity.tokenLifetimeSeconds = 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(() => newVault());

async function newVault(options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  local = await service.createVault(undefined, options);
  await local.keys.create("orders", { tags: { team: "sales" } });
  looks = [];
}

const removeOrders = (isExpected: (candidate: RemovalCandidate) => boolean = () => true, waits: Partial<Waits> = {}) =>
  remove(connectTo(service, local, { clock, waits }), key, "orders", (candidate) => {
    looks.push(candidate);
    return isExpected(candidate);
  });

const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
const expectGone = () => expect([local.keys.has("orders"), local.keys.isDeleted("orders")]).toEqual([false, false]);

describe.each(["vault", "managedHsm"] as const)("a key that is removed from a %s", (kind) => {
  beforeEach(() => newVault({ kind }));

  it("is looked at before it is deleted and before it is purged", async () => {
    const first = local.keys.versions("orders")[0]?.version;
    clock.advance(5_000);
    const { version } = await local.keys.rotate("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
    expect(looks).toMatchObject([
      { version, tags: { team: "sales" }, versions: [version, first] },
      { version, tags: { team: "sales" }, versions: undefined },
    ]);
    expect(asked().filter((operation) => operation !== "getDeleted")).toEqual(["listVersions", "delete", "purge"]);
  });

  it("is left alone if it is another one", async () => {
    expect(await removeOrders(() => false)).toEqual({ kind: "anotherObject", isSoftDeleted: false });
    expect(local.keys.has("orders")).toBe(true);
    expect(asked()).toEqual(["listVersions"]);
  });

  it("is not purged if another one was deleted in its place", async () => {
    expect(await removeOrders(({ versions }) => versions !== undefined)).toEqual({
      kind: "anotherObject",
      isSoftDeleted: true,
    });
    expect(local.keys.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(0);
  });

  it("is purged if it is soft-deleted already", async () => {
    local.keys.delete("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
    expect(local.count("delete")).toBe(0);
    expect(looks).toMatchObject([{ versions: undefined }]);
  });

  it("is left alone if it is soft-deleted and another one", async () => {
    local.keys.delete("orders");
    expect(await removeOrders(() => false)).toEqual({ kind: "anotherObject", isSoftDeleted: true });
    expect(local.keys.isDeleted("orders")).toBe(true);
  });
});

describe("a key that is removed", () => {
  it("is gone if somebody else has removed it before", async () => {
    local.keys.delete("orders");
    local.keys.purge("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expect(looks).toEqual([]);
  });

  it("is gone if somebody else deletes it meanwhile", async () => {
    local.afterRequest("listVersions", () => local.keys.delete("orders"));
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is gone if somebody else deletes and purges it meanwhile", async () => {
    local.afterRequest("listVersions", () => {
      local.keys.delete("orders");
      local.keys.purge("orders");
    });
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is gone if somebody else purges it meanwhile", async () => {
    local.onRequest("purge", () => local.keys.purge("orders"));
    expect(await removeOrders()).toEqual({ kind: "removed" });
  });

  it("is gone even if answers to the requests are lost", async () => {
    local.fail("delete", { kind: "lostAnswer" });
    local.fail("purge", { kind: "lostAnswer" });
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is purged once its deletion is over", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    local.afterRequest("delete", () => void setTimeout(() => clock.advance(60_000), 20));
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is removed once the permissions take effect", async () => {
    local.fail("delete", { kind: "forbidden", reason: "rbac" });
    local.fail("purge", { kind: "forbidden", reason: "rbac" });
    expect(await removeOrders()).toEqual({ kind: "removed" });
  });

  it("stays soft-deleted in a vault with purge protection, and the date is told", async () => {
    await newVault({ purgeProtection: true, retentionDays: 7 });
    const purgedAt = Math.floor(clock.now() / 1000) * 1000 + 7 * 86_400_000;
    expect(await removeOrders()).toEqual({ kind: "notPurgeable", purgedAt });
    expect(local.keys.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(0);
  });
});

describe("a removal that fails", () => {
  const bounded = { operation: 100, read: 100, notReady: [1_000] };

  it.each([
    ["if the key cannot be looked at", "list", "list the versions of", false, true],
    ["if it may not be deleted", "delete", "delete key", false, true],
    ["if it may not be looked at before the purge", "get", "deleted key", true, false],
    ["if it may not be purged", "purge", "purge key", true, false],
  ] as const)("%s says what is left", async (_, permission, because, isSoftDeleted, isThere) => {
    local.keys.permissions.delete(permission);
    const removal = await removeOrders(undefined, bounded);
    expect(removal).toEqual({ kind: "failed", isSoftDeleted, because: expect.stringContaining(because) });
    expect(local.keys.has("orders")).toBe(isThere);
    expect(local.keys.isDeleted("orders")).toBe(!isThere);
  });

  it("because a proxy answers 404 does not take the key for removed", async () => {
    local.fail("delete", { kind: "html", status: 404 });
    expect(await removeOrders()).toMatchObject({ kind: "failed", isSoftDeleted: false });
    local.keys.delete("orders");
    local.fail("purge", { kind: "html", status: 404 });
    expect(await removeOrders()).toMatchObject({ kind: "failed", isSoftDeleted: true });
    expect(local.keys.isDeleted("orders")).toBe(true);
  });

  it("because the vault does not answer about a key that is not there does not claim that it is soft-deleted", async () => {
    local.keys.delete("orders");
    local.keys.purge("orders");
    local.keys.permissions.delete("get");
    expect(await removeOrders(undefined, bounded)).toMatchObject({ kind: "failed", isSoftDeleted: false });
  });

  it("because the caller's check fails is told, not thrown", async () => {
    const removal = await removeOrders(() => {
      throw new Error("No idea.");
    });
    expect(removal).toEqual({ kind: "failed", isSoftDeleted: false, because: "No idea." });
  });
});
