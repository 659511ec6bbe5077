import { lacking, versionsText } from "../backup/history";
import type { FoundKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import type { RestoreRecord } from "./restoreRecord";

/**
 * Deletes the restored key, or purges it too, as the record says, if it still is the one.
 *
 * @param leave - Told why the key is left where it is.
 * @throws An error that says why it may not be removed, before anything is, or what failed.
 */
export async function removeRestored(
  vault: Pick<Vault, "lookUpKey" | "deleteKey" | "purgeKey">,
  record: RestoreRecord,
  leave: (because: string) => void,
): Promise<void> {
  const { keyName, onDestroy } = record;
  const key = await vault.lookUpKey(keyName, record.keyVersions);
  if (key.kind === "unreachable") {
    throw notRemoved(record, `whether it is there could not be learnt: ${key.because}`);
  }
  if (key.kind === "missing") {
    if (onDestroy !== "purge" || key.deleted === undefined) {
      return;
    }
    if (!record.restoredFrom.keyVersions.includes(key.deleted.version)) {
      leave(`soft-deleted, with version ${key.deleted.version}, which the backup is not known to hold.`);
      return;
    }
    await vault.purgeKey(keyName);
    return;
  }
  if (lacking(record.restoredFrom.keyVersions, versionsOf(key)).length > 0) {
    leave("another key has its name by now.");
    return;
  }
  if (onDestroy === "purge") {
    requireRemovable(record, key, record.restoredFrom.keyVersions, (because) => notRemoved(record, because));
  }
  await vault.deleteKey(keyName);
  if (onDestroy === "purge") {
    await vault.purgeKey(keyName);
  }
}

/** Refuses to purge what no backup is known to hold, or another key, or in a vault that does not let purge, before anything is deleted. */
export function requireRemovable(
  record: RestoreRecord,
  key: FoundKey,
  backedUp: readonly string[],
  refusal: (because: string) => Error,
): void {
  const versions = versionsOf(key);
  const unsaved = lacking(versions, backedUp);
  if (lacking(record.restoredFrom.keyVersions, versions).length > 0) {
    throw refusal("another key has its name by now.");
  }
  if (!key.isComplete) {
    throw refusal('which versions it has is not known: grant the permission to list keys ("list").');
  }
  if (unsaved.length > 0) {
    throw refusal(
      `it has ${versionsText(unsaved)}, which the backup is not known to hold and which would be lost for good. Back the key ` +
        "up where it is (KeyBackup).",
    );
  }
  if (key.versions.some(({ isPurgeable }) => isPurgeable !== true)) {
    throw refusal(
      "its vault has purge protection, so that its name would stay taken until the retention period is over. Restore into " +
        "another vault.",
    );
  }
}

function notRemoved({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not deleted with its KeyRestore: ${because} Or leave the key: set onDestroy: "keep" (or "delete", which ` +
      "leaves it soft-deleted), run pulumi up, and delete then.",
  );
}

/** The key's versions, newest first. */
export function versionsOf({ versions }: FoundKey): string[] {
  return versions.map(({ version }) => version);
}
