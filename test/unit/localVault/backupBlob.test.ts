import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import { refusalOf } from "../../support/refusalOf";
import { keyClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

const decoded = (blob: string) => Buffer.from(blob, "base64url");

describe("a backup made without a request", () => {
  it("can be restored by the client and has the size of a requested backup", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    await source.createKey("orders", { tags: { team: "sales" } });
    await source.rotateKey("orders");
    const backup = decoded(await source.backUpKey("orders"));
    expect(source.requests).toEqual([]);
    expect(backup).toHaveLength((await keyClient(service, source).backupKey("orders"))?.length ?? 0);
    await keyClient(service, target).restoreKeyBackup(backup);
    const withoutUris = ({ version, tags }: { version: string; tags: unknown }) => ({ version, tags });
    expect(target.keyVersions("orders").map(withoutUris)).toEqual(source.keyVersions("orders").map(withoutUris));
  });

  it("holds only the versions that were asked for, in the order of their creation", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    const { version: first } = await source.createKey("orders");
    await source.rotateKey("orders");
    const { version: third } = await source.rotateKey("orders");
    const blob = await source.backUpKey("orders", { versions: [third, first] });
    const restored = await keyClient(service, target).restoreKeyBackup(decoded(blob));
    expect(restored.properties.version).toBe(third);
    expect(target.keyVersions("orders").map(({ version }) => version)).toEqual([first, third]);
    expect(source.keyVersions("orders")).toHaveLength(3);
  });

  it("fails for a key or version that does not exist", async () => {
    const vault = await service.createVault();
    await vault.createKey("orders");
    await expect(vault.backUpKey("invoices")).rejects.toThrow("There is no key invoices");
    await expect(vault.backUpKey("orders", { versions: ["0"] })).rejects.toThrow("There is no key orders/0");
  });
});

describe("a backup of a secret or certificate", () => {
  it("of a secret is refused as a corrupt version when a key is restored", async () => {
    const vault = await service.createVault();
    const backup = decoded(await vault.backUpAs("secret", "password"));
    expect(backup.toString("latin1", 0, 42)).toBe(")AzureKeyVaultSecretBackupV1.microsoft.com");
    expect(backup[0]).toBe(41);
    expect(await refusalOf(keyClient(service, vault).restoreKeyBackup(backup))).toMatchObject({
      statusCode: 400,
      code: "Malformed backup blob",
      message: "Backup blob contains invalid or corrupt version.",
    });
  });

  it("of a certificate looks like the backup of a key and is refused when a key is restored", async () => {
    const vault = await service.createVault();
    await vault.createKey("orders");
    const backup = decoded(await vault.backUpAs("certificate", "tls"));
    const start = (bytes: Buffer) => bytes.toString("latin1", 0, 60);
    expect(start(backup)).toBe(start(decoded(await vault.backUpKey("orders"))));
    expect(await refusalOf(keyClient(service, vault).restoreKeyBackup(backup))).toMatchObject({
      statusCode: 400,
      code: "Malformed backup blob",
      message: "Cannot restore key: the backup blob is not that of a key.",
    });
    expect(vault.hasKey("tls")).toBe(false);
  });

  it("of a certificate cannot be decrypted in another geography", async () => {
    const [source, target] = [await service.createVault(), await service.createVault(undefined, { geography: "Asia" })];
    const backup = decoded(await source.backUpAs("certificate", "tls"));
    expect(await refusalOf(keyClient(service, target).restoreKeyBackup(backup))).toMatchObject({
      message: "Cannot decrypt backup blob.",
    });
  });
});
