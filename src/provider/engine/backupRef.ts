import { type BlobOrigin, canonicalBlob, originOfBlob, sha256OfBlob, whyIncomplete } from "../../backup/blob";
import { isSameName } from "../../backup/versions";
import { capitalized, isManagedHsm, nameMistakes, objectUri, parseObjectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import { objectKinds } from "../../objects/objectKinds";
import type { Configuration } from "./configuration";
import type { Context } from "./defineProvider";
import { arrayOf, parseCopyInput, parseInput, type Shape, sha256, shapeMistakes, string } from "./inputs";
import { isUnknown, membersIn, type Properties, textIn, textMembersIn, textsIn, withoutEmpty } from "./values";

/** A backup that the program hands over, with what is known of it. */
export interface BackupRef {
  /** Base64url; empty if the text is no blob, or if the blob is in a copy. */
  readonly blob: string;
  /** URI of the copy that has the blob, if the program does not hand the blob over. */
  readonly blobUri: string | undefined;
  /** Of the blob as it is; of a copy as it should be. */
  readonly blobSha256: string;
  /** Of the blob as it was made, if that is known. */
  readonly recordedSha256: string | undefined;
  readonly name: string | undefined;
  readonly sourceVaultUri: string | undefined;
  readonly sourceUri: string | undefined;
  /** Newest first; empty if unknown. */
  readonly versions: readonly string[];
  /** As far as they are known, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
  readonly backedUpAt: string | undefined;
}

const textMembers: Shape = {
  fits: (value) =>
    typeof value === "object" &&
    !Array.isArray(value) &&
    Object.values(value ?? {}).every((member) => typeof member === "string"),
  description: "an object of strings",
};

/** The kind of object that a backup is of, as its members are named; undefined if they name none, or several. */
export function kindOfBackup(backup: unknown): ObjectKind | undefined {
  const members = withoutEmpty(membersIn(backup));
  const named = objectKinds.filter(({ properties: { name, uri } }) => name in members || uri in members);
  return named.length === 1 ? named[0] : undefined;
}

/**
 * Checks the backup among the inputs of a resource, offline, and makes it canonical.
 *
 * @param kind - What the resource restores; undefined if only the backup could tell, and does not.
 */
export function checkBackupRef(
  kind: ObjectKind | undefined,
  resource: string,
  backup: unknown,
  configuration: Configuration,
): {
  readonly backup: unknown;
  readonly mistakes: string[];
} {
  if (backup === undefined) {
    const alternative = resource.endsWith("Restore") ? ", or blob" : "";
    return { backup, mistakes: [`${resource} has no backup: set backup${alternative}.`] };
  }
  if (typeof backup !== "object" || backup === null) {
    return { backup, mistakes: [] };
  }
  if (kind === undefined) {
    const names = objectKinds.map(({ properties }) => properties.name).join(", ");
    const mistake = `backup does not name its object: set one of ${names} in backup, or the URI of the object.`;
    return { backup, mistakes: [mistake] };
  }
  const other = kindOfBackup(backup);
  if (other !== undefined && other !== kind) {
    const mistake = `backup is of a ${other.noun}, not of a ${kind.noun}: use a ${capitalized(other.noun)}Restore.`;
    return { backup, mistakes: [mistake] };
  }
  const { name, uri } = kind.properties;
  const members = withoutEmpty(backup as Properties);
  const shapes = {
    blob: string,
    blobUri: string,
    blobSha256: sha256,
    [name]: string,
    [uri]: string,
    versions: arrayOf(string),
    ...(kind.hasThumbprints ? { thumbprints: textMembers } : {}),
    backedUpAt: string,
  };
  const mistakes = shapeMistakes(`the backup of ${resource}`, members, shapes, "backup.");
  if (!("blob" in members || "blobUri" in members)) {
    mistakes.push("backup.blob is missing: set it, or backup.blobUri.");
  }
  if (textIn(members.blob) !== undefined && textIn(members.blobUri) !== undefined) {
    mistakes.push("backup.blob and backup.blobUri are both set: remove one.");
  }
  if ("blobUri" in members && !("blobSha256" in members)) {
    mistakes.push("backup.blobSha256 is missing: the copy at backup.blobUri is verified with it.");
  }
  const blobUri = parseCopyInput("backup.blobUri", members.blobUri, configuration, mistakes);
  const givenName = parseInput(
    `backup.${name}`,
    members[name],
    (text) => (nameMistakes(text).length > 0 ? { mistakes: nameMistakes(text) } : { value: text }),
    mistakes,
  );
  const source = parseInput(`backup.${uri}`, members[uri], (text) => parseObjectUri(kind, text), mistakes);
  if (givenName !== undefined && source !== undefined && !isSameName(givenName, source.name)) {
    mistakes.push(`backup.${name} is not the name in backup.${uri}.`);
  }
  const blob = textIn(members.blob);
  const completed = {
    ...members,
    // A text that is no blob is reported by the resource.
    ...(blob === undefined ? {} : { blob: canonicalBlob(blob) ?? blob }),
    ...(blobUri === undefined ? {} : { blobUri }),
    ...(source === undefined
      ? {}
      : { [uri]: objectUri(kind, source.vaultUri, source.name), [name]: members[name] ?? source.name }),
  };
  return { backup: completed, mistakes };
}

/** The backup among checked inputs, as far as it is known. */
export function backupRefIn(kind: ObjectKind, backup: unknown): BackupRef {
  const { name, uri } = kind.properties;
  const members = membersIn(backup);
  const blob = canonicalBlob(textIn(members.blob) ?? "") ?? "";
  const sourceUri = textIn(members[uri]);
  const source = parseObjectUri(kind, sourceUri ?? "");
  const thumbprints = Object.entries(textMembersIn(members.thumbprints));
  const blobUri = textIn(members.blobUri);
  const recordedSha256 = sha256.fits(members.blobSha256) ? textIn(members.blobSha256)?.toLowerCase() : undefined;
  return {
    blob,
    blobUri,
    blobSha256: textIn(members.blob) === undefined ? (recordedSha256 ?? "") : sha256OfBlob(blob),
    recordedSha256,
    name: textIn(members[name]),
    sourceVaultUri: "value" in source ? source.value.vaultUri : undefined,
    sourceUri,
    versions: textsIn(members.versions).map((version) => version.toLowerCase()),
    thumbprints: Object.fromEntries(thumbprints.map(([version, thumbprint]) => [version.toLowerCase(), thumbprint])),
    backedUpAt: textIn(members.backedUpAt),
  };
}

const madeOf: Readonly<Record<Exclude<BlobOrigin, "other">, string>> = {
  vaultKeyOrCertificate: "a key or certificate",
  vaultSecret: "a secret",
  managedHsm: "a Managed HSM's key",
};

/** Why the backup cannot be restored, as far as that shows without asking the service. Nothing of the blob is repeated. */
export function whyNotRestorable(kind: ObjectKind, { blob, blobUri, blobSha256, recordedSha256 }: BackupRef): string[] {
  if (blobUri !== undefined) {
    return [];
  }
  if (blob === "") {
    return ["blob is not a Key Vault backup: expected base64url, base64 or the contents of a backup file."];
  }
  if (recordedSha256 !== undefined && recordedSha256 !== blobSha256) {
    return [
      `blob is not the recorded backup: its SHA-256 is ${blobSha256}, not ${recordedSha256}. Use that blob, or correct blobSha256.`,
    ];
  }
  const origin = originOfBlob(blob);
  if (origin !== "other" && !kind.blobOrigins.includes(origin)) {
    return [`blob is the backup of ${madeOf[origin]}, not of a ${kind.noun}: use the backup of a ${kind.noun}.`];
  }
  const incomplete = whyIncomplete(blob);
  return incomplete === undefined
    ? []
    : [`blob is not a whole backup: ${incomplete}. Use the whole blob, or another backup.`];
}

/**
 * The backup with its blob, which is read from its copy if the program does not hand it over.
 *
 * @throws CopyError if the copy cannot be read, or has other content.
 * @throws An error if the blob cannot be restored.
 */
export async function loadBackup(kind: ObjectKind, backup: BackupRef, context: Context): Promise<BackupRef> {
  const { blobUri, blobSha256 } = backup;
  const loaded =
    blobUri === undefined
      ? backup
      : {
          ...backup,
          blobUri: undefined,
          blob: (await context.copies().read(blobUri, blobSha256)).toString("base64url"),
        };
  const [mistake] = whyNotRestorable(kind, loaded);
  if (mistake !== undefined) {
    throw new Error(mistake);
  }
  return loaded;
}

/** A vault cannot restore what a Managed HSM backed up, nor the reverse. */
export function vaultTypeMistakes({ blob, sourceVaultUri }: BackupRef, vaultUri: string): string[] {
  const origin = originOfBlob(blob);
  const isOfHsm = sourceVaultUri === undefined ? origin === "managedHsm" : isManagedHsm(sourceVaultUri);
  const isOfVault = origin === "vaultKeyOrCertificate" || origin === "vaultSecret";
  if (isManagedHsm(vaultUri) && (isOfVault || (sourceVaultUri !== undefined && !isOfHsm))) {
    return ["vaultUri is a Managed HSM, and the backup is of a vault: use a vault in the source's geography."];
  }
  // An HSM behind a name that does not say so, such as an emulator's, is known by the source's vault.
  return !isManagedHsm(vaultUri) && isOfHsm
    ? ["vaultUri is a vault, and the backup is of a Managed HSM: use a Managed HSM with the same security domain."]
    : [];
}

/** The backup as far as all of it is known; undefined while a part of it is not. */
export function knownBackup(kind: ObjectKind, backup: unknown): BackupRef | undefined {
  return isUnknown(backup) ? undefined : backupRefIn(kind, backup);
}

/**
 * What of a backup decides what is due: with a known hash, it does not matter where the blob is. The state of a backup has either a
 * blob or the URI of a copy, and the engine takes an output that a state lacks for unknown in each preview.
 */
export function decisivePart(backup: unknown): unknown {
  const { blob, blobUri, ...others } = membersIn(backup);
  return textIn(others.blobSha256) === undefined ? backup : others;
}
