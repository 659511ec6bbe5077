import { calculateJwkThumbprint, type JWK } from "jose";
import type { LocalVault } from "../../../localVault/localVault";
import type { ObjectKind } from "../../../src/objects/objectKind";
import { sha256 } from "./copyPlaces";
import { factsOf, type VersionFacts } from "./versionFacts";

type Outputs = Readonly<Record<string, unknown>>;

/** A backup as a state records it, secrets in clear. */
export interface HeldBackup {
  /** Undefined if the blob is in copies alone. */
  readonly blob?: string | undefined;
  readonly copies?: readonly { readonly uri: string; readonly status: string }[];
  readonly blobSha256: string;
  readonly versions: readonly string[];
  readonly sourceUri: string;
  readonly backedUpAt: string;
}

/** The backups in the outputs of a backup resource, newest first. */
export function heldBackups({ properties }: ObjectKind, outputs: Outputs | undefined): HeldBackup[] {
  if (outputs === undefined) {
    return [];
  }
  const previous = Object.values((outputs.previous ?? {}) as Record<string, HeldBackup>);
  previous.sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt));
  return [{ ...(outputs as unknown as HeldBackup), sourceUri: String(outputs[properties.uri]) }, ...previous];
}

/** The blob of a backup, from the state or from any of its copies that is whole; undefined if the user destroyed them all. */
export function blobOf(
  { blob, blobSha256, copies = [] }: HeldBackup,
  files: ReadonlyMap<string, Buffer>,
): string | undefined {
  const whole = copies.map(({ uri }) => files.get(uri)).find((bytes) => bytes && sha256(bytes) === blobSha256);
  return blob ?? whole?.toString("base64url");
}

/** What a blob holds. */
export interface Contents {
  readonly name: string;
  readonly versions: readonly string[];
  /** What a backup should record of its versions: RFC 7638 thumbprints of public keys, or `x5t`. */
  readonly thumbprints: Readonly<Record<string, string>>;
  /** By version. */
  readonly facts: Readonly<Record<string, VersionFacts>>;
}

/** Restores blobs, each once, into a vault for that purpose. */
export class BlobContents {
  readonly #vault: LocalVault;
  readonly #known = new Map<string, Promise<Contents>>();

  constructor(vault: LocalVault) {
    this.#vault = vault;
  }

  /** How many blobs were restored. */
  count = 0;

  of(kind: ObjectKind, blob: string): Promise<Contents> {
    const known = this.#known.get(blob) ?? this.#restore(kind, blob);
    this.#known.set(blob, known);
    return known;
  }

  /** Forgets the blobs of a sequence that is over. */
  clear(): void {
    this.#known.clear();
  }

  async #restore(kind: ObjectKind, blob: string): Promise<Contents> {
    this.count += 1;
    const vault = this.#vault;
    const objects = vault.collection(kind.collection);
    if (!(await objects.restore(blob))) {
      throw new Error("A recorded blob cannot be restored.");
    }
    const [name = ""] = objects.names;
    const versions = objects.versions(name).map(({ version }) => version);
    const facts = versions.map((version) => [version, factsOf(vault, kind, name, version)] as const);
    objects.delete(name);
    objects.purge(name);
    const thumbprints = await Promise.all(
      facts.map(async ([version, one]) => [version, await thumbprintOf(kind, one)] as const),
    );
    return {
      name,
      versions,
      facts: Object.fromEntries(facts),
      thumbprints: Object.fromEntries(
        thumbprints.flatMap(([version, thumbprint]) => (thumbprint === undefined ? [] : [[version, thumbprint]])),
      ),
    };
  }
}

function thumbprintOf({ noun }: ObjectKind, { publicKey, x5t }: VersionFacts): Promise<string> | string | undefined {
  return noun === "key" ? calculateJwkThumbprint(publicKey as JWK) : x5t;
}
