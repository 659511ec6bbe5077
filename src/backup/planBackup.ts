import { isDeepStrictEqual } from "node:util";
import { whyTooOld } from "./age";
import { type BackupRecord, backupsOf } from "./backup";
import { damageOf } from "./blob";
import { copiesElsewhere, copiesToWrite, copyUri, mayBeIntact } from "./copies";
import { isSameName } from "./versions";

/** What the program declares. Before an update some of it may be unknown. */
export interface DeclaredBackup {
  readonly vaultUri?: string | undefined;
  readonly name?: string | undefined;
  /** The version that the backup must hold. */
  readonly version?: string | undefined;
  readonly triggers: readonly unknown[];
  readonly maxAgeDays?: number | undefined;
  readonly forget: readonly string[];
  readonly forceDelete: boolean;
  /** URIs of the places where each backup has a copy, canonical. */
  readonly copyTo: readonly string[];
  readonly keepBlobInState: boolean;
  /** Names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type BackupPlan =
  /** The recorded backup is the declared one. `note` says what the user should know all the same. */
  | { readonly kind: "unchanged"; readonly note?: string }
  | { readonly kind: "backUp"; readonly because: string }
  /** No new backup; its copies, or what is recorded beside it, change. */
  | { readonly kind: "updateRecord"; readonly because: string }
  /** What is due depends on inputs that are not known yet. */
  | { readonly kind: "unknown"; readonly inputs: readonly string[] };

/** Inputs that decide what is kept, and not whether a backup is made. */
const recordOnlyInputs: readonly string[] = ["forget", "forceDelete", "retain", "copyTo", "keepBlobInState"];

/**
 * Decides what is due for a recorded backup.
 *
 * @param now - In milliseconds.
 */
export function planBackup(record: BackupRecord, declared: DeclaredBackup, now: number): BackupPlan {
  if (isAnotherObject(record, declared)) {
    return { kind: "backUp", because: `the program no longer names ${record.sourceUri}` };
  }
  if (declared.unknown.some((name) => !recordOnlyInputs.includes(name))) {
    return { kind: "unknown", inputs: declared.unknown };
  }
  const wish =
    whyTooOld("the backup", record.backedUpAt, declared.maxAgeDays, now) ?? whyCopyDiffers(record, declared.copyTo);
  const due = whyDue(record, declared) ?? (record.sourceStatus === "missing" ? undefined : wish);
  if (due !== undefined) {
    return { kind: "backUp", because: [due, ...whatIsForgotten(record, declared)].join("; ") };
  }
  // A new number of backups to retain takes effect with the next backup.
  const unknown = declared.unknown.filter((name) => name !== "retain");
  if (unknown.length > 0) {
    return { kind: "unknown", inputs: unknown };
  }
  const [forgotten] = whatIsForgotten({ ...record, blobSha256: "" }, declared);
  const changed = forgotten ?? whyRecordChanges(record, declared);
  if (changed !== undefined) {
    return { kind: "updateRecord", because: changed };
  }
  return wish === undefined
    ? { kind: "unchanged" }
    : { kind: "unchanged", note: `${wish}, but the source was missing at the last refresh` };
}

function isAnotherObject({ vaultUri, name }: BackupRecord, declared: DeclaredBackup): boolean {
  return (
    (declared.vaultUri !== undefined && !isSameName(declared.vaultUri, vaultUri)) ||
    (declared.name !== undefined && !isSameName(declared.name, name))
  );
}

function whyDue(record: BackupRecord, declared: DeclaredBackup): string | undefined {
  if (declared.version !== undefined && !holds(record, declared.version)) {
    return `the backup does not hold version ${declared.version}`;
  }
  if (!isDeepStrictEqual(declared.triggers, record.triggers ?? [])) {
    return "triggers changed";
  }
  if (!mayBeIntact(record)) {
    const damage = damageOf(record);
    return damage === undefined
      ? "the state has no blob, and no copy of the backup is left"
      : `the blob in the state is damaged: ${damage}`;
  }
  return record.sourceStatus === "changed" ? (record.sourceStatusReason ?? "the source changed") : undefined;
}

/** A copy is never overwritten: only a new backup has another name. */
function whyCopyDiffers(record: BackupRecord, copyTo: readonly string[]): string | undefined {
  const wanted = copyTo.map((place) => copyUri(place, record));
  const copy = record.copies?.find(({ uri, status }) => status === "different" && wanted.includes(uri));
  return copy && `the copy ${copy.uri} has other content`;
}

/** Why the copies, or what is recorded beside the backup, change without a new backup. */
function whyRecordChanges(record: BackupRecord, declared: DeclaredBackup): string | undefined {
  if (declared.forceDelete !== (record.forceDelete ?? false)) {
    return "forceDelete changed";
  }
  const intact = backupsOf(record).filter(mayBeIntact);
  const [absent] = intact.flatMap((backup) => copiesToWrite(backup, declared.copyTo));
  if (absent !== undefined) {
    const isKnown = intact.some(({ copies = [] }) => copies.some(({ uri }) => uri === absent));
    return `the copy ${absent} is ${isKnown ? "missing" : "not written yet"}`;
  }
  // While a copy has other content, nothing else leaves the record.
  const movable = intact.filter(({ copies = [] }) => copies.every(({ status }) => status !== "different"));
  const [elsewhere] = movable.flatMap((backup) => copiesElsewhere(backup, declared.copyTo));
  if (elsewhere !== undefined) {
    return `copyTo no longer names the place of ${elsewhere.uri}`;
  }
  if (movable.some(({ blob }) => (blob !== undefined) !== declared.keepBlobInState)) {
    return "keepBlobInState changed";
  }
  return movable.some((backup) => damageOf(backup) !== undefined)
    ? "the blob in the state is damaged, and a copy has it"
    : undefined;
}

function holds({ versions, declaredVersion }: BackupRecord, version: string): boolean {
  // If the versions could not be listed, the program named the same version when the backup was made: no more is known.
  const held = versions.length > 0 ? versions : [declaredVersion];
  return held.some((one) => isSameName(one, version));
}

function whatIsForgotten(record: BackupRecord, { forget }: DeclaredBackup): string[] {
  const dropped = backupsOf(record).filter(({ blobSha256 }) => forget.includes(blobSha256));
  return dropped.length === 0 ? [] : [`forget drops ${dropped.map(({ blobSha256 }) => blobSha256).join(", ")}`];
}
