import type { DrillCheck, DrillOutcome } from "../backup/drill";
import type { RecordedDrill } from "../backup/drillDue";
import type { Properties } from "./shapes";
import { membersIn, textIn } from "./valuesIn";

/** A copy that a drill could not remove. */
export interface Leftover {
  readonly keyUri: string;
  readonly keyName: string;
  /** Its newest version. */
  readonly version: string;
  readonly isSoftDeleted: boolean;
  /** Whether it has the tags of the drill: then by these alone it is known. */
  readonly isMarked: boolean;
  readonly because: string;
  /** What removes it; undefined where the vault's retention period alone does. */
  readonly command: string | undefined;
}

/** What a state records of a drill. Its names are part of the contract with the states of every release. */
export interface DrillRecord {
  readonly vaultUri: string;
  readonly keyName: string;
  /** What marks the copies of the resource. */
  readonly owner: string;
  readonly blobSha256: string;
  readonly triggers: readonly unknown[] | undefined;
  readonly drilledAt: string;
  readonly verifiedAt: string | undefined;
  readonly outcome: DrillOutcome;
  readonly failure: string | undefined;
  readonly checks: readonly DrillCheck[];
  readonly durationMs: number;
  readonly restoredVersions: readonly string[];
  readonly leftover: Leftover | undefined;
}

/** What decides of a record whether a drill is due, whatever an edited state has made of it. */
export function recordedDrill(properties: Properties): RecordedDrill {
  const { outcome, triggers } = properties;
  return {
    vaultUri: textIn(properties.vaultUri) ?? "",
    keyName: textIn(properties.keyName) ?? "",
    blobSha256: textIn(properties.blobSha256) ?? "",
    triggers: Array.isArray(triggers) ? triggers : [],
    drilledAt: textIn(properties.drilledAt) ?? "",
    outcome: outcome === "verified" || outcome === "partly" ? outcome : "failed",
    hasLeftover: leftoverIn(properties)?.command !== undefined,
  };
}

/** The copy that is recorded as left behind. */
export function leftoverIn(properties: Properties): Leftover | undefined {
  const { keyUri, keyName, version, isSoftDeleted, isMarked, because, command } = membersIn(properties.leftover);
  return typeof keyUri === "string" && typeof keyName === "string" && typeof version === "string"
    ? {
        keyUri,
        keyName,
        version,
        isSoftDeleted: isSoftDeleted === true,
        isMarked: isMarked !== false,
        because: textIn(because) ?? "",
        command: textIn(command),
      }
    : undefined;
}
