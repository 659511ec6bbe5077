import type { DeclaredRestore } from "../../backup/planRestore";
import type { ObjectKind } from "../../objects/objectKind";
import {
  backupRefIn,
  checkBackupRef,
  decisivePart,
  knownBackup,
  vaultTypeMistakes,
  whyNotRestorable,
} from "../engine/backupRef";
import type { Configuration } from "../engine/configuration";
import { type Checked, oneOf, parseVaultInput, type Shapes, shapeMistakes, string } from "../engine/inputs";
import { isUnknown, type Properties, textIn, unknownIn, withoutEmpty } from "../engine/values";

const shapes: Shapes = {
  vaultUri: string,
  backup: { fits: (value) => typeof value === "object", description: "a backup resource or an object" },
  onNewVersions: oneOf("keep", "recreate"),
};

/** Checks what the program declares, offline, and makes it canonical. */
export function checkRestore(
  kind: ObjectKind,
  resource: string,
  declared: Properties,
  configuration: Configuration,
): Checked {
  const inputs = withoutEmpty(declared);
  const mistakes = shapeMistakes(resource, inputs, shapes);
  if (inputs.vaultUri === undefined) {
    mistakes.push("Set vaultUri to the vault to restore into.");
  }
  const vaultUri = parseVaultInput(kind, inputs.vaultUri, configuration, mistakes);
  const checked = checkBackupRef(kind, resource, inputs.backup, configuration);
  mistakes.push(...checked.mistakes);
  const backup = mistakes.length === 0 ? knownBackup(kind, checked.backup) : undefined;
  if (backup !== undefined) {
    mistakes.push(...whyNotRestorable(kind, backup));
  }
  if (backup !== undefined && vaultUri !== undefined && mistakes.length === 0) {
    mistakes.push(...vaultTypeMistakes(backup, vaultUri));
  }
  return {
    inputs: { ...inputs, backup: checked.backup, ...(vaultUri === undefined ? {} : { vaultUri }) },
    mistakes,
  };
}

/** What the checked inputs declare. */
export function declaredRestore(kind: ObjectKind, { __provider, ...inputs }: Properties): DeclaredRestore {
  const { name, sourceUri, versions, blobSha256 } = backupRefIn(kind, inputs.backup);
  const decisive = decisivePart(inputs.backup);
  return {
    vaultUri: textIn(inputs.vaultUri),
    name,
    blobSha256: isUnknown(decisive) ? undefined : blobSha256,
    sourceUri,
    versions,
    onNewVersions: inputs.onNewVersions === "recreate" ? "recreate" : "keep",
    unknown: unknownIn({ ...inputs, backup: decisive }),
  };
}
