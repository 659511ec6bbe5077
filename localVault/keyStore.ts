import { type KeyObject, randomUUID } from "node:crypto";
import { generatePrivateKey, type KeyType } from "./keyMaterial";
import type { KeyUse } from "./keyUse";

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

/** What `nbf` and `exp` say of a version at present. */
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
  /** In seconds, as the service has it. */
  readonly notBefore?: number;
  /** In seconds, as the service has it. */
  readonly expires?: number;
  /** @default all uses of the key's type */
  readonly keyOperations?: readonly KeyUse[];
}

export interface NewKey extends KeyChange {
  readonly kty?: KeyType;
  readonly managed?: boolean;
}

/** The keys of one vault: those in use, those soft-deleted, and the names of those just purged. Names differ in more than case. */
export class KeyStore {
  readonly #now: () => number;
  readonly #active = new Map<string, StoredKey>();
  readonly #deleted = new Map<string, DeletedKey>();
  readonly #purgedUntil = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  get names(): string[] {
    return [...this.#active.values()].map(({ name }) => name).sort();
  }

  key(name: string): StoredKey | undefined {
    return this.#active.get(canonical(name));
  }

  deletedKey(name: string): DeletedKey | undefined {
    return this.#deleted.get(canonical(name));
  }

  /** Those whose deletion is complete. */
  get deletedKeys(): DeletedKey[] {
    return [...this.#deleted.values()].filter(({ name }) => !this.isBeingDeleted(name));
  }

  isJustPurged(name: string): boolean {
    return this.#now() < (this.#purgedUntil.get(canonical(name)) ?? 0);
  }

  /** The latest version where none is named. */
  version(name: string, version?: string): KeyVersion | undefined {
    const versions = this.key(name)?.versions;
    return version ? versions?.find((candidate) => candidate.version === version) : versions?.at(-1);
  }

  /** Adds a version, and the key itself where there is none of that name. */
  async create(name: string, { kty = "EC", managed = false, ...change }: NewKey): Promise<KeyVersion> {
    const created = this.#seconds();
    const version: KeyVersion = {
      version: newVersion(),
      privateKey: await generatePrivateKey(kty),
      keyType: kty,
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

  recover(name: string): StoredKey | undefined {
    const deleted = this.deletedKey(name);
    if (deleted === undefined) return undefined;
    const key = { name: deleted.name, managed: deleted.managed, versions: deleted.versions };
    this.#deleted.delete(canonical(name));
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

const newVersion = (): string => randomUUID().replaceAll("-", "");
