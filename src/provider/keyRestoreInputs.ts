import type { DeclaredRestore } from "../backup/restoration";
import { backupIn, checkBackup, damageOfBackup, kindMistakes } from "./backupInput";
import { isUnknown } from "./isUnknown";
import { given, oneOf, type Properties, type Shapes, shapeMistakes, string } from "./shapes";
import { textIn } from "./valuesIn";
import { type Checked, checkVault } from "./vaultInput";

const shapes: Shapes = {
  vaultUri: string,
  backup: { isShapeOf: (value) => typeof value === "object", text: "a KeyBackup or an object" },
  onNewVersions: oneOf("keep", "recreate"),
  onDestroy: oneOf("keep", "delete", "purge"),
};

/** Checks and completes what the program declares, offline. What is not known yet is passed over. */
export function checkKeyRestore(declared: Properties, allowPrivateLink: boolean): Checked {
  const own = given(declared);
  const mistakes = shapeMistakes("KeyRestore", own, shapes);
  const checked = checkBackup("KeyRestore", own.backup);
  const { vaultUri, mistakes: vaultMistakes } = checkVault(own.vaultUri, allowPrivateLink);
  mistakes.push(...vaultMistakes, ...checked.mistakes);
  const inputs = { ...own, backup: checked.backup, ...(vaultUri === undefined ? {} : { vaultUri }) };
  if (mistakes.length === 0 && !isUnknown(checked.backup)) {
    const backup = backupIn(checked.backup);
    mistakes.push(...damageOfBackup(backup), ...(vaultUri === undefined ? [] : kindMistakes(backup, vaultUri)));
  }
  return { inputs, mistakes };
}

/** What the checked inputs declare. */
export function declaredRestore({ vaultUri, backup, onNewVersions, onDestroy }: Properties): DeclaredRestore {
  const { keyName, keyUri, blobSha256, keyVersions } = backupIn(backup);
  const decisive: Properties = { vaultUri, backup, onNewVersions, onDestroy };
  return {
    vaultUri: textIn(vaultUri),
    keyName,
    blobSha256: isUnknown(backup) ? undefined : blobSha256,
    sourceKeyUri: keyUri,
    keyVersions,
    onNewVersions: onNewVersions === "recreate" ? "recreate" : "keep",
    onDestroy: onDestroyIn(onDestroy),
    unknown: Object.keys(decisive).filter((name) => isUnknown(decisive[name])),
  };
}

export type OnDestroy = "keep" | "delete" | "purge";

export function onDestroyIn(value: unknown): OnDestroy {
  return value === "delete" || value === "purge" ? value : "keep";
}
