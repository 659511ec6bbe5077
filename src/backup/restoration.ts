import { lacking, versionsText } from "./history";

/** What had become of a restored key when it was last looked up. */
export type KeyStatus = "present" | "missing" | "softDeleted" | "replaced" | "unreachable";

/** What is recorded of a restored key. */
export interface RecordedRestore {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  readonly keyUri?: string | undefined;
  /** Every version that it is known to have. */
  readonly keyVersions: readonly string[];
  readonly blobSha256?: string | undefined;
  readonly missingVersions: readonly string[];
  readonly keyStatus?: KeyStatus | undefined;
  readonly keyStatusReason?: string | undefined;
  readonly isAdopted: boolean;
  readonly onDestroy?: string | undefined;
}

/** What the program declares. Before an update some of it may not be known yet. */
export interface DeclaredRestore {
  readonly vaultUri?: string | undefined;
  /** Undefined where the blob alone tells it. */
  readonly keyName?: string | undefined;
  readonly blobSha256?: string | undefined;
  /** The key that the backup was made from. */
  readonly sourceKeyUri?: string | undefined;
  /** Every version that the backup is known to hold. */
  readonly keyVersions: readonly string[];
  readonly onNewVersions: "keep" | "recreate";
  readonly onDestroy: string;
  /** The names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type RestorePlan =
  /** The restored key is the declared one. */
  | { readonly kind: "inPlace" }
  /** The key is not there, and is to be restored again. */
  | { readonly kind: "restore"; readonly because: string }
  /** The key is to be deleted, purged and restored from a newer backup. */
  | { readonly kind: "recreate"; readonly missing: readonly string[] }
  /** The key stays, and what is recorded of it changes. */
  | { readonly kind: "amend"; readonly because: string }
  /** What is due shows only when these inputs are known. */
  | { readonly kind: "unknown"; readonly names: readonly string[] }
  /** The program declares another key, or another vault. */
  | { readonly kind: "otherKey"; readonly properties: readonly ("vaultUri" | "backup")[] };

const isGone: ReadonlySet<KeyStatus> = new Set(["missing", "replaced"]);

/** Decides what is to be done for a restored key. */
export function planOf(recorded: RecordedRestore, declared: DeclaredRestore): RestorePlan {
  const properties = [
    ...(declared.vaultUri !== undefined && declared.vaultUri !== recorded.vaultUri ? (["vaultUri"] as const) : []),
    ...(isOfOtherKey(recorded, declared) ? (["backup"] as const) : []),
  ];
  if (properties.length > 0) {
    return { kind: "otherKey", properties };
  }
  if (declared.unknown.length > 0) {
    return { kind: "unknown", names: declared.unknown };
  }
  const missing = missingVersions(recorded, declared);
  const isToRecreate = missing.length > 0 && declared.onNewVersions === "recreate" && !recorded.isAdopted;
  // A recreation that was interrupted leaves the key soft-deleted.
  if (isToRecreate && (recorded.keyStatus === undefined || !isGone.has(recorded.keyStatus))) {
    return { kind: "recreate", missing };
  }
  if (recorded.keyStatus === "softDeleted" || (recorded.keyStatus !== undefined && isGone.has(recorded.keyStatus))) {
    return { kind: "restore", because: recorded.keyStatusReason ?? "the key is not there." };
  }
  if (lacking(missing, recorded.missingVersions).length > 0) {
    return { kind: "amend", because: `the backup holds ${versionsText(missing)}, which the restored key lacks` };
  }
  if (lacking(recorded.missingVersions, missing).length > 0) {
    const lacks = missing.length === 0 ? "no version" : `only ${versionsText(missing)}`;
    return { kind: "amend", because: `the restored key lacks ${lacks} of the backup` };
  }
  return declared.onDestroy === recorded.onDestroy
    ? { kind: "inPlace" }
    : { kind: "amend", because: "onDestroy changed" };
}

/** The versions that the backup holds and the restored key lacks. What was backed up from the key itself, it has. */
export function missingVersions(
  { keyUri, keyVersions }: Pick<RecordedRestore, "keyUri" | "keyVersions">,
  declared: Pick<DeclaredRestore, "sourceKeyUri" | "keyVersions">,
): string[] {
  return keyUri !== undefined && keyUri.toLowerCase() === declared.sourceKeyUri?.toLowerCase()
    ? []
    : lacking(declared.keyVersions, keyVersions);
}

// Of a blob of which nothing is known, it is not known either whether it is a newer backup of the same key.
function isOfOtherKey(recorded: RecordedRestore, { keyName, blobSha256, unknown }: DeclaredRestore): boolean {
  if (keyName !== undefined) {
    return keyName.toLowerCase() !== recorded.keyName?.toLowerCase();
  }
  return !unknown.includes("backup") && blobSha256 !== undefined && blobSha256 !== recorded.blobSha256;
}
