import type { Backup } from "./backup";
import { damageOf } from "./blob";

/**
 * What a look at a copy found. `verified`: the copy has the backup's length and MD5; `different`: it has other content;
 * `missing`: the place answered and the copy is not there; `unreachable`: unknown.
 */
export type CopyStatus = "verified" | "missing" | "different" | "unreachable";

/** A copy of a backup outside the state. */
export interface BackupCopy {
  readonly uri: string;
  /** RFC 3339. */
  readonly writtenAt: string;
  /** Base64, as Azure Blob Storage shows it. */
  readonly contentMd5: string;
  readonly status: CopyStatus;
}

/**
 * Where the copy of a backup is, in one place: `{place}/{vault}/{keys|secrets|certificates}/{name}/{time}-{hash}.keybackup`.
 *
 * @param place - The URI of a container, of a prefix in it, or of a directory; without a slash at its end.
 */
export function copyUri(place: string, { sourceUri, backedUpAt, blobSha256 }: Backup): string {
  // An edited state may have lost either.
  const { host, pathname } = new URL(URL.canParse(sourceUri) ? sourceUri : "https://unknown/unknown/unknown");
  const madeAt = new Date(Date.parse(backedUpAt) || 0).toISOString();
  const [, collection = "", name = ""] = pathname.split("/");
  const time = madeAt.replace(/\.\d+/, "").replace(/[-:]/g, "");
  const file = `${time}-${blobSha256.slice(0, 8)}.${collection.replace(/s$/, "")}backup`;
  // Windows has no colons in file names.
  return [place, host.replace(":", "-"), collection, name, file].join("/");
}

/** Whether the bytes of a backup are known to be somewhere: in the state, or in a copy. */
export function isIntact(backup: Backup): boolean {
  return wholeBlob(backup) !== undefined || intactCopies(backup).length > 0;
}

/** Whether the bytes of a backup may be somewhere. A copy that cannot be reached does not make up for a damaged blob. */
export function mayBeIntact(backup: Backup): boolean {
  return isIntact(backup) || (backup.blob === undefined && copiesToRead(backup).length > 0);
}

/** The blob in the state, if the state has it undamaged. */
export function wholeBlob(backup: Backup): string | undefined {
  return damageOf(backup) === undefined ? backup.blob : undefined;
}

/** The copies that were whole when they were last looked at. */
export function intactCopies({ copies = [] }: Pick<Backup, "copies">): readonly BackupCopy[] {
  return copies.filter(({ status }) => status === "verified");
}

/** The copies that may have the blob, those that are known to have it first. */
export function copiesToRead({ copies = [] }: Pick<Backup, "copies">): readonly BackupCopy[] {
  return [...intactCopies({ copies }), ...copies.filter(({ status }) => status === "unreachable")];
}

/** URIs of copies that a backup should have, and that are not there. */
export function copiesToWrite(backup: Backup, places: readonly string[]): string[] {
  return places
    .map((place) => copyUri(place, backup))
    .filter((uri) => {
      const copy = backup.copies?.find((one) => one.uri === uri);
      return copy === undefined || copy.status === "missing";
    });
}

/** The copies in places that the program no longer names. */
export function copiesElsewhere(backup: Backup, places: readonly string[]): readonly BackupCopy[] {
  const wanted = places.map((place) => copyUri(place, backup));
  return (backup.copies ?? []).filter(({ uri }) => !wanted.includes(uri));
}
