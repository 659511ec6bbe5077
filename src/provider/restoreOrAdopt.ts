import { lacking } from "../backup/history";
import { likenessOf } from "../backup/likeness";
import { azOptionOf } from "../keyVault/azOption";
import { keyUriOf, keyVersionUriOf } from "../keyVault/keyReference";
import type { FoundKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { backupIn, type RestorableBackup } from "./backupInput";
import { markIn } from "./drillCopy";
import { onDestroyIn } from "./keyRestoreInputs";
import { versionsOf } from "./removeRestored";
import type { RestoreRecord } from "./restoreRecord";
import { say } from "./say";
import type { Properties } from "./shapes";
import { explainTakenName } from "./takenName";

interface Key {
  readonly vaultUri: string;
  readonly keyName: string;
}

type RestoringVault = Pick<Vault, "restoreKey" | "lookUpKey" | "readPublicKeys">;

/**
 * Restores the key, or adopts the one that is there if it is the same.
 *
 * @param now - In milliseconds.
 * @param before - What was recorded of the key so far: a key that was adopted once stays so, and one that was restored stays
 * this resource's own when it was recovered.
 * @throws An error that says what came back, or what has the name of the key, and what to do.
 */
export async function restoreOrAdopt(
  vault: RestoringVault,
  inputs: Properties,
  now: number,
  before?: RestoreRecord,
): Promise<RestoreRecord> {
  const backup = backupIn(inputs.backup);
  const vaultUri = String(inputs.vaultUri);
  const restoration = await vault.restoreKey(backup.blob, backup.keyName);
  const { keyName } = restoration;
  const key = { vaultUri, keyName };
  requireName(backup, key);
  if (restoration.kind === "restored") {
    const found = await vault.lookUpKey(keyName, backup.keyVersions);
    const versions = found.kind === "found" ? versionsOf(found) : unreadVersions(backup, restoration.version);
    return restoredRecord(inputs, key, backup, {
      versions,
      came: versions,
      isAdopted: before?.isAdopted ?? false,
      now,
    });
  }
  if (restoration.isSoftDeleted) {
    throw explainTakenName(vaultUri, keyName, { kind: "softDeleted" });
  }
  const found = await foundKey(vault, key, backup.keyVersions);
  if (markIn(found.versions[0]?.tags ?? {}) !== undefined) {
    throw explainTakenName(vaultUri, keyName, { kind: "drill" });
  }
  const versions = versionsOf(found);
  const likeness = likenessOf(backup, {
    keyVersions: versions,
    keyThumbprints: await thumbprintsOf(vault, key, Object.keys(backup.keyThumbprints)),
  });
  if (likeness.kind !== "same") {
    throw explainTakenName(vaultUri, keyName, likeness);
  }
  const isOwn = before !== undefined && !before.isAdopted && before.keyStatus === "softDeleted";
  say(
    "KeyRestore",
    keyUriOf(key),
    isOwn
      ? "not restored: the key is there again, with every version that the backup holds."
      : "adopted, not restored: the key is there, with every version that the backup holds. It stays when this resource is " +
          "deleted.",
  );
  return restoredRecord(inputs, key, backup, { versions, came: backup.keyVersions, isAdopted: !isOwn, now });
}

/** What is recorded of a key that was restored or adopted. */
export function restoredRecord(
  inputs: Properties,
  key: Key,
  backup: RestorableBackup,
  made: {
    /** Newest first. */
    readonly versions: readonly string[];
    /** Those that came with the blob, or are in it. */
    readonly came: readonly string[];
    readonly isAdopted: boolean;
    readonly now: number;
  },
): RestoreRecord {
  const [newest] = made.versions;
  return {
    vaultUri: key.vaultUri,
    keyName: key.keyName,
    keyUri: keyUriOf(key),
    keyUriWithVersion: newest && keyVersionUriOf(key, newest),
    keyVersions: made.versions,
    restoredAt: new Date(made.now).toISOString(),
    restoredFrom: {
      blobSha256: backup.blobSha256,
      keyVersions: made.came,
      keyUri: backup.keyUri,
      backedUpAt: backup.backedUpAt,
    },
    isAdopted: made.isAdopted,
    missingVersions: lacking(backup.keyVersions, made.versions),
    keyStatus: "present",
    keyStatusReason: undefined,
    onDestroy: onDestroyIn(inputs.onDestroy),
  };
}

function requireName({ keyName, recordedSha256 }: RestorableBackup, key: Key): void {
  if (keyName !== undefined && keyName.toLowerCase() !== key.keyName.toLowerCase()) {
    throw new Error(
      `The blob holds key "${key.keyName}", and not "${keyName}" as the backup says` +
        `${recordedSha256 === undefined ? "" : ", though its SHA-256 is that of the backup"}. By now the vault has ` +
        `${keyUriOf(key)}: if it is not needed there, az keyvault key delete ${azOptionOf(key.vaultUri)} --name ${key.keyName}.`,
    );
  }
}

async function foundKey(vault: RestoringVault, key: Key, named: readonly string[]): Promise<FoundKey> {
  const found = await vault.lookUpKey(key.keyName, named);
  if (found.kind !== "found") {
    throw new Error(
      `Key "${key.keyName}" is not restored into ${new URL(key.vaultUri).host}: its name was taken, and then: ` +
        `${found.because} Run again.`,
    );
  }
  return found;
}

async function thumbprintsOf(
  vault: RestoringVault,
  { keyName, vaultUri }: Key,
  versions: readonly string[],
): Promise<Record<string, string>> {
  const read = await vault.readPublicKeys(keyName, versions);
  if (read.kind === "unreachable") {
    throw new Error(
      `Key "${keyName}" is there in ${new URL(vaultUri).host}, and whether it is the one in the backup could not be learnt: ` +
        read.because,
    );
  }
  return Object.fromEntries(
    read.keys.flatMap(({ version, thumbprint }) => (thumbprint === undefined ? [] : [[version, thumbprint]])),
  );
}

// The service restores all versions; what they are is known of the backup, if it is this one's.
function unreadVersions({ keyVersions }: RestorableBackup, newest: string): readonly string[] {
  return lacking([newest], keyVersions).length === 0 ? keyVersions : [newest];
}
