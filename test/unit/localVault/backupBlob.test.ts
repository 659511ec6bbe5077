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
    await source.keys.create("orders", { tags: { team: "sales" } });
    await source.keys.rotate("orders");
    const backup = decoded(await source.keys.backUp("orders"));
    expect(source.requests).toEqual([]);
    expect(backup).toHaveLength((await keyClient(service, source).backupKey("orders"))?.length ?? 0);
    await keyClient(service, target).restoreKeyBackup(backup);
    const withoutUris = ({ version, tags }: { version: string; tags: unknown }) => ({ version, tags });
    expect(target.keys.versions("orders").map(withoutUris)).toEqual(source.keys.versions("orders").map(withoutUris));
  });

  it("holds only the versions that were asked for, in the order of their creation", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    const { version: first } = await source.keys.create("orders");
    await source.keys.rotate("orders");
    const { version: third } = await source.keys.rotate("orders");
    const blob = await source.keys.backUp("orders", { versions: [third, first] });
    const restored = await keyClient(service, target).restoreKeyBackup(decoded(blob));
    expect(restored.properties.version).toBe(third);
    expect(target.keys.versions("orders").map(({ version }) => version)).toEqual([first, third]);
    expect(source.keys.versions("orders")).toHaveLength(3);
  });

  it("fails for a key or version that does not exist", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders");
    await expect(vault.keys.backUp("invoices")).rejects.toThrow("There is no key invoices");
    await expect(vault.keys.backUp("orders", { versions: ["0"] })).rejects.toThrow("There is no key orders/0");
  });
});

describe("a backup of a secret or certificate", () => {
  it("of a secret is refused as a corrupt version when a key is restored", async () => {
    const vault = await service.createVault();
    await vault.secrets.create("password");
    const backup = decoded(await vault.secrets.backUp("password"));
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
    await vault.keys.create("orders");
    await vault.certificates.create("tls");
    const backup = decoded(await vault.certificates.backUp("tls"));
    const start = (bytes: Buffer) => bytes.toString("latin1", 0, 60);
    expect(start(backup)).toBe(start(decoded(await vault.keys.backUp("orders"))));
    expect(await refusalOf(keyClient(service, vault).restoreKeyBackup(backup))).toMatchObject({
      statusCode: 400,
      code: "Malformed backup blob",
      message: "Cannot restore key: the backup blob is not that of a key.",
    });
    expect(vault.keys.names).toEqual(["orders", "tls"]);
  });

  it("of a certificate cannot be decrypted in another geography", async () => {
    const [source, target] = [await service.createVault(), await service.createVault(undefined, { geography: "Asia" })];
    await source.certificates.create("tls");
    const backup = decoded(await source.certificates.backUp("tls"));
    expect(await refusalOf(keyClient(service, target).restoreKeyBackup(backup))).toMatchObject({
      message: "Cannot decrypt backup blob.",
    });
  });
});
