import { isSameName, versionsNotIn, versionsText } from "./versions";

/**
 * What had become of a restored object when it was last looked up. `replaced`: another object has its name; `unreachable`:
 * unknown.
 */
export type RestoredStatus = "present" | "missing" | "softDeleted" | "replaced" | "unreachable";

/** What a state records of a restored object. */
export interface RestoreRecord {
  readonly vaultUri: string;
  readonly name: string;
  readonly uri: string;
  /** Every version that the object is known to have, newest first. */
  readonly versions: readonly string[];
  /** RFC 3339. */
  readonly restoredAt: string;
  readonly restoredFrom: {
    readonly blobSha256: string;
    /** Versions that the restored object had, newest first. */
    readonly versions: readonly string[];
    readonly sourceUri?: string | undefined;
    readonly backedUpAt?: string | undefined;
  };
  /** Versions of the backup that the object lacks. */
  readonly missingVersions: readonly string[];
  readonly status: RestoredStatus;
  readonly statusReason?: string | undefined;
}

/** What the program declares. Before an update some of it may be unknown. */
export interface DeclaredRestore {
  readonly vaultUri?: string | undefined;
  /** Undefined if only the blob tells the name. */
  readonly name?: string | undefined;
  readonly blobSha256?: string | undefined;
  readonly sourceUri?: string | undefined;
  /** Every version that the backup is known to hold. */
  readonly versions: readonly string[];
  readonly onNewVersions: "keep" | "recreate";
  /** Names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type RestorePlan =
  | { readonly kind: "unchanged" }
  | { readonly kind: "restore"; readonly because: string }
  /** The object is to be deleted, purged and restored from a newer backup. */
  | { readonly kind: "recreate"; readonly because: string }
  /** The object stays, and what is recorded of it changes. */
  | { readonly kind: "updateRecord"; readonly because: string }
  /** What is due depends on inputs that are not known yet. */
  | { readonly kind: "unknown"; readonly inputs: readonly string[] };

/** Decides what is due for a restored object. */
export function planRestore(record: RestoreRecord, declared: DeclaredRestore): RestorePlan {
  const another = whyAnotherObject(record, declared);
  if (another !== undefined) {
    return { kind: "restore", because: another };
  }
  if (declared.unknown.length > 0) {
    return { kind: "unknown", inputs: declared.unknown };
  }
  const missing = missingVersions(record, declared);
  const lacks = `${versionsText(missing)} of the backup ${missing.length === 1 ? "is" : "are"} missing from the restored object`;
  // An interrupted recreation leaves the object soft-deleted.
  const canBeRecreated = record.status !== "missing" && record.status !== "replaced";
  if (missing.length > 0 && declared.onNewVersions === "recreate" && canBeRecreated) {
    return { kind: "recreate", because: lacks };
  }
  if (record.status !== "present" && record.status !== "unreachable") {
    return { kind: "restore", because: record.statusReason ?? `the object is ${record.status}` };
  }
  if (versionsNotIn(record.missingVersions, missing).length > 0) {
    return { kind: "updateRecord", because: lacks };
  }
  return versionsNotIn(missing, record.missingVersions).length > 0
    ? { kind: "updateRecord", because: "missingVersions changed" }
    : { kind: "unchanged" };
}

/** The versions of the backup that the restored object lacks; none if the backup was made from this very object. */
export function missingVersions(
  { uri, versions }: Pick<RestoreRecord, "uri" | "versions">,
  declared: Pick<DeclaredRestore, "sourceUri" | "versions">,
): string[] {
  return isSameName(uri, declared.sourceUri) ? [] : versionsNotIn(versions, declared.versions);
}

function whyAnotherObject(record: RestoreRecord, declared: DeclaredRestore): string | undefined {
  if (declared.vaultUri !== undefined && !isSameName(declared.vaultUri, record.vaultUri)) {
    return "vaultUri changed";
  }
  if (declared.name !== undefined) {
    return isSameName(declared.name, record.name) ? undefined : "the backup is of another object";
  }
  // A blob alone does not tell whether it is a newer backup of the same object.
  const isKnown = declared.blobSha256 !== undefined && !declared.unknown.includes("backup");
  return isKnown && declared.blobSha256 !== record.restoredFrom.blobSha256 ? "the backup changed" : undefined;
}

/** A found object, or why none was found. */
export type LookedUpCopy =
  | { readonly kind: "found"; readonly versions: readonly { readonly version: string }[] }
  | { readonly kind: "missing"; readonly because: string; readonly deleted?: object | undefined }
  | { readonly kind: "unreachable"; readonly because: string };

/** The record after a refresh. What was seen once stays seen while the object cannot be reached. */
export function recordSeen(record: RestoreRecord, found: LookedUpCopy): RestoreRecord {
  if (found.kind === "unreachable") {
    const isSeen = record.status !== "present" && record.status !== "unreachable";
    return isSeen ? record : { ...record, status: "unreachable", statusReason: found.because };
  }
  if (found.kind === "missing") {
    const status = found.deleted === undefined ? "missing" : "softDeleted";
    return { ...record, status, statusReason: found.because };
  }
  const versions = found.versions.map(({ version }) => version);
  if (versionsNotIn(versions, record.versions).length === record.versions.length) {
    const statusReason = "another object has its name; it has none of the restored versions";
    return { ...record, status: "replaced", statusReason };
  }
  const missing = versionsNotIn(versions, record.missingVersions);
  return { ...record, versions, missingVersions: missing, status: "present", statusReason: undefined };
}

export type RecreationCheck = { readonly kind: "allowed" } | { readonly kind: "refused"; readonly because: string };

/**
 * Whether a restored object may be deleted and purged to be restored from a newer backup: only a replica in another vault
 * than the source, only if the backup holds all that is there, and only if the vault can purge it.
 */
export function checkRecreation(
  copy: { readonly vaultUri: string; readonly versions: readonly string[]; readonly isPurgeable: boolean },
  backup: { readonly sourceVaultUri?: string | undefined; readonly versions: readonly string[] },
): RecreationCheck {
  if (backup.sourceVaultUri === undefined) {
    return { kind: "refused", because: "The backup does not say which object it was made from." };
  }
  if (isSameName(backup.sourceVaultUri, copy.vaultUri)) {
    return { kind: "refused", because: "This is the source's own vault; recreate works only in another vault." };
  }
  const additional = versionsNotIn(backup.versions, copy.versions);
  if (additional.length > 0) {
    return { kind: "refused", because: `The backup does not hold ${versionsText(additional)}, which would be lost.` };
  }
  return copy.isPurgeable
    ? { kind: "allowed" }
    : {
        kind: "refused",
        because: "The vault has purge protection: the name stays taken until the retention period ends.",
      };
}
