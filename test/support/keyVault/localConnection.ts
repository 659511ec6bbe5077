import type { TokenCredential } from "@azure/core-auth";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { VaultConnection } from "../../../src/keyVault/connection/vaultConnection";
import { type Clock, defaultWaits, type Waits } from "../../../src/keyVault/connection/waits";
import { KeyVaultError } from "../../../src/keyVault/failures/keyVaultError";

/** The default waits, except for those that the SDK waits out in real time. */
export const virtualWaits: Waits = { ...defaultWaits, transient: 1, challenge: 0 };

export interface LocalConnectionOptions {
  readonly clock: Clock;
  readonly waits?: Partial<Waits>;
  readonly vaultUri?: string;
  /** @default a credential that keeps its token, as real ones do */
  readonly credential?: (fresh: boolean) => TokenCredential;
  readonly disableChallengeResourceVerification?: boolean;
  readonly print?: (line: string) => void;
}

/** A connection to a local vault. */
export function connectTo(service: LocalKeyVault, vault: LocalVault, options: LocalConnectionOptions): VaultConnection {
  const { waits, vaultUri = vault.vaultUri, disableChallengeResourceVerification = true, ...rest } = options;
  return new VaultConnection({
    vaultUri,
    disableChallengeResourceVerification,
    credential: () => keptToken(service, vault),
    print: () => undefined,
    ...rest,
    waits: { ...virtualWaits, ...waits },
  });
}

/** A credential that keeps its first token. */
export function keptToken({ identity }: LocalKeyVault, { resource }: LocalVault): TokenCredential {
  let token: string | undefined;
  return {
    getToken: async () => {
      token ??= identity.accessToken(resource);
      return { token, expiresOnTimestamp: Date.now() + 86_400_000 };
    },
  };
}

/** The error by which an operation fails. */
export async function failureOf(operation: Promise<unknown>): Promise<KeyVaultError> {
  const error = await operation.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof KeyVaultError) {
    return error;
  }
  throw error;
}

/** Waits in real time until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5_000; !condition(); ) {
    if (Date.now() > deadline) {
      throw new Error("The condition did not come true.");
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
