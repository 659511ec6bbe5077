import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isPurgeable } from "../../../src/keyVault/purgeability";
import type { Vault } from "../../../src/keyVault/vault";
import type { VaultConnection, Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { impatientVault } from "../../support/model/impatientVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

const probe = "restore-drill-probe";
const protections = [false, true];
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

const newVault = (purgeProtection: boolean, deletionMilliseconds = 0) =>
  service.createVault(undefined, { purgeProtection, deletionMilliseconds });

function open(local: LocalVault, waits: Partial<Waits> = {}): Vault {
  return impatientVault(service, local, waits);
}

const asked = (local: LocalVault) =>
  local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);

async function message(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error("did not fail"),
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : `not an Error: ${error}`;
}

describe.each(protections)("a vault whose purge protection is %p", (purgeProtection) => {
  it("tells it by any key, and nothing is changed", async () => {
    const local = await newVault(purgeProtection);
    await local.createKey("invoices");
    await local.createKey("orders");
    expect(await open(local).isPurgeable()).toBe(!purgeProtection);
    expect(local.keyNames).toEqual(["invoices", "orders"]);
    expect(asked(local)).toEqual(["list"]);
  });

  it("tells it by a soft-deleted key where none is in use", async () => {
    const local = await newVault(purgeProtection);
    await local.createKey("orders");
    local.deleteKey("orders");
    expect(await open(local).isPurgeable()).toBe(!purgeProtection);
    expect(local.isDeleted("orders")).toBe(true);
    expect(asked(local)).toEqual(["list", "listDeleted"]);
  });

  it("tells it without any key by one that is created for that, and that is in use no more", async () => {
    const local = await newVault(purgeProtection);
    expect(await open(local).isPurgeable()).toBe(!purgeProtection);
    expect(local.keyNames).toEqual([]);
    expect(local.isDeleted(probe)).toBe(purgeProtection);
    expect(asked(local)).toEqual([
      "list",
      "listDeleted",
      "create",
      "delete",
      "getDeleted",
      ...(purgeProtection ? [] : ["purge"]),
    ]);
  });

  it("is asked once by those who ask together and later", async () => {
    const local = await newVault(purgeProtection);
    const vault = open(local);
    const answers = await Promise.all([1, 2, 3].map(() => vault.isPurgeable()));
    expect([...answers, await vault.isPurgeable()]).toEqual(Array(4).fill(!purgeProtection));
    expect(local.count("create")).toBe(1);
    expect(local.count("list")).toBe(1);
  });
});

it("a vault that cannot purge its probe creates no other one, as that one tells from then on", async () => {
  const local = await newVault(true);
  expect(await open(local).isPurgeable()).toBe(false);
  local.clearRequests();
  expect(await open(local).isPurgeable()).toBe(false);
  expect(asked(local)).toEqual(["list", "listDeleted"]);
});

it("a probe that is still being deleted is waited for", async () => {
  const local = await newVault(false, 50);
  expect(await open(local, { freeName: 5_000, notReady: [10] }).isPurgeable()).toBe(true);
  expect(local.isDeleted(probe)).toBe(false);
});

it("a probe of a run that was interrupted tells, and is not in use any more", async () => {
  const local = await newVault(false);
  await local.createKey(probe);
  expect(await open(local).isPurgeable()).toBe(true);
  expect(local.keyNames).toEqual([]);
});

it("keys that do not tell are passed over, and the next that does is the answer", async () => {
  const local = await newVault(false);
  const silent = { kid: `${local.vaultUri}keys/silent`, attributes: { enabled: true } };
  const telling = { kid: `${local.vaultUri}keys/telling`, attributes: { recoveryLevel: "Recoverable" } };
  local.fail("list", { kind: "value", value: [silent, telling] });
  expect(await open(local).isPurgeable()).toBe(false);
  expect(local.count("create")).toBe(0);
});

it.each([
  ["Purgeable", true],
  ["Recoverable+Purgeable", true],
  ["CustomizedRecoverable+Purgeable", true],
  ["Recoverable", false],
  ["Recoverable+ProtectedSubscription", false],
  ["CustomizedRecoverable", false],
  ["CustomizedRecoverable+ProtectedSubscription", false],
])("the recovery level %s says whether a key can be purged: %p", async (recoveryLevel, isPurgeable) => {
  const local = await newVault(false);
  const key = { kid: `${local.vaultUri}keys/orders`, attributes: { recoveryLevel } };
  local.fail("list", { kind: "value", value: [key] });
  expect(await open(local).isPurgeable()).toBe(isPurgeable);
});

describe("what hinders the question", () => {
  it("is told, and it is asked again", async () => {
    const local = await newVault(false);
    const vault = open(local);
    local.permissions.delete("create");
    expect(await message(vault.isPurgeable())).toContain(
      `Key Vault refused to create key "${probe}" in ${new URL(local.vaultUri).host}: 403 Forbidden (ForbiddenByRbac)`,
    );
    local.permissions.add("create");
    expect(await vault.isPurgeable()).toBe(true);
  });

  it.each([
    ["list", "rbac", "a key in localhost", "data action Microsoft.KeyVault/vaults/keys/read, for instance"],
    ["list", "accessPolicy", "a key in localhost", 'key permission "list" in an access policy'],
    [
      "create",
      "rbac",
      `key "${probe}" in`,
      "vaults/keys/create/action, for instance with the role Key Vault Crypto Officer.",
    ],
    ["create", "accessPolicy", `key "${probe}" in`, 'key permission "create" in an access policy'],
    [
      "purge",
      "rbac",
      `key "${probe}" in`,
      "vaults/keys/purge/action, for instance with the role Key Vault Crypto Officer.",
    ],
  ] as const)("names the permission to %s that is missing (%s)", async (permission, authorization, key, remedy) => {
    const local = await newVault(false);
    local.authorization = authorization;
    local.permissions.delete(permission);
    const text = await message(open(local).isPurgeable());
    expect(text).toContain(key);
    expect(text).toContain(remedy);
  });

  it("is waited for where it is a role assignment that has not propagated", async () => {
    const local = await newVault(false);
    local.grantAfter({ requests: 3 });
    expect(await open(local, { notReady: [1] }).isPurgeable()).toBe(true);
  });
});

/** A connection to an empty Managed HSM that is not there: it records the keys that it is asked to create. */
function managedHsm(created: object[]): VaultConnection {
  async function* none() {}
  const client = {
    listPropertiesOfKeys: none,
    listDeletedKeys: none,
    createEcKey: async (name: string, options: object) => {
      created.push({ name, ...options });
      return { properties: { recoveryLevel: "Recoverable+Purgeable" } };
    },
    beginDeleteKey: async () => ({ pollUntilDone: async () => undefined }),
    purgeDeletedKey: async () => undefined,
  };
  const requests = { client, signal: new AbortController().signal, mayBeDone: () => false };
  const carryOut = <T>(_: object, act: (given: typeof requests) => Promise<T>) => act(requests);
  const vaultUri = "https://hsm.managedhsm.azure.net/";
  return { vaultUri, waits: { transient: 1 }, carryOut } as unknown as VaultConnection;
}

// Microsoft's about-keys: of elliptic keys, a Managed HSM has those of the type EC-HSM only.
it("the probe of a Managed HSM, with a client in the service's place, is a key in hardware", async () => {
  const created: object[] = [];
  expect(await isPurgeable(managedHsm(created))).toBe(true);
  expect(created).toEqual([expect.objectContaining({ name: probe, hsm: true })]);
});
