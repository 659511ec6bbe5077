import { calculateJwkThumbprint, type JWK } from "jose";
import type { LocalVault } from "../../../localVault/localVault";

type Outputs = Readonly<Record<string, unknown>>;

/** A backup as a state holds it, secrets in clear. */
export interface HeldBackup {
  readonly blob: string;
  readonly blobSha256: string;
  readonly versions: readonly string[];
  readonly sourceUri: string;
  readonly backedUpAt: string;
}

/** The backups in the outputs of a KeyBackup, newest first. */
export function heldBackups(outputs: Outputs | undefined): HeldBackup[] {
  if (outputs === undefined) {
    return [];
  }
  const previous = Object.values((outputs.previous ?? {}) as Record<string, HeldBackup>);
  previous.sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt));
  return [{ ...(outputs as unknown as HeldBackup), sourceUri: String(outputs.keyUri) }, ...previous];
}

/** What a blob holds. */
export interface Contents {
  readonly name: string;
  readonly versions: readonly string[];
  /** RFC 7638 thumbprints of the public keys, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
}

/** Restores blobs, each once, into a vault for that purpose. */
export class BlobContents {
  readonly #vault: LocalVault;
  readonly #known = new Map<string, Promise<Contents>>();

  constructor(vault: LocalVault) {
    this.#vault = vault;
  }

  /** How many blobs were restored. */
  get count(): number {
    return this.#known.size;
  }

  of(blob: string): Promise<Contents> {
    const known = this.#known.get(blob) ?? this.#restore(blob);
    this.#known.set(blob, known);
    return known;
  }

  async #restore(blob: string): Promise<Contents> {
    const vault = this.#vault;
    if (!(await vault.keys.restore(blob))) {
      throw new Error("A recorded blob cannot be restored.");
    }
    const [name = ""] = vault.keys.names;
    const versions = vault.keys.versions(name).map(({ version }) => version);
    const jwks = versions.map((version) => vault.keys.publicJwk(name, version) as JWK);
    vault.keys.delete(name);
    vault.keys.purge(name);
    const thumbprints = await Promise.all(jwks.map((jwk) => calculateJwkThumbprint(jwk)));
    return {
      name,
      versions,
      thumbprints: Object.fromEntries(versions.map((version, at) => [version, thumbprints[at] ?? ""])),
    };
  }
}
