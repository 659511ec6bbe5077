import { type BackedUpKey, backUpKey } from "./backUpKey";
import { type LookedUpKey, lookUpKey, type UnreachableKey } from "./lookUpKey";
import { type PrivateKeyProof, provePrivateKey } from "./provePrivateKey";
import type { PublicKey } from "./publicKey";
import { isPurgeable } from "./purgeability";
import { type PublicKeys, readPublicKeys } from "./readPublicKeys";
import { deleteKey, purgeKey } from "./removeKey";
import { type Restoration, restoreKey } from "./restoreKey";
import { tagKey } from "./tagKey";
import { VaultConnection, type VaultOptions } from "./vaultConnection";

/** A vault or Managed HSM, as one identity sees it. Each method is told at the function that it calls. */
export class Vault {
  readonly #connection: VaultConnection;
  #isPurgeable: Promise<boolean> | undefined;

  constructor(options: VaultOptions) {
    this.#connection = new VaultConnection(options);
  }

  backUpKey(keyName: string, keyVersion?: string, named: readonly string[] = []): Promise<BackedUpKey> {
    return backUpKey(this.#connection, keyName, keyVersion, named);
  }

  lookUpKey(keyName: string, named: readonly string[]): Promise<LookedUpKey> {
    return lookUpKey(this.#connection, keyName, named);
  }

  readPublicKeys(keyName: string, versions: readonly string[]): Promise<PublicKeys | UnreachableKey> {
    return readPublicKeys(this.#connection, keyName, versions);
  }

  restoreKey(blob: string, keyName: string | undefined): Promise<Restoration> {
    return restoreKey(this.#connection, blob, keyName);
  }

  tagKey(keyName: string, version: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return tagKey(this.#connection, keyName, version, tags);
  }

  deleteKey(keyName: string): Promise<void> {
    return deleteKey(this.#connection, keyName);
  }

  purgeKey(keyName: string): Promise<void> {
    return purgeKey(this.#connection, keyName);
  }

  provePrivateKey(keyName: string, publicKey: PublicKey, now: number): Promise<PrivateKeyProof> {
    return provePrivateKey(this.#connection, keyName, publicKey, now);
  }

  /** Asks once. */
  isPurgeable(): Promise<boolean> {
    this.#isPurgeable ??= isPurgeable(this.#connection).catch((error: unknown) => {
      this.#isPurgeable = undefined;
      throw error;
    });
    return this.#isPurgeable;
  }
}
