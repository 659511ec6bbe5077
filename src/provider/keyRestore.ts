import { lacking } from "../backup/history";
import { type KeyStatus, missingVersions, planOf, type RestorePlan } from "../backup/restoration";
import { keyUriOf, parseVaultUri } from "../keyVault/keyReference";
import { inResolvedVault, type LookedUpKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { readConfiguration, type StackConfig } from "./configuration";
import type { DynamicProvider } from "./dynamicProvider";
import { explainPlan } from "./explainPlan";
import { checkKeyRestore, declaredRestore, onDestroyIn } from "./keyRestoreInputs";
import { messageOf } from "./messageOf";
import { recreateRestored } from "./recreateRestored";
import { removeRestored, versionsOf } from "./removeRestored";
import { restoreOrAdopt } from "./restoreOrAdopt";
import { type RestoreRecord, recordedRestore, restoreRecordIn } from "./restoreRecord";
import { say } from "./say";
import type { Properties } from "./shapes";
import { textIn } from "./valuesIn";
import { withoutStack } from "./withoutStack";
import { withoutUndefined } from "./withoutUndefined";

type RestoringVault = Pick<
  Vault,
  "backUpKey" | "restoreKey" | "lookUpKey" | "readPublicKeys" | "deleteKey" | "purgeKey"
>;

/** @param now - The time, in milliseconds. */
export function createKeyRestoreProvider(
  now: () => number,
  vaultOf: (vaultUri: string, config: StackConfig) => RestoringVault,
): DynamicProvider {
  // The keys that the program declares, as far as its inputs tell. A resource that another took the place of is deleted at
  // the end of the same update, and its key may be the other one's.
  const declaredKeys = new Set<string>();
  // Of backups that do not tell the name of their key.
  const declaredBlobs = new Set<string>();
  const declare = (keyUri: string) => declaredKeys.add(keyUri.toLowerCase());
  const vaultIn = ({ vaultUri }: Properties, config: StackConfig) => vaultOf(textIn(vaultUri) ?? "", config);

  return {
    /** Makes no call. */
    async check(_olds, news, config) {
      const configuration = readConfiguration(config);
      const { inputs, mistakes } = checkKeyRestore(news, configuration.disableChallengeResourceVerification);
      const reasons = [...configuration.mistakes, ...mistakes];
      const { vaultUri, keyName, blobSha256 } = declaredRestore(inputs);
      if (reasons.length === 0 && vaultUri !== undefined && keyName !== undefined) {
        declare(keyUriOf({ vaultUri, keyName }));
      } else if (reasons.length === 0 && blobSha256 !== undefined) {
        declaredBlobs.add(blobSha256);
      }
      // The engine prints the value of a property that a failure names, even of a secret one.
      return { inputs: { ...inputs }, failures: reasons.map((reason) => ({ property: "", reason })) };
    },

    /** Makes no call, and tells what is due and why. */
    async diff(_id, olds, news) {
      const plan = planFor(olds, news);
      // A refresh compares too, also what the program declares no more.
      if (plan.kind !== "otherKey" && declaredBlobs.has(declaredRestore(news).blobSha256 ?? "")) {
        declare(restoreRecordIn(olds).keyUri);
      }
      const explanation = explainPlan(plan);
      if (explanation !== undefined) {
        say("KeyRestore", textIn(olds.keyUri) ?? "", explanation);
      }
      return plan.kind === "otherKey"
        ? { changes: true, replaces: [...plan.properties] }
        : { changes: plan.kind !== "inPlace" };
    },

    async create(inputs, config) {
      const record = await restoreOrAdopt(vaultIn(inputs, config), inputs, now());
      declare(record.keyUri);
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
          return { outs: withoutUndefined(await restoreOrAdopt(vaultIn(news, config), news, now(), record)) };
        case "recreate":
          return { outs: withoutUndefined(await recreateRestored(vaultIn(news, config), record, news, now())) };
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
      const tell = (what: string) => say("KeyRestore", record.keyUri, `the key is ${what}`);
      const leave = (because: string) => tell(`left where it is: ${because}`);
      if (record.isAdopted) {
        leave("it was there before this resource, which adopted it.");
        return;
      }
      if (declaredKeys.has(record.keyUri.toLowerCase())) {
        leave("another KeyRestore of the program declares it.");
        return;
      }
      if (!isRecord(record) || record.restoredFrom.keyVersions.length === 0) {
        leave("the record of this KeyRestore does not say which key it restored.");
        return;
      }
      try {
        await removeRestored(vaultOf(record.vaultUri, config), record, tell);
      } catch (error) {
        throw withoutStack(messageOf(error));
      }
    },
  };
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
function seen(record: RestoreRecord, lookedUp: LookedUpKey): RestoreRecord {
  const key = inResolvedVault(lookedUp);
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
