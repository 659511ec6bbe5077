import type { TokenCredential } from "@azure/core-auth";
import type { KeyClientOptions } from "@azure/keyvault-keys";
import type { CheckResult } from "../backup/drillEvidence";

/** What can be asked of a vault about one object. */
export type OperationName =
  | "backup"
  | "list"
  | "get"
  | "getDeleted"
  | "restore"
  | "update"
  | "delete"
  | "purge"
  | "sign"
  | "unwrapKey"
  | "decrypt";

/** What an identity needs for an operation. */
export interface Permission {
  /** The operation as a verb that takes the object: `back up`. */
  readonly verb: string;
  readonly dataAction: string;
  /** A built-in role that has the data action. */
  readonly role: string;
  /** The permission in an access policy. */
  readonly accessPolicy: string;
  /** The data action and a built-in role of a Managed HSM. */
  readonly hsmDataAction: string;
  readonly hsmRole: string;
}

/** One version as the service lists it. Times are in milliseconds, of whole seconds. */
export interface ObjectVersion {
  /** 32 hexadecimal digits, in lower case. */
  readonly version: string;
  readonly createdAt: number;
  /** When an attribute or a tag last changed. */
  readonly updatedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether the vault lets a deleted object be purged early; undefined if the vault does not say. */
  readonly isPurgeable: boolean | undefined;
}

export interface CurrentVersion {
  readonly version: string;
  /** RFC 7638, SHA-256, of the public key; undefined if there is none. */
  readonly thumbprint: string | undefined;
}

export interface RestoredObject {
  readonly name: string;
  /** The newest version. */
  readonly version: string;
}

export interface DeletedObject {
  /** The newest version. */
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly isPurgeable: boolean | undefined;
  /** When the service purges it, in milliseconds. */
  readonly purgedAt: number | undefined;
}

/** The service's operations on the objects of one kind in one vault. Methods throw a `Refusal` as it comes. */
export interface ObjectClient {
  /** In no particular order; none if there is no such object. */
  listVersions(name: string, signal: AbortSignal): Promise<ObjectVersion[]>;
  /** The version that the service takes if none is named. */
  getCurrent(name: string, signal: AbortSignal): Promise<CurrentVersion>;
  /** RFC 7638, SHA-256, of the version's public key; undefined if there is none. */
  getThumbprint(name: string, version: string, signal: AbortSignal): Promise<string | undefined>;
  /** The `value` of the answer, whatever it is. */
  backUp(name: string, signal: AbortSignal): Promise<unknown>;
  restore(blob: Uint8Array, signal: AbortSignal): Promise<RestoredObject>;
  getDeleted(name: string, signal: AbortSignal): Promise<DeletedObject>;
  /** Resolves when the object is soft-deleted. `interval`: milliseconds between two looks. */
  delete(name: string, interval: number, signal: AbortSignal): Promise<void>;
  purge(name: string, signal: AbortSignal): Promise<void>;
  /** Replaces all tags of the version. */
  setTags(name: string, version: string, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
}

export type ClientOptions = KeyClientOptions;

/** Makes one request, or says why it could not be made. `isBadRequest`: the service answered 400. */
export type Attempt<Client extends ObjectClient = ObjectClient> = <T>(
  operation: OperationName,
  request: (client: Client, signal: AbortSignal) => Promise<T>,
) => Promise<{ readonly value: T } | { readonly because: string; readonly isBadRequest: boolean }>;

/** What the proof of a restored object has to work with. */
export interface ProofTools<Client extends ObjectClient = ObjectClient> {
  readonly name: string;
  /** The versions of the restored copy. */
  readonly versions: readonly string[];
  /** Thumbprints of the source's public keys that were recorded with the backup, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
  /** Requests to the restored copy. */
  readonly copy: Attempt<Client>;
  /** Requests to the source; undefined if its vault is not known. */
  readonly source: Attempt<Client> | undefined;
  /** In milliseconds. */
  now(): number;
}

/** What the package knows of a kind of object. Everything else takes it as a parameter. */
export interface ObjectKind<Client extends ObjectClient = ObjectClient> {
  readonly noun: "key";
  /** The part of the URI that names the kind, and of the Azure CLI's commands. */
  readonly collection: "keys";
  /** Inputs and outputs that have the kind in their names, as azure-native calls them. */
  readonly properties: {
    readonly name: "keyName";
    readonly uri: "keyUri";
    readonly uriWithVersion: "keyUriWithVersion";
  };
  readonly permissions: Readonly<Record<OperationName, Permission>>;
  connect(vaultUri: string, credential: TokenCredential, options: ClientOptions): Client;
  /** Names of the checks that `prove` makes of each version. */
  readonly checks: readonly string[];
  /** Proves a restored copy, version by version. */
  prove(tools: ProofTools<Client>): Promise<Map<string, Readonly<Record<string, CheckResult>>>>;
}

/** What an object's recovery level says of purging it early; undefined if there is none. */
export function isPurgeableBy(recoveryLevel: string | undefined): boolean | undefined {
  return recoveryLevel?.includes("Purgeable");
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
