import { isDeepStrictEqual } from "node:util";
import type { BackupRecord, LookedUpSource, SourceStatus, SourceVersion } from "./backup";
import { isSameName, versionsNotIn, versionsText } from "./versions";

export interface Freshness {
  readonly sourceStatus: SourceStatus;
  /** Why the status is not `current`. */
  readonly sourceStatusReason?: string | undefined;
}

type Recorded = Pick<
  BackupRecord,
  "versions" | "updatedAt" | "tags" | "sourceStatus" | "sourceStatusReason" | "backedUpAt"
>;

/** Compares an object with its newest backup. What was seen once stays seen while the object cannot be reached. */
export function compareWithSource(recorded: Recorded, source: LookedUpSource): Freshness {
  const { sourceStatus, sourceStatusReason } = recorded;
  if (source.kind === "unreachable" && (sourceStatus === "changed" || sourceStatus === "missing")) {
    return { sourceStatus, sourceStatusReason };
  }
  if (source.kind !== "found") {
    return { sourceStatus: source.kind, sourceStatusReason: source.because };
  }
  const change = changeOf(recorded, source.versions);
  return change === undefined ? { sourceStatus: "current" } : { sourceStatus: "changed", sourceStatusReason: change };
}

function changeOf(recorded: Recorded, found: readonly SourceVersion[]): string | undefined {
  const present = found.map(({ version }) => version);
  // Versions that were listed and not recorded belong to a blob that proves nothing.
  if (recorded.versions.length === 0 && recorded.updatedAt === undefined) {
    return "the backup was made without the permission to list versions, and they can be listed now";
  }
  const gone = versionsNotIn(present, recorded.versions);
  if (gone.length > 0) {
    return `the vault no longer has ${versionsText(gone)} of the backup: the object was created anew, or restored from an older backup`;
  }
  const added = recorded.versions.length === 0 ? [] : versionsNotIn(recorded.versions, present);
  if (added.length > 0) {
    return `the backup does not hold ${versionsText(added)}`;
  }
  const updatedAt = Math.max(...found.map((version) => version.updatedAt));
  if (updatedAt > Date.parse(recorded.updatedAt ?? recorded.backedUpAt)) {
    return `attributes or tags changed at ${new Date(updatedAt).toISOString()}`;
  }
  // Times are whole seconds: tags may change within the second that is recorded.
  const newest = found.find(({ version }) => isSameName(version, recorded.versions[0]));
  return recorded.tags !== undefined && newest !== undefined && !isDeepStrictEqual({ ...newest.tags }, recorded.tags)
    ? "tags changed"
    : undefined;
}
