import { damageOf } from "./blob";

/** A backup as a state records it. */
export interface Backup {
  readonly blob: string;
  readonly blobSha256: string;
  /** Every version that the blob is known to hold, newest first; none where they could not be read. */
  readonly keyVersions: readonly string[];
  /** RFC 3339. */
  readonly backedUpAt: string;
}

/** An earlier backup that is kept beside a newer one. */
export interface PreviousBackup extends Backup {
  readonly keptBecause: string;
}

/**
 * The earlier backups to keep beside the newest: each one whose versions are not known to be held by a newer one that is
 * kept, and the first `retain` of the others that are whole.
 *
 * @param earlier - Newest first.
 */
export function keptBeside(
  newest: Pick<Backup, "keyVersions">,
  earlier: readonly Backup[],
  retain: number,
): PreviousBackup[] {
  const kept: PreviousBackup[] = [];
  const holders: (readonly string[])[] = [newest.keyVersions];
  let room = retain;
  for (const backup of earlier) {
    const { blob, blobSha256, keyVersions, backedUpAt } = backup;
    const isHeld = keyVersions.length > 0 && holders.some((holder) => lacking(keyVersions, holder).length === 0);
    if (isHeld && (room === 0 || damageOf(backup) !== undefined)) {
      continue;
    }
    if (isHeld) {
      room -= 1;
    } else {
      holders.push(keyVersions);
    }
    const keptBecause = isHeld ? "retain: a newer backup holds all of its versions" : whyNotHeld(keyVersions, newest);
    kept.push({ blob, blobSha256, keyVersions, backedUpAt, keptBecause });
  }
  return kept;
}

function whyNotHeld(keyVersions: readonly string[], newest: Pick<Backup, "keyVersions">): string {
  if (keyVersions.length === 0) {
    return "which versions it holds is not known";
  }
  if (newest.keyVersions.length === 0) {
    return "which versions the newer backup holds is not known";
  }
  return `no newer backup is known to hold ${versionsText(lacking(keyVersions, newest.keyVersions))}`;
}

/** The key that backups were made from, as it is now. */
export interface Source {
  readonly versions: readonly { readonly version: string }[];
  /** Whether these are all versions of the key. */
  readonly isComplete: boolean;
}

/** The versions to look for in a key that may not be listed: the newest of each backup, which tells of all the others. */
export function tellingVersions(backups: readonly Pick<Backup, "keyVersions">[]): string[] {
  return backups.flatMap(({ keyVersions }) => keyVersions.slice(0, 1));
}

/** The versions of a backup that its source is known to lack. */
export function lackingInSource(keyVersions: readonly string[], { versions, isComplete }: Source): string[] {
  const present = versions.map(({ version }) => version);
  // Versions are never removed one by one: a key that has a backup's newest version has the older ones too.
  return lacking(isComplete ? keyVersions : tellingVersions([{ keyVersions }]), present);
}

/** The backups that hold what their source lacks, or may, as what they hold is not known: each may be the only copy of it. */
export function onlyCopies<T extends Backup>(backups: readonly T[], source: Source): T[] {
  return backups.filter(
    ({ keyVersions }) => keyVersions.length === 0 || lackingInSource(keyVersions, source).length > 0,
  );
}

/** Those of the versions that are not among the others, whatever the case of their spelling. */
export function lacking(versions: readonly string[], others: readonly string[]): string[] {
  const names = new Set(others.map((version) => version.toLowerCase()));
  return versions.filter((version) => !names.has(version.toLowerCase()));
}

// A key may have hundreds of versions.
const fewVersions = 5;

/** The versions in a sentence. */
export function versionsText(versions: readonly string[]): string {
  const more = versions.length - fewVersions;
  const named = versions.slice(0, fewVersions).join(", ");
  return `version${versions.length === 1 ? "" : "s"} ${named}${more > 0 ? ` and ${more} more` : ""}`;
}
