import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import { type Restoration, restore } from "../../../../src/keyVault/operations/restore";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { places } from "../../../support/keyVault/places";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let target: LocalVault;
let copies: ReturnType<LocalVault["collection"]>;
let blob: string;
/** Of the object in the blob, newest first. */
let versions: string[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

/** An empty vault, and a backup of an object with two versions of one second. */
async function newTarget(kind: ObjectKind, options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  const source = await service.createVault(undefined, { kind: options.kind ?? "vault" });
  const objects = source.collection(kind.collection);
  const first = await objects.create("orders");
  const second = await objects.rotate("orders");
  blob = await objects.backUp("orders");
  versions = [second.version, first.version];
  target = await service.createVault(undefined, options);
  copies = target.collection(kind.collection);
}

const restoring = (kind: ObjectKind, expectedName: string | undefined) => () =>
  restore(connectTo(service, target, { clock }), kind, blob, expectedName);

const asked = () => target.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);

/** Gives the name in the blob to an object that was purged a moment ago. */
async function justPurged(kind: ObjectKind): Promise<void> {
  await newTarget(kind, { purgeMilliseconds: 3_600_000 });
  await copies.create("orders");
  copies.delete("orders");
  copies.purge("orders");
}

const versionsIn = (restored: Restoration) =>
  restored.kind === "restored" ? restored.versions?.map(({ version }) => version) : undefined;

describe.each(places)("a restore of a $noun into a $vaultKind", ({ kind, vaultKind }) => {
  const restoreBlob = restoring(kind, "orders");

  beforeEach(() => newTarget(kind, { kind: vaultKind }));

  it("makes the object with all its versions", async () => {
    const restored = await restoreBlob();
    expect(restored).toMatchObject({ kind: "restored", name: "orders", newest: versions[0] });
    expect(versionsIn(restored)).toEqual(versions);
    expect(
      copies
        .versions("orders")
        .map(({ version }) => version)
        .reverse(),
    ).toEqual(versions);
    expect(asked()).toEqual(["restore", "listVersions"]);
    expect(target.requestsOf("get", "secrets")).toEqual([]);
  });

  it.each([undefined, "invoices"])("tells the name that is in the blob, even if %s was expected", async (expected) => {
    expect(await restoring(kind, expected)()).toMatchObject({ kind: "restored", name: "orders" });
  });

  it("finds the name taken by an object in use, and changes nothing", async () => {
    const { version } = await copies.create("orders");
    const taken = {
      kind: "nameTaken",
      name: "orders",
      occupant: kind,
      isSoftDeleted: false,
      isManaged: false,
      mayBeDone: false,
    };
    expect(await restoreBlob()).toEqual(taken);
    expect(await restoring(kind, undefined)()).toEqual(taken);
    expect(copies.versions("orders").map((one) => one.version)).toEqual([version]);
    expect(clock.elapsed()).toBe(0);
  });

  it("finds the name taken by a soft-deleted object", async () => {
    await copies.create("orders");
    copies.delete("orders");
    const taken = {
      kind: "nameTaken",
      name: "orders",
      occupant: kind,
      isSoftDeleted: true,
      isManaged: false,
      mayBeDone: false,
    };
    expect(await restoreBlob()).toEqual(taken);
    expect(await restoring(kind, undefined)()).toEqual(taken);
    expect(clock.elapsed()).toBe(0);
  });
});

describe.each(objectKinds)("a restore of a $noun", (kind) => {
  const restoreBlob = restoring(kind, "orders");

  beforeEach(() => newTarget(kind));

  it("succeeds even if the restored versions cannot be listed", async () => {
    copies.permissions.delete("list");
    expect(await restoreBlob()).toMatchObject({ kind: "restored", newest: versions[0], versions: undefined });
  });

  it.each([undefined, "invoices"])(
    "takes the name from the service's answer rather than the expected one (%s)",
    async (expected) => {
      await copies.create("orders");
      expect(await restoring(kind, expected)()).toMatchObject({ kind: "nameTaken", name: "orders" });
    },
  );

  it("takes the name from the words that the service used until 2020", async () => {
    const uri = `${target.vaultUri}${kind.collection}/orders/${versions[0]}`;
    const message = `Conflict while restoring ${kind.noun} ${uri} - ${kind.noun} already exists or concurrent access`;
    target.fail("restore", { kind: "status", status: 409, body: { error: { code: "Conflict", message } } });
    await copies.create("orders");
    expect(await restoring(kind, undefined)()).toMatchObject({ kind: "nameTaken", name: "orders" });
  });

  it("takes the expected name if the service names none, and fails if none is expected", async () => {
    target.fail("restore", { kind: "status", status: 409 }, 2);
    await copies.create("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", name: "orders" });
    expect((await failureOf(restoring(kind, undefined)())).code).toBe("name-taken");
  });

  it("waits while an object of the name is being deleted, and then finds it soft-deleted", async () => {
    await newTarget(kind, { deletionMilliseconds: 40_000 });
    await copies.create("orders");
    copies.delete("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", isSoftDeleted: true });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(40_000);
    // While the name is in transition, the restore alone is repeated.
    expect(target.count("listVersions")).toBe(1);
  });

  it("waits while an object of the name is being recovered, and then finds it in use", async () => {
    await newTarget(kind, { recoveryMilliseconds: 20_000 });
    await copies.create("orders");
    copies.delete("orders");
    copies.recover("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", isSoftDeleted: false });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(20_000);
  });

  it("waits after a purge until the name is free", async () => {
    await newTarget(kind, { purgeMilliseconds: 54_000 });
    await copies.create("orders");
    copies.delete("orders");
    copies.purge("orders");
    expect(await restoreBlob()).toMatchObject({ kind: "restored" });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(54_000);
    expect(clock.elapsed()).toBeLessThan(75_000);
  });

  it.each(["lostAnswer", "truncated", "cutJson"] as const)(
    "says that it may have made the object itself if an earlier answer did not arrive whole (%s)",
    async (fault) => {
      target.fail("restore", { kind: fault });
      const taken = {
        kind: "nameTaken",
        name: "orders",
        occupant: kind,
        isSoftDeleted: false,
        isManaged: false,
        mayBeDone: true,
      };
      expect(await restoreBlob()).toEqual(taken);
      expect(copies.has("orders")).toBe(true);
    },
  );

  it("reports the conflict if the permission to list is missing", async () => {
    await justPurged(kind);
    copies.permissions.delete("list");
    expect((await failureOf(restoreBlob())).code).toBe("name-taken");
    expect(clock.elapsed()).toBe(0);
  });

  it("reports the conflict if deleted objects cannot be seen", async () => {
    await justPurged(kind);
    target.fail("getDeleted", { kind: "forbidden", reason: "rbac" });
    target.fail("listDeleted", { kind: "forbidden", reason: "rbac" });
    expect((await failureOf(restoreBlob())).code).toBe("name-taken");
    expect(clock.elapsed()).toBe(0);
  });

  it.each(["listVersions", "getDeleted"] as const)(
    "reports the failure of the connection if %s fails",
    async (operation) => {
      await justPurged(kind);
      target.fail(operation, { kind: "reset" }, Number.POSITIVE_INFINITY);
      expect((await failureOf(restoreBlob())).code).toBe("connection");
    },
  );

  it("finds the name taken by a soft-deleted object even if the identity may not see deleted objects", async () => {
    await copies.create("orders");
    copies.delete("orders");
    target.fail("getDeleted", { kind: "forbidden", reason: "rbac" });
    target.fail("listDeleted", { kind: "forbidden", reason: "rbac" });
    expect(await restoreBlob()).toMatchObject({
      kind: "nameTaken",
      occupant: { noun: kind.noun },
      isSoftDeleted: true,
    });
  });

  it("of a backup of another geography is refused, and nothing is waited for", async () => {
    await newTarget(kind, { geography: "United States" });
    expect((await failureOf(restoreBlob())).code).toBe("blob-other-geography");
    expect(clock.elapsed()).toBe(0);
    expect(target.count("restore")).toBe(1);
  });

  it("of a backup of an object of another kind is refused", async () => {
    for (const other of objectKinds.filter((one) => one !== kind)) {
      await newTarget(other);
      expect((await failureOf(restoring(kind, "orders")())).code).toBe("blob-damaged");
    }
  });
});

describe("a restore of a key into a Managed HSM", () => {
  it("of a backup of another security domain is refused", async () => {
    await newTarget(key, { kind: "managedHsm", securityDomain: "fabrikam" });
    expect((await failureOf(restoring(key, "orders")())).code).toBe("blob-other-hsm");
  });
});

describe("a restore of a secret", () => {
  it("finds the name taken by a disabled, soft-deleted secret", async () => {
    await newTarget(secret);
    await target.secrets.create("orders", { enabled: false });
    target.secrets.delete("orders");
    expect(await restoring(secret, "orders")()).toMatchObject({
      kind: "nameTaken",
      occupant: { noun: "secret" },
      isSoftDeleted: true,
    });
    expect(target.requestsOf("get", "secrets")).toEqual([]);
  });
});

describe.each([key, secret])("a restore of a certificate whose name a $noun has", (kind) => {
  const restoreBlob = restoring(certificate, "orders");
  const occupants = () => target.collection(kind.collection);

  beforeEach(async () => {
    await newTarget(certificate);
    await occupants().create("orders");
  });

  it.each([
    ["in use", false],
    ["soft-deleted", true],
  ])("finds it %s, and changes nothing", async (_, isSoftDeleted) => {
    if (isSoftDeleted) occupants().delete("orders");
    const taken = {
      kind: "nameTaken",
      name: "orders",
      occupant: kind,
      isSoftDeleted,
      isManaged: false,
      mayBeDone: false,
    };
    expect(await restoreBlob()).toEqual(taken);
    expect(occupants().has("orders")).toBe(!isSoftDeleted);
    expect(target.certificates.names).toEqual([]);
    expect(target.requestsOf("get", "secrets")).toEqual([]);
    expect(clock.elapsed()).toBe(0);
  });

  it.each([undefined, "invoices"])(
    "takes the name from the service's answer rather than the expected one (%s)",
    async (expected) => {
      occupants().delete("orders");
      const taken = { kind: "nameTaken", name: "orders", occupant: { noun: kind.noun }, isSoftDeleted: true };
      expect(await restoring(certificate, expected)()).toMatchObject(taken);
    },
  );

  it("reports the conflict if it may not be looked at, after the wait for a name that was just purged", async () => {
    occupants().permissions.clear();
    const { code, message } = await failureOf(restoreBlob());
    expect(code).toBe("name-taken");
    expect(message).toMatch(/certificate.*key.*secret/);
    expect(clock.elapsed()).toBeGreaterThan(60_000);
    expect(clock.elapsed()).toBeLessThanOrEqual(120_000);
  });

  it("finds it soft-deleted even if it may not be looked at, as the service's answer says so", async () => {
    occupants().delete("orders");
    occupants().permissions.clear();
    expect(await restoreBlob()).toMatchObject({
      kind: "nameTaken",
      occupant: { noun: kind.noun },
      isSoftDeleted: true,
    });
  });
});

describe("a restore of a certificate without the permission to look at keys", () => {
  const restoreBlob = restoring(certificate, "orders");

  beforeEach(async () => {
    await newTarget(certificate);
    target.keys.permissions.clear();
  });

  it("is made if the name is free", async () => {
    expect(await restoreBlob()).toMatchObject({ kind: "restored", name: "orders" });
  });

  it("finds the name taken by a certificate", async () => {
    await target.certificates.create("orders");
    expect(await restoreBlob()).toMatchObject({
      kind: "nameTaken",
      occupant: { noun: "certificate" },
      isSoftDeleted: false,
    });
  });

  it("finds the name taken by a soft-deleted secret", async () => {
    await target.secrets.create("orders");
    target.secrets.delete("orders");
    const occupant = { noun: "secret" };
    expect(await restoreBlob()).toMatchObject({ kind: "nameTaken", occupant, isSoftDeleted: true });
  });
});
