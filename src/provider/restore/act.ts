import { compareWithBackup, type ObjectMatch } from "../../backup/compareWithBackup";
import { checkRecreation, type RestoreRecord } from "../../backup/planRestore";
import { isSameName, missingFrom, versionsText } from "../../backup/versions";
import type { FoundObject } from "../../keyVault/operations/lookUp";
import { type RemovalCandidate, remove } from "../../keyVault/operations/remove";
import { restore } from "../../keyVault/operations/restore";
import { azCommand, objectUri } from "../../keyVault/vaultUri";
import { mapConcurrently, type ObjectKind } from "../../objects/objectKind";
import type { BackupRef } from "../engine/backupRef";
import type { Context } from "../engine/defineProvider";
import { more } from "../engine/messages";

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
export async function restoreOrAdopt(target: Target, context: Context): Promise<RestoreRecord> {
  const { kind, vaultUri, backup } = target;
  const restoration = await restore(context.connect(vaultUri), kind, backup.blob, backup.name);
  const { name } = restoration;
  requireName(target, name);
  if (restoration.kind === "restored") {
    const { newest, versions } = restoration;
    const expected = backup.versions.includes(newest) ? backup.versions : [newest];
    return recordOf(target, name, versions ?? expected, context);
  }
  if (restoration.isSoftDeleted) {
    throw nameTaken(target, name, {
      because: `a soft-deleted ${kind.noun} has its name`,
      remedy: `Recover it (${azCommand(kind.noun, "recover", vaultUri, name)}), or purge it if it is not needed.`,
    });
  }
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind !== "found") {
    throw nameTaken(target, name, {
      because: "its name was taken a moment ago",
      remedy: `${found.because} Run again.`,
    });
  }
  const versions = found.versions.map(({ version }) => version);
  const thumbprints = await thumbprintsOf(target, name, found, context);
  const match = compareWithBackup(backup, { versions, thumbprints });
  if (match.kind !== "same") {
    throw nameTaken(target, name, explainMatch(kind, match));
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
  // An update that ended after its restore left this.
  if (versions.length > 0 && missingFrom(versions, backup.versions).length === 0) {
    return recordOf(target, record.name, versions, context);
  }
  const isPurgeable =
    found.kind === "found"
      ? found.versions.every((version) => version.isPurgeable === true)
      : found.deleted?.isPurgeable !== false;
  const check = checkRecreation({ vaultUri, versions, isPurgeable }, backup);
  if (check.kind === "refused") {
    throw refuse(check.because);
  }
  context.print(
    record.uri,
    `deleting, purging and restoring it from the newer backup; the ${kind.noun} is unavailable ` +
      "until this completes.",
  );
  const isBackedUp = ({ version, versions }: RemovalCandidate) =>
    missingFrom(backup.versions, versions ?? [version]).length === 0;
  const removal = await remove(context.connect(vaultUri), kind, record.name, isBackedUp);
  if (removal.kind !== "removed") {
    const because =
      removal.kind === "failed"
        ? removal.because
        : removal.kind === "notPurgeable"
          ? "The vault has purge protection."
          : "It has a version that the backup does not hold.";
    if (removal.kind === "anotherObject" && !removal.isSoftDeleted) {
      throw refuse(because);
    }
    // A deletion without an answer in time may still take effect.
    const isSoftDeleted = removal.kind === "notPurgeable" || removal.isSoftDeleted;
    const recover = azCommand(kind.noun, "recover", vaultUri, record.name);
    throw new Error(
      isSoftDeleted
        ? `${record.uri} is not recreated; it is soft-deleted now. ${because} Run again, or recover it: ${recover}.`
        : `${record.uri} is not recreated. ${because} Run again.`,
    );
  }
  return restoreOrAdopt(target, context);
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
    missingVersions: missingFrom(versions, backup.versions),
    status: "present",
  };
}

function requireName({ kind, vaultUri, backup }: Target, name: string): void {
  if (backup.name !== undefined && !isSameName(backup.name, name)) {
    throw new Error(
      `The blob holds ${kind.noun} "${name}", not "${backup.name}". ${objectUri(kind, vaultUri, name)} is in the vault now; if ` +
        `it is not needed there: ${azCommand(kind.noun, "delete", vaultUri, name)}.`,
    );
  }
}

async function thumbprintsOf(
  { kind, vaultUri, backup }: Target,
  name: string,
  found: FoundObject,
  context: Context,
): Promise<Record<string, string>> {
  const wanted = found.versions.filter(({ version }) => version in backup.thumbprints);
  const connection = context.connect(vaultUri);
  const read = await mapConcurrently(wanted, async ({ version }) => {
    const thumbprint = await connection.once({ name: "get", kind, objectName: name }, ({ client, signal }) =>
      client.getThumbprint(name, version, signal),
    );
    return [version, thumbprint] as const;
  });
  return Object.fromEntries(read.filter(([, thumbprint]) => thumbprint !== undefined)) as Record<string, string>;
}

interface Obstacle {
  /** A clause. */
  readonly because: string;
  readonly remedy: string;
}

function nameTaken({ kind, vaultUri }: Target, name: string, { because, remedy }: Obstacle): Error {
  const { host } = new URL(vaultUri);
  return new Error(
    `Did not restore ${kind.noun} "${name}" into ${host}, and changed nothing: ${because}. ${remedy} ` +
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
