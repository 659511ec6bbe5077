import { lacking } from "../backup/history";
import type { Vault } from "../keyVault/vault";
import { backupIn } from "./backupInput";
import { requireRemovable, versionsOf } from "./removeRestored";
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
  const source = await vault.lookUpKey(record.keyName, [...record.keyVersions, ...backup.keyVersions]);
  if (source.kind === "unreachable") {
    throw notRecreated(record, `whether the key is there could not be learnt: ${source.because}`);
  }
  if (source.kind === "found" && lacking(backup.keyVersions, versionsOf(source)).length === 0) {
    // A run that ended after its restore has left this.
    const versions = versionsOf(source);
    return restoredRecord(inputs, record, backup, { versions, newest: versions[0], isAdopted: record.isAdopted, now });
  }
  if (source.kind === "missing") {
    // A run that ended before the purge has left it soft-deleted.
    if (source.deleted !== undefined && backup.keyVersions.includes(source.deleted.version)) {
      await vault.purgeKey(record.keyName);
    }
    return restoreOrAdopt(vault, inputs, now);
  }
  requireRemovable(record, source, backup.keyVersions, (because) => notRecreated(record, because));
  // The backup that it came from may be kept nowhere by now.
  const { blob } = await vault.backUpKey(record.keyName);
  say(
    "KeyRestore",
    record.keyUri,
    "deleted and purged, to be restored from the newer backup: until then it is not there.",
  );
  await vault.deleteKey(record.keyName);
  await vault.purgeKey(record.keyName);
  try {
    return await restoreOrAdopt(vault, inputs, now);
  } catch (error) {
    throw await putBack(vault, record, blob, error);
  }
}

async function putBack(vault: RecreatingVault, record: RestoreRecord, blob: string, error: unknown): Promise<Error> {
  const failure = error instanceof Error ? error.message : `${error}`;
  try {
    const { kind } = await vault.restoreKey(blob, record.keyName);
    return new Error(
      kind === "restored"
        ? `${record.keyUri} could not be recreated from the newer backup, and was put back as it was: ${failure}`
        : `${record.keyUri} could not be recreated from the newer backup: ${failure}`,
    );
  } catch (second) {
    const because = second instanceof Error ? second.message : `${second}`;
    return new Error(
      `${record.keyUri} is not there any more: it could not be recreated from the newer backup: ${failure} Neither could it ` +
        `be put back as it was: ${because} Its source still has it, if it is there.`,
    );
  }
}

function notRecreated({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not recreated from the newer backup, and nothing was changed: ${because} Or keep the key as it is: ` +
      'onNewVersions: "keep".',
  );
}
