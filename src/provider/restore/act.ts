import { compareVersions, type ObjectMatch } from "../../backup/compareVersions";
import { failuresIn } from "../../backup/drillEvidence";
import { checkRecreation, type RestoreRecord } from "../../backup/planRestore";
import { isSameName, versionsNotIn, versionsText } from "../../backup/versions";
import type { FoundObject } from "../../keyVault/operations/lookUp";
import { type Removal, type RemovalCandidate, remove } from "../../keyVault/operations/remove";
import { restore } from "../../keyVault/operations/restore";
import { azCommand, objectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import { type BackupRef, loadBackup } from "../engine/backupRef";
import type { Context } from "../engine/defineProvider";
import { drillOwnerIn, takeTurn } from "../engine/drillTag";
import { more, userError } from "../engine/messages";

/** What to restore, and where. */
export interface Target {
  readonly kind: ObjectKind;
  readonly vaultUri: string;
  readonly backup: BackupRef;
}

/**
 * Restores the object, or adopts the one that is there if it is the same.
 *
 * @throws An error that says what has the name, and what to do.
 */
export function restoreOrAdopt(target: Target, context: Context): Promise<RestoreRecord> {
  const { vaultUri, backup } = target;
  return takeTurn(vaultUri, backup.name ?? "", () => restoreInTurn(target, context));
}

async function restoreInTurn(target: Target, context: Context): Promise<RestoreRecord> {
  const { kind, vaultUri } = target;
  const backup = await loadBackup(kind, target.backup, context);
  const restoration = await restore(context.connect(vaultUri), kind, backup.blob, backup.name);
  const { name } = restoration;
  const isExpected = backup.name === undefined || isSameName(backup.name, name);
  if (restoration.kind === "restored") {
    if (!isExpected) {
      throw new Error(
        `The blob held ${kind.noun} "${name}", not "${backup.name}", and "${name}" was restored into ${new URL(vaultUri).host} just ` +
          `now. Remove it if it is not needed: ${azCommand(kind.noun, "delete", vaultUri, name)}.`,
      );
    }
    const { newest, versions } = restoration;
    // The restore worked and the listing did not: the backup tells the versions if it holds the newest.
    const unlisted = backup.versions.includes(newest) ? backup.versions : [newest];
    const held = versions?.map(({ version }) => version) ?? unlisted;
    const absent = versionsNotIn(held, backup.versions);
    if (absent.length > 0) {
      context.print(
        objectUri(kind, vaultUri, name),
        `warning: the blob does not hold ${versionsText(absent)}, which backup.versions names.`,
      );
    }
    return recordOf(target, name, held, context);
  }
  if (!isExpected) {
    throw new Error(
      `The blob holds ${kind.noun} "${name}", not "${backup.name}"; ` +
        `${restoration.mayBeDone ? "an attempt that got no answer may have restored it" : "nothing was restored"}. Correct the name ` +
        `in backup, or use the blob of "${backup.name}".`,
    );
  }
  const { occupant, isManaged, isSoftDeleted, mayBeDone } = restoration;
  const refuse = (obstacle: Obstacle) => nameTaken(target, name, obstacle, mayBeDone);
  const noun = isManaged ? "certificate" : occupant.noun;
  if (isSoftDeleted) {
    throw refuse({
      because: `a soft-deleted ${noun} has its name`,
      remedy: `Recover it (${azCommand(noun, "recover", vaultUri, name)}), or purge it if it is not needed.`,
    });
  }
  if (noun !== kind.noun) {
    throw refuse({
      because: `a ${noun} has its name`,
      remedy: `Use another vault, or remove that ${noun} if it is not needed.`,
    });
  }
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind !== "found") {
    throw refuse({
      because: `the name was taken, and ${found.kind === "missing" ? `now the vault shows no ${kind.noun} of this name` : "which object has the name is unknown"}`,
      remedy: found.kind === "missing" ? "Run again." : found.because,
    });
  }
  if (found.versions.some(({ tags }) => drillOwnerIn(vaultUri, tags) !== undefined)) {
    throw refuse({
      because: "the copy of a restore drill has its name",
      remedy: "Run again later, and give drills a vault of their own.",
    });
  }
  const versions = found.versions.map(({ version }) => version);
  const match = await compareFound(target, name, found, context);
  if (match.kind !== "same") {
    throw refuse(explainMatch(kind, match));
  }
  context.print(
    objectUri(kind, vaultUri, name),
    `adopted, not restored. The ${kind.noun} is there with every version that the backup holds.`,
  );
  return recordOf(target, name, versions, context);
}

/**
 * Deletes, purges and restores a replica whose backup has newer versions. If a step fails, the next update goes on from
 * there: all that is deleted is in the backup, and in the source.
 */
export async function recreate(target: Target, record: RestoreRecord, context: Context): Promise<RestoreRecord> {
  const { kind, vaultUri, backup } = target;
  const refuse = (because: string) =>
    new Error(
      `${record.uri} is not recreated, and nothing was changed. ${because} To keep it as it is, set onNewVersions: "keep". ` +
        more("key-restore.md#recreate"),
    );
  const found = await context.lookUp(kind, vaultUri, record.name);
  if (found.kind === "unreachable") {
    throw refuse(found.because);
  }
  const versions = found.kind === "found" ? found.versions.map(({ version }) => version) : [];
  // The last update restored the object and was killed before the state had it.
  if (versions.length > 0 && versionsNotIn(versions, backup.versions).length === 0) {
    return recordOf(target, record.name, versions, context);
  }
  // If the vault does not say, nothing is deleted; what is deleted already may be tried.
  const isPurgeable =
    found.kind === "found" ? await isPurgeableNow(target, record.name, context) : found.deleted?.isPurgeable !== false;
  const check = checkRecreation({ vaultUri, versions, isPurgeable }, backup);
  if (check.kind === "refused") {
    throw refuse(check.because);
  }
  // Nothing is deleted before the blob is at hand.
  const loaded = await loadBackup(kind, backup, context).catch((error: unknown) => {
    throw refuse(context.explain(error));
  });
  context.print(
    record.uri,
    `deleting, purging and restoring it from the newer backup; the ${kind.noun} is unavailable until this completes.`,
  );
  const isBackedUp = ({ version, versions }: RemovalCandidate) =>
    versionsNotIn(backup.versions, versions ?? [version]).length === 0;
  const removal = await remove(context.connect(vaultUri), kind, record.name, isBackedUp);
  if (removal.kind === "anotherObject" && !removal.isSoftDeleted) {
    throw refuse("It has a version that the backup does not hold.");
  }
  if (removal.kind !== "removed") {
    throw new Error(`${record.uri} is not recreated. ${explainRemoval(target, record.name, removal)}`);
  }
  try {
    return await restoreOrAdopt({ ...target, backup: loaded }, context);
  } catch (error) {
    throw new Error(
      `${record.uri} was deleted and purged, and is not restored yet. The backup holds all of its versions: run again. ` +
        userError(error).message,
    );
  }
}

async function isPurgeableNow({ kind, vaultUri }: Target, name: string, context: Context): Promise<boolean> {
  const task = { name: "get", kind, objectName: name } as const;
  const isPurgeable = await context
    .connect(vaultUri)
    .once(task, ({ client, signal }) => client.isPurgeable(name, signal));
  return isPurgeable === true;
}

/** What is left, and what to do. A deletion that got no answer may still take effect. */
function explainRemoval(
  { kind, vaultUri }: Target,
  name: string,
  removal: Exclude<Removal, { kind: "removed" }>,
): string {
  const recover = azCommand(kind.noun, "recover", vaultUri, name);
  switch (removal.kind) {
    case "notPurgeable":
      return (
        "It is soft-deleted now and cannot be purged before the retention period ends. Recover it " +
        `(${recover}), and set onNewVersions: "keep".`
      );
    case "anotherObject":
      return `It is soft-deleted now, with a version that the backup does not hold. Recover it: ${recover}.`;
    case "failed":
      return removal.isSoftDeleted
        ? `It is soft-deleted now. ${removal.because} Run again, or recover it: ${recover}.`
        : `${removal.because} Run again.`;
    default:
      return removal satisfies never;
  }
}

function recordOf(
  { kind, vaultUri, backup }: Target,
  name: string,
  versions: readonly string[],
  context: Context,
): RestoreRecord {
  return {
    vaultUri,
    name,
    uri: objectUri(kind, vaultUri, name),
    versions,
    restoredAt: new Date(context.now()).toISOString(),
    restoredFrom: {
      blobSha256: backup.blobSha256,
      versions: backup.versions.length > 0 ? backup.versions : versions,
      sourceUri: backup.sourceUri,
      backedUpAt: backup.backedUpAt,
    },
    missingVersions: versionsNotIn(versions, backup.versions),
    status: "present",
  };
}

/** Compares an object that is there with the backup: its versions, and what else its kind can compare. */
async function compareFound(
  { kind, vaultUri, backup }: Target,
  name: string,
  { versions }: FoundObject,
  context: Context,
): Promise<ObjectMatch> {
  const match = compareVersions(
    backup.versions,
    versions.map(({ version }) => version),
  );
  const { sourceVaultUri, thumbprints } = backup;
  // In the source's own vault, the object would be compared with itself.
  if (match.kind !== "same" || isSameName(sourceVaultUri, vaultUri)) {
    return match;
  }
  const evidence = await kind.compare({
    name,
    versions: versions.filter(({ version }) => versionsNotIn(backup.versions, [version]).length === 0),
    thumbprints,
    copy: context.attemptsOn(vaultUri, name),
    source: sourceVaultUri === undefined ? undefined : context.attemptsOn(sourceVaultUri, backup.name ?? name),
    now: context.now,
  });
  const [because] = failuresIn(evidence);
  return because === undefined ? match : { kind: "different", because };
}

interface Obstacle {
  /** A clause. */
  readonly because: string;
  readonly remedy: string;
}

/** @param mayBeDone - Whether an attempt that got no answer may have restored the object. */
function nameTaken({ kind, vaultUri }: Target, name: string, { because, remedy }: Obstacle, mayBeDone: boolean): Error {
  const { host } = new URL(vaultUri);
  return new Error(
    (mayBeDone
      ? `One attempt got no answer, and may have restored ${kind.noun} "${name}" into ${host}`
      : `Did not restore ${kind.noun} "${name}" into ${host}, and changed nothing`) +
      `: ${because}. ${remedy} ` +
      more("troubleshooting.md#name-taken"),
  );
}

function explainMatch({ noun }: ObjectKind, match: Exclude<ObjectMatch, { kind: "same" }>): Obstacle {
  switch (match.kind) {
    case "olderCopy": {
      const because = `an older copy is there, without ${versionsText(match.missing)}`;
      return match.additional.length === 0
        ? {
            because,
            remedy: `Versions cannot be added to a ${noun}: delete and purge that copy, or use another vault.`,
          }
        : {
            because,
            remedy: `Use another vault, or first back that copy up: only it has ${versionsText(match.additional)}.`,
          };
    }
    case "different":
      return {
        because: `another ${noun} has its name; ${match.because}`,
        remedy: `Use another vault, or remove that ${noun} if it is not needed.`,
      };
    case "unknown":
      return {
        because: `a ${noun} has its name, and the backup does not say which versions it holds, so they cannot be compared`,
        remedy: "Set backup.versions, or use another vault.",
      };
    default:
      return match satisfies never;
  }
}
