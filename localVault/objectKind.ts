import type { VaultIdentity } from "./objectBundle";
import type { StoredObject, StoredVersion } from "./storedObject";
import type { VaultKind } from "./vaultOptions";

/** The kinds of objects, as paths name them. */
export type CollectionName = "keys" | "secrets" | "certificates";

export const collectionNames: readonly CollectionName[] = ["keys", "secrets", "certificates"];

/** How answers name a kind. */
export interface Words {
  readonly collection: CollectionName;
  readonly noun: "key" | "secret" | "certificate";
  readonly title: "Key" | "Secret" | "Certificate";
}

export const wordsOf: Record<CollectionName, Words> = {
  keys: { collection: "keys", noun: "key", title: "Key" },
  secrets: { collection: "secrets", noun: "secret", title: "Secret" },
  certificates: { collection: "certificates", noun: "certificate", title: "Certificate" },
};

export type Json = Record<string, unknown>;

/** What the form of a bundle depends on besides the object. */
export interface BundleForm {
  readonly vault: VaultIdentity;
  readonly apiVersion: string | null;
}

/** What a new version is made from: its id, times and attributes, and the vault that makes it. */
export interface Issue {
  readonly vaultKind: VaultKind;
  readonly name: string;
  readonly base: StoredVersion;
}

/** What tells keys, secrets and certificates apart. */
export interface ObjectKind<Version extends StoredVersion, New extends object, Change extends object> {
  readonly words: Words;
  /** Makes a version. `latest` is the latest version of an object that exists. */
  create(issue: Issue, options: New, latest?: Version): Version | Promise<Version>;
  /** Makes a version like the latest. */
  rotate(issue: Issue, latest: Version): Version | Promise<Version>;
  /** A version as the service answers it. */
  bundle(form: BundleForm, object: StoredObject<Version>, version: Version): Json;
  /** A version as lists have it, or an object if no version is given. */
  item(form: BundleForm, object: StoredObject<Version>, version?: Version): Json;
  /** What the body of a request sets. */
  readChange(body: Json): Change;
  /** A version as backups hold it, and back. */
  exportVersion(version: Version): Json;
  importVersion(exported: Json): Version;
}
