import { type DrillOutcome, describeChecks, outcomeOf } from "../../backup/drillEvidence";
import { type DrillPlan, type Leftover, planDrill } from "../../backup/planDrill";
import { objectUri, parseObjectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import { backupRefIn } from "../engine/backupRef";
import { type Context, type Family, RecordedFailure } from "../engine/defineProvider";
import { more } from "../engine/messages";
import { arrayIn, type Properties, textIn } from "../engine/values";
import { type Drill, type DrillResult, runDrill } from "./act";
import { removeLeftover, type ScratchPlace } from "./copy";
import { checkDrill, declaredDrill } from "./inputs";
import { type DrillRecord, drillProperties, isDrillRecord, recordedDrill } from "./record";

/** The drill resource of one kind of object. */
export function drillFamily(resource: string, kind: ObjectKind): Family<DrillPlan> {
  async function run(declared: Properties, recorded: Properties, context: Context): Promise<object> {
    const drill = drillOf(kind, declared, recorded);
    const startedAt = context.now();
    const result = await runDrill(drill, context);
    const record = recordOf(drill, declared, result, startedAt, context.now());
    const uri = objectUri(kind, record.vaultUri, record.name);
    const text = describeResult(record.outcome, result);
    if (record.outcome === "failed" && declared.onFailure !== "record") {
      throw new RecordedFailure(
        `${resource} ${uri}: ${text} ${more("troubleshooting.md#drill-failed")}`,
        drillProperties(kind, record),
      );
    }
    if (record.outcome === "failed" || result.leftover !== undefined) {
      context.print(uri, text);
    }
    return drillProperties(kind, record);
  }

  return {
    resource,
    check: (declared, configuration) => checkDrill(kind, resource, declared, configuration),
    plan: (recorded, declared, now) =>
      isDrillRecord(recorded)
        ? planDrill(recordedDrill(kind, recorded), declaredDrill(kind, declared), now)
        : { kind: "run", because: "the state records no drill" },
    explain,
    uriOf: (recorded) => {
      const { vaultUri, name } = recordedDrill(kind, recorded);
      return objectUri(kind, vaultUri, name);
    },
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
      const { leftover, owner, restoredVersions } = recordedDrill(kind, recorded);
      const copiedVersions = leftover === undefined ? [] : [leftover.version, ...restoredVersions];
      // A leftover has no command if the vault may be the source's own.
      const isScratch = leftover?.command !== undefined;
      const facts = { kind, owners: [owner], versions: [], copiedVersions, isScratch };
      const place = leftover && { ...facts, ...leftoverPlace(kind, leftover) };
      const left = place && (await removeLeftover({ place, leftover }, context));
      if (left !== undefined) {
        throw new Error(
          `${left.uri}, left by a drill, is still in the scratch vault: ${left.because}. Remove it: ${left.command}. ` +
            more("troubleshooting.md#copy-left"),
        );
      }
    },
  };
}

function drillOf(kind: ObjectKind, declared: Properties, recorded: Properties): Drill {
  const backup = backupRefIn(kind, declared.backup);
  const vaultUri = textIn(declared.vaultUri) ?? "";
  const { leftover, owner, restoredVersions } = recordedDrill(kind, recorded);
  const place: ScratchPlace = {
    kind,
    vaultUri,
    name: backup.name ?? "",
    owners: [textIn(declared.owner) ?? "", owner].filter((one) => one !== ""),
    versions: backup.versions,
    copiedVersions: leftover === undefined ? restoredVersions : [leftover.version, ...restoredVersions],
    isScratch: backup.sourceVaultUri !== undefined,
  };
  return {
    place,
    backup,
    allowSoftDeletedCopies: declared.allowSoftDeletedCopies === true,
    earlier: leftover && { leftover, place: { ...place, ...leftoverPlace(kind, leftover) } },
  };
}

/** The vault of the record may be another one by now. */
function leftoverPlace(kind: ObjectKind, { uri, name }: Leftover): Pick<ScratchPlace, "vaultUri" | "name"> {
  const parsed = parseObjectUri(kind, uri);
  return { vaultUri: "value" in parsed ? parsed.value.vaultUri : "", name };
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
    name: place.name,
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
