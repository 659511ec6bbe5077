import { KeyClient } from "@azure/keyvault-keys";
import type { LocalKeyVault } from "./localKeyVault";
import { trustLocalCertificate } from "./trustLocalCertificate";

/** Restores a blob in a new vault by the SDK that users have, and returns the versions that came back, oldest first. */
export async function restoresInto(service: LocalKeyVault, blob: string | undefined): Promise<string[]> {
  trustLocalCertificate(service.certificatePem);
  const vault = await service.createVault();
  const token = service.identity.accessToken("https://vault.azure.net");
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new KeyClient(vault.vaultUri, credential, {
    serviceVersion: "7.4",
    disableChallengeResourceVerification: true,
  });
  const { name } = await client.restoreKeyBackup(Buffer.from(blob ?? "", "base64url"));
  return vault.keyVersions(name).map(({ version }) => version);
}
