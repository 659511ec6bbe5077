import { isDeepStrictEqual } from "node:util";
import { isOlderThan } from "./age";
import type { DrillOutcome } from "./drill";

/** What is recorded of the last drill. */
export interface RecordedDrill {
  readonly vaultUri: string;
  readonly keyName: string;
  readonly blobSha256: string;
  readonly triggers: readonly unknown[];
  /** RFC 3339. */
  readonly drilledAt: string;
  readonly outcome: DrillOutcome;
  /** Whether a copy was left behind that could have been removed. */
  readonly hasLeftover: boolean;
}

/** What the program declares. Before an update some of it may not be known yet. */
export interface DeclaredDrill {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  readonly blobSha256?: string | undefined;
  readonly triggers: readonly unknown[];
  readonly maxAgeDays?: number | undefined;
  readonly onFailure: "fail" | "record";
  /** The names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type DrillDue =
  | { readonly kind: "none" }
  | { readonly kind: "run"; readonly because: string }
  /** Whether one is due shows only when these inputs are known. */
  | { readonly kind: "unknown"; readonly names: readonly string[] }
  /** The program declares another key, or another scratch vault. */
  | { readonly kind: "otherKey"; readonly properties: readonly ("vaultUri" | "backup")[] };

/**
 * Decides whether a drill is due.
 *
 * @param now - In milliseconds.
 */
export function drillDue(recorded: RecordedDrill, declared: DeclaredDrill, now: number): DrillDue {
  const { vaultUri, keyName, blobSha256, triggers, maxAgeDays, onFailure, unknown } = declared;
  const properties = [
    ...(vaultUri !== undefined && vaultUri !== recorded.vaultUri ? (["vaultUri"] as const) : []),
    ...(keyName !== undefined && keyName.toLowerCase() !== recorded.keyName.toLowerCase() ? (["backup"] as const) : []),
  ];
  if (properties.length > 0) {
    return { kind: "otherKey", properties };
  }
  if (unknown.length > 0) {
    return { kind: "unknown", names: unknown };
  }
  if (blobSha256 !== recorded.blobSha256) {
    return { kind: "run", because: "there is another backup" };
  }
  if (!isDeepStrictEqual(triggers, recorded.triggers)) {
    return { kind: "run", because: "triggers changed" };
  }
  const isTooOld = maxAgeDays !== undefined && isOlderThan(recorded.drilledAt, maxAgeDays, now);
  if (isTooOld === undefined) {
    return { kind: "run", because: "maxAgeDays is set, and when the last one ran is not known" };
  }
  if (isTooOld) {
    const because = `the last one ran at ${recorded.drilledAt}, longer ago than maxAgeDays (${maxAgeDays})`;
    return { kind: "run", because };
  }
  if (recorded.hasLeftover) {
    return { kind: "run", because: "the last one left a copy of the key behind" };
  }
  return recorded.outcome === "failed" && onFailure === "fail"
    ? { kind: "run", because: "the last one failed" }
    : { kind: "none" };
}
