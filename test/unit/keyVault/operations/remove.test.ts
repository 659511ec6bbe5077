import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { type RemovalCandidate, remove } from "../../../../src/keyVault/operations/remove";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { connectTo } from "../../../support/keyVault/localConnection";
import { places } from "../../../support/keyVault/places";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;
let objects: ReturnType<LocalVault["collection"]>;
/** What was looked at, in turn. */
let looks: RemovalCandidate[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  service.identity.tokenLifetimeSeconds = 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

/** An object in an empty vault. */
async function newVault(kind: ObjectKind, options: VaultOptions = {}, enabled = true): Promise<void> {
  clock = virtualClock();
  local = await service.createVault(undefined, options);
  objects = local.collection(kind.collection);
  await objects.create("orders", { tags: { team: "sales" }, enabled });
  looks = [];
}

const removing =
  (kind: ObjectKind) =>
  (isExpected: (candidate: RemovalCandidate) => boolean = () => true, waits: Partial<Waits> = {}) =>
    remove(connectTo(service, local, { clock, waits }), kind, "orders", (candidate) => {
      looks.push(candidate);
      return isExpected(candidate);
    });

const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
const expectGone = () => expect([objects.has("orders"), objects.isDeleted("orders")]).toEqual([false, false]);

describe.each(places)("a $noun that is removed from a $vaultKind", ({ kind, vaultKind }) => {
  const removeOrders = removing(kind);

  beforeEach(() => newVault(kind, { kind: vaultKind }));

  it("is looked at before it is deleted and before it is purged", async () => {
    const first = objects.versions("orders")[0]?.version;
    clock.advance(5_000);
    const { version } = await objects.rotate("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
    expect(looks).toMatchObject([
      { version, tags: { team: "sales" }, versions: [version, first] },
      { version, tags: { team: "sales" }, versions: undefined },
    ]);
    expect(asked().filter((operation) => operation !== "getDeleted")).toEqual(["listVersions", "delete", "purge"]);
    expect(local.requestsOf("get", "secrets")).toEqual([]);
  });

  it("is left alone if it is another one", async () => {
    expect(await removeOrders(() => false)).toEqual({ kind: "anotherObject", isSoftDeleted: false });
    expect(objects.has("orders")).toBe(true);
    expect(asked()).toEqual(["listVersions"]);
  });

  it("is not purged if another one was deleted in its place", async () => {
    expect(await removeOrders(({ versions }) => versions !== undefined)).toEqual({
      kind: "anotherObject",
      isSoftDeleted: true,
    });
    expect(objects.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(0);
  });

  it("is purged if it is soft-deleted already", async () => {
    objects.delete("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
    expect(local.count("delete")).toBe(0);
    expect(looks).toMatchObject([{ versions: undefined }]);
  });

  it("is left alone if it is soft-deleted and another one", async () => {
    objects.delete("orders");
    expect(await removeOrders(() => false)).toEqual({ kind: "anotherObject", isSoftDeleted: true });
    expect(objects.isDeleted("orders")).toBe(true);
  });
});

describe.each(objectKinds)("a $noun that is removed", (kind) => {
  const removeOrders = removing(kind);

  beforeEach(() => newVault(kind));

  it("is gone if somebody else has removed it before", async () => {
    objects.delete("orders");
    objects.purge("orders");
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expect(looks).toEqual([]);
  });

  it("is gone if somebody else deletes it meanwhile", async () => {
    local.afterRequest("listVersions", () => objects.delete("orders"));
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is gone if somebody else deletes and purges it meanwhile", async () => {
    local.afterRequest("listVersions", () => {
      objects.delete("orders");
      objects.purge("orders");
    });
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is gone if somebody else purges it meanwhile", async () => {
    local.onRequest("purge", () => objects.purge("orders"));
    expect(await removeOrders()).toEqual({ kind: "removed" });
  });

  it("is gone even if answers to the requests are lost", async () => {
    local.fail("delete", { kind: "lostAnswer" });
    local.fail("purge", { kind: "lostAnswer" });
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
  });

  it("is purged once its deletion is over", async () => {
    await newVault(kind, { deletionMilliseconds: 60_000 });
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
    await newVault(kind, { purgeProtection: true, retentionDays: 7 });
    const purgedAt = Math.floor(clock.now() / 1000) * 1000 + 7 * 86_400_000;
    expect(await removeOrders()).toEqual({ kind: "notPurgeable", purgedAt });
    expect(objects.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(0);
  });
});

describe.each(objectKinds)("a removal of a $noun that fails", (kind) => {
  const bounded = { operation: 100, read: 100, notReady: [1_000] };
  const removeOrders = removing(kind);

  beforeEach(() => newVault(kind));

  it.each([
    ["if the object cannot be looked at", "list", "list the versions of", false, true],
    ["if it may not be deleted", "delete", `delete ${kind.noun}`, false, true],
    ["if it may not be purged", "purge", `purge ${kind.noun}`, true, false],
  ] as const)("%s says what is left", async (_, permission, because, isSoftDeleted, isThere) => {
    objects.permissions.delete(permission);
    const removal = await removeOrders(undefined, bounded);
    expect(removal).toEqual({ kind: "failed", isSoftDeleted, because: expect.stringContaining(because) });
    expect(objects.has("orders")).toBe(isThere);
    expect(objects.isDeleted("orders")).toBe(!isThere);
  });

  it("if it may not be looked at before the purge says what is left", async () => {
    objects.permissions.delete("get");
    local.fail("listDeleted", { kind: "forbidden", reason: "rbac" }, Number.POSITIVE_INFINITY);
    const because = expect.stringContaining(`read the deleted ${kind.noun}`);
    expect(await removeOrders(undefined, bounded)).toEqual({ kind: "failed", isSoftDeleted: true, because });
    expect(local.count("purge")).toBe(0);
  });

  it("because a proxy answers 404 does not take the object for removed", async () => {
    local.fail("delete", { kind: "html", status: 404 });
    expect(await removeOrders()).toMatchObject({ kind: "failed", isSoftDeleted: false });
    objects.delete("orders");
    local.fail("purge", { kind: "html", status: 404 });
    expect(await removeOrders()).toMatchObject({ kind: "failed", isSoftDeleted: true });
    expect(objects.isDeleted("orders")).toBe(true);
  });

  it("because the vault does not answer about a missing object does not claim that it is soft-deleted", async () => {
    objects.delete("orders");
    objects.purge("orders");
    local.fail("getDeleted", { kind: "forbidden", reason: "firewall" }, Number.POSITIVE_INFINITY);
    local.fail("listDeleted", { kind: "forbidden", reason: "firewall" }, Number.POSITIVE_INFINITY);
    expect(await removeOrders(undefined, bounded)).toMatchObject({ kind: "failed", isSoftDeleted: false });
  });

  it("because the caller's check fails is told, not thrown", async () => {
    const removal = await removeOrders(() => {
      throw new Error("No idea.");
    });
    expect(removal).toEqual({ kind: "failed", isSoftDeleted: false, because: "No idea." });
  });
});

describe("a secret that cannot be read", () => {
  const removeOrders = removing(secret);

  it.each([
    ["because it is disabled", false],
    ["because the identity may not read values", true],
  ])("%s is purged, as the answer to its deletion tells its version", async (_, enabled) => {
    await newVault(secret, {}, enabled);
    if (enabled) local.secrets.permissions.delete("get");
    const version = local.secrets.versions("orders")[0]?.version;
    expect(await removeOrders()).toEqual({ kind: "removed" });
    expectGone();
    expect(looks).toMatchObject([
      { version, versions: [version] },
      { version, tags: { team: "sales" }, versions: undefined },
    ]);
    expect(local.requestsOf("get", "secrets")).toEqual([]);
  });

  it.each([
    ["because it is disabled", false],
    ["because the identity may not read values", true],
  ])("%s is not purged if it was soft-deleted before, as its version is unknown", async (_, enabled) => {
    await newVault(secret, {}, enabled);
    if (enabled) local.secrets.permissions.delete("get");
    local.secrets.delete("orders");
    const because = expect.stringContaining("version");
    expect(await removeOrders()).toEqual({ kind: "failed", isSoftDeleted: true, because });
    expect(looks).toEqual([]);
    expect(local.secrets.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(0);
  });

  it("is not purged if somebody else deleted it meanwhile, as its version is unknown", async () => {
    await newVault(secret, {}, false);
    local.afterRequest("listVersions", () => local.secrets.delete("orders"));
    expect(await removeOrders()).toMatchObject({ kind: "failed", isSoftDeleted: true });
    expect(local.secrets.isDeleted("orders")).toBe(true);
  });
});

describe("a certificate that is removed", () => {
  it("takes its key and its secret with it, which are asked nothing", async () => {
    await newVault(certificate);
    expect(await removing(certificate)()).toEqual({ kind: "removed" });
    for (const { collection } of objectKinds) {
      objects = local.collection(collection);
      expectGone();
    }
    expect(new Set(local.requests.map(({ collection }) => collection))).toEqual(new Set(["certificates"]));
  });
});

describe.each([key, secret])("a $noun that belongs to a certificate", (kind) => {
  it("is neither deleted nor purged alone", async () => {
    await newVault(certificate);
    const because = expect.stringMatching(new RegExp(`delete ${kind.noun} "orders".*ManagedByKeyVault`));
    expect(await removing(kind)()).toEqual({ kind: "failed", isSoftDeleted: false, because });
    local.certificates.delete("orders");
    expect(await removing(kind)()).toMatchObject({ kind: "failed", isSoftDeleted: true });
    expect(local.certificates.isDeleted("orders")).toBe(true);
  });
});
