import type { DeclaredRestore } from "../backup/restoration";
import { parseVaultUri } from "../keyVault/keyReference";
import { backupIn, checkBackup, damageOfBackup, kindMistakes } from "./backupInput";
import { isUnknown } from "./isUnknown";
import { privateLinkMistakes } from "./privateLink";
import { given, oneOf, type Properties, type Shapes, shapeMistakes, string } from "./shapes";
import { textIn } from "./valuesIn";

const shapes: Shapes = {
  vaultUri: string,
  backup: { isShapeOf: (value) => typeof value === "object", text: "a KeyBackup or an object" },
  onNewVersions: oneOf("keep", "recreate"),
  onDestroy: oneOf("keep", "delete", "purge"),
};

export interface Checked {
  readonly inputs: Properties;
  /** One sentence per mistake. No value is repeated in it: it may be secret. */
  readonly mistakes: readonly string[];
}

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

/** The vault in its canonical form; undefined while it is not known, or where it is none. */
export function checkVault(value: unknown, allowPrivateLink: boolean): { vaultUri?: string; mistakes: string[] } {
  if (value === undefined) {
    return { mistakes: ["vaultUri is missing: give the URI of the vault to restore into."] };
  }
  const text = textIn(value);
  if (text === undefined) {
    return { mistakes: [] };
  }
  const parsed = parseVaultUri(text);
  if ("mistakes" in parsed) {
    return { mistakes: parsed.mistakes.map((mistake) => `vaultUri ${mistake}.`) };
  }
  return {
    vaultUri: parsed.value,
    mistakes: allowPrivateLink ? [] : privateLinkMistakes("vaultUri", parsed.value),
  };
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
