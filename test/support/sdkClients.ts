import { CertificateClient } from "@azure/keyvault-certificates";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";
import type { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";

const options = {
  serviceVersion: "7.4" as const,
  disableChallengeResourceVerification: true,
  retryOptions: { maxRetries: 0 },
};

function credentialOf({ identity }: LocalKeyVault) {
  const tokenMilliseconds = identity.tokenLifetimeSeconds * 1000;
  return {
    getToken: async () => ({ token: identity.accessToken(), expiresOnTimestamp: Date.now() + tokenMilliseconds }),
  };
}

/** A client that asks once. */
export function keyClient(service: LocalKeyVault, { vaultUri }: LocalVault): KeyClient {
  return new KeyClient(vaultUri, credentialOf(service), { ...options });
}

/** A client that asks once. */
export function secretClient(service: LocalKeyVault, { vaultUri }: LocalVault): SecretClient {
  return new SecretClient(vaultUri, credentialOf(service), { ...options });
}

/** A client that asks once. */
export function certificateClient(service: LocalKeyVault, { vaultUri }: LocalVault): CertificateClient {
  return new CertificateClient(vaultUri, credentialOf(service), { ...options });
}

/** A client that asks once, for a key named by its URI with or without a version. */
export function cryptographyClient(service: LocalKeyVault, keyUri: string): CryptographyClient {
  return new CryptographyClient(keyUri, credentialOf(service), { ...options });
}
