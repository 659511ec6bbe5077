import { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";

// Nothing is waited for: what is refused once has failed.
const waits: Waits = {
  operation: 10_000,
  lookUp: 10_000,
  newKey: 0,
  freeName: 0,
  notReady: [60_000],
  throttled: [1],
  transient: 1,
  attempt: 10_000,
  challenge: 10_000,
};

/** The vault as its clients see it, by a token that does not end. */
export function impatientVault(
  { identity }: LocalKeyVault,
  { vaultUri }: Pick<LocalVault, "vaultUri">,
  otherWaits: Partial<Waits> = {},
): Vault {
  const token = identity.accessToken("https://vault.azure.net");
  return new Vault({
    vaultUri,
    disableChallengeResourceVerification: true,
    waits: { ...waits, ...otherWaits },
    say: () => undefined,
    credential: () => ({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 86_400_000 }) }),
  });
}
