import { CertificateClient } from "@azure/keyvault-certificates";
import { KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";
import type { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { trustLocalCertificate } from "./trustLocalCertificate";

export interface RestoredObject {
  readonly vault: LocalVault;
  /** Oldest first. */
  readonly versions: readonly string[];
}

/** Restores a blob into a new vault by the SDK that users have. */
export async function restore(
  service: LocalKeyVault,
  blob: string,
  collection: "keys" | "secrets" | "certificates" = "keys",
): Promise<RestoredObject> {
  trustLocalCertificate(service.certificatePem);
  const vault = await service.createVault();
  const token = service.identity.accessToken("https://vault.azure.net");
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const options = { serviceVersion: "7.4", disableChallengeResourceVerification: true } as const;
  const bytes = Buffer.from(blob, "base64url");
  const restoreIn = {
    keys: () => new KeyClient(vault.vaultUri, credential, options).restoreKeyBackup(bytes),
    secrets: () => new SecretClient(vault.vaultUri, credential, options).restoreSecretBackup(bytes),
    certificates: () => new CertificateClient(vault.vaultUri, credential, options).restoreCertificateBackup(bytes),
  };
  const { name } = await restoreIn[collection]();
  return {
    vault,
    versions: vault
      .collection(collection)
      .versions(name)
      .map(({ version }) => version),
  };
}
