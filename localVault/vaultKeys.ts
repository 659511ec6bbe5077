import type { JsonWebKey } from "node:crypto";
import { answerKeyOperation, type KeyRequest, type VaultSettings } from "./answerKeyOperation";
import type { BackupWrapping, OtherKind } from "./backupBlob";
import { keyUri, keyUriWithVersion } from "./keyBundle";
import { publicJwkOf, signDigest } from "./keyMaterial";
import { type KeyChange, KeyStore, type NewKey, type StoredKey, type Tags } from "./keyStore";
import type { VaultOptions } from "./vaultOptions";

export interface CreatedKey {
  readonly version: string;
  readonly keyUri: string;
  readonly keyUriWithVersion: string;
}

export interface VersionProperties extends CreatedKey {
  readonly created: number;
  readonly updated: number;
  readonly enabled: boolean;
  readonly tags: Tags;
}

export interface DeletedKeyProperties {
  /** Those of its latest version. */
  readonly tags: Tags;
  /** In the order of their creation. */
  readonly versions: readonly VersionProperties[];
}

/** The keys of a vault, which tests see and change without a request. */
export abstract class VaultKeys implements VaultSettings {
  readonly name: string;
  geography: string;
  blobPadding: number;
  purgeProtection: boolean;
  deletionMilliseconds: number;
  purgeMilliseconds: number;
  protected readonly store: KeyStore;
  protected readonly wrapping: BackupWrapping;

  protected constructor(
    name: string,
    host: { readonly wrapping: BackupWrapping; now(): number },
    options: VaultOptions,
  ) {
    this.name = name;
    this.geography = options.geography ?? "Europe";
    this.blobPadding = options.blobPadding ?? 5_600;
    this.purgeProtection = options.purgeProtection ?? false;
    this.deletionMilliseconds = options.deletionMilliseconds ?? 0;
    this.purgeMilliseconds = options.purgeMilliseconds ?? 0;
    this.store = new KeyStore(host.now);
    this.wrapping = host.wrapping;
  }

  abstract get vaultUri(): string;

  get keyNames(): string[] {
    return this.store.names;
  }

  hasKey(name: string): boolean {
    return this.store.key(name) !== undefined;
  }

  /** From the request for its deletion on. */
  isDeleted(name: string): boolean {
    return this.store.deletedKey(name) !== undefined;
  }

  /** Whether a restore still meets a conflict, though the key is neither in use nor deleted any more. */
  isJustPurged(name: string): boolean {
    return this.store.isJustPurged(name);
  }

  /** What is kept of a key from the request for its deletion until it is recovered or purged. */
  deletedKey(name: string): DeletedKeyProperties | undefined {
    const deleted = this.store.deletedKey(name);
    if (deleted === undefined) return undefined;
    return { tags: { ...deleted.versions.at(-1)?.tags }, versions: this.#versionsOf(deleted) };
  }

  /** Adds a version where the key exists, as the service does. */
  async createKey(name: string, key: NewKey = {}): Promise<CreatedKey> {
    if (this.store.deletedKey(name)) throw new Error(`Key ${name} is soft-deleted in ${this.name}`);
    return this.#created(name, (await this.store.create(name, key)).version);
  }

  async rotateKey(name: string): Promise<CreatedKey> {
    const version = known(await this.store.rotate(name), name);
    return this.#created(name, version.version);
  }

  updateKey(name: string, version: string | undefined, change: KeyChange): VersionProperties {
    const updated = known(this.store.update(name, version, change), name);
    return this.keyVersions(name).find((candidate) => candidate.version === updated.version) as VersionProperties;
  }

  deleteKey(name: string): void {
    known(this.store.delete(name, this.deletionMilliseconds), name);
  }

  recoverKey(name: string): void {
    known(this.store.recover(name), name);
  }

  purgeKey(name: string): void {
    known(this.store.purge(name, this.purgeMilliseconds) || undefined, name);
  }

  /** A backup of the key, or one that holds no more than the given of its versions. */
  async backUpKey(name: string, { versions }: { readonly versions?: readonly string[] } = {}): Promise<string> {
    const key = known(this.store.key(name), name);
    const held = versions?.map((version) => known(this.store.version(name, version), `${name}/${version}`));
    const kept = key.versions.filter((version) => held?.includes(version) ?? true);
    return this.wrapping.seal({ ...key, versions: kept }, this.geography, this.blobPadding);
  }

  /** A backup of something that is no key, of which the vault need hold nothing. */
  backUpAs(kind: OtherKind, name: string): Promise<string> {
    return this.wrapping.sealOther({ kind, name }, this.geography, this.blobPadding);
  }

  /** Restores a backup, and says whether its name was free. */
  async restoreKey(blob: string): Promise<boolean> {
    const request: KeyRequest = {
      operation: "restore",
      keyName: "",
      version: "",
      query: new URLSearchParams(),
      body: { value: blob },
    };
    const { status } = await answerKeyOperation(this, this.store, this.wrapping, request);
    return status === 200;
  }

  /** In the order of their creation; none for a key that is not there. */
  keyVersions(name: string): VersionProperties[] {
    const key = this.store.key(name);
    return key === undefined ? [] : this.#versionsOf({ ...key, name });
  }

  /** Signs a SHA-256 digest, by ES256 or RS256, whatever the key is permitted. */
  sign(name: string, version: string | undefined, digest: Uint8Array): Buffer {
    return signDigest(known(this.store.version(name, version), name).privateKey, digest);
  }

  publicJwk(name: string, version?: string): JsonWebKey {
    return publicJwkOf(known(this.store.version(name, version), name).privateKey);
  }

  #created(name: string, version: string): CreatedKey {
    return { version, keyUri: keyUri(this, name), keyUriWithVersion: keyUriWithVersion(this, name, version) };
  }

  #versionsOf({ name, versions }: StoredKey): VersionProperties[] {
    return versions.map(({ version, created, updated, enabled, tags }) => ({
      ...this.#created(name, version),
      created,
      updated,
      enabled,
      tags: { ...tags },
    }));
  }
}

function known<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`There is no key ${name} that this can be done to`);
  return found;
}
