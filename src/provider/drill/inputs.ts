import type { DeclaredDrill } from "../../backup/planDrill";
import { isSameName } from "../../backup/versions";
import { objectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import {
  type BackupRef,
  backupRefIn,
  checkBackupRef,
  decisivePart,
  kindOfBackup,
  vaultTypeMistakes,
} from "../engine/backupRef";
import type { Configuration } from "../engine/configuration";
import {
  array,
  boolean,
  type Checked,
  days,
  oneOf,
  parseVaultInput,
  type Shapes,
  shapeMistakes,
  string,
} from "../engine/inputs";
import { arrayIn, isUnknown, numberIn, type Properties, textIn, unknownIn, withoutEmpty } from "../engine/values";

const shapes: Shapes = {
  backup: { fits: (value) => typeof value === "object", description: "a backup resource or an object" },
  vaultUri: string,
  maxAgeDays: days,
  triggers: array,
  onFailure: oneOf("fail", "record"),
  allowSoftDeletedCopies: boolean,
};

/** Checks what the program declares, offline, and makes it canonical. */
export function checkDrill(resource: string, declared: Properties, configuration: Configuration): Checked {
  const { owner, ...inputs } = withoutEmpty(declared);
  const mistakes = shapeMistakes(resource, inputs, shapes);
  if (inputs.vaultUri === undefined) {
    mistakes.push("Set vaultUri to the scratch vault.");
  }
  const kind = kindOfBackup(inputs.backup);
  const vaultUri = parseVaultInput(kind, inputs.vaultUri, configuration, mistakes);
  const checked = checkBackupRef(kind, resource, inputs.backup, configuration);
  mistakes.push(...checked.mistakes);
  if (mistakes.length === 0 && vaultUri !== undefined && kind !== undefined) {
    mistakes.push(...backupMistakes(kind, checked.backup, vaultUri));
  }
  return {
    inputs: { ...inputs, owner, backup: checked.backup, ...(vaultUri === undefined ? {} : { vaultUri }) },
    mistakes,
  };
}

/** A damaged blob is no mistake: finding it is what a drill is for. */
function backupMistakes(kind: ObjectKind, backup: unknown, vaultUri: string): string[] {
  const { name, uri } = kind.properties;
  const known: BackupRef = backupRefIn(kind, backup);
  if (isSameName(known.sourceVaultUri, vaultUri)) {
    return ["vaultUri is the vault of the backup's source, which a drill never touches: use a scratch vault."];
  }
  if (isUnknown(backup)) {
    return [];
  }
  return known.name === undefined
    ? [`Set backup.${name} or backup.${uri}, so that the drill knows which ${kind.noun} it may copy.`]
    : vaultTypeMistakes(known, vaultUri);
}

/** What the checked inputs declare. */
export function declaredDrill(inputs: Properties): DeclaredDrill {
  const { vaultUri, backup, maxAgeDays, triggers, onFailure } = inputs;
  const kind = kindOfBackup(backup);
  const known = kind && backupRefIn(kind, backup);
  const name = known?.name;
  const decisive = decisivePart(backup);
  const vault = textIn(vaultUri);
  return {
    copyUri: kind === undefined || vault === undefined || name === undefined ? undefined : objectUri(kind, vault, name),
    blobSha256: isUnknown(decisive) ? undefined : known?.blobSha256,
    triggers: arrayIn(triggers),
    maxAgeDays: numberIn(maxAgeDays),
    onFailure: onFailure === "record" ? "record" : "fail",
    // What a failure does decides nothing until a drill has run.
    unknown: unknownIn({ vaultUri, backup: decisive, maxAgeDays, triggers }),
  };
}
