import type { DrillCheck, DrillOutcome } from "../../backup/drillEvidence";
import type { Leftover, RecordedDrill } from "../../backup/planDrill";
import { arrayIn, membersIn, type Properties, textIn, textsIn } from "../engine/values";

/** What a state records of a drill. */
export interface DrillRecord {
  readonly vaultUri: string;
  /** URI of the copy, without a version. */
  readonly copyUri: string;
  /** Which resource made the copies: the value of their tag. */
  readonly owner: string;
  readonly blobSha256: string;
  readonly triggers: readonly unknown[];
  /** RFC 3339. */
  readonly drilledAt: string;
  readonly verifiedAt: string | undefined;
  readonly outcome: DrillOutcome;
  readonly failure: string | undefined;
  readonly checks: readonly DrillCheck[];
  readonly durationMs: number;
  readonly restoredVersions: readonly string[];
  readonly leftover: Leftover | undefined;
}

/** Whether the properties record a drill. */
export function isDrillRecord(properties: Properties): boolean {
  return textIn(properties.drilledAt) !== undefined;
}

/** What of a record decides whether a drill is due; tolerates an edited state. */
export function recordedDrill(properties: Properties): RecordedDrill & Pick<DrillRecord, "owner" | "restoredVersions"> {
  const { outcome } = properties;
  return {
    copyUri: textIn(properties.copyUri) ?? "",
    owner: textIn(properties.owner) ?? "",
    restoredVersions: textsIn(properties.restoredVersions),
    blobSha256: textIn(properties.blobSha256) ?? "",
    triggers: arrayIn(properties.triggers),
    drilledAt: textIn(properties.drilledAt) ?? "",
    outcome: outcome === "verified" || outcome === "partly" ? outcome : "failed",
    leftover: leftoverIn(properties),
  };
}

export function drillProperties({ triggers, ...facts }: DrillRecord): Properties {
  return { ...facts, ...(triggers.length > 0 ? { triggers } : {}) };
}

function leftoverIn(properties: Properties): Leftover | undefined {
  const members = membersIn(properties.leftover);
  const uri = textIn(members.uri);
  return uri === undefined
    ? undefined
    : {
        uri,
        version: textIn(members.version) ?? "",
        isSoftDeleted: members.isSoftDeleted === true,
        because: textIn(members.because) ?? "",
        blockedUntil: textIn(members.blockedUntil),
        command: textIn(members.command),
      };
}
