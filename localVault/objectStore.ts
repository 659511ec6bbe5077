import { randomBytes, randomUUID } from "node:crypto";
import type { CollectionName } from "./objectKind";
import type { DeletedObject, NameStore, StoredObject, StoredVersion, Validity } from "./storedObject";
import type { VaultKind } from "./vaultOptions";

interface Arrival<Version> {
  readonly name: string;
  readonly version: Version;
  readonly managed: boolean;
  readonly at: number;
}

/** A store that has objects of the same names, made from the versions of another store. */
interface Follower<Version extends StoredVersion> {
  readonly store: NameStore;
  add(name: string, version: Version, after: number): void;
  restore(object: StoredObject<Version>): void;
}

/**
 * The objects of one kind in one vault: objects in use, soft-deleted objects, and the names of objects that were purged.
 * Case does not tell names apart.
 */
export class ObjectStore<Version extends StoredVersion> implements NameStore {
  readonly collection: CollectionName;
  readonly #now: () => number;
  readonly #vaultKind: VaultKind;
  readonly #active = new Map<string, StoredObject<Version>>();
  readonly #deleted = new Map<string, DeletedObject<Version>>();
  readonly #recoveredAt = new Map<string, number>();
  readonly #purgedUntil = new Map<string, number>();
  readonly #followers: Follower<Version>[] = [];
  #arrivals: Arrival<Version>[] = [];

  constructor(collection: CollectionName, now: () => number, vaultKind: VaultKind) {
    this.collection = collection;
    this.#now = now;
    this.#vaultKind = vaultKind;
  }

  /** Gives the other store an object of the same name for each object of this store. */
  followedBy<Other extends StoredVersion>(store: ObjectStore<Other>, view: (version: Version) => Other): void {
    this.#followers.push({
      store,
      add: (name, version, after) => store.add(name, view(version), { managed: true, after }),
      restore: ({ name, versions }) => store.restore({ name, managed: true, versions: versions.map(view) }),
    });
  }

  /** The stores in which an object of this store needs its name. */
  get namesakes(): NameStore[] {
    return [this, ...this.#followers.map(({ store }) => store)];
  }

  /** Sorted. */
  get names(): string[] {
    return [...this.#inUse().values()].flatMap(({ name }) => this.object(name)?.name ?? []).sort();
  }

  /** An object in use. An object that is being recovered is not in use yet. */
  object(name: string): StoredObject<Version> | undefined {
    return this.isBeingRecovered(name) ? undefined : this.#inUse().get(canonical(name));
  }

  isInUse(name: string): boolean {
    return this.object(name) !== undefined;
  }

  isManaged(name: string): boolean {
    return (this.object(name) ?? this.deletedObject(name))?.managed ?? false;
  }

  deletedObject(name: string): DeletedObject<Version> | undefined {
    return this.#deleted.get(canonical(name));
  }

  isDeleted(name: string): boolean {
    return this.deletedObject(name) !== undefined;
  }

  /** The objects whose deletion is complete. */
  get deletedObjects(): DeletedObject<Version>[] {
    return [...this.#deleted.values()].filter(({ name }) => !this.isBeingDeleted(name));
  }

  isJustPurged(name: string): boolean {
    return this.#now() < (this.#purgedUntil.get(canonical(name)) ?? 0);
  }

  /** The version, or the latest version if none is named. */
  version(name: string, version?: string): Version | undefined {
    const versions = this.object(name)?.versions;
    return version ? versions?.find((candidate) => candidate.version === version) : versions?.at(-1);
  }

  /** The id, times and attributes of a version that is created after these milliseconds. */
  newVersion(after = 0): StoredVersion {
    const created = Math.floor((this.#now() + (Number.isFinite(after) ? after : 0)) / 1000);
    return { version: newId(this.#vaultKind), created, updated: created, enabled: true, tags: {} };
  }

  /** Adds a version, and creates the object if it does not exist. Clients see the version after so many milliseconds. */
  add(
    name: string,
    version: Version,
    { managed = false, after = 0 }: { managed?: boolean; after?: number } = {},
  ): void {
    this.#arrivals.push({ name, version, managed, at: this.#now() + after });
    for (const follower of this.#followers) follower.add(name, version, after);
  }

  /** A version that is yet to be seen. */
  arriving(name: string): Version | undefined {
    this.#inUse();
    return this.#arrivals.find((arrival) => canonical(arrival.name) === canonical(name))?.version;
  }

  /** Forgets the versions that are yet to be seen. */
  withdraw(name: string): void {
    this.#inUse();
    this.#arrivals = this.#arrivals.filter((arrival) => canonical(arrival.name) !== canonical(name));
    for (const { store } of this.#followers) store.withdraw(name);
  }

  update(name: string, version: string | undefined, change: object): Version | undefined {
    const found = this.version(name, version);
    return found && Object.assign(found, change, { updated: Math.floor(this.#now() / 1000) });
  }

  restore(object: StoredObject<Version>): void {
    this.#active.set(canonical(object.name), object);
    for (const follower of this.#followers) follower.restore(object);
  }

  delete(name: string, durationMilliseconds: number): DeletedObject<Version> | undefined {
    const object = this.object(name);
    if (object === undefined) return undefined;
    const deletedAt = this.#now();
    const deleted = { ...object, deletedAt, deletionCompletesAt: deletedAt + durationMilliseconds };
    this.withdraw(name);
    this.#active.delete(canonical(name));
    this.#deleted.set(canonical(name), deleted);
    for (const { store } of this.#followers) store.delete(name, durationMilliseconds);
    return deleted;
  }

  recover(name: string, durationMilliseconds: number): StoredObject<Version> | undefined {
    const deleted = this.deletedObject(name);
    if (deleted === undefined) return undefined;
    const object = { name: deleted.name, managed: deleted.managed, versions: deleted.versions };
    this.#deleted.delete(canonical(name));
    this.#recoveredAt.set(canonical(name), this.#now() + durationMilliseconds);
    this.#active.set(canonical(name), object);
    for (const { store } of this.#followers) store.recover(name, durationMilliseconds);
    return object;
  }

  purge(name: string, settlesAfterMilliseconds: number): boolean {
    const existed = this.#deleted.delete(canonical(name));
    if (!existed) return false;
    this.#purgedUntil.set(canonical(name), this.#now() + settlesAfterMilliseconds);
    for (const { store } of this.#followers) store.purge(name, settlesAfterMilliseconds);
    return true;
  }

  isBeingDeleted(name: string): boolean {
    return this.#now() < (this.deletedObject(name)?.deletionCompletesAt ?? 0);
  }

  isBeingRecovered(name: string): boolean {
    return this.#now() < (this.#recoveredAt.get(canonical(name)) ?? 0);
  }

  validityOf({ notBefore, expires }: StoredVersion): Validity {
    const seconds = this.#now() / 1000;
    if (notBefore !== undefined && seconds < notBefore) return "notYetValid";
    return expires !== undefined && seconds >= expires ? "expired" : "valid";
  }

  /** The objects in use, with the versions that have arrived. */
  #inUse(): Map<string, StoredObject<Version>> {
    const arrived = this.#arrivals.filter(({ at }) => at <= this.#now());
    this.#arrivals = this.#arrivals.filter((arrival) => !arrived.includes(arrival));
    for (const { name, version, managed } of arrived) {
      const object = this.#active.get(canonical(name)) ?? { name, managed, versions: [] };
      object.versions.push(version);
      this.#active.set(canonical(name), object);
    }
    return this.#active;
  }
}

const canonical = (name: string): string => name.toLowerCase();

/** 32 hexadecimal digits. They are a random UUID in a vault, but not in a Managed HSM. */
const newId = (vaultKind: VaultKind): string =>
  vaultKind === "vault" ? randomUUID().replaceAll("-", "") : randomBytes(16).toString("hex");
