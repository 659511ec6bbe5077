import { type Backup, type BackupRecord, backupsOf } from "../../backup/backup";
import {
  type BackupCopy,
  type CopyStatus,
  copiesElsewhere,
  copiesToRead,
  copyUri,
  wholeBlob,
} from "../../backup/copies";
import type { SeenCopy } from "../../copies/copyStore";
import { mapConcurrently } from "../../objects/objectKind";
import type { Context } from "../engine/defineProvider";

/** Where the program wants the blobs. */
export interface Placement {
  readonly copyTo: readonly string[];
  readonly keepBlobInState: boolean;
}

/** A record whose blobs are where they could be put. */
export interface Placed {
  readonly record: BackupRecord;
  /** The first reason why a blob is not where the program wants it. */
  readonly failure: unknown;
}

/**
 * Puts the blobs of a record where the program wants them: into its copies, into the state or out of it. A blob leaves the state,
 * and a copy in another place leaves the record, only when everything that the program wants is there.
 */
export async function placeBlobs(record: BackupRecord, placement: Placement, context: Context): Promise<Placed> {
  // By place, or by the copy that could not be read. Nothing is written again into a place that failed.
  const failures = new Map<string, unknown>();
  const newest = await placeBlob(record, placement, context, failures);
  const previous = [];
  for (const backup of record.previous) {
    previous.push(await placeBlob(backup, placement, context, failures));
  }
  const [failure] = failures.values();
  return { record: { ...newest, previous }, failure };
}

async function placeBlob<T extends Backup>(
  backup: T,
  { copyTo, keepBlobInState }: Placement,
  context: Context,
  failures: Map<string, unknown>,
): Promise<T> {
  const isLeaving = (backup.blob !== undefined && !keepBlobInState) || copiesElsewhere(backup, copyTo).length > 0;
  // What is about to replace a blob or a copy in the record may have changed since the last refresh.
  const copies = isLeaving ? await seenCopies(backup, context) : (backup.copies ?? []);
  const known = new Map(copies.map((copy) => [copy.uri, copy]));
  const wanted = copyTo.map((place) => copyUri(place, backup));
  const due = wanted.filter((uri) => !["verified", "different"].includes(known.get(uri)?.status ?? ""));
  let blob = wholeBlob(backup);
  if (due.length > 0 || (blob === undefined && keepBlobInState)) {
    const bytes = await bytesOf({ ...backup, copies }, context, failures);
    if (bytes === undefined) {
      return { ...backup, copies };
    }
    blob ??= bytes.toString("base64url");
    for (const place of copyTo.filter((one) => due.includes(copyUri(one, backup)) && !failures.has(one))) {
      try {
        const copy = await writeCopy(copyUri(place, backup), backup, bytes, context);
        known.set(copy.uri, copy);
      } catch (error) {
        failures.set(place, error);
      }
    }
  }
  const present = wanted.map((uri) => known.get(uri)).filter((copy) => copy !== undefined);
  const others = [...known.values()].filter(({ uri }) => !wanted.includes(uri));
  if (present.length < wanted.length || present.some(({ status }) => status !== "verified")) {
    return { ...backup, blob: keepBlobInState ? (blob ?? backup.blob) : backup.blob, copies: [...present, ...others] };
  }
  for (const { uri } of others.filter(({ status }) => status !== "missing")) {
    const line = `copyTo no longer names the place of the copy ${uri}. The copy stays there, and the state no longer records it.`;
    context.print(backup.sourceUri, line);
  }
  const isInCopies = wanted.length > 0 && !keepBlobInState;
  return { ...backup, blob: isInCopies ? undefined : blob, copies: present };
}

async function writeCopy(uri: string, backup: Backup, bytes: Uint8Array, context: Context): Promise<BackupCopy> {
  const { sourceUri, backedUpAt, blobSha256: sha256, versions } = backup;
  const contentMd5 = await context.copies().write(uri, bytes, { sourceUri, backedUpAt, sha256, versions });
  return { uri, writtenAt: new Date(context.now()).toISOString(), contentMd5, status: "verified" };
}

/**
 * The bytes of a backup, verified: from the state, or from the first copy that can be read.
 *
 * @param failures - Takes up why the copies could not be read.
 */
export async function bytesOf(
  backup: Backup,
  context: Context,
  failures: Map<string, unknown>,
): Promise<Buffer | undefined> {
  const blob = wholeBlob(backup);
  if (blob !== undefined) {
    return Buffer.from(blob, "base64url");
  }
  const unread: [string, unknown][] = [];
  for (const { uri } of copiesToRead(backup)) {
    try {
      return await context.copies().read(uri, backup.blobSha256);
    } catch (error) {
      unread.push([uri, error]);
    }
  }
  for (const [uri, error] of unread) {
    failures.set(uri, error);
  }
  return undefined;
}

/** The record after a look at each copy. */
export async function lookAtCopies(record: BackupRecord, context: Context): Promise<BackupRecord> {
  const [copies = [], ...others] = await mapConcurrently(backupsOf(record), (backup) => seenCopies(backup, context));
  const previous = record.previous.map((backup, index) => ({ ...backup, copies: others[index] }));
  return { ...record, copies, previous };
}

/** The copies of a backup after a look at each, with a line for each that is not whole. */
export async function seenCopies(backup: Backup, context: Context): Promise<BackupCopy[]> {
  return mapConcurrently(backup.copies ?? [], async (copy) => {
    const found = await context.lookAtCopy(copy.uri);
    const status = statusOf(found, copy, backup);
    const line = describeCopy(copy.uri, status, found, context);
    if (line !== undefined) {
      context.print(backup.sourceUri, line);
    }
    return { ...copy, status };
  });
}

function statusOf(found: SeenCopy, { contentMd5 }: BackupCopy, { blobBytes }: Backup): CopyStatus {
  if (found.kind !== "found") {
    return found.kind;
  }
  return found.contentMd5 === contentMd5 && (blobBytes ?? found.bytes) === found.bytes ? "verified" : "different";
}

function describeCopy(uri: string, status: CopyStatus, found: SeenCopy, { explain }: Context): string | undefined {
  switch (status) {
    case "verified":
      return undefined;
    case "missing":
      return `the copy ${uri} is missing.`;
    case "different":
      return `the copy ${uri} has other content than the backup. It is not overwritten.`;
    case "unreachable":
      return found.kind === "unreachable" ? explain(found.error) : undefined;
    default:
      return status satisfies never;
  }
}
