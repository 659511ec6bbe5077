import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { restore } from "../../../../src/keyVault/operations/restore";
import { key } from "../../../../src/objects/key";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let target: LocalVault;
let blob: string;
/** Of the key in the blob, newest first. */
let versions: string[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(() => newTarget());

/** An empty vault, and a backup of a key with two versions of one second. */
async function newTarget(options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  const source = await service.createVault(undefined, { kind: options.kind ?? "vault" });
  const first = await source.keys.create("orders");
  const second = await source.keys.rotate("orders");
  blob = await source.keys.backUp("orders");
  versions = [second.version, first.version];
  target = await service.createVault(undefined, options);
}

const restoreBlob = (expectedName: string | undefined = "orders", waits: Partial<Waits> = {}) =>
  restore(connectTo(service, target, { clock, waits }), key, blob, expectedName);

const asked = () => target.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);

describe.each(["vault", "managedHsm"] as const)("a restore into a %s", (kind) => {
  beforeEach(() => newTarget({ kind }));

  it("makes the key with all its versions", async () => {
    const restored = await restoreBlob();
    expect(restored).toEqual({ kind: "restored", name: "orders", newest: versions[0], versions });
    expect(
      target.keys
        .versions("orders")
        .map(({ version }) => version)
        .reverse(),
    ).toEqual(versions);
    expect(asked()).toEqual(["restore", "listVersions"]);
  });

  it.each([undefined, "invoices"])("tells the name that is in the blob, even if %s was expected", async (expected) => {
    const connection = connectTo(service, target, { clock });
    expect(await restore(connection, key, blob, expected)).toMatchObject({ kind: "restored", name: "orders" });
  });

  it("finds the name taken by a key in use, and changes nothing", async () => {
    const { version } = await target.keys.create("orders");
    const taken = { kind: "nameTaken", name: "orders", isSoftDeleted: false, mayBeDone: false };
    expect(await restoreBlob()).toEqual(taken);
    expect(await restore(connectTo(service, target, { clock }), key, blob, undefined)).toEqual(taken);
    expect(target.keys.versions("orders").map((one) => one.version)).toEqual([version]);
    expect(clock.elapsed()).toBe(0);
  });

  it("finds the name taken by a soft-deleted key", async () => {
    await target.keys.create("orders");
    target.keys.delete("orders");
    const taken = { kind: "nameTaken", name: "orders", isSoftDeleted: true, mayBeDone: false };
    expect(await restoreBlob()).toEqual(taken);
    expect(await restore(connectTo(service, target, { clock }), key, blob, undefined)).toEqual(taken);
    expect(clock.elapsed()).toBe(0);
  });
});

describe("a restore", () => {
  it("succeeds even if the restored versions cannot be listed", async () => {
    target.keys.permissions.delete("list");
    expect(await restoreBlob()).toMatchObject({ kind: "restored", newest: versions[0], versions: undefined });
  });

  it.each([undefined, "invoices"])(
    "takes the name from the service's answer rather than the expected one (%s)",
    async (expected) => {
      await target.keys.create("orders");
      const connection = connectTo(service, target, { clock });
      expect(await restore(connection, key, blob, expected)).toMatchObject({ kind: "nameTaken", name: "orders" });
    },
  );

  it("takes the name from the words that the service used until 2020", async () => {
    const message = `Conflict while restoring key ${target.vaultUri}keys/orders/${versions[0]} - key already exists or concurrent access`;
    target.fail("restore", { kind: "status", status: 409, body: { error: { code: "Conflict", message } } });
    await target.keys.create("orders");
    const connection = connectTo(service, target, { clock });
    expect(await restore(connection, key, blob, undefined)).toMatchObject({ kind: "nameTaken", name: "orders" });
  });

  it("takes the expected name if the service names none, and fails if none is expected", async () => {
    target.fail("restore", { kind: "status", status: 409 }, 2);
    await target.keys.create("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", name: "orders" });
    const connection = connectTo(service, target, { clock });
    expect((await failureOf(restore(connection, key, blob, undefined))).code).toBe("name-taken");
  });

  it("waits while a key of the name is being deleted, and then finds it soft-deleted", async () => {
    await newTarget({ deletionMilliseconds: 40_000 });
    await target.keys.create("orders");
    target.keys.delete("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", isSoftDeleted: true });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(40_000);
    // While the name is in transition, the restore alone is repeated.
    expect(target.count("listVersions")).toBe(1);
  });

  it("waits while a key of the name is being recovered, and then finds it in use", async () => {
    await newTarget({ recoveryMilliseconds: 20_000 });
    await target.keys.create("orders");
    target.keys.delete("orders");
    target.keys.recover("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", isSoftDeleted: false });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(20_000);
  });

  it("waits after a purge until the name is free", async () => {
    await newTarget({ purgeMilliseconds: 54_000 });
    await target.keys.create("orders");
    target.keys.delete("orders");
    target.keys.purge("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "restored" });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(54_000);
    expect(clock.elapsed()).toBeLessThan(75_000);
  });

  it.each(["lostAnswer", "truncated", "cutJson"] as const)(
    "says that it may have made the key itself if an earlier answer did not arrive whole (%s)",
    async (kind) => {
      target.fail("restore", { kind });
      expect(await restoreBlob()).toEqual({ kind: "nameTaken", name: "orders", isSoftDeleted: false, mayBeDone: true });
      expect(target.keys.has("orders")).toBe(true);
    },
  );

  it.each(["list", "get"] as const)("reports the conflict if the permission to %s is missing", async (permission) => {
    await newTarget({ purgeMilliseconds: 3_600_000 });
    await target.keys.create("orders");
    target.keys.delete("orders");
    target.keys.purge("orders");
    target.keys.permissions.delete(permission);
    expect((await failureOf(restoreBlob())).code).toBe("name-taken");
    expect(clock.elapsed()).toBe(0);
  });

  it.each(["listVersions", "getDeleted"] as const)(
    "reports the failure of the connection if %s fails",
    async (operation) => {
      await newTarget({ purgeMilliseconds: 3_600_000 });
      await target.keys.create("orders");
      target.keys.delete("orders");
      target.keys.purge("orders");
      target.fail(operation, { kind: "reset" }, Number.POSITIVE_INFINITY);
      expect((await failureOf(restoreBlob())).code).toBe("connection");
    },
  );

  it("finds the name taken by a soft-deleted key even if the identity may not see deleted keys", async () => {
    await target.keys.create("orders");
    target.keys.delete("orders");
    target.keys.permissions.delete("get");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", isSoftDeleted: true });
  });

  it("of a backup of another geography is refused, and nothing is waited for", async () => {
    await newTarget({ geography: "United States" });
    expect((await failureOf(restoreBlob())).code).toBe("blob-other-geography");
    expect(clock.elapsed()).toBe(0);
    expect(target.count("restore")).toBe(1);
  });

  it("of a backup of another security domain is refused", async () => {
    await newTarget({ kind: "managedHsm", securityDomain: "fabrikam" });
    expect((await failureOf(restoreBlob())).code).toBe("blob-other-hsm");
  });
});
