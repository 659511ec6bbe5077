import type { BackupCopy } from "./copies";

/** One backup of one object: the facts that a state records, and the blob if the state holds it. */
export interface Backup {
  /** URI of the object that the backup was made from, without a version. */
  readonly sourceUri: string;
  /** Every version that the blob is known to hold, newest first; empty if the versions could not be listed. */
  readonly versions: readonly string[];
  /** Base64url; undefined if the blob is kept outside the state. */
  readonly blob?: string | undefined;
  /** Of the decoded blob, hexadecimal. */
  readonly blobSha256: string;
  readonly blobBytes?: number | undefined;
  /** RFC 3339. */
  readonly backedUpAt: string;
  /** In the order of the places that the program names. */
  readonly copies?: readonly BackupCopy[] | undefined;
}

/** An earlier backup that is kept beside the newest. */
export interface PreviousBackup extends Backup {
  readonly keptBecause: string;
}

/**
 * How an object compared with its newest backup when it was last looked up. `current`: unchanged; `changed`: a new backup is
 * due; `missing`: the vault answered and the object is not there; `unreachable`: unknown.
 */
export type SourceStatus = "current" | "changed" | "missing" | "unreachable";

/** What a state records of a backup resource. */
export interface BackupRecord extends Backup {
  readonly vaultUri: string;
  readonly name: string;
  /** The version that the program named when the backup was made. */
  readonly declaredVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
  readonly forceDelete?: boolean | undefined;
  /** Thumbprints of public keys by version, as far as they are known: of this backup and of those in `previous`. */
  readonly thumbprints: Readonly<Record<string, string>>;
  /** When an attribute or a tag of any version last changed: RFC 3339. Undefined if the versions could not be listed. */
  readonly updatedAt?: string | undefined;
  /** Of the newest version. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly sourceStatus?: SourceStatus | undefined;
  readonly sourceStatusReason?: string | undefined;
  /** Newest first. */
  readonly previous: readonly PreviousBackup[];
}

/** The newest backup and all earlier ones, newest first. */
export function backupsOf(record: BackupRecord): Backup[] {
  return [record, ...record.previous];
}

/** An object as it was found, or why it was not. */
export type LookedUpSource =
  | { readonly kind: "found"; readonly versions: readonly SourceVersion[] }
  | { readonly kind: "missing" | "unreachable"; readonly because: string };

/** Times are in milliseconds. */
export interface SourceVersion {
  readonly version: string;
  readonly updatedAt: number;
  readonly tags: Readonly<Record<string, string>>;
}
