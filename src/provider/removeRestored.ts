import { lacking, versionsText } from "../backup/history";
import { azOptionOf } from "../keyVault/azOption";
import { type DeletedKey, type FoundKey, inResolvedVault } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { messageOf } from "./messageOf";
import type { RestoreRecord } from "./restoreRecord";

type RemovingVault = Pick<Vault, "lookUpKey" | "deleteKey" | "purgeKey">;

/**
 * Deletes the restored key, or purges it too, as the record says, if it still is the one, and as far as nothing is lost.
 *
 * @param tell - Told what becomes of the key instead.
 * @throws An error that says what failed.
 */
export async function removeRestored(
  vault: RemovingVault,
  record: RestoreRecord,
  tell: (what: string) => void,
): Promise<void> {
  const { keyName, keyUri, onDestroy, restoredFrom } = record;
  const key = inResolvedVault(await vault.lookUpKey(keyName, record.keyVersions));
  if (key.kind === "unreachable") {
    throw new Error(
      `${keyUri} is not deleted with its KeyRestore: whether it is there could not be learnt: ${key.because} Run again when ` +
        "it can.",
    );
  }
  if (key.kind === "missing") {
    if (onDestroy === "purge" && key.deleted !== undefined) {
      await purge(vault, record, key.deleted, tell);
    }
    return;
  }
  if (lacking(restoredFrom.keyVersions, versionsOf(key)).length > 0) {
    tell("left where it is: another key has its name by now.");
    return;
  }
  if (onDestroy === "delete") {
    await vault.deleteKey(keyName);
    return;
  }
  const obstacle = whyNotPurged(key, restoredFrom.keyVersions);
  if (obstacle !== undefined && obstacle.kind === "loss") {
    tell(`left where it is: ${obstacle.because}`);
    return;
  }
  await vault.deleteKey(keyName);
  if (obstacle !== undefined) {
    tell(`deleted, and not purged: ${obstacle.because}`);
    return;
  }
  await purge(vault, record, await softDeleted(vault, keyName), tell);
}

async function purge(
  vault: RemovingVault,
  { vaultUri, keyName, restoredFrom }: RestoreRecord,
  deleted: DeletedKey | undefined,
  tell: (what: string) => void,
): Promise<void> {
  const recover = `az keyvault key recover ${azOptionOf(vaultUri)} --name ${keyName}`;
  if (deleted === undefined || !restoredFrom.keyVersions.includes(deleted.version)) {
    const newest = deleted === undefined ? "a newest version that could not be read" : `version ${deleted.version}`;
    tell(`left soft-deleted: it has ${newest}, which the backup is not known to hold. To recover it: ${recover}.`);
    return;
  }
  await purgeOr(recover, () => vault.purgeKey(keyName));
}

/** Purges a key that is soft-deleted by now, which a failure must tell. */
export async function purgeOr(recover: string, purge: () => Promise<void>): Promise<void> {
  try {
    await purge();
  } catch (error) {
    throw new Error(`${messageOf(error)} By now the key is soft-deleted: run again, or recover it: ${recover}.`);
  }
}

/** The soft-deleted key, as it is once its deletion is done: a version may have come to it until then. */
export async function softDeleted(vault: Pick<Vault, "lookUpKey">, keyName: string): Promise<DeletedKey | undefined> {
  const key = await vault.lookUpKey(keyName, []);
  return key.kind === "missing" ? key.deleted : undefined;
}

export interface PurgeObstacle {
  /** Whether something would be lost for good, or the vault does not let purge. */
  readonly kind: "loss" | "purgeProtection";
  readonly because: string;
}

/** What speaks against purging a key of which these versions are backed up. */
export function whyNotPurged(key: FoundKey, backedUp: readonly string[]): PurgeObstacle | undefined {
  if (!key.isComplete) {
    const because = 'which versions it has is not known: grant the permission to list keys ("list").';
    return { kind: "loss", because };
  }
  const unsaved = lacking(versionsOf(key), backedUp);
  if (unsaved.length > 0) {
    const because =
      `it has ${versionsText(unsaved)}, which the backup is not known to hold and which would be lost for good. Back the key ` +
      "up where it is (KeyBackup).";
    return { kind: "loss", because };
  }
  return key.versions.every(({ isPurgeable }) => isPurgeable === true)
    ? undefined
    : {
        kind: "purgeProtection",
        because: "its vault has purge protection, so that its name stays taken until the retention period is over.",
      };
}

/** The key's versions, newest first. */
export function versionsOf({ versions }: FoundKey): string[] {
  return versions.map(({ version }) => version);
}
