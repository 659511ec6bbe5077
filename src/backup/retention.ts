import type { Backup, LookedUpSource, PreviousBackup } from "./backup";
import { damageOf } from "./blob";
import { isIntact, mayBeIntact } from "./copies";
import { isSameName, versionsNotIn, versionsText } from "./versions";

type Holder = Pick<Backup, "sourceUri" | "versions">;

/**
 * The earlier backups to keep beside a new one: each backup that holds a version which no newer backup of the same object is
 * known to hold, and the first `retain` of the others.
 *
 * @param earlier - Newest first.
 */
export function selectRetained(newest: Holder, earlier: readonly Backup[], retain: number): PreviousBackup[] {
  const kept: PreviousBackup[] = [];
  const holders: Holder[] = [newest];
  let room = retain;
  for (const { sourceUri, versions, blob, blobSha256, blobBytes, backedUpAt, copies } of earlier) {
    const backup = { sourceUri, versions, blob, blobSha256, blobBytes, backedUpAt, copies };
    const because = whyKept(backup, newest, holders);
    if (because !== undefined) {
      // A backup without a whole blob anywhere may restore nothing: an older backup is not superseded by it.
      if (isIntact(backup)) {
        holders.push(backup);
      }
      kept.push({ ...backup, keptBecause: because });
    } else if (room > 0 && mayBeIntact(backup)) {
      room -= 1;
      kept.push({ ...backup, keptBecause: "retain keeps it; a newer backup holds all of its versions" });
    }
  }
  return kept;
}

function whyKept(backup: Backup, newest: Holder, holders: readonly Holder[]): string | undefined {
  const { sourceUri, versions } = backup;
  const damage = damageOf(backup);
  const suffix = damage === undefined ? "" : `; the blob is damaged: ${damage}`;
  const ofSameObject = holders.filter((holder) => isSameName(holder.sourceUri, sourceUri));
  if (versions.length > 0 && ofSameObject.some((holder) => versionsNotIn(holder.versions, versions).length === 0)) {
    return undefined;
  }
  if (!isSameName(newest.sourceUri, sourceUri)) {
    return `it is a backup of ${sourceUri}${suffix}`;
  }
  if (versions.length === 0) {
    return `the versions that it holds are unknown${suffix}`;
  }
  return newest.versions.length === 0
    ? `the versions that the newer backup holds are unknown${suffix}`
    : `no newer backup is known to hold ${versionsText(versionsNotIn(newest.versions, versions))}${suffix}`;
}

/**
 * Why the backup may be the only copy of something, so that it must not be deleted; undefined if the source is known to hold
 * every version of it.
 */
export function whyIrreplaceable({ versions }: Pick<Backup, "versions">, source: LookedUpSource): string | undefined {
  if (source.kind !== "found") {
    return source.because;
  }
  if (versions.length === 0) {
    return "The versions that the backup holds are unknown.";
  }
  const lost = versionsNotIn(
    source.versions.map(({ version }) => version),
    versions,
  );
  return lost.length === 0 ? undefined : `The vault no longer has ${versionsText(lost)}.`;
}

/** The backups that the program did not ask to drop. */
export function withoutForgotten<T extends Backup>(backups: readonly T[], forget: readonly string[]): T[] {
  return backups.filter(({ blobSha256 }) => !forget.includes(blobSha256));
}
