import type { JsonWebKey } from "node:crypto";
import { answerKeyOperation, type KeyService } from "./answerKeyOperation";
import type { BackupWrapping, OtherKind } from "./backupBlob";
import { keyUri, keyUriWithVersion } from "./keyBundle";
import { publicJwkOf, signDigest } from "./keyMaterial";
import { type KeyChange, KeyStore, type NewKey, type StoredKey, type Tags } from "./keyStore";
import type { VaultKind, VaultSettings } from "./vaultOptions";

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
  /** The tags of the latest version. */
  readonly tags: Tags;
  /** In the order of their creation. */
  readonly versions: readonly VersionProperties[];
}

/** The keys of a vault. Tests see and change them without a request. */
export abstract class VaultKeys implements VaultSettings {
  readonly name: string;
  declare readonly kind: VaultKind;
  declare geography: string;
  declare securityDomain: string;
  declare blobPadding: number;
  declare purgeProtection: boolean;
  declare retentionDays: number;
  declare deletionMilliseconds: number;
  declare recoveryMilliseconds: number;
  declare purgeMilliseconds: number;
  declare shortPages: boolean;
  declare resource: string;
  declare tenantId: string;
  protected readonly service: KeyService;

  protected constructor(name: string, wrapping: BackupWrapping, now: () => number, settings: VaultSettings) {
    Object.assign(this, settings);
    this.name = name;
    this.service = { vault: this, store: new KeyStore(now, settings.kind), wrapping };
  }

  abstract get vaultUri(): string;

  get #store(): KeyStore {
    return this.service.store;
  }

  get keyNames(): string[] {
    return this.#store.names;
  }

  hasKey(name: string): boolean {
    return this.#store.key(name) !== undefined;
  }

  /** Whether the key was deleted, even if the deletion still runs. */
  isDeleted(name: string): boolean {
    return this.#store.deletedKey(name) !== undefined;
  }

  /** Whether a restore still meets a conflict after a purge. */
  isJustPurged(name: string): boolean {
    return this.#store.isJustPurged(name);
  }

  /** A soft-deleted key, even if the deletion still runs. */
  deletedKey(name: string): DeletedKeyProperties | undefined {
    const deleted = this.#store.deletedKey(name);
    if (deleted === undefined) return undefined;
    return { tags: { ...deleted.versions.at(-1)?.tags }, versions: this.#versionsOf(deleted) };
  }

  /** Creates a key, or a version of a key that exists. */
  async createKey(name: string, key: NewKey = {}): Promise<CreatedKey> {
    if (this.#store.deletedKey(name)) throw new Error(`Key ${name} is soft-deleted in ${this.name}`);
    if (this.#store.isBeingRecovered(name)) throw new Error(`Key ${name} is being recovered in ${this.name}`);
    return this.#created(name, (await this.#store.create(name, key)).version);
  }

  async rotateKey(name: string): Promise<CreatedKey> {
    const version = known(await this.#store.rotate(name), name);
    return this.#created(name, version.version);
  }

  updateKey(name: string, version: string | undefined, change: KeyChange): VersionProperties {
    const updated = known(this.#store.update(name, version, change), name);
    return this.keyVersions(name).find((candidate) => candidate.version === updated.version) as VersionProperties;
  }

  deleteKey(name: string): void {
    known(this.#store.delete(name, this.deletionMilliseconds), name);
  }

  recoverKey(name: string): void {
    known(this.#store.recover(name, this.recoveryMilliseconds), name);
  }

  purgeKey(name: string): void {
    known(this.#store.purge(name, this.purgeMilliseconds) || undefined, name);
  }

  /** A backup of the key, with all its versions or only the given ones. */
  async backUpKey(name: string, { versions }: { readonly versions?: readonly string[] } = {}): Promise<string> {
    const key = known(this.#store.key(name), name);
    const held = versions?.map((version) => known(this.#store.version(name, version), `${name}/${version}`));
    const kept = key.versions.filter((version) => held?.includes(version) ?? true);
    const domain = this.kind === "vault" ? this.geography : this.securityDomain;
    return this.service.wrapping.seal({ ...key, versions: kept }, domain, this.blobPadding, this.kind);
  }

  /** A backup of a secret or certificate. The vault need not hold it. */
  backUpAs(kind: OtherKind, name: string): Promise<string> {
    return this.service.wrapping.sealOther({ kind, name }, this.geography, this.blobPadding);
  }

  /** Restores a backup, and returns whether the service accepted it. */
  async restoreKey(blob: string): Promise<boolean> {
    const request = { operation: "restore", keyName: "", version: "", query: new URLSearchParams() } as const;
    return (await answerKeyOperation(this.service, { ...request, body: { value: blob } })).status === 200;
  }

  /** The versions in the order of their creation. Empty if there is no such key. */
  keyVersions(name: string): VersionProperties[] {
    const key = this.#store.key(name);
    return key === undefined ? [] : this.#versionsOf({ ...key, name });
  }

  /** Signs a SHA-256 digest by ES256 or RS256, even if `key_ops` do not permit it. */
  sign(name: string, version: string | undefined, digest: Uint8Array): Buffer {
    return signDigest(known(this.#store.version(name, version), name).privateKey, digest);
  }

  publicJwk(name: string, version?: string): JsonWebKey {
    return publicJwkOf(known(this.#store.version(name, version), name).privateKey);
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
