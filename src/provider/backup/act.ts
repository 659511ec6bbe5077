import { type Backup, type BackupRecord, backupsOf } from "../../backup/backup";
import { blobBytes, originOfBlob, sha256OfBlob, whyIncomplete } from "../../backup/blob";
import { compareWithSource } from "../../backup/freshness";
import type { DeclaredBackup } from "../../backup/planBackup";
import { selectRetained, whyIrreplaceable, withoutForgotten } from "../../backup/retention";
import { backUp } from "../../keyVault/operations/backUp";
import type { LookedUpObject } from "../../keyVault/operations/lookUp";
import { objectUri, parseObjectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import type { Context } from "../engine/defineProvider";
import { more } from "../engine/messages";

/** Backs the object up, and keeps the earlier backups that the new one does not replace. */
export async function makeBackup(
  kind: ObjectKind,
  recorded: BackupRecord | undefined,
  declared: DeclaredBackup & { readonly retain: number },
  context: Context,
): Promise<BackupRecord> {
  const { vaultUri = "", name = "", version, triggers, forget, forceDelete, retain } = declared;
  const earlier = withoutForgotten(recorded === undefined ? [] : backupsOf(recorded), forget);
  const { blob, versions: listed, thumbprints } = await backUp(context.connect(vaultUri), kind, name, version);
  const found = "unknownBecause" in listed ? [] : listed;
  const isProven = isLikeEarlierOnes(kind, blob, earlier);
  const versions = isProven ? found.map((one) => one.version) : [];
  const sourceUri = objectUri(kind, vaultUri, name);
  const previous = selectRetained({ sourceUri, versions }, earlier, retain);
  const held = [versions, ...previous.map((backup) => backup.versions)].flat();
  return {
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
}

/** The record after a look at its source. Never makes a backup. */
export async function refreshBackup(
  kind: ObjectKind,
  record: BackupRecord,
  context: Context,
): Promise<{ readonly record: BackupRecord; readonly source: LookedUpObject }> {
  const source = await context.lookUp(kind, record.vaultUri, record.name);
  return { record: { ...record, sourceStatusReason: undefined, ...compareWithSource(record, source) }, source };
}

/**
 * Refuses unless it is known that no version is lost with the record.
 *
 * @throws An error that says what may be lost, and how to delete the record anyway.
 */
export async function requireReplaceable(kind: ObjectKind, record: BackupRecord, context: Context): Promise<void> {
  if (record.forceDelete === true) {
    return;
  }
  const sources = new Map<string, Promise<LookedUpObject>>();
  for (const { sourceUri, versions } of backupsOf(record)) {
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
}

/** Lines that the user should read after a new backup. */
export function describeNewBackup(kind: ObjectKind, { blob = "", previous }: BackupRecord): string[] {
  const incomplete =
    whyIncomplete(blob) ??
    (isUnusual(kind, blob) ? `it does not begin as Key Vault's backups of ${kind.collection} do` : undefined);
  return [
    ...previous.map(
      ({ backedUpAt, blobSha256, keptBecause }) =>
        `the backup of ${backedUpAt} (${blobSha256}) is kept in previous, because ${keptBecause}.`,
    ),
    ...(incomplete === undefined
      ? []
      : [`warning: the backup looks unusual: ${incomplete}. Prove it with a RestoreDrill.`]),
  ];
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
function isLikeEarlierOnes(kind: ObjectKind, blob: string, earlier: readonly Backup[]): boolean {
  return (
    whyIncomplete(blob) === undefined &&
    (!isUnusual(kind, blob) || earlier.every(({ blob: one }) => one !== undefined && isUnusual(kind, one)))
  );
}

function isUnusual({ blobOrigins }: ObjectKind, blob: string): boolean {
  return !blobOrigins.includes(originOfBlob(blob));
}

function pick(members: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)));
}
