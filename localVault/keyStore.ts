import { type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { generatePrivateKey, type KeyType } from "./keyMaterial";
import type { KeyUse } from "./keyUse";
import type { VaultKind } from "./vaultOptions";

export type Tags = Record<string, string>;

export interface KeyVersion {
  readonly version: string;
  readonly privateKey: KeyObject;
  readonly keyType: KeyType;
  readonly created: number;
  updated: number;
  enabled: boolean;
  notBefore?: number;
  expires?: number;
  keyOperations?: readonly KeyUse[];
  tags: Tags;
}

/** What `nbf` and `exp` say about a version now. */
export type Validity = "notYetValid" | "valid" | "expired";

export interface StoredKey {
  readonly name: string;
  readonly managed: boolean;
  readonly versions: KeyVersion[];
}

export interface DeletedKey extends StoredKey {
  readonly deletedAt: number;
  readonly deletionCompletesAt: number;
}

export interface KeyChange {
  readonly enabled?: boolean;
  readonly tags?: Tags;
  /** In seconds. */
  readonly notBefore?: number;
  /** In seconds. */
  readonly expires?: number;
  /** @default all uses of the key's type */
  readonly keyOperations?: readonly KeyUse[];
}

export interface NewKey extends KeyChange {
  readonly kty?: KeyType;
  readonly managed?: boolean;
}

/** The keys of one vault: keys in use, soft-deleted keys, and the names of keys that were purged. Case does not tell names apart. */
export class KeyStore {
  readonly #now: () => number;
  readonly #kind: VaultKind;
  readonly #active = new Map<string, StoredKey>();
  readonly #deleted = new Map<string, DeletedKey>();
  readonly #recoveredAt = new Map<string, number>();
  readonly #purgedUntil = new Map<string, number>();

  constructor(now: () => number, kind: VaultKind = "vault") {
    this.#now = now;
    this.#kind = kind;
  }

  /** Sorted. */
  get names(): string[] {
    return [...this.#active.values()].flatMap(({ name }) => this.key(name)?.name ?? []).sort();
  }

  /** A key in use. A key that is being recovered is not in use yet. */
  key(name: string): StoredKey | undefined {
    return this.isBeingRecovered(name) ? undefined : this.#active.get(canonical(name));
  }

  deletedKey(name: string): DeletedKey | undefined {
    return this.#deleted.get(canonical(name));
  }

  /** The keys whose deletion is complete. */
  get deletedKeys(): DeletedKey[] {
    return [...this.#deleted.values()].filter(({ name }) => !this.isBeingDeleted(name));
  }

  isJustPurged(name: string): boolean {
    return this.#now() < (this.#purgedUntil.get(canonical(name)) ?? 0);
  }

  /** The version, or the latest version if none is named. */
  version(name: string, version?: string): KeyVersion | undefined {
    const versions = this.key(name)?.versions;
    return version ? versions?.find((candidate) => candidate.version === version) : versions?.at(-1);
  }

  /** Adds a version, and the key itself if there is none of that name. */
  async create(name: string, { kty = "EC", managed = false, ...change }: NewKey): Promise<KeyVersion> {
    const created = this.#seconds();
    const version: KeyVersion = {
      version: newVersion(this.#kind),
      privateKey: await generatePrivateKey(kty),
      keyType: this.#kind === "managedHsm" ? inHardware(kty) : kty,
      created,
      updated: created,
      enabled: true,
      tags: {},
      ...change,
    };
    const key = this.key(name) ?? { name, managed, versions: [] };
    key.versions.push(version);
    this.#active.set(canonical(name), key);
    return version;
  }

  async rotate(name: string): Promise<KeyVersion | undefined> {
    const latest = this.version(name);
    if (latest === undefined) return undefined;
    const { keyType: kty, keyOperations } = latest;
    return this.create(name, { kty, tags: { ...latest.tags }, ...(keyOperations ? { keyOperations } : {}) });
  }

  update(name: string, version: string | undefined, change: KeyChange): KeyVersion | undefined {
    const found = this.version(name, version);
    return found && Object.assign(found, change, { updated: this.#seconds() });
  }

  restore(key: StoredKey): void {
    this.#active.set(canonical(key.name), key);
  }

  delete(name: string, durationMilliseconds: number): DeletedKey | undefined {
    const key = this.key(name);
    if (key === undefined) return undefined;
    const deletedAt = this.#now();
    const deleted = { ...key, deletedAt, deletionCompletesAt: deletedAt + durationMilliseconds };
    this.#active.delete(canonical(name));
    this.#deleted.set(canonical(name), deleted);
    return deleted;
  }

  recover(name: string, durationMilliseconds: number): StoredKey | undefined {
    const deleted = this.deletedKey(name);
    if (deleted === undefined) return undefined;
    const key = { name: deleted.name, managed: deleted.managed, versions: deleted.versions };
    this.#deleted.delete(canonical(name));
    this.#recoveredAt.set(canonical(name), this.#now() + durationMilliseconds);
    this.restore(key);
    return key;
  }

  purge(name: string, settlesAfterMilliseconds: number): boolean {
    const existed = this.#deleted.delete(canonical(name));
    if (existed) this.#purgedUntil.set(canonical(name), this.#now() + settlesAfterMilliseconds);
    return existed;
  }

  isBeingDeleted(name: string): boolean {
    return this.#now() < (this.deletedKey(name)?.deletionCompletesAt ?? 0);
  }

  isBeingRecovered(name: string): boolean {
    return this.#now() < (this.#recoveredAt.get(canonical(name)) ?? 0);
  }

  validityOf({ notBefore, expires }: KeyVersion): Validity {
    const seconds = this.#now() / 1000;
    if (notBefore !== undefined && seconds < notBefore) return "notYetValid";
    return expires !== undefined && seconds >= expires ? "expired" : "valid";
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

const canonical = (name: string): string => name.toLowerCase();

const inHardware = (keyType: KeyType): KeyType => (keyType.startsWith("RSA") ? "RSA-HSM" : "EC-HSM");

/** 32 hexadecimal digits. They are a random UUID in a vault, but not in a Managed HSM. */
const newVersion = (kind: VaultKind): string =>
  kind === "vault" ? randomUUID().replaceAll("-", "") : randomBytes(16).toString("hex");
