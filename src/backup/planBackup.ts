import { isDeepStrictEqual } from "node:util";
import { whyTooOld } from "./age";
import { type BackupRecord, backupsOf } from "./backup";
import { damageOf } from "./blob";
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
  /** Names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type BackupPlan =
  /** The recorded backup is the declared one. `note` says what the user should know all the same. */
  | { readonly kind: "unchanged"; readonly note?: string }
  | { readonly kind: "backUp"; readonly because: string }
  /** No new backup; what is recorded beside it changes. */
  | { readonly kind: "updateRecord"; readonly because: string }
  /** What is due depends on inputs that are not known yet. */
  | { readonly kind: "unknown"; readonly inputs: readonly string[] };

/** Inputs that decide what is kept, and not whether a backup is made. */
const recordOnlyInputs: readonly string[] = ["forget", "forceDelete", "retain"];

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
  const tooOld = whyTooOld("the backup", record.backedUpAt, declared.maxAgeDays, now);
  const due = whyDue(record, declared) ?? (record.sourceStatus === "missing" ? undefined : tooOld);
  if (due !== undefined) {
    return { kind: "backUp", because: [due, ...whatIsForgotten(record, declared)].join("; ") };
  }
  // A new number of backups to retain takes effect with the next backup.
  const unknown = declared.unknown.filter((name) => name !== "retain");
  if (unknown.length > 0) {
    return { kind: "unknown", inputs: unknown };
  }
  const [forgotten] = whatIsForgotten({ ...record, blobSha256: "" }, declared);
  if (forgotten !== undefined || declared.forceDelete !== (record.forceDelete ?? false)) {
    return { kind: "updateRecord", because: forgotten ?? "forceDelete changed" };
  }
  return tooOld === undefined
    ? { kind: "unchanged" }
    : { kind: "unchanged", note: `${tooOld}, but the source was missing at the last refresh` };
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
  const damage = damageOf(record);
  if (damage !== undefined) {
    return `the blob in the state is damaged: ${damage}`;
  }
  return record.sourceStatus === "changed" ? (record.sourceStatusReason ?? "the source changed") : undefined;
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
