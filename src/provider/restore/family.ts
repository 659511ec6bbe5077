import { missingVersions, planRestore, type RestorePlan, recordSeen } from "../../backup/planRestore";
import type { ObjectKind } from "../../objects/objectKind";
import { backupRefIn } from "../engine/backupRef";
import type { Family } from "../engine/defineProvider";
import { type Properties, textIn } from "../engine/values";
import { recreate, restoreOrAdopt, type Target } from "./act";
import { checkRestore, declaredRestore } from "./inputs";
import { isRestoreRecord, restoreProperties, restoreRecordIn } from "./record";

/** The restore resource of one kind of object. It never deletes the object when the resource is deleted. */
export function restoreFamily(resource: string, kind: ObjectKind): Family<RestorePlan> {
  const targetOf = (declared: Properties): Target => ({
    kind,
    vaultUri: textIn(declared.vaultUri) ?? "",
    backup: backupRefIn(kind, declared.backup),
  });
  return {
    resource,
    check: (declared, configuration) => checkRestore(kind, resource, declared, configuration),
    plan: (recorded, declared) =>
      isRestoreRecord(recorded)
        ? planRestore(restoreRecordIn(kind, recorded), declaredRestore(kind, declared))
        : { kind: "restore", because: "the state records no restore" },
    explain,
    uriOf: (recorded) => textIn(recorded[kind.properties.uri]) ?? "",
    isRecord: isRestoreRecord,

    async create(declared, context) {
      return restoreProperties(kind, await restoreOrAdopt(targetOf(declared), context));
    },

    async read(recorded, context) {
      const record = restoreRecordIn(kind, recorded);
      return restoreProperties(kind, recordSeen(record, await context.lookUp(kind, record.vaultUri, record.name)));
    },

    async update(recorded, declared, plan, context) {
      const record = restoreRecordIn(kind, recorded);
      switch (plan.kind) {
        case "restore":
        case "unknown":
          return restoreProperties(kind, await restoreOrAdopt(targetOf(declared), context));
        case "recreate":
          return restoreProperties(kind, await recreate(targetOf(declared), record, context));
        case "unchanged":
        case "updateRecord": {
          const missing = missingVersions(record, declaredRestore(kind, declared));
          return restoreProperties(kind, { ...record, missingVersions: missing });
        }
        default:
          return plan satisfies never;
      }
    },

    async delete() {},
  };
}

function explain(plan: RestorePlan): string | undefined {
  switch (plan.kind) {
    case "unchanged":
      return undefined;
    case "restore":
      return `a restore is due, because ${plan.because.replace(/\.$/, "")}`;
    case "recreate":
      return `it will be deleted, purged and restored from the newer backup, because ${plan.because}`;
    case "updateRecord":
      return `it stays as it is; the record changes, because ${plan.because}`;
    case "unknown":
      return `a restore may be due: ${plan.inputs.join(" and ")} will be known during the update`;
    default:
      return plan satisfies never;
  }
}
