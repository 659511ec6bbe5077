import { type Backup, type BackupRecord, backupsOf } from "../../backup/backup";
import { blobBytes, originOfBlob, sha256OfBlob, whyIncomplete } from "../../backup/blob";
import { intactCopies } from "../../backup/copies";
import { compareWithSource } from "../../backup/freshness";
import type { DeclaredBackup } from "../../backup/planBackup";
import { selectRetained, whyIrreplaceable, withoutForgotten } from "../../backup/retention";
import { backUp } from "../../keyVault/operations/backUp";
import type { LookedUpObject } from "../../keyVault/operations/lookUp";
import { objectUri, parseObjectUri } from "../../keyVault/vaultUri";
import { mapConcurrently, type ObjectKind } from "../../objects/objectKind";
import type { Context } from "../engine/defineProvider";
import { more, userError } from "../engine/messages";
import { bytesOf, lookAtCopies, type Placed, placeBlobs, seenCopies } from "./placement";

/**
 * Backs the object up, puts the blob where the program wants it, and keeps the earlier backups that the new one does not replace.
 *
 * @throws An error if the new backup could be kept nowhere.
 */
export async function makeBackup(
  kind: ObjectKind,
  recorded: BackupRecord | undefined,
  declared: DeclaredBackup & { readonly retain: number },
  context: Context,
): Promise<Placed> {
  const { vaultUri = "", name = "", version, triggers, forget, forceDelete, retain } = declared;
  // Of several earlier backups, one may be dropped because another has a copy.
  const looked =
    recorded === undefined || recorded.previous.length === 0 ? recorded : await lookAtCopies(recorded, context);
  const earlier = withoutForgotten(looked === undefined ? [] : backupsOf(looked), forget);
  const { blob, versions: listed, thumbprints } = await backUp(context.connect(vaultUri), kind, name, version);
  const found = "unknownBecause" in listed ? [] : listed;
  const isProven = await isLikeEarlierOnes(kind, blob, earlier, context);
  const versions = isProven ? found.map((one) => one.version) : [];
  const sourceUri = objectUri(kind, vaultUri, name);
  const previous = selectRetained({ sourceUri, versions }, earlier, retain);
  const held = [versions, ...previous.map((backup) => backup.versions)].flat();
  const record: BackupRecord = {
    vaultUri,
    name,
    sourceUri,
    declaredVersion: version,
    triggers,
    forceDelete,
    versions,
    // The public key of a version never changes.
    thumbprints: pick({ ...recorded?.thumbprints, ...thumbprints }, held),
    updatedAt:
      found.length === 0 ? undefined : new Date(Math.max(...found.map(({ updatedAt }) => updatedAt))).toISOString(),
    tags: found[0]?.tags,
    blob,
    blobSha256: sha256OfBlob(blob),
    blobBytes: blobBytes(blob),
    backedUpAt: new Date(context.now()).toISOString(),
    sourceStatus: "unknownBecause" in listed ? "unreachable" : "current",
    sourceStatusReason: "unknownBecause" in listed ? listed.unknownBecause : undefined,
    previous,
  };
  describeNewBackup(kind, blob, record, context);
  const placed = await placeBlobs(record, declared, context);
  if (placed.failure === undefined || declared.keepBlobInState) {
    return placed;
  }
  if (intactCopies(placed.record).length === 0) {
    const outcome = "A backup was made and discarded: no copy of it could be written, and keepBlobInState is false.";
    throw userError(placed.failure, "program", outcome);
  }
  return { ...placed, record: { ...placed.record, blob: undefined } };
}

/** The record after a look at its source and its copies. Never makes a backup. */
export async function refreshBackup(
  kind: ObjectKind,
  record: BackupRecord,
  context: Context,
): Promise<{ readonly record: BackupRecord; readonly source: LookedUpObject }> {
  const source = await context.lookUp(kind, record.vaultUri, record.name);
  const looked = await lookAtCopies(record, context);
  return { record: { ...looked, sourceStatusReason: undefined, ...compareWithSource(record, source) }, source };
}

/**
 * Refuses unless it is known that no version is lost with the record: each backup has a whole copy, or its source has every version.
 *
 * @throws An error that says what may be lost, and how to delete the record anyway.
 */
export async function requireReplaceable(kind: ObjectKind, record: BackupRecord, context: Context): Promise<void> {
  if (record.forceDelete === true) {
    return;
  }
  const sources = new Map<string, Promise<LookedUpObject>>();
  const staying: { readonly sourceUri: string; readonly uris: readonly string[] }[] = [];
  for (const backup of backupsOf(record)) {
    const { sourceUri, versions } = backup;
    const copies = intactCopies({ copies: await seenCopies(backup, context) });
    if (copies.length > 0) {
      staying.push({ sourceUri, uris: copies.map(({ uri }) => uri) });
      continue;
    }
    const source = sources.get(sourceUri) ?? lookUpSource(kind, sourceUri, context);
    sources.set(sourceUri, source);
    const because = whyIrreplaceable({ versions }, await source);
    if (because !== undefined) {
      throw new Error(
        `Not deleted: the backup of ${sourceUri} may be the only copy. ${because} To drop the backup anyway, set ` +
          `forceDelete: true, run pulumi up, then delete it. ${more("troubleshooting.md#not-deleted")}`,
      );
    }
  }
  for (const { sourceUri, uris } of staying) {
    context.print(sourceUri, `the backup is deleted from the state. It stays in ${uris.join(" and ")}.`);
  }
}

/** Shows the lines that the user should read after a new backup. */
function describeNewBackup(
  kind: ObjectKind,
  blob: string,
  { sourceUri, previous }: BackupRecord,
  context: Context,
): void {
  for (const { backedUpAt, blobSha256, keptBecause } of previous) {
    context.print(
      sourceUri,
      `the backup of ${backedUpAt} (${blobSha256}) is kept in previous, because ${keptBecause}.`,
    );
  }
  const incomplete =
    whyIncomplete(blob) ??
    (isUnusual(kind, blob) ? `it does not begin as Key Vault's backups of ${kind.collection} do` : undefined);
  if (incomplete !== undefined) {
    context.print(sourceUri, `warning: the backup looks unusual: ${incomplete}. Prove it with a RestoreDrill.`);
  }
}

async function lookUpSource(kind: ObjectKind, sourceUri: string, context: Context): Promise<LookedUpObject> {
  const parsed = parseObjectUri(kind, sourceUri);
  if (!("value" in parsed)) {
    const because = "The state does not name the object that was backed up.";
    return { kind: "unreachable", because, error: undefined };
  }
  return context.lookUp(kind, parsed.value.vaultUri, parsed.value.name);
}

/** A blob that is cut, or unlike the earlier ones, proves nothing: it must not replace them. */
async function isLikeEarlierOnes(
  kind: ObjectKind,
  blob: string,
  earlier: readonly Backup[],
  context: Context,
): Promise<boolean> {
  if (whyIncomplete(blob) !== undefined) {
    return false;
  }
  if (!isUnusual(kind, blob)) {
    return true;
  }
  const blobs = await mapConcurrently(earlier, (backup) => bytesOf(backup, context, new Map()));
  return blobs.every((bytes) => bytes !== undefined && isUnusual(kind, bytes.toString("base64url")));
}

function isUnusual({ blobOrigins }: ObjectKind, blob: string): boolean {
  return !blobOrigins.includes(originOfBlob(blob));
}

function pick(members: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)));
}
