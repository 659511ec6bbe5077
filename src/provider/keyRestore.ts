import { lacking, versionsText } from "../backup/history";
import { likenessOf } from "../backup/likeness";
import { type KeyStatus, missingVersions, planOf, type RestorePlan } from "../backup/restoration";
import { azOptionOf } from "../keyVault/azOption";
import { keyUriOf, keyVersionUriOf, parseVaultUri } from "../keyVault/keyReference";
import type { FoundKey, LookedUpKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { backupIn, type RestorableBackup } from "./backupInput";
import { readConfiguration, type StackConfig } from "./configuration";
import type { DynamicProvider } from "./dynamicProvider";
import { checkKeyRestore, declaredRestore, onDestroyIn } from "./keyRestoreInputs";
import { type RestoreRecord, recordedRestore, restoreRecordIn } from "./restoreRecord";
import { say } from "./say";
import type { Properties } from "./shapes";
import { explainTakenName } from "./takenName";
import { textIn } from "./valuesIn";
import { withoutStack } from "./withoutStack";
import { withoutUndefined } from "./withoutUndefined";

type RestoringVault = Pick<Vault, "restoreKey" | "lookUpKey" | "readPublicKeys" | "deleteKey" | "purgeKey">;

/** @param now - The time, in milliseconds. */
export function createKeyRestoreProvider(
  now: () => number,
  vaultOf: (vaultUri: string, config: StackConfig) => RestoringVault,
): DynamicProvider {
  // The keys that the program declares, as far as its inputs tell. A resource that another took the place of is deleted at
  // the end of the same update, and its key may be the other one's.
  const declaredKeys = new Set<string>();

  /** Restores the key, or adopts the one that is there if it is the same. */
  async function restore(inputs: Properties, config: StackConfig): Promise<RestoreRecord> {
    const backup = backupIn(inputs.backup);
    const vaultUri = String(inputs.vaultUri);
    const vault = vaultOf(vaultUri, config);
    const restoration = await vault.restoreKey(backup.blob, backup.keyName);
    const { keyName } = restoration;
    const key = { vaultUri, keyName };
    requireName(backup, key);
    if (restoration.kind === "restored") {
      const found = await vault.lookUpKey(keyName, backup.keyVersions);
      const versions = found.kind === "found" ? versionsOf(found) : unreadVersions(backup, restoration.version);
      return recordOf(inputs, key, backup, { versions, newest: restoration.version, isAdopted: false });
    }
    if (restoration.isSoftDeleted) {
      throw explainTakenName(vaultUri, keyName, { kind: "softDeleted" });
    }
    const found = await foundKey(vault, key, backup.keyVersions);
    const versions = versionsOf(found);
    const likeness = likenessOf(backup, {
      keyVersions: versions,
      keyThumbprints: await thumbprintsOf(vault, key, Object.keys(backup.keyThumbprints)),
    });
    if (likeness.kind !== "same") {
      throw explainTakenName(vaultUri, keyName, likeness);
    }
    say(
      "KeyRestore",
      keyUriOf(key),
      "adopted, not restored: the key is there, with every version that the backup holds. It stays when this resource is deleted.",
    );
    return recordOf(inputs, key, backup, { versions, newest: versions[0], isAdopted: true });
  }

  function recordOf(
    inputs: Properties,
    key: Key,
    backup: RestorableBackup,
    made: { versions: readonly string[]; newest: string | undefined; isAdopted: boolean },
  ): RestoreRecord {
    return {
      vaultUri: key.vaultUri,
      keyName: key.keyName,
      keyUri: keyUriOf(key),
      keyUriWithVersion: made.newest && keyVersionUriOf(key, made.newest),
      keyVersions: made.versions,
      restoredAt: new Date(now()).toISOString(),
      restoredFrom: {
        blobSha256: backup.blobSha256,
        // What was there already need not have come with this blob.
        keyVersions: made.isAdopted ? backup.keyVersions : made.versions,
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

  /** Deletes, purges and restores the key, once all is known that could speak against it. */
  async function recreate(record: RestoreRecord, inputs: Properties, config: StackConfig): Promise<RestoreRecord> {
    const backup = backupIn(inputs.backup);
    const vault = vaultOf(record.vaultUri, config);
    const source = await vault.lookUpKey(record.keyName, [...record.keyVersions, ...backup.keyVersions]);
    if (source.kind === "unreachable") {
      throw notRecreated(record, `whether the key is there could not be learnt: ${source.because}`);
    }
    if (source.kind === "found" && lacking(backup.keyVersions, versionsOf(source)).length === 0) {
      // A run that ended after its restore has left this.
      const versions = versionsOf(source);
      return recordOf(inputs, record, backup, { versions, newest: versions[0], isAdopted: record.isAdopted });
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
    return restore(inputs, config);
  }

  return {
    /** Makes no call. */
    async check(_olds, news, config) {
      const configuration = readConfiguration(config);
      const { inputs, mistakes } = checkKeyRestore(news, configuration.disableChallengeResourceVerification);
      const reasons = [...configuration.mistakes, ...mistakes];
      const { vaultUri, keyName } = declaredRestore(inputs);
      if (reasons.length === 0 && vaultUri !== undefined && keyName !== undefined) {
        declaredKeys.add(keyUriOf({ vaultUri, keyName }));
      }
      // The engine prints the value of a property that a failure names, even of a secret one.
      return { inputs: { ...inputs }, failures: reasons.map((reason) => ({ property: "", reason })) };
    },

    /** Makes no call, and tells what is due and why. */
    async diff(_id, olds, news) {
      const plan = planFor(olds, news);
      const explanation = explainPlan(plan);
      if (explanation !== undefined) {
        say("KeyRestore", textIn(olds.keyUri) ?? "", explanation);
      }
      return plan.kind === "otherKey"
        ? { changes: true, replaces: [...plan.properties] }
        : { changes: plan.kind !== "inPlace" };
    },

    async create(inputs, config) {
      const record = await restore(inputs, config);
      declaredKeys.add(record.keyUri);
      return { id: record.keyUri, outs: withoutUndefined(record) };
    },

    /** Looks the key up, and records what has become of it. */
    async read(id, props, config) {
      const record = restoreRecordIn(props);
      if (!isRecord(record)) {
        throw withoutStack(
          `${id}: a KeyRestore exists only in the state that made it. KeyRestore.get and pulumi import are not offered; ` +
            "declare it, and pulumi up adopts a key that is there with every version that the backup holds.",
        );
      }
      const key = await vaultOf(record.vaultUri, config).lookUpKey(record.keyName, record.keyVersions);
      return { id, props: withoutUndefined(seen(record, key)) };
    },

    /** Brings the key back, or recreates it, or records what changed beside it. */
    async update(_id, olds, news, config) {
      const record = restoreRecordIn(olds);
      const plan = planFor(olds, news);
      switch (plan.kind) {
        case "restore":
          return { outs: withoutUndefined(await restore(news, config)) };
        case "recreate":
          return { outs: withoutUndefined(await recreate(record, news, config)) };
        default:
          return { outs: withoutUndefined(amended(record, record.keyVersions, news)) };
      }
    },

    /** Leaves the key, unless `onDestroy` says otherwise and it is the one that this resource restored. */
    async delete(_id, props, config) {
      const record = restoreRecordIn(props);
      if (record.onDestroy === "keep") {
        return;
      }
      const leave = (because: string) => say("KeyRestore", record.keyUri, `the key is left where it is: ${because}`);
      if (record.isAdopted) {
        leave("it was there before this resource, which adopted it.");
        return;
      }
      if (declaredKeys.has(record.keyUri)) {
        leave("another KeyRestore of the program declares it.");
        return;
      }
      if (!isRecord(record) || record.restoredFrom.keyVersions.length === 0) {
        leave("the record of this KeyRestore does not say which key it restored.");
        return;
      }
      try {
        const vault = vaultOf(record.vaultUri, config);
        const key = await vault.lookUpKey(record.keyName, record.keyVersions);
        await remove(vault, record, key, leave);
      } catch (error) {
        throw withoutStack(error instanceof Error ? error.message : `${error}`);
      }
    },
  };
}

interface Key {
  readonly vaultUri: string;
  readonly keyName: string;
}

async function remove(
  vault: RestoringVault,
  record: RestoreRecord,
  key: LookedUpKey,
  leave: (because: string) => void,
): Promise<void> {
  const { keyName, onDestroy } = record;
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
function requireRemovable(
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

function notRecreated({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not recreated from the newer backup, and nothing was changed: ${because} Or keep the key as it is: ` +
      'onNewVersions: "keep".',
  );
}

function notRemoved({ keyUri }: RestoreRecord, because: string): Error {
  return new Error(
    `${keyUri} is not deleted with its KeyRestore: ${because} Or leave the key: set onDestroy: "keep" (or "delete", which ` +
      "leaves it soft-deleted), run pulumi up, and delete then.",
  );
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

function versionsOf({ versions }: FoundKey): string[] {
  return versions.map(({ version }) => version);
}

/** Whether the record says which key it is of, as no edited state need do. */
function isRecord({ vaultUri, keyName }: RestoreRecord): boolean {
  return keyName !== "" && "value" in parseVaultUri(vaultUri);
}

function amended(record: RestoreRecord, keyVersions: readonly string[], inputs: Properties): RestoreRecord {
  return {
    ...record,
    keyVersions,
    missingVersions: missingVersions({ keyUri: record.keyUri, keyVersions }, declaredRestore(inputs)),
    onDestroy: onDestroyIn(inputs.onDestroy),
  };
}

/** The record after the key was looked up. What was seen stays seen while it cannot be. */
function seen(record: RestoreRecord, key: LookedUpKey): RestoreRecord {
  if (key.kind === "unreachable") {
    const isKnown = record.keyStatus !== "present" && record.keyStatus !== "unreachable";
    return isKnown ? record : { ...record, keyStatus: "unreachable", keyStatusReason: key.because };
  }
  if (key.kind === "missing") {
    const keyStatus: KeyStatus = key.deleted === undefined ? "missing" : "softDeleted";
    return { ...record, keyStatus, keyStatusReason: key.because };
  }
  const found = versionsOf(key);
  if (lacking(record.keyVersions, found).length === record.keyVersions.length) {
    const keyStatusReason = "another key has its name: it has none of the versions that were restored.";
    return { ...record, keyStatus: "replaced", keyStatusReason };
  }
  const keyVersions = key.isComplete ? found : [...found, ...lacking(record.keyVersions, found)];
  const missing = lacking(record.missingVersions, keyVersions);
  return { ...record, keyVersions, missingVersions: missing, keyStatus: "present", keyStatusReason: undefined };
}

function planFor(olds: Properties, news: Properties): RestorePlan {
  return planOf(recordedRestore(restoreRecordIn(olds)), declaredRestore(news));
}

function explainPlan(plan: RestorePlan): string | undefined {
  switch (plan.kind) {
    case "inPlace":
      return undefined;
    case "restore":
      return `the key will be restored again, because ${plan.because}`;
    case "recreate":
      return (
        `the key will be deleted, purged and restored again (onNewVersions: "recreate"), because it lacks ` +
        `${versionsText(plan.missing)} of the backup.`
      );
    case "amend":
      return `the key stays as it is, and its record is updated, because ${plan.because}.`;
    case "unknown":
      return `what is due, if anything, will be known during the update, as will ${plan.names.join(" and ")}.`;
    case "otherKey":
      return `replaced by the restore of another key, because ${plan.properties.join(" and ")} changed.`;
    default:
      return plan satisfies never;
  }
}
