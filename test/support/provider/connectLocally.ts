import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import { type Copies, openCopies } from "../../../src/copies/copies";
import { VaultConnection } from "../../../src/keyVault/connection/vaultConnection";
import { type Clock, systemClock, type Waits } from "../../../src/keyVault/connection/waits";
import type { Connect } from "../../../src/provider/engine/connect";

/** Nothing is waited for: a refusal is final. */
export const noWaits: Waits = {
  operation: 10_000,
  read: 10_000,
  newObject: 0,
  freeName: 0,
  notReady: [60_000],
  throttled: [1],
  transient: 1,
  attempt: 10_000,
  challenge: 10_000,
};

/** Connections to local vaults with a token that does not expire, one for each vault, as a process of the provider has them. */
export function connectLocally(
  { identity }: LocalKeyVault,
  waits: Partial<Waits> = {},
  { clock = systemClock, print = () => undefined }: { clock?: Clock; print?: (line: string) => void } = {},
): Connect {
  const connections = new Map<string, VaultConnection>();
  return (vaultUri) => {
    const connection =
      connections.get(vaultUri) ??
      new VaultConnection({
        vaultUri,
        disableChallengeResourceVerification: true,
        waits: { ...noWaits, ...waits },
        clock,
        print,
        credential: () => ({
          getToken: async () => ({
            token: identity.accessToken("https://vault.azure.net"),
            expiresOnTimestamp: Date.now() + 86_400_000,
          }),
        }),
      });
    connections.set(vaultUri, connection);
    return connection;
  };
}

/** Copies in any place, with a token that does not expire. */
export function copiesLocally(
  { identity }: LocalKeyVault,
  waits: Partial<Waits> = {},
  { clock = systemClock, print = () => undefined }: { clock?: Clock; print?: (line: string) => void } = {},
): Copies {
  return openCopies({
    allowOtherHosts: true,
    waits: { ...noWaits, ...waits },
    clock,
    print,
    credential: () => ({
      getToken: async () => ({
        token: identity.accessToken("https://storage.azure.com"),
        expiresOnTimestamp: Date.now() + 86_400_000,
      }),
    }),
  });
}
