import { KeyClient } from "@azure/keyvault-keys";
import type { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { trustLocalCertificate } from "./trustLocalCertificate";

export interface RestoredKey {
  readonly vault: LocalVault;
  /** Oldest first. */
  readonly versions: readonly string[];
}

/** Restores a blob into a new vault by the SDK that users have. */
export async function restore(service: LocalKeyVault, blob: string): Promise<RestoredKey> {
  trustLocalCertificate(service.certificatePem);
  const vault = await service.createVault();
  const token = service.identity.accessToken("https://vault.azure.net");
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new KeyClient(vault.vaultUri, credential, {
    serviceVersion: "7.4",
    disableChallengeResourceVerification: true,
  });
  const { name } = await client.restoreKeyBackup(Buffer.from(blob, "base64url"));
  return { vault, versions: vault.keys.versions(name).map(({ version }) => version) };
}
