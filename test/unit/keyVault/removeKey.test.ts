import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { impatientVault } from "../../support/model/impatientVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import type { Fault } from "../../../localVault/vaultFault";
import type { VaultOptions } from "../../../localVault/vaultOptions";

const patient: Partial<Waits> = { freeName: 5_000, notReady: [1] };

let service: LocalKeyVault;
let local: LocalVault;
/** How far the service's clock is ahead, in milliseconds. */
let later = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => Date.now() + later });
  service.identity.tokenLifetimeSeconds = 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(() => newVault());

async function newVault(options: VaultOptions = {}): Promise<void> {
  local = await service.createVault(undefined, options);
  await local.createKey("orders");
}

function open(waits: Partial<Waits> = {}): Vault {
  return impatientVault(service, local, waits);
}

async function message(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error("did not fail"),
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : `not an Error: ${error}`;
}

const host = () => new URL(local.vaultUri).host;
const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
const requestId = () => local.requests.at(-1)?.requestId;

/** Lets time pass before the nth request of the operation from now on is answered. */
function passBefore(nth: number, operation: "delete" | "getDeleted" | "purge", milliseconds: number): void {
  for (let before = 1; before < nth; before += 1) local.onRequest(operation, () => undefined);
  local.onRequest(operation, () => {
    later += milliseconds;
  });
}

describe("deleting a key", () => {
  it("leaves it soft-deleted, with all its versions", async () => {
    await local.rotateKey("orders");
    const versions = local.keyVersions("orders");
    await open().deleteKey("orders");
    expect(local.hasKey("orders")).toBe(false);
    expect(local.deletedKey("orders")?.versions).toEqual(versions);
    expect(asked()).toEqual(["delete", "getDeleted"]);
  });

  it("ends once the deletion is done, and not before", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    passBefore(3, "getDeleted", 60_000);
    await open().deleteKey("orders");
    expect(asked()).toEqual(["delete", "getDeleted", "getDeleted", "getDeleted"]);
    local.recoverKey("orders");
    expect(local.hasKey("orders")).toBe(true);
  });

  it("does no harm where there is none, or a soft-deleted one", async () => {
    await expect(open().deleteKey("invoices")).resolves.toBeUndefined();
    local.deleteKey("orders");
    await expect(open().deleteKey("orders")).resolves.toBeUndefined();
    expect(local.isDeleted("orders")).toBe(true);
  });

  it("waits for a deletion that another has begun", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    local.deleteKey("orders");
    passBefore(2, "delete", 60_000);
    await open(patient).deleteKey("orders");
    expect(asked()).toEqual(["delete", "delete"]);
  });

  it("waits for its own deletion where the answer to it was lost", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    local.fail("delete", { kind: "lostAnswer" });
    passBefore(3, "delete", 60_000);
    await open(patient).deleteKey("orders");
    expect(local.isDeleted("orders")).toBe(true);
    expect(local.count("delete")).toBe(3);
  });

  it("needs no permission to get, without which its end is not waited for", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    local.permissions.delete("get");
    await open().deleteKey("orders");
    expect(local.isDeleted("orders")).toBe(true);
    expect(asked()).toEqual(["delete", "getDeleted"]);
  });

  it("does not take a proxy's page for a key that is not there", async () => {
    local.fail("delete", { kind: "html", status: 404 });
    expect(await message(open().deleteKey("orders"))).toContain(
      `Key Vault refused to delete key "orders" in ${host()}: 404`,
    );
    expect(local.hasKey("orders")).toBe(true);
  });

  it("that takes too long is told as such", async () => {
    await newVault({ deletionMilliseconds: 3_600_000 });
    const text = await message(open({ operation: 300, transient: 10 }).deleteKey("orders"));
    expect(text).toContain(`Could not delete key "orders" in ${host()}: ${host()} `);
    expect(text).toMatch(/within \d+ s/);
  });

  it.each([
    [
      "rbac",
      "ForbiddenByRbac",
      "data action Microsoft.KeyVault/vaults/keys/delete, for instance with the role Key Vault",
    ],
    ["accessPolicy", "ForbiddenByPolicy", 'key permission "delete" in an access policy of the vault.'],
  ] as const)("without the permission is told with what to grant (%s)", async (authorization, code, remedy) => {
    local.authorization = authorization;
    local.permissions.delete("delete");
    const text = await message(open().deleteKey("orders"));
    expect(text).toContain(`Key Vault refused to delete key "orders" in ${host()}: 403 Forbidden (${code}): `);
    expect(text).toContain(remedy);
    expect(local.hasKey("orders")).toBe(true);
  });
});

describe("purging a key", () => {
  it("removes the soft-deleted key for good, and frees its name", async () => {
    const blob = await local.backUpKey("orders");
    local.deleteKey("orders");
    await open().purgeKey("orders");
    expect(local.deletedKey("orders")).toBeUndefined();
    expect(await local.restoreKey(blob)).toBe(true);
    expect(asked()).toEqual(["purge"]);
  });

  it("does no harm where there is none, and leaves one that is in use", async () => {
    await expect(open().purgeKey("invoices")).resolves.toBeUndefined();
    await expect(open().purgeKey("orders")).resolves.toBeUndefined();
    expect(local.hasKey("orders")).toBe(true);
  });

  it("waits until the deletion is done", async () => {
    await newVault({ deletionMilliseconds: 60_000 });
    local.deleteKey("orders");
    passBefore(3, "purge", 60_000);
    await open(patient).purgeKey("orders");
    expect(local.isDeleted("orders")).toBe(false);
    expect(asked()).toEqual(["purge", "purge", "purge"]);
  });

  it("is given up where the deletion does not end", async () => {
    await newVault({ deletionMilliseconds: 3_600_000 });
    local.deleteKey("orders");
    expect(await message(open({ freeName: 30, notReady: [10] }).purgeKey("orders"))).toBe(
      `Key Vault refused to purge key "orders" in ${host()}: 409 Conflict (ObjectIsBeingDeleted): Key is currently being ` +
        `deleted. Another operation on the key is under way. Run again. Request id ${requestId()}.`,
    );
    expect(local.count("purge")).toBeGreaterThan(1);
  });

  it("succeeds although the answer to it was lost", async () => {
    local.deleteKey("orders");
    local.fail("purge", { kind: "lostAnswer" });
    await open().purgeKey("orders");
    expect(local.isDeleted("orders")).toBe(false);
    expect(local.count("purge")).toBe(2);
  });

  it("is refused at once by purge protection, and the text says until when", async () => {
    await newVault({ purgeProtection: true });
    local.deleteKey("orders");
    expect(await message(open(patient).purgeKey("orders"))).toMatch(
      /: 403 Forbidden: Operation "purge" is not allowed because .*\. The soft-deleted key stays until the retention period of the vault is over; until then it can be recovered\. Request id/,
    );
    expect(local.isDeleted("orders")).toBe(true);
    expect(local.count("purge")).toBe(1);
  });

  it.each<[string, Fault]>([
    ["a proxy's page", { kind: "html", status: 404 }],
    ["an error of the service", { kind: "status", status: 500 }],
    ["a failed connection", { kind: "reset" }],
  ])("that ends with %s is an error", async (_, fault) => {
    local.deleteKey("orders");
    local.fail("purge", fault, Number.POSITIVE_INFINITY);
    expect(await message(open().purgeKey("orders"))).toMatch(/(refused to|Could not) purge key "orders" in localhost/);
    expect(local.isDeleted("orders")).toBe(true);
  });

  it.each([
    [
      "rbac",
      "data action Microsoft.KeyVault/vaults/keys/purge/action, for instance with the role Key Vault Crypto Officer.",
    ],
    ["accessPolicy", 'key permission "purge" in an access policy of the vault.'],
  ] as const)("without the permission is told with what to grant (%s)", async (authorization, remedy) => {
    local.authorization = authorization;
    local.permissions.delete("purge");
    local.deleteKey("orders");
    expect(await message(open().purgeKey("orders"))).toContain(remedy);
    expect(local.isDeleted("orders")).toBe(true);
  });

  it("waits for a permission that has not propagated", async () => {
    local.deleteKey("orders");
    local.grantAfter({ requests: 2 });
    await open({ notReady: [1] }).purgeKey("orders");
    expect(local.isDeleted("orders")).toBe(false);
  });
});
