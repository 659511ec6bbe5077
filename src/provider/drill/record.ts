import type { DrillCheck, DrillOutcome } from "../../backup/drillEvidence";
import type { Leftover, RecordedDrill } from "../../backup/planDrill";
import type { ObjectKind } from "../../objects/objectKind";
import { arrayIn, membersIn, type Properties, textIn, textsIn } from "../engine/values";

/** What a state records of a drill. */
export interface DrillRecord {
  readonly vaultUri: string;
  readonly name: string;
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
export function recordedDrill(
  kind: ObjectKind,
  properties: Properties,
): RecordedDrill & Pick<DrillRecord, "owner" | "restoredVersions"> {
  const { outcome } = properties;
  return {
    vaultUri: textIn(properties.vaultUri) ?? "",
    name: textIn(properties[kind.properties.name]) ?? "",
    owner: textIn(properties.owner) ?? "",
    restoredVersions: textsIn(properties.restoredVersions),
    blobSha256: textIn(properties.blobSha256) ?? "",
    triggers: arrayIn(properties.triggers),
    drilledAt: textIn(properties.drilledAt) ?? "",
    outcome: outcome === "verified" || outcome === "partly" ? outcome : "failed",
    leftover: leftoverIn(kind, properties),
  };
}

export function drillProperties(
  { properties }: ObjectKind,
  { name, leftover, triggers, ...facts }: DrillRecord,
): Properties {
  return {
    ...facts,
    [properties.name]: name,
    ...(triggers.length > 0 ? { triggers } : {}),
    leftover: leftover && renamed(leftover, { uri: properties.uri, name: properties.name }),
  };
}

function leftoverIn({ properties: { name, uri } }: ObjectKind, properties: Properties): Leftover | undefined {
  const members = membersIn(properties.leftover);
  const [leftoverUri, leftoverName, version] = [textIn(members[uri]), textIn(members[name]), textIn(members.version)];
  return leftoverUri !== undefined && leftoverName !== undefined
    ? {
        uri: leftoverUri,
        name: leftoverName,
        version: version ?? "",
        isSoftDeleted: members.isSoftDeleted === true,
        because: textIn(members.because) ?? "",
        blockedUntil: textIn(members.blockedUntil),
        command: textIn(members.command),
      }
    : undefined;
}

function renamed(
  { uri, name, ...facts }: Leftover,
  names: { readonly uri: string; readonly name: string },
): Properties {
  return { ...facts, [names.uri]: uri, [names.name]: name };
}
