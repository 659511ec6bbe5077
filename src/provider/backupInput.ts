import { canonicalBlob, isOfSecret, isOfVaultKey, sha256OfBlob, unfamiliarStructure } from "../backup/blob";
import { isManagedHsm, keyNameMistakes, keyUriOf, parseKeyUri } from "../keyVault/keyReference";
import { isUnknown } from "./isUnknown";
import { given, type Properties, type Shape, type Shapes, sha256, shapeMistakes, string } from "./shapes";
import { membersIn, textIn, textMembersIn, textsIn } from "./valuesIn";

/** A backup that the program hands over to be restored, with what is known of it. */
export interface RestorableBackup {
  /** Base64url. Empty where the text is no blob. */
  readonly blob: string;
  /** Of the blob as it is. */
  readonly blobSha256: string;
  /** Of the blob that was made, if that is known. */
  readonly recordedSha256: string | undefined;
  readonly keyName: string | undefined;
  /** The vault and the URI of the key that it was made from. */
  readonly sourceVaultUri: string | undefined;
  readonly keyUri: string | undefined;
  /** Newest first; none where they are not known. */
  readonly keyVersions: readonly string[];
  /** RFC 7638 thumbprints by version, as far as they are known. */
  readonly keyThumbprints: Readonly<Record<string, string>>;
  readonly backedUpAt: string | undefined;
}

const texts: Shape = {
  isShapeOf: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  text: "an array of strings",
};

const textMembers: Shape = {
  isShapeOf: (value) =>
    typeof value === "object" &&
    !Array.isArray(value) &&
    Object.values(value ?? {}).every((it) => typeof it === "string"),
  text: "an object of strings",
};

const shapes: Shapes = {
  blob: string,
  blobSha256: sha256,
  keyName: string,
  keyUri: string,
  keyVersions: texts,
  keyThumbprints: textMembers,
  backedUpAt: string,
};

/**
 * Checks and completes a backup among the inputs of a resource, offline. What is not known yet is passed over, and so is what
 * is no object, of which the resource's own shapes tell.
 */
export function checkBackup(resource: string, backup: unknown): { backup: unknown; mistakes: string[] } {
  if (typeof backup !== "object" || backup === null) {
    const give = resource === "KeyRestore" ? "give backup, or blob" : "give backup";
    return { backup, mistakes: backup === undefined ? [`The backup is missing: ${give}.`] : [] };
  }
  const members = given(backup as Properties);
  const mistakes = shapeMistakes(`the backup of ${resource}`, members, shapes, "backup.");
  if (!("blob" in members)) {
    mistakes.push("backup.blob is missing.");
  }
  const completed: Record<string, unknown> = { ...members };
  const { blob, keyName, keyUri, blobSha256, keyVersions, keyThumbprints } = members;
  if (typeof blob === "string" && !isUnknown(blob)) {
    // What is no blob stays as it is: what comes of it is the resource's to tell.
    completed.blob = canonicalBlob(blob) ?? blob;
  }
  if (typeof keyName === "string" && !isUnknown(keyName)) {
    mistakes.push(...keyNameMistakes(keyName).map((mistake) => `backup.keyName ${mistake}.`));
  }
  if (typeof keyUri === "string" && !isUnknown(keyUri)) {
    const parsed = parseKeyUri(keyUri);
    if ("value" in parsed) {
      completed.keyUri = keyUriOf(parsed.value);
      completed.keyName = keyName ?? parsed.value.keyName;
      if (isKeyName(keyName) && lowerCase(keyName) !== lowerCase(parsed.value.keyName)) {
        mistakes.push("backup.keyName is not the name in backup.keyUri.");
      }
    } else {
      mistakes.push(...parsed.mistakes.map((mistake) => `backup.keyUri ${mistake}.`));
    }
  }
  if (typeof blobSha256 === "string") {
    completed.blobSha256 = lowerCase(blobSha256);
  }
  if (texts.isShapeOf(keyVersions)) {
    completed.keyVersions = textsIn(keyVersions).map(lowerCase);
  }
  if (textMembers.isShapeOf(keyThumbprints)) {
    completed.keyThumbprints = Object.fromEntries(
      Object.entries(membersIn(keyThumbprints)).map(([version, thumbprint]) => [lowerCase(version), thumbprint]),
    );
  }
  return { backup: completed, mistakes };
}

function isKeyName(value: unknown): value is string {
  return typeof value === "string" && !isUnknown(value) && keyNameMistakes(value).length === 0;
}

function lowerCase(text: string): string {
  return isUnknown(text) ? text : text.toLowerCase();
}

/** The backup among inputs that were checked, as far as it is known. */
export function backupIn(value: unknown): RestorableBackup {
  const members = membersIn(value);
  const blob = canonicalBlob(textIn(members.blob) ?? "") ?? "";
  const keyUri = textIn(members.keyUri);
  const source = keyUri === undefined ? undefined : parseKeyUri(keyUri);
  return {
    blob,
    blobSha256: sha256OfBlob(blob),
    recordedSha256: sha256.isShapeOf(members.blobSha256) ? textIn(members.blobSha256) : undefined,
    keyName: textIn(members.keyName),
    sourceVaultUri: source !== undefined && "value" in source ? source.value.vaultUri : undefined,
    keyUri,
    keyVersions: textsIn(members.keyVersions),
    keyThumbprints: textMembersIn(members.keyThumbprints),
    backedUpAt: textIn(members.backedUpAt),
  };
}

/** What can be told of a backup without asking the service; a sentence each, which repeats nothing of the blob. */
export function damageOfBackup({ blob, blobSha256, recordedSha256 }: RestorableBackup): string[] {
  if (blob === "") {
    return ["The blob is none: it is neither base64url, nor base64, nor the text of a backup file."];
  }
  if (recordedSha256 !== undefined && recordedSha256 !== blobSha256) {
    return [
      `The blob is not the one that was made: its SHA-256 is ${blobSha256}, and blobSha256 says ${recordedSha256}. Give ` +
        "the blob as it was returned, or another backup.",
    ];
  }
  if (isOfSecret(blob)) {
    return ["The blob is the backup of a secret, not of a key: az keyvault secret restore."];
  }
  const structure = isOfVaultKey(blob) ? unfamiliarStructure(blob) : undefined;
  return structure === undefined
    ? []
    : [`The blob is damaged, perhaps cut short: ${structure}. Give the blob as it was returned, or another backup.`];
}

/** One sentence where a vault cannot restore what a Managed HSM backed up, or the reverse. */
export function kindMistakes({ blob, sourceVaultUri }: RestorableBackup, vaultUri: string): string[] {
  const isOfHsm = sourceVaultUri === undefined ? undefined : isManagedHsm(sourceVaultUri);
  if (isManagedHsm(vaultUri) && (isOfHsm === false || isOfVaultKey(blob))) {
    return ["vaultUri names a Managed HSM, and the backup is of a vault: give a vault, in the source's geography."];
  }
  return !isManagedHsm(vaultUri) && isOfHsm === true
    ? ["vaultUri names a vault, and the backup is of a Managed HSM: give a Managed HSM of the same security domain."]
    : [];
}
