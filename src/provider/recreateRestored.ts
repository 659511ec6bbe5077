import { lacking } from "../backup/history";
import type { Vault } from "../keyVault/vault";
import { backupIn } from "./backupInput";
import { requireRemovable, versionsOf } from "./removeRestored";
import { restoredRecord, restoreOrAdopt } from "./restoreOrAdopt";
import type { RestoreRecord } from "./restoreRecord";
import { say } from "./say";
import type { Properties } from "./shapes";

/** Deletes, purges and restores the key, once all is known that could speak against it. */
export async function recreateRestored(
  vault: Pick<Vault, "restoreKey" | "lookUpKey" | "readPublicKeys" | "deleteKey" | "purgeKey">,
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
  if (source.kind === "found") {
    requireRemovable(record, source, backup.keyVersions, (because) => notRecreated(record, because));
    say(
      "KeyRestore",
      record.keyUri,
      "deleted and purged, to be restored from the newer backup: until then it is not there.",
    );
    await vault.deleteKey(record.keyName);
  }
  // A run that ended before the purge has left it soft-deleted.
  if (source.kind === "found" || (source.deleted && backup.keyVersions.includes(source.deleted.version))) {
    await vault.purgeKey(record.keyName);
  }
  return restoreOrAdopt(vault, inputs, now);
}

function notRecreated({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not recreated from the newer backup, and nothing was changed: ${because} Or keep the key as it is: ` +
      'onNewVersions: "keep".',
  );
}
