import type { TokenCredential } from "@azure/core-auth";
import type { KeyClientOptions } from "@azure/keyvault-keys";
import type { BlobOrigin } from "../backup/blob";
import type { CheckResult } from "../backup/drillEvidence";
import type { OperationName, Permission, Permissions } from "./permissions";

/** One version as the service lists it. Times are in milliseconds, of whole seconds. */
export interface ObjectVersion {
  /** 32 hexadecimal digits, in lower case. */
  readonly version: string;
  readonly createdAt: number;
  /** When an attribute or a tag last changed. */
  readonly updatedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** The other attributes that a backup holds, such as `enabled`. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  /** `x5t` of a certificate. */
  readonly thumbprint?: string | undefined;
  /** Whether the version belongs to a certificate. */
  readonly isManaged: boolean;
}

export interface CurrentVersion {
  readonly version: string;
  /** RFC 7638, SHA-256, of the public key; undefined for a symmetric key. */
  readonly thumbprint: string | undefined;
}

export interface RestoredObject {
  readonly name: string;
  /** The newest version. */
  readonly version: string;
}

export interface DeletedObject {
  /** The newest version; undefined if the service does not say. */
  readonly version: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly isPurgeable: boolean | undefined;
  /** When the service purges it, in milliseconds. */
  readonly purgedAt: number | undefined;
  /** Whether it belongs to a certificate. */
  readonly isManaged: boolean;
}

/** The service's operations on the objects of one kind in one vault. Methods throw a `Refusal` as it comes. */
export interface ObjectClient {
  /** In no particular order; none if there is no such object. Never reads a secret's value. */
  listVersions(name: string, signal: AbortSignal): Promise<ObjectVersion[]>;
  /** The version that the service takes if none is named. Absent if that would read a value. */
  getCurrent?(name: string, signal: AbortSignal): Promise<CurrentVersion>;
  /** Whether the vault lets a deleted object be purged early; undefined if the vault does not say. */
  isPurgeable(name: string, signal: AbortSignal): Promise<boolean | undefined>;
  /** The `value` of the answer, whatever it is. */
  backUp(name: string, signal: AbortSignal): Promise<unknown>;
  restore(blob: Uint8Array, signal: AbortSignal): Promise<RestoredObject>;
  /** Undefined if a list of the deleted objects does not show it, which is looked through if the object may not be read. */
  getDeleted(name: string, signal: AbortSignal): Promise<DeletedObject | undefined>;
  /** Resolves when the object is soft-deleted. `interval`: milliseconds between two looks. */
  delete(name: string, interval: number, signal: AbortSignal): Promise<DeletedObject>;
  purge(name: string, signal: AbortSignal): Promise<void>;
  /** Replaces all tags of the version. */
  setTags(name: string, version: string, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
}

export type ClientOptions = Omit<KeyClientOptions, "serviceVersion"> & { readonly serviceVersion: "7.4" };

/** Makes one request about the object, or says why it could not be made. `isBadRequest`: the service answered 400. */
export type Attempt = <Client extends ObjectClient, T>(
  kind: ObjectKind<Client>,
  operation: OperationName,
  request: (client: Client, signal: AbortSignal) => Promise<T>,
) => Promise<{ readonly value: T } | { readonly because: string; readonly isBadRequest: boolean }>;

/** What there is to compare a copy of an object with its source, and to prove it. */
export interface ProofTools {
  readonly name: string;
  /** The versions of the copy. */
  readonly versions: readonly ObjectVersion[];
  /** Thumbprints that were recorded with the backup, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
  /** Requests about the copy. */
  readonly copy: Attempt;
  /** Requests about the source; undefined if its vault is not known. */
  readonly source: Attempt | undefined;
  /** In milliseconds. */
  now(): number;
}

/** Results of checks and facts beside them, by version and name. */
export type Evidence = ReadonlyMap<string, Readonly<Record<string, CheckResult | string>>>;

/** What the package knows of a kind of object. Everything else takes it as a parameter. */
export interface ObjectKind<Client extends ObjectClient = ObjectClient> {
  readonly noun: "key" | "secret" | "certificate";
  /** The part of the URI that names the kind, and of the Azure CLI's commands. */
  readonly collection: "keys" | "secrets" | "certificates";
  /** Inputs and outputs that have the kind in their names, as azure-native calls them. */
  readonly properties: {
    readonly name: "keyName" | "secretName" | "certificateName";
    readonly uri: "keyUri" | "secretUri" | "certificateUri";
    readonly uriWithVersion: "keyUriWithVersion" | "secretUriWithVersion" | "certificateUriWithVersion";
  };
  /** What may have made a backup of the kind. */
  readonly blobOrigins: readonly BlobOrigin[];
  /** Other kinds in which an object of the same name stands in the way of a restore. */
  readonly sharesNamesWith: readonly ObjectKind[];
  readonly permissions: Permissions;
  /** Whether versions have thumbprints: of a public key, or `x5t`. */
  readonly hasThumbprints: boolean;
  /** Loads the SDK's client with the first call. */
  connect(vaultUri: string, credential: TokenCredential, options: ClientOptions): Client;
  /** Names of the checks that `prove` makes of each version. */
  readonly checks: readonly string[];
  /** Compares a copy with its source, as far as the source is known. */
  compare(tools: ProofTools): Promise<Evidence>;
  /** Compares a restored copy with its source, and uses it. */
  prove(tools: ProofTools): Promise<Evidence>;
}

/** @throws An error if objects of the kind have no such operation. */
export function permissionFor({ noun, permissions }: ObjectKind, operation: OperationName): Permission {
  const permission = permissions[operation];
  if (permission === undefined) {
    throw new Error(`A ${noun} has no operation ${operation}.`);
  }
  return permission;
}

/** Whether a Managed HSM holds objects of the kind. */
export function isInHsm({ permissions }: ObjectKind): boolean {
  return permissions.backup.hsm !== undefined;
}

// Requests about single versions; an object may have hundreds.
const concurrentRequests = 8;

/** Calls the function for each item, a few at a time, and keeps the order. */
export async function mapConcurrently<T, R>(items: readonly T[], call: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += concurrentRequests) {
    results.push(...(await Promise.all(items.slice(from, from + concurrentRequests).map(call))));
  }
  return results;
}
