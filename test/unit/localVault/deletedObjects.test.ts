import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault, type Json } from "./askVault";

let clock = Date.parse("2026-11-01T12:00:00.900Z");
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

describe.each([
  ["keys", "Key", "kid"],
  ["secrets", "Secret", "id"],
  ["certificates", "Certificate", "id"],
] as const)("deleted %s", (collection, title, id) => {
  const ask = (vault: LocalVault, request: string) => askVault(service, vault, request);

  async function listed(vault: LocalVault): Promise<Json[]> {
    const items: Json[] = [];
    for (let next: unknown = `deleted${collection}`; typeof next === "string"; ) {
      const { body } = await ask(vault, `GET ${next}`);
      items.push(...(body.value as Json[]));
      next = body.nextLink;
    }
    return items;
  }

  const namesOf = (items: readonly Json[]) => items.map((item) => String(item[id]).split("/").at(-1));

  it("are listed with their tags, recovery ids and times", async () => {
    const vault = await service.createVault();
    const objects = vault.collection(collection);
    await objects.create("invoices");
    await objects.create("orders", { tags: { team: "sales" } });
    objects.delete("orders");
    const deletedDate = Math.floor(clock / 1000);
    expect(await listed(vault)).toMatchObject([
      {
        [id]: `${vault.vaultUri}${collection}/orders`,
        tags: { team: "sales" },
        recoveryId: `${vault.vaultUri}deleted${collection}/orders`,
        deletedDate,
        scheduledPurgeDate: deletedDate + 90 * 86_400,
      },
    ]);
  });

  it("are listed in an empty page and short pages if they are more than a page holds", async () => {
    const vault = await service.createVault();
    const objects = vault.collection(collection);
    const names = Array.from({ length: 26 }, (_, made) => `orders-${String(made).padStart(2, "0")}`);
    await Promise.all(names.map((name) => objects.create(name)));
    for (const name of names) objects.delete(name);
    expect(namesOf(await listed(vault))).toEqual(names);
    expect(vault.count("listDeleted", collection)).toBe(3);
  });

  it("are not listed while they are being deleted, nor after they were recovered or purged", async () => {
    const vault = await service.createVault(undefined, { deletionMilliseconds: 2_000 });
    const objects = vault.collection(collection);
    for (const name of ["invoices", "orders", "refunds"]) {
      await objects.create(name);
      objects.delete(name);
    }
    objects.recover("orders");
    objects.purge("refunds");
    expect(await listed(vault)).toEqual([]);
    clock += 2_000;
    expect(namesOf(await listed(vault))).toEqual(["invoices"]);
  });

  it("are not listed without the permission to list", async () => {
    const vault = await service.createVault();
    vault.collection(collection).permissions.delete("list");
    expect((await ask(vault, `GET deleted${collection}`)).status).toBe(403);
  });

  it("are neither found nor deleted again while they are being deleted", async () => {
    const vault = await service.createVault(undefined, { deletionMilliseconds: 2_000 });
    await vault.collection(collection).create("orders");
    const status = async (request: string) => (await ask(vault, request)).status;
    expect(await status(`DELETE ${collection}/orders`)).toBe(200);
    expect(await status(`GET ${collection}/orders`)).toBe(404);
    expect((await ask(vault, `DELETE ${collection}/orders`)).body.error).toEqual({
      code: "Conflict",
      message: `${title} is currently being deleted.`,
      innererror: { code: "ObjectIsBeingDeleted" },
    });
    clock += 2_000;
    expect(await status(`DELETE ${collection}/orders`)).toBe(404);
    expect(await status(`GET deleted${collection}/orders`)).toBe(200);
  });

  it("cannot be purged under purge protection", async () => {
    const vault = await service.createVault(undefined, { purgeProtection: true });
    const objects = vault.collection(collection);
    await objects.create("orders");
    objects.delete("orders");
    expect((await ask(vault, `DELETE deleted${collection}/orders`)).status).toBe(403);
    expect(objects.isDeleted("orders")).toBe(true);
  });

  it("show tests their tags and versions until they are recovered or purged", async () => {
    const vault = await service.createVault(undefined, { purgeMilliseconds: 1_000 });
    const objects = vault.collection(collection);
    await objects.create("orders", { tags: { team: "sales" } });
    await objects.rotate("orders");
    objects.update("orders", undefined, { tags: { team: "billing" } });
    const versions = objects.versions("orders");
    expect(objects.deleted("orders")).toBeUndefined();
    objects.delete("orders");
    expect(objects.deleted("Orders")).toEqual({ tags: { team: "billing" }, versions });
    objects.recover("orders");
    expect(objects.deleted("orders")).toBeUndefined();

    objects.delete("orders");
    expect(objects.isJustPurged("orders")).toBe(false);
    objects.purge("orders");
    expect(objects.deleted("orders")).toBeUndefined();
    expect(objects.isJustPurged("orders")).toBe(true);
    clock += 1_000;
    expect(objects.isJustPurged("orders")).toBe(false);
  });
});
