import type { BackupRecord } from "../../backup/backup";
import { type BackupPlan, planBackup } from "../../backup/planBackup";
import { withoutForgotten } from "../../backup/retention";
import type { ObjectKind } from "../../objects/objectKind";
import { type Family, RecordedFailure } from "../engine/defineProvider";
import { more, userError } from "../engine/messages";
import { numberIn, type Properties, textIn } from "../engine/values";
import { makeBackup, refreshBackup, requireReplaceable } from "./act";
import { checkBackup, declaredBackup } from "./inputs";
import { type Placed, placeBlobs } from "./placement";
import { backupProperties, backupRecordIn, isBackupRecord } from "./record";

/** The backup resource of one kind of object. */
export function backupFamily(resource: string, kind: ObjectKind): Family<BackupPlan> {
  const declaredIn = (inputs: Properties) => ({
    ...declaredBackup(kind, inputs),
    retain: numberIn(inputs.retain) ?? 0,
  });
  /** @throws RecordedFailure if a blob is not where the program wants it. */
  const kept = ({ record, failure }: Placed) => {
    const properties = backupProperties(kind, record);
    if (failure !== undefined) {
      const outcome = "The backup is kept: the next pulumi up tries again.";
      throw new RecordedFailure(userError(failure, "program", outcome).message, properties);
    }
    return properties;
  };
  return {
    resource,
    check: (declared, configuration) => checkBackup(kind, resource, declared, configuration),
    plan: (recorded, declared, now) =>
      isBackupRecord(recorded)
        ? planBackup(backupRecordIn(kind, recorded), declaredBackup(kind, declared), now)
        : { kind: "backUp", because: "the state records no backup" },
    explain,
    uriOf: (recorded) => textIn(recorded[kind.properties.uri]) ?? "",
    isRecord: isBackupRecord,

    async create(declared, context) {
      return kept(await makeBackup(kind, undefined, declaredIn(declared), context));
    },

    async read(recorded, context) {
      const { record, source } = await refreshBackup(kind, backupRecordIn(kind, recorded), context);
      if (source.kind !== "found") {
        const runbook = source.kind === "missing" ? ` ${more("when-an-object-is-lost.md")}` : "";
        context.print(
          record.sourceUri,
          `the backup is kept; the source is ${source.kind}. ${source.because}${runbook}`,
        );
      }
      return backupProperties(kind, record);
    },

    async update(recorded, declared, plan, context) {
      const earlier = isBackupRecord(recorded) ? backupRecordIn(kind, recorded) : undefined;
      const { forget, forceDelete, ...others } = declaredIn(declared);
      if (earlier !== undefined && (plan.kind === "unchanged" || plan.kind === "updateRecord")) {
        const previous = withoutForgotten(earlier.previous, forget);
        return kept(await placeBlobs({ ...earlier, previous, forceDelete }, others, context));
      }
      const placed = await makeBackup(kind, earlier, { ...others, forget, forceDelete }, context).catch(
        (error: unknown) => {
          throw withAmendment(kind, earlier, { forget, forceDelete }, error);
        },
      );
      return kept(placed);
    },

    async delete(recorded, context) {
      if (isBackupRecord(recorded)) {
        await requireReplaceable(kind, backupRecordIn(kind, recorded), context);
      }
    },
  };
}

/** `forget` and `forceDelete` need no vault: they are recorded even if the backup fails. */
function withAmendment(
  kind: ObjectKind,
  earlier: BackupRecord | undefined,
  { forget, forceDelete }: { readonly forget: readonly string[]; readonly forceDelete: boolean },
  error: unknown,
): unknown {
  if (earlier === undefined) {
    return error;
  }
  const previous = withoutForgotten(earlier.previous, forget);
  return forceDelete === earlier.forceDelete && previous.length === earlier.previous.length
    ? error
    : new RecordedFailure(userError(error).message, backupProperties(kind, { ...earlier, previous, forceDelete }));
}

function explain(plan: BackupPlan): string | undefined {
  switch (plan.kind) {
    case "unchanged":
      return plan.note === undefined
        ? undefined
        : `no new backup: ${plan.note}. If it is back, run pulumi up --refresh`;
    case "backUp":
      return `a new backup will be made, because ${plan.because}`;
    case "updateRecord":
      return `no new backup; the record changes, because ${plan.because}`;
    case "unknown":
      return `a new backup may be made: ${plan.inputs.join(" and ")} will be known during the update`;
    default:
      return plan satisfies never;
  }
}
