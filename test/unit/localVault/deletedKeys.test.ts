import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { keyClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let clock = Date.now();
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

async function listed(vault: LocalVault) {
  const keys = [];
  for await (const key of keyClient(service, vault).listDeletedKeys()) keys.push(key);
  return keys;
}

describe("the list of deleted keys", () => {
  it("gives the tags, the recovery id and the times of each key", async () => {
    const vault = await service.createVault();
    await vault.keys.create("invoices");
    await vault.keys.create("orders", { tags: { team: "sales" } });
    vault.keys.delete("orders");
    const deletedOn = new Date(Math.floor(clock / 1000) * 1000);
    expect(await listed(vault)).toMatchObject([
      {
        name: "orders",
        id: `${vault.vaultUri}keys/orders`,
        properties: {
          version: undefined,
          tags: { team: "sales" },
          recoveryId: `${vault.vaultUri}deletedkeys/orders`,
          recoveryLevel: "Recoverable+Purgeable",
          deletedOn,
          scheduledPurgeDate: new Date(deletedOn.getTime() + 90 * 86_400_000),
        },
      },
    ]);
  });

  it("comes in an empty page and short pages if it is longer than one page", async () => {
    const vault = await service.createVault();
    const names = Array.from({ length: 26 }, (_, made) => `orders-${String(made).padStart(2, "0")}`);
    await Promise.all(names.map((name) => vault.keys.create(name)));
    for (const name of names) vault.keys.delete(name);
    expect((await listed(vault)).map(({ name }) => name)).toEqual(names);
    expect(vault.count("listDeleted")).toBe(3);
  });

  it("leaves out keys that are still being deleted and keys that were recovered or purged", async () => {
    const vault = await service.createVault(undefined, { deletionMilliseconds: 2_000 });
    for (const name of ["invoices", "orders", "refunds"]) {
      await vault.keys.create(name);
      vault.keys.delete(name);
    }
    vault.keys.recover("orders");
    vault.keys.purge("refunds");
    expect(await listed(vault)).toEqual([]);
    clock += 2_000;
    expect((await listed(vault)).map(({ name }) => name)).toEqual(["invoices"]);
  });

  it("is refused without the permission to list", async () => {
    const vault = await service.createVault();
    vault.keys.permissions.delete("list");
    expect(await refusalOf(listed(vault))).toEqual({
      statusCode: 403,
      code: "Forbidden",
      innerCode: undefined,
      message: "Pagination failed with unexpected statusCode 403",
    });
  });
});

describe("a key that is being deleted", () => {
  it("is neither found nor deleted again", async () => {
    const vault = await service.createVault(undefined, { deletionMilliseconds: 2_000 });
    const client = keyClient(service, vault);
    await vault.keys.create("orders");
    const poller = await client.beginDeleteKey("orders");
    poller.stopPolling();
    expect(await refusalOf(client.getKey("orders"))).toMatchObject({ statusCode: 404, code: "KeyNotFound" });
    expect(await refusalOf(client.beginDeleteKey("orders"))).toMatchObject({
      statusCode: 409,
      code: "Conflict",
      innerCode: "ObjectIsBeingDeleted",
      message: "Key is currently being deleted.",
    });
    clock += 2_000;
    expect(await refusalOf(client.beginDeleteKey("orders"))).toMatchObject({ statusCode: 404, code: "KeyNotFound" });
    expect(await refusalOf(client.getKey("orders"))).toMatchObject({ statusCode: 404, code: "KeyNotFound" });
  });
});

describe("the deletedKey property of a deleted key", () => {
  it("gives its tags and versions until it is recovered or purged", async () => {
    const vault = await service.createVault(undefined, { purgeMilliseconds: 1_000 });
    await vault.keys.create("orders", { tags: { team: "sales" } });
    await vault.keys.rotate("orders");
    vault.keys.update("orders", undefined, { tags: { team: "billing" } });
    const versions = vault.keys.versions("orders");
    expect(vault.keys.deleted("orders")).toBeUndefined();
    vault.keys.delete("orders");
    expect(vault.keys.deleted("Orders")).toEqual({ tags: { team: "billing" }, versions });
    vault.keys.recover("orders");
    expect(vault.keys.deleted("orders")).toBeUndefined();

    vault.keys.delete("orders");
    expect(vault.keys.isJustPurged("orders")).toBe(false);
    vault.keys.purge("orders");
    expect(vault.keys.deleted("orders")).toBeUndefined();
    expect(vault.keys.isJustPurged("orders")).toBe(true);
    clock += 1_000;
    expect(vault.keys.isJustPurged("orders")).toBe(false);
  });
});
