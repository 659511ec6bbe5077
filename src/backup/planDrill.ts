import { isDeepStrictEqual } from "node:util";
import { whyTooOld } from "./age";
import type { DrillOutcome } from "./drillEvidence";
import { isSameName } from "./versions";

/** A copy of an object that a drill could not remove from the scratch vault. */
export interface Leftover {
  /** Without a version. */
  readonly uri: string;
  /** Its newest version; empty if unknown. */
  readonly version: string;
  readonly isSoftDeleted: boolean;
  readonly because: string;
  /** RFC 3339: when the vault purges the copy by itself. Present if nobody can purge it earlier. */
  readonly blockedUntil?: string | undefined;
  /** What removes the copy by hand; undefined if only time does. */
  readonly command?: string | undefined;
}

/** What the record of the last drill says. */
export interface RecordedDrill {
  /** URI of the copy in the scratch vault, without a version. */
  readonly copyUri: string;
  readonly blobSha256: string;
  readonly triggers: readonly unknown[];
  /** RFC 3339. */
  readonly drilledAt: string;
  readonly outcome: DrillOutcome;
  readonly leftover?: Leftover | undefined;
}

/** What the program declares. Before an update some of it may be unknown. */
export interface DeclaredDrill {
  readonly copyUri?: string | undefined;
  readonly blobSha256?: string | undefined;
  readonly triggers: readonly unknown[];
  readonly maxAgeDays?: number | undefined;
  readonly onFailure: "fail" | "record";
  /** Names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type DrillPlan =
  /** `note` says what the user should know all the same. */
  | { readonly kind: "unchanged"; readonly note?: string }
  | { readonly kind: "run"; readonly because: string }
  /** What is due depends on inputs that are not known yet. */
  | { readonly kind: "unknown"; readonly inputs: readonly string[] };

/**
 * Decides whether a drill is due.
 *
 * @param now - In milliseconds.
 */
export function planDrill(record: RecordedDrill, declared: DeclaredDrill, now: number): DrillPlan {
  if (declared.copyUri !== undefined && !isSameName(declared.copyUri, record.copyUri)) {
    return { kind: "run", because: "the program names another object or another scratch vault" };
  }
  if (declared.unknown.length > 0) {
    return { kind: "unknown", inputs: declared.unknown };
  }
  const because = whyDue(record, declared, now);
  if (because === undefined) {
    return { kind: "unchanged" };
  }
  const { blockedUntil } = record.leftover ?? {};
  return blockedUntil !== undefined && now < Date.parse(blockedUntil)
    ? { kind: "unchanged", note: `${because}, but a soft-deleted copy blocks the name until ${blockedUntil}` }
    : { kind: "run", because };
}

function whyDue(record: RecordedDrill, declared: DeclaredDrill, now: number): string | undefined {
  if (declared.blobSha256 !== record.blobSha256) {
    return "the backup changed";
  }
  if (!isDeepStrictEqual(declared.triggers, record.triggers)) {
    return "triggers changed";
  }
  const tooOld = whyTooOld("the last drill", record.drilledAt, declared.maxAgeDays, now);
  if (tooOld !== undefined) {
    return tooOld;
  }
  if (record.leftover !== undefined && record.leftover.blockedUntil === undefined) {
    return "the last drill left a copy behind";
  }
  return record.outcome === "failed" && declared.onFailure === "fail" ? "the last drill failed" : undefined;
}
