import type { KeyStatus, RecordedRestore } from "../backup/restoration";
import { type OnDestroy, onDestroyIn } from "./keyRestoreInputs";
import type { Properties } from "./shapes";
import { membersIn, textIn, textsIn } from "./valuesIn";

/** What a state records of a restored key. Its names are part of the contract with the states of every release. */
export interface RestoreRecord {
  readonly vaultUri: string;
  readonly keyName: string;
  readonly keyUri: string;
  readonly keyUriWithVersion: string | undefined;
  /** Every version that it is known to have, newest first. */
  readonly keyVersions: readonly string[];
  /** RFC 3339. */
  readonly restoredAt: string;
  readonly restoredFrom: {
    readonly blobSha256: string;
    /** The versions that came with the blob, newest first. */
    readonly keyVersions: readonly string[];
    /** Of the source. */
    readonly keyUri?: string | undefined;
    readonly backedUpAt?: string | undefined;
  };
  /** Whether the key was there already. */
  readonly isAdopted: boolean;
  readonly missingVersions: readonly string[];
  readonly keyStatus: KeyStatus;
  readonly keyStatusReason: string | undefined;
  /** A deletion is told of no input, but of what is recorded. */
  readonly onDestroy: OnDestroy;
}

const statuses: readonly string[] = ["present", "missing", "softDeleted", "replaced", "unreachable"];

/** The record in the properties that the engine hands over, whatever an edited state has made of them. */
export function restoreRecordIn(properties: Properties): RestoreRecord {
  const restoredFrom = membersIn(properties.restoredFrom);
  const keyStatus = textIn(properties.keyStatus) ?? "";
  return {
    vaultUri: textIn(properties.vaultUri) ?? "",
    keyName: textIn(properties.keyName) ?? "",
    keyUri: textIn(properties.keyUri) ?? "",
    keyUriWithVersion: textIn(properties.keyUriWithVersion),
    keyVersions: textsIn(properties.keyVersions),
    restoredAt: textIn(properties.restoredAt) ?? "",
    restoredFrom: {
      blobSha256: textIn(restoredFrom.blobSha256) ?? "",
      keyVersions: textsIn(restoredFrom.keyVersions),
      keyUri: textIn(restoredFrom.keyUri),
      backedUpAt: textIn(restoredFrom.backedUpAt),
    },
    // Of what is not known to be restored by this resource, nothing is ever deleted.
    isAdopted: properties.isAdopted !== false,
    missingVersions: textsIn(properties.missingVersions),
    keyStatus: statuses.includes(keyStatus) ? (keyStatus as KeyStatus) : "unreachable",
    keyStatusReason: textIn(properties.keyStatusReason),
    onDestroy: onDestroyIn(properties.onDestroy),
  };
}

/** What decides of a record what is to be done. */
export function recordedRestore(record: RestoreRecord): RecordedRestore {
  return { ...record, blobSha256: record.restoredFrom.blobSha256 };
}
