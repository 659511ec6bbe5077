import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import type { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";

const options = {
  serviceVersion: "7.4",
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

/** A client that asks once, for a key named by its URI with or without a version. */
export function cryptographyClient(service: LocalKeyVault, keyUri: string): CryptographyClient {
  return new CryptographyClient(keyUri, credentialOf(service), { ...options });
}
