import type { LocalVault } from "../../../localVault/localVault";
import type { ObjectKind } from "../../../src/objects/objectKind";
import { type ModelService, retentionDays, type VaultRole, vaultRoles } from "./modelService";
import { factsOf, type VersionFacts } from "./versionFacts";

export type Collection = ObjectKind["collection"];

/** An object as a vault has it. */
export interface SeenObject {
  readonly state: "active" | "deleted" | "absent";
  readonly versions: readonly string[];
  /** Tags and attributes of each version, and the value of a secret in use. */
  readonly details: string;
}

export interface Place {
  readonly role: VaultRole;
  readonly name: string;
  readonly collection: Collection;
}

/** The other kinds that an object shares its name with. */
const namesakes: Readonly<Record<Collection, readonly Collection[]>> = {
  keys: ["certificates"],
  secrets: ["certificates"],
  certificates: ["keys", "secrets"],
};

const textOf = ({ role, name, collection }: Place): string => `${role}/${name}/${collection}`;

/** The objects of one sequence in the vaults, and which of them are the user's. */
export class ModelObjects {
  readonly kind: ObjectKind;
  readonly names: readonly [string, string];
  /** Every value that a version of a secret ever had, also of the secrets of certificates. */
  readonly values = new Set<string>();
  /** Versions that the user changed without making a new one, which Key Vault never does. */
  readonly tampered = new Set<string>();
  readonly #service: ModelService;
  /** The objects that are the user's, as the user knows them. */
  readonly #owned = new Map<string, Place & { readonly seen: SeenObject }>();
  /** What each version was when the user made it. */
  readonly #originals = new Map<string, VersionFacts>();
  readonly #deletedAt = new Map<string, number>();

  constructor(service: ModelService, kind: ObjectKind, names: readonly [string, string]) {
    this.#service = service;
    this.kind = kind;
    this.names = names;
  }

  get namesakes(): readonly Collection[] {
    return namesakes[this.kind.collection];
  }

  /** Every place in which the sequence may have an object. */
  get places(): Place[] {
    return vaultRoles.flatMap((role) => this.names.flatMap((name) => this.#placesOf(role, name)));
  }

  /** The objects of the kind in a vault. */
  in(role: VaultRole): ReturnType<LocalVault["collection"]> {
    return this.#service.vaults[role].collection(this.kind.collection);
  }

  see(role: VaultRole, name: string, collection: Collection = this.kind.collection): SeenObject {
    const vault = this.#service.vaults[role];
    const objects = vault.collection(collection);
    const active = objects.versions(name);
    const versions = active.length > 0 ? active : (objects.deleted(name)?.versions ?? []);
    const details = versions.map(({ version, enabled, tags }) => [version, enabled, tags]);
    const values = collection === "secrets" ? active.map(({ version }) => vault.secrets.value(name, version)) : [];
    return {
      state: active.length > 0 ? "active" : versions.length > 0 ? "deleted" : "absent",
      versions: versions.map(({ version }) => version),
      details: JSON.stringify([details, values]),
    };
  }

  /** The object as the user left it; undefined if it is not the user's. */
  owned(role: VaultRole, name: string, collection: Collection = this.kind.collection): SeenObject | undefined {
    return this.#owned.get(textOf({ role, name, collection }))?.seen;
  }

  /** Everything that the user has. */
  get allOwned(): (Place & { readonly seen: SeenObject })[] {
    return [...this.#owned.values()];
  }

  /** Whether the object of the kind belongs to a certificate. */
  isManaged(role: VaultRole, name: string): boolean {
    const { certificates } = this.#service.vaults[role];
    return this.kind.noun !== "certificate" && (certificates.has(name) || certificates.isDeleted(name));
  }

  /** The other kinds of objects that have the name in their own right. */
  occupants(role: VaultRole, name: string): Collection[] {
    const { certificates } = this.#service.vaults[role];
    const isOfCertificate = certificates.has(name) || certificates.isDeleted(name);
    return this.namesakes.filter(
      (collection) =>
        this.see(role, name, collection).state !== "absent" && (collection === "certificates" || !isOfCertificate),
    );
  }

  /** Whether neither an object of the kind nor another one that it shares names with has the name. */
  isFree(role: VaultRole, name: string): boolean {
    return this.#placesOf(role, name).every(({ collection }) => this.see(role, name, collection).state === "absent");
  }

  /** What has the name is the user's from now on, as it is. */
  userChanged(role: VaultRole, name: string): void {
    for (const place of this.#placesOf(role, name)) {
      const seen = this.see(role, name, place.collection);
      if (seen.state === "absent") {
        this.#owned.delete(textOf(place));
      } else {
        this.#owned.set(textOf(place), { ...place, seen });
      }
    }
    this.#rememberOriginals(role, name);
  }

  /** What the version was when the user made it. */
  originalOf(version: string): VersionFacts | undefined {
    return this.#originals.get(version);
  }

  factsOf(role: VaultRole, name: string, version: string): VersionFacts {
    return factsOf(this.#service.vaults[role], this.kind, name, version);
  }

  /** A vault with purge protection purges what it kept for long enough. */
  purgeExpired(): void {
    const now = this.#service.clock.now();
    const role = "protectedScratch";
    for (const place of this.places.filter((one) => one.role === role)) {
      const { name, collection } = place;
      const objects = this.#service.vaults[role].collection(collection);
      const isOfOther = collection === this.kind.collection ? this.isManaged(role, name) : this.#isOfOwn(role, name);
      const isKept = objects.isDeleted(name) && !isOfOther;
      const deletedAt = isKept ? (this.#deletedAt.get(textOf(place)) ?? now) : undefined;
      if (deletedAt === undefined) {
        this.#deletedAt.delete(textOf(place));
      } else if (now - deletedAt > retentionDays * 86_400_000) {
        objects.purge(name);
        this.userChanged(role, name);
      } else {
        this.#deletedAt.set(textOf(place), deletedAt);
      }
    }
  }

  /** Removes every object, whoever's it is. */
  removeAll(): void {
    for (const collection of ["certificates", "keys", "secrets"] as const) {
      for (const role of vaultRoles) {
        const objects = this.#service.vaults[role].collection(collection);
        for (const name of this.names) {
          if (objects.has(name)) {
            objects.delete(name);
          }
          if (objects.isDeleted(name)) {
            objects.purge(name);
          }
        }
      }
    }
  }

  #isOfOwn(role: VaultRole, name: string): boolean {
    return this.kind.noun === "certificate" && this.see(role, name).state !== "absent";
  }

  #placesOf(role: VaultRole, name: string): Place[] {
    return [this.kind.collection, ...this.namesakes].map((collection) => ({ role, name, collection }));
  }

  #rememberOriginals(role: VaultRole, name: string): void {
    const { secrets } = this.#service.vaults[role];
    for (const { version } of secrets.versions(name)) {
      this.values.add(secrets.value(name, version));
    }
    for (const { version } of this.in(role).versions(name)) {
      if (!this.#originals.has(version)) {
        this.#originals.set(version, this.factsOf(role, name, version));
      }
    }
  }
}
