import { damageOf } from "../backup/blob";
import { type Coverage, coverageOf, type DeclaredBackup, type RecordedBackup } from "../backup/coverage";
import { recordIn } from "./backupRecord";
import { isUnknown } from "./isUnknown";
import type { Properties } from "./shapes";
import { textIn, textsIn } from "./valuesIn";

/** Whether what is recorded is what is declared, whatever properties a state and a program hold. `now` in milliseconds. */
export function compareProperties(recorded: Properties, declared: Properties, now: number): Coverage {
  return coverageOf(recordedIn(recorded), declaredIn(declared), now);
}

function recordedIn(properties: Properties): RecordedBackup {
  const record = recordIn(properties);
  if (record === undefined) {
    return { ...keyIn(properties), damage: "there is none" };
  }
  const { sourceStatusReason, forceDelete, previous } = record;
  return {
    ...record,
    ...keyIn(properties),
    sourceStatusReason: textIn(sourceStatusReason),
    forceDelete: forceDelete === true,
    damage: damageOf(record),
    previous: previous.map(({ blobSha256 }) => blobSha256),
  };
}

function declaredIn({ __provider, retain, ...properties }: Properties): DeclaredBackup {
  const { maxAgeDays, forget, forceDelete } = properties;
  return {
    ...keyIn(properties),
    maxAgeDays: typeof maxAgeDays === "number" ? maxAgeDays : undefined,
    forget: textsIn(forget),
    forceDelete: forceDelete === true,
    // How many earlier backups to retain decides nothing until a new one is made.
    unknown: Object.keys(properties).filter((name) => isUnknown(properties[name])),
  };
}

function keyIn({ vaultUri, keyName, keyVersion, triggers }: Properties) {
  return {
    vaultUri: textIn(vaultUri),
    keyName: textIn(keyName),
    keyVersion: textIn(keyVersion),
    triggers: Array.isArray(triggers) ? triggers : [],
  };
}
