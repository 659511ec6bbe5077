import { answerObjectOperation } from "./answerObjectOperation";
import type { ObjectService } from "./objectAnswer";
import { objectUri, versionUri } from "./objectBundle";
import type { Issue } from "./objectKind";
import { allPermissions } from "./permission";
import type { StoredObject, StoredVersion, Tags } from "./storedObject";

export interface CreatedObject {
  readonly version: string;
  readonly uri: string;
  readonly uriWithVersion: string;
}

export interface VersionProperties extends CreatedObject {
  readonly created: number;
  readonly updated: number;
  readonly enabled: boolean;
  readonly tags: Tags;
}

export interface DeletedProperties {
  /** The tags of the latest version. */
  readonly tags: Tags;
  /** In the order of their creation. */
  readonly versions: readonly VersionProperties[];
}

/** The objects of one kind in a vault. Tests see and change them without a request. */
export class VaultObjects<Version extends StoredVersion, New extends object, Change extends object> {
  /** What access policies grant. */
  readonly permissions: Set<string>;
  protected readonly service: ObjectService<Version, New, Change>;

  constructor(service: ObjectService<Version, New, Change>) {
    this.service = service;
    this.permissions = new Set(allPermissions[service.kind.words.collection]);
  }

  get names(): string[] {
    return this.service.store.names;
  }

  has(name: string): boolean {
    return this.service.store.isInUse(name);
  }

  /** Whether the object was deleted, even if the deletion still runs. */
  isDeleted(name: string): boolean {
    return this.service.store.isDeleted(name);
  }

  /** Whether a restore still meets a conflict after a purge. */
  isJustPurged(name: string): boolean {
    return this.service.store.isJustPurged(name);
  }

  /** A soft-deleted object, even if the deletion still runs. */
  deleted(name: string): DeletedProperties | undefined {
    const deleted = this.service.store.deletedObject(name);
    if (deleted === undefined) return undefined;
    return { tags: { ...deleted.versions.at(-1)?.tags }, versions: this.#versionsOf(deleted) };
  }

  /** Creates an object, or a version of an object that exists. */
  async create(name: string, options?: New): Promise<CreatedObject> {
    const { store, kind } = this.service;
    this.#expectFree(name);
    return this.#added(name, await kind.create(this.#issue(name), options ?? ({} as New), store.version(name)));
  }

  /** Creates a further version like the latest, with its tags. */
  async rotate(name: string): Promise<CreatedObject> {
    this.#expectFree(name);
    const latest = this.knownVersion(name);
    return this.#added(name, await this.service.kind.rotate(this.#issue(name), latest));
  }

  update(name: string, version: string | undefined, change: Change): VersionProperties {
    const updated = this.known(this.service.store.update(name, version, change), name);
    return this.versions(name).find((candidate) => candidate.version === updated.version) as VersionProperties;
  }

  delete(name: string): void {
    this.known(this.service.store.delete(name, this.service.vault.deletionMilliseconds), name);
  }

  recover(name: string): void {
    this.known(this.service.store.recover(name, this.service.vault.recoveryMilliseconds), name);
  }

  purge(name: string): void {
    this.known(this.service.store.purge(name, this.service.vault.purgeMilliseconds) || undefined, name);
  }

  /** A backup of the object, with all its versions or only the given ones. */
  async backUp(name: string, { versions }: { readonly versions?: readonly string[] } = {}): Promise<string> {
    const { store, kind, vault, wrapping } = this.service;
    const object = this.known(store.object(name), name);
    const held = versions?.map((version) => this.known(store.version(name, version), `${name}/${version}`));
    const kept = object.versions.filter((version) => held?.includes(version) ?? true);
    return wrapping.seal(kind, { ...object, versions: kept }, vault);
  }

  /** Restores a backup, and returns whether the service accepted it. */
  async restore(blob: string): Promise<boolean> {
    const { collection } = this.service.kind.words;
    const request = { operation: "restore", collection, objectName: "", version: "" } as const;
    const query = new URLSearchParams();
    return (await answerObjectOperation(this.service, { ...request, query, body: { value: blob } })).status === 200;
  }

  /** The versions in the order of their creation. Empty if there is no such object. */
  versions(name: string): VersionProperties[] {
    const object = this.service.store.object(name);
    return object === undefined ? [] : this.#versionsOf({ ...object, name });
  }

  protected knownVersion(name: string, version?: string): Version {
    return this.known(this.service.store.version(name, version), name);
  }

  protected known<T>(found: T | undefined, name: string): T {
    if (found !== undefined) return found;
    throw new Error(`There is no ${this.service.kind.words.noun} ${name} that this can be done to`);
  }

  #expectFree(name: string): void {
    const { store, kind, vault } = this.service;
    const { title } = kind.words;
    if (store.isDeleted(name)) throw new Error(`${title} ${name} is soft-deleted in ${vault.name}`);
    if (store.isBeingRecovered(name)) throw new Error(`${title} ${name} is being recovered in ${vault.name}`);
    const isTaken =
      !store.isInUse(name) && store.namesakes.some((other) => other.isInUse(name) || other.isDeleted(name));
    if (isTaken || store.isManaged(name)) throw new Error(`The name ${name} is taken in ${vault.name}`);
  }

  #issue(name: string): Issue {
    return { vaultKind: this.service.vault.kind, name, base: this.service.store.newVersion() };
  }

  #added(name: string, version: Version): CreatedObject {
    this.service.store.add(name, version);
    return this.#created(name, version.version);
  }

  #created(name: string, version: string): CreatedObject {
    const { vault, kind } = this.service;
    const { collection } = kind.words;
    return {
      version,
      uri: objectUri(vault, collection, name),
      uriWithVersion: versionUri(vault, collection, name, version),
    };
  }

  #versionsOf({ name, versions }: StoredObject<Version>): VersionProperties[] {
    return versions.map(({ version, created, updated, enabled, tags }) => ({
      ...this.#created(name, version),
      created,
      updated,
      enabled,
      tags: { ...tags },
    }));
  }
}
