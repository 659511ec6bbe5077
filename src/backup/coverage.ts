import { isDeepStrictEqual } from "node:util";
import { isOlderThan } from "./age";
import type { SourceStatus } from "./freshness";

/** What decides whether a recorded backup still is the one that the program declares. */
export interface RecordedBackup {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  /** Every version that the backup is known to hold; none where the versions could not be read. */
  readonly keyVersions?: readonly string[] | undefined;
  /** The version that the program named when the backup was made. */
  readonly keyVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
  /** When it was made: RFC 3339. */
  readonly backedUpAt?: string | undefined;
  /** How the key compared with it when it was last looked up. */
  readonly sourceStatus?: SourceStatus | undefined;
  readonly sourceStatusReason?: string | undefined;
  /** What is wrong with the blob, if it is not the one that was recorded. */
  readonly damage?: string | undefined;
  readonly blobSha256?: string | undefined;
  /** The SHA-256 of the earlier backups that are kept beside it. */
  readonly previous?: readonly string[] | undefined;
  readonly forceDelete?: boolean | undefined;
}

/** What the program declares. Before an update some of it may not be known yet. */
export interface DeclaredBackup {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  readonly keyVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
  readonly maxAgeDays?: number | undefined;
  readonly forget?: readonly string[] | undefined;
  readonly forceDelete?: boolean | undefined;
  /** The names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type Coverage =
  /** The recorded backup is the declared one. */
  | { readonly kind: "covered" }
  /** A new backup of the same key is due. */
  | { readonly kind: "renew"; readonly because: string }
  /** The recorded backup stays, and what is recorded beside it changes. */
  | { readonly kind: "amend"; readonly because: string }
  /** A new backup would be due, but the key is not there. */
  | { readonly kind: "overdue"; readonly because: string }
  /** Whether one is due, or another key is declared, shows only when these inputs are known. */
  | { readonly kind: "unknown"; readonly names: readonly string[] }
  /** The program declares another key, so that the record is not a backup of it. */
  | { readonly kind: "otherKey"; readonly properties: readonly ("vaultUri" | "keyName")[] };

/** The inputs that decide what is kept beside a backup, and not whether one is made. */
export const besideTheBackup: readonly string[] = ["forget", "forceDelete"];

/**
 * Decides whether the recorded backup is the one that the program declares, and if not, why not.
 *
 * @param now - In milliseconds.
 */
export function coverageOf(recorded: RecordedBackup, declared: DeclaredBackup, now: number): Coverage {
  const properties = (["vaultUri", "keyName"] as const).filter(
    (name) => declared[name] !== undefined && !isSameName(declared[name], recorded[name]),
  );
  if (properties.length > 0) {
    return { kind: "otherKey", properties };
  }
  if (declared.unknown.some((name) => !besideTheBackup.includes(name))) {
    return { kind: "unknown", names: declared.unknown };
  }
  const tooOld = whyTooOld(recorded, declared, now);
  const due = whyDue(recorded, declared) ?? (recorded.sourceStatus === "missing" ? undefined : tooOld);
  if (due !== undefined) {
    const forgotten = whatIsForgotten(declared, [recorded.blobSha256, ...(recorded.previous ?? [])]);
    return { kind: "renew", because: forgotten === undefined ? due : `${due}; ${forgotten}` };
  }
  if (declared.unknown.length > 0) {
    return { kind: "unknown", names: declared.unknown };
  }
  const amendment = whatToAmend(recorded, declared);
  if (amendment !== undefined) {
    return { kind: "amend", because: amendment };
  }
  return tooOld === undefined ? { kind: "covered" } : { kind: "overdue", because: tooOld };
}

function whyDue(recorded: RecordedBackup, declared: DeclaredBackup): string | undefined {
  if (declared.keyVersion !== undefined && !holds(recorded, declared.keyVersion)) {
    return `the recorded backup does not hold version ${declared.keyVersion}`;
  }
  if (!isDeepStrictEqual(declared.triggers ?? [], recorded.triggers ?? [])) {
    return "triggers changed";
  }
  if (recorded.damage !== undefined) {
    return `the recorded blob is damaged: ${recorded.damage}`;
  }
  return recorded.sourceStatus === "changed" ? (recorded.sourceStatusReason ?? "the key changed") : undefined;
}

function whyTooOld({ backedUpAt }: RecordedBackup, { maxAgeDays }: DeclaredBackup, now: number): string | undefined {
  if (maxAgeDays === undefined) {
    return undefined;
  }
  const isTooOld = isOlderThan(backedUpAt, maxAgeDays, now);
  if (isTooOld === undefined) {
    return "maxAgeDays is set, and when the recorded backup was made is not known";
  }
  return isTooOld
    ? `the recorded backup was made at ${backedUpAt}, longer ago than maxAgeDays (${maxAgeDays})`
    : undefined;
}

function whatToAmend(recorded: RecordedBackup, declared: DeclaredBackup): string | undefined {
  const forceDelete = (declared.forceDelete ?? false) === (recorded.forceDelete ?? false);
  return whatIsForgotten(declared, recorded.previous ?? []) ?? (forceDelete ? undefined : "forceDelete changed");
}

function whatIsForgotten({ forget = [] }: DeclaredBackup, hashes: readonly (string | undefined)[]): string | undefined {
  const forgotten = forget.filter((sha256) => hashes.includes(sha256));
  return forgotten.length === 0 ? undefined : `forget names ${forgotten.join(", ")}, which will be dropped`;
}

function holds(recorded: RecordedBackup, keyVersion: string): boolean {
  const { keyVersions = [] } = recorded;
  // Where the versions could not be read, the program named the same version when the backup was made: no more is known.
  const held = keyVersions.length > 0 ? keyVersions : [recorded.keyVersion];
  return held.some((version) => isSameName(version, keyVersion));
}

// Key Vault compares the identifiers of its objects without regard to case.
function isSameName(one: string | undefined, other: string | undefined): boolean {
  return one?.toLowerCase() === other?.toLowerCase();
}
