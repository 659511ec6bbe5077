import { lacking } from "../backup/history";
import { azOptionOf } from "../keyVault/azOption";
import { inResolvedVault } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { backupIn } from "./backupInput";
import { messageOf } from "./messageOf";
import { purgeOr, softDeleted, versionsOf, whyNotPurged } from "./removeRestored";
import { restoredRecord, restoreOrAdopt } from "./restoreOrAdopt";
import type { RestoreRecord } from "./restoreRecord";
import { say } from "./say";
import type { Properties } from "./shapes";

type RecreatingVault = Pick<
  Vault,
  "backUpKey" | "restoreKey" | "lookUpKey" | "readPublicKeys" | "deleteKey" | "purgeKey"
>;

/**
 * Deletes, purges and restores the key, once all is known that could speak against it, and puts it back as it was where the
 * newer backup cannot be restored.
 */
export async function recreateRestored(
  vault: RecreatingVault,
  record: RestoreRecord,
  inputs: Properties,
  now: number,
): Promise<RestoreRecord> {
  const backup = backupIn(inputs.backup);
  const recover = `az keyvault key recover ${azOptionOf(record.vaultUri)} --name ${record.keyName}`;
  const named = [...record.keyVersions, ...backup.keyVersions];
  const source = inResolvedVault(await vault.lookUpKey(record.keyName, named));
  if (source.kind === "unreachable") {
    throw notRecreated(record, `whether the key is there could not be learnt: ${source.because}`);
  }
  if (source.kind === "found" && lacking(backup.keyVersions, versionsOf(source)).length === 0) {
    // A run that ended after its restore has left this.
    const versions = versionsOf(source);
    return restoredRecord(inputs, record, backup, {
      versions,
      came: backup.keyVersions,
      isAdopted: record.isAdopted,
      now,
    });
  }
  if (source.kind === "missing") {
    // A run that ended before the purge has left it soft-deleted.
    if (source.deleted !== undefined && backup.keyVersions.includes(source.deleted.version)) {
      await purgeOr(recover, () => vault.purgeKey(record.keyName));
    }
    return restoreOrAdopt(vault, inputs, now, record);
  }
  if (lacking(record.restoredFrom.keyVersions, versionsOf(source)).length > 0) {
    throw notRecreated(record, "another key has its name by now.");
  }
  const obstacle = whyNotPurged(source, backup.keyVersions);
  if (obstacle !== undefined) {
    throw notRecreated(record, obstacle.because);
  }
  // The backup that it came from may be kept nowhere by now.
  const { blob } = await vault.backUpKey(record.keyName);
  say(
    "KeyRestore",
    record.keyUri,
    "deleted and purged, to be restored from the newer backup: until then it is not there.",
  );
  await vault.deleteKey(record.keyName);
  const deleted = await softDeleted(vault, record.keyName);
  if (deleted === undefined || !backup.keyVersions.includes(deleted.version)) {
    throw new Error(
      `${record.keyUri} is not recreated from the newer backup: while it was deleted it got a version that the backup does ` +
        `not hold. By now it is soft-deleted. Recover it: ${recover}. Then back it up (KeyBackup), or keep it as it is: ` +
        'onNewVersions: "keep".',
    );
  }
  await purgeOr(recover, () => vault.purgeKey(record.keyName));
  try {
    return await restoreOrAdopt(vault, inputs, now, record);
  } catch (error) {
    throw await putBack(vault, record, blob, error);
  }
}

async function putBack(vault: RecreatingVault, record: RestoreRecord, blob: string, error: unknown): Promise<Error> {
  const failure = messageOf(error);
  try {
    const { kind } = await vault.restoreKey(blob, record.keyName);
    return new Error(
      kind === "restored"
        ? `${record.keyUri} could not be recreated from the newer backup, and was put back as it was: ${failure}`
        : `${record.keyUri} could not be recreated from the newer backup: ${failure}`,
    );
  } catch (second) {
    return new Error(
      `${record.keyUri} is not there any more: it could not be recreated from the newer backup: ${failure} Neither could it ` +
        `be put back as it was: ${messageOf(second)} Its source still has it, if it is there.`,
    );
  }
}

function notRecreated({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not recreated from the newer backup, and nothing was changed: ${because} Or keep the key as it is: ` +
      'onNewVersions: "keep".',
  );
}
