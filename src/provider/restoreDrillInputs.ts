import type { DeclaredDrill } from "../backup/drillDue";
import { backupIn, checkBackup, kindMistakes } from "./backupInput";
import { isUnknown } from "./isUnknown";
import { array, boolean, days, given, oneOf, type Properties, type Shapes, shapeMistakes, string } from "./shapes";
import { membersIn, textIn } from "./valuesIn";
import { type Checked, checkVault } from "./vaultInput";

const shapes: Shapes = {
  backup: { isShapeOf: (value) => typeof value === "object", text: "a KeyBackup or an object" },
  vaultUri: string,
  maxAgeDays: days,
  triggers: array,
  onFailure: oneOf("fail", "record"),
  allowSoftDeletedCopies: boolean,
};

/** Checks and completes what the program declares, offline. What is not known yet is passed over. */
export function checkRestoreDrill(declared: Properties, allowPrivateLink: boolean): Checked {
  const { owner, ...own } = given(declared);
  const mistakes = shapeMistakes("RestoreDrill", own, shapes);
  const checked = checkBackup("RestoreDrill", own.backup);
  const { vaultUri, mistakes: vaultMistakes } = checkVault(own.vaultUri, allowPrivateLink);
  mistakes.push(...vaultMistakes, ...checked.mistakes);
  if (mistakes.length === 0 && !isUnknown(checked.backup) && membersIn(checked.backup).keyName === undefined) {
    mistakes.push("backup.keyName is missing: give it, or backup.keyUri, so that a drill knows which key it may copy.");
  }
  const backup = backupIn(checked.backup);
  if (mistakes.length === 0 && vaultUri !== undefined) {
    mistakes.push(...(isUnknown(checked.backup) ? [] : kindMistakes(backup, vaultUri)));
    if (vaultUri === backup.sourceVaultUri) {
      mistakes.push("vaultUri names the vault of the key itself, which a drill never touches: give a scratch vault.");
    }
  }
  return {
    inputs: { ...own, owner, backup: checked.backup, ...(vaultUri === undefined ? {} : { vaultUri }) },
    mistakes,
  };
}

/** What the checked inputs declare. */
export function declaredDrill({ vaultUri, backup, maxAgeDays, triggers, onFailure }: Properties): DeclaredDrill {
  const { keyName, blobSha256 } = backupIn(backup);
  // What a failure does decides nothing until a drill has run.
  const decisive: Properties = { vaultUri, backup, maxAgeDays, triggers };
  return {
    vaultUri: textIn(vaultUri),
    keyName,
    blobSha256: isUnknown(backup) ? undefined : blobSha256,
    triggers: Array.isArray(triggers) ? triggers : [],
    maxAgeDays: typeof maxAgeDays === "number" ? maxAgeDays : undefined,
    onFailure: onFailure === "record" ? "record" : "fail",
    unknown: Object.keys(decisive).filter((name) => isUnknown(decisive[name])),
  };
}
