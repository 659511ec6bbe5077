import { type DrillOutcome, describeChecks, outcomeOf } from "../../backup/drillEvidence";
import { type DrillPlan, type Leftover, planDrill } from "../../backup/planDrill";
import { objectAt, objectUri } from "../../keyVault/vaultUri";
import { backupRefIn, kindOfBackup } from "../engine/backupRef";
import { type Context, type Family, RecordedFailure } from "../engine/defineProvider";
import { more } from "../engine/messages";
import { arrayIn, type Properties, textIn } from "../engine/values";
import { type Drill, type DrillResult, runDrill } from "./act";
import { removeLeftover, type ScratchPlace } from "./copy";
import { checkDrill, declaredDrill } from "./inputs";
import { type DrillRecord, drillProperties, isDrillRecord, recordedDrill } from "./record";

/** The drill resource, for backups of every kind of object. */
export function drillFamily(resource: string): Family<DrillPlan> {
  async function run(declared: Properties, recorded: Properties, context: Context): Promise<object> {
    const drill = drillOf(declared, recorded);
    const startedAt = context.now();
    const result = await runDrill(drill, context);
    const record = recordOf(drill, declared, result, startedAt, context.now());
    const text = describeResult(record.outcome, result);
    if (record.outcome === "failed" && declared.onFailure !== "record") {
      throw new RecordedFailure(
        `${resource} ${record.copyUri}: ${text} ${more("troubleshooting.md#drill-failed")}`,
        drillProperties(record),
      );
    }
    if (record.outcome === "failed" || result.leftover !== undefined) {
      context.print(record.copyUri, text);
    }
    return drillProperties(record);
  }

  return {
    resource,
    check: (declared, configuration) => checkDrill(resource, declared, configuration),
    plan: (recorded, declared, now) =>
      isDrillRecord(recorded)
        ? planDrill(recordedDrill(recorded), declaredDrill(declared), now)
        : { kind: "run", because: "the state records no drill" },
    explain,
    uriOf: (recorded) => textIn(recorded.copyUri) ?? "",
    isRecord: isDrillRecord,
    create: (declared, context) => run(declared, {}, context),
    /** Makes no call: what a drill found does not change. */
    read: async (recorded) => recorded,

    async update(recorded, declared, plan, context) {
      if (plan.kind !== "unchanged") {
        return run(declared, recorded, context);
      }
      const { __provider, ...record } = recorded;
      return record;
    },

    /** Removes the copy that the last drill left behind. */
    async delete(recorded, context) {
      const { leftover, owner, restoredVersions } = recordedDrill(recorded);
      const copiedVersions = leftover === undefined ? [] : [leftover.version, ...restoredVersions];
      // A leftover has no command if the vault may be the source's own.
      const isScratch = leftover?.command !== undefined;
      const object = leftover && objectAt(leftover.uri);
      const place = object && { ...object, owners: [owner], versions: [], copiedVersions, isScratch };
      const left = place && leftover && (await removeLeftover({ place, leftover }, context));
      if (left !== undefined) {
        throw new Error(
          `${left.uri}, left by a drill, is still in the scratch vault: ${left.because}. Remove it: ${left.command}. ` +
            more("troubleshooting.md#copy-left"),
        );
      }
    },
  };
}

function drillOf(declared: Properties, recorded: Properties): Drill {
  const kind = kindOfBackup(declared.backup);
  if (kind === undefined) {
    throw new Error("The backup does not name its object.");
  }
  const backup = backupRefIn(kind, declared.backup);
  const { leftover, owner, restoredVersions } = recordedDrill(recorded);
  const place: ScratchPlace = {
    kind,
    vaultUri: textIn(declared.vaultUri) ?? "",
    name: backup.name ?? "",
    owners: [textIn(declared.owner) ?? "", owner].filter((one) => one !== ""),
    versions: backup.versions,
    copiedVersions: leftover === undefined ? restoredVersions : [leftover.version, ...restoredVersions],
    isScratch: backup.sourceVaultUri !== undefined,
  };
  // The record's copy may be in another place by now.
  const object = leftover && objectAt(leftover.uri);
  return {
    place,
    backup,
    allowSoftDeletedCopies: declared.allowSoftDeletedCopies === true,
    earlier: leftover && object && { leftover, place: { ...place, ...object } },
  };
}

function recordOf(
  { place, backup }: Drill,
  { triggers }: Properties,
  { failure, checks, restoredVersions, leftover }: DrillResult,
  startedAt: number,
  endedAt: number,
): DrillRecord {
  const outcome = failure === undefined ? outcomeOf(checks) : "failed";
  const drilledAt = new Date(endedAt).toISOString();
  return {
    vaultUri: place.vaultUri,
    copyUri: objectUri(place.kind, place.vaultUri, place.name),
    owner: place.owners[0] ?? "",
    blobSha256: backup.blobSha256,
    triggers: arrayIn(triggers),
    drilledAt,
    verifiedAt: outcome === "verified" ? drilledAt : undefined,
    outcome,
    failure,
    checks,
    durationMs: endedAt - startedAt,
    restoredVersions,
    leftover,
  };
}

function describeResult(outcome: DrillOutcome, { failure, checks, leftover }: DrillResult): string {
  const because = failure ?? describeChecks(checks);
  const text = `${outcome}${because === "" ? "" : `, because ${because}`}.`;
  return [text, ...(leftover === undefined ? [] : describeLeftover(leftover, because))].join(" ");
}

/** What the result does not say of the copy that is still there. */
function describeLeftover({ because, command, isSoftDeleted }: Leftover, result: string): string[] {
  const isCommandTold = command !== undefined && result.includes(command);
  return [
    ...(isCommandTold || result.includes(because)
      ? []
      : [`A copy is still there${isSoftDeleted ? ", soft-deleted" : ""}: ${because}.`]),
    ...(isCommandTold || command === undefined ? [] : [`Remove it: ${command}.`]),
  ];
}

function explain(plan: DrillPlan): string | undefined {
  switch (plan.kind) {
    case "unchanged":
      return plan.note === undefined ? undefined : `no drill: ${plan.note}`;
    case "run":
      return `a drill will be run, because ${plan.because}`;
    case "unknown":
      return `a drill may be run: ${plan.inputs.join(" and ")} will be known during the update`;
    default:
      return plan satisfies never;
  }
}
