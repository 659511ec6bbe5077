import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { type CollectionName, collectionNames } from "../../../localVault/objectKind";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault } from "./askVault";

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

const decoded = (blob: string) => Buffer.from(blob, "base64url");
const requested = async (vault: LocalVault, collection: CollectionName) =>
  String((await askVault(service, vault, `POST ${collection}/orders/backup`)).body.value);
const restore = (vault: LocalVault, collection: CollectionName, value: string) =>
  askVault(service, vault, `POST ${collection}/restore`, { body: { value } });

/** What the private side of an object is: a signature's key, a value, a certificate with its key. */
const materialOf = (vault: LocalVault, collection: CollectionName, version: string) =>
  collection === "keys" ? vault.keys.publicJwk("orders", version) : vault.secrets.value("orders", version);

describe.each(collectionNames)("a backup that is made without a request of the %s", (collection) => {
  it("can be restored and has the size of a requested backup", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    await source.collection(collection).create("orders", { tags: { team: "sales" }, enabled: false });
    await source.collection(collection).rotate("orders");
    const blob = await source.collection(collection).backUp("orders");
    expect(source.requests).toEqual([]);
    expect(blob).toHaveLength((await requested(source, collection)).length);
    expect((await restore(target, collection, blob)).status).toBe(200);
    const comparable = (vault: LocalVault) =>
      JSON.stringify(vault.collection(collection).versions("orders")).replaceAll(vault.vaultUri, "");
    expect(comparable(target)).toBe(comparable(source));
    for (const { version } of source.collection(collection).versions("orders")) {
      expect(materialOf(target, collection, version)).toEqual(materialOf(source, collection, version));
    }
  });

  it("holds only the versions that were asked for, in the order of their creation", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    const objects = source.collection(collection);
    const { version: first } = await objects.create("orders");
    await objects.rotate("orders");
    const { version: third } = await objects.rotate("orders");
    const blob = await objects.backUp("orders", { versions: [third, first] });
    expect(await target.collection(collection).restore(blob)).toBe(true);
    const restored = target.collection(collection).versions("orders");
    expect(restored.map(({ version }) => version)).toEqual([first, third]);
    expect(objects.versions("orders")).toHaveLength(3);
  });

  it("fails for an object or version that does not exist", async () => {
    const objects = (await service.createVault()).collection(collection);
    await objects.create("orders");
    const noun = collection.slice(0, -1);
    await expect(objects.backUp("invoices")).rejects.toThrow(`There is no ${noun} invoices`);
    await expect(objects.backUp("orders", { versions: ["0"] })).rejects.toThrow(`There is no ${noun} orders/0`);
  });

  it("is never the same twice and never readable", async () => {
    const vault = await service.createVault();
    await vault.collection(collection).create("orders");
    const [one, other] = [await requested(vault, collection), await requested(vault, collection)];
    expect(one).not.toBe(other);
    expect(decoded(one).toString("latin1")).not.toContain("orders");
  });
});

describe("the envelope of a backup", () => {
  it.each([
    ["keys", 1, "&AzureKeyVaultKeyBackupV1.microsoft.com", 10_000, 14_000],
    ["secrets", 1, ")AzureKeyVaultSecretBackupV1.microsoft.com", 4_944, 6_851],
    ["secrets", 2, ")AzureKeyVaultSecretBackupV1.microsoft.com", 4_944, 6_851],
    ["certificates", 1, "&AzureKeyVaultKeyBackupV1.microsoft.com", 42_800, 58_928],
    ["certificates", 2, "&AzureKeyVaultKeyBackupV1.microsoft.com", 57_000, 59_500],
  ] as const)("of %s with %d versions begins with %s and has %d to %d characters", async (...expected) => {
    const [collection, versions, start, least, most] = expected;
    const vault = await service.createVault();
    for (let made = 0; made < versions; made += 1) await vault.collection(collection).create("orders");
    const blob = await requested(vault, collection);
    expect(decoded(blob).toString("latin1", 0, start.length)).toBe(start);
    expect(blob.length).toBeGreaterThanOrEqual(least);
    expect(blob.length).toBeLessThanOrEqual(most);
  });

  it("of a secret with two versions is about 200 bytes longer than with one", async () => {
    const vault = await service.createVault();
    await vault.secrets.create("orders");
    const one = decoded(await requested(vault, "secrets")).length;
    await vault.secrets.rotate("orders");
    expect(decoded(await requested(vault, "secrets")).length - one).toBeGreaterThan(150);
    expect(decoded(await requested(vault, "secrets")).length - one).toBeLessThan(300);
  });
});

describe("a backup of another kind", () => {
  const corrupt = "Backup blob contains invalid or corrupt version.";

  it.each([
    ["secrets", "keys", corrupt],
    ["secrets", "certificates", corrupt],
    ["keys", "secrets", corrupt],
    ["certificates", "secrets", corrupt],
    ["certificates", "keys", "Cannot restore key: the backup blob is not that of a key."],
    ["keys", "certificates", "Cannot restore certificate: the backup blob is not that of a certificate."],
  ] as const)("of %s is refused among the %s: %s", async (from, into, message) => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    await source.collection(from).create("orders");
    const { status, body } = await restore(target, into, await source.collection(from).backUp("orders"));
    expect(status).toBe(400);
    expect(body).toEqual({ error: { code: "Malformed backup blob", message } });
    expect(target.collection(into).names).toEqual([]);
  });
});
