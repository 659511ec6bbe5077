import type { Backup, BackupRecord, SourceStatus } from "../../backup/backup";
import { sha256OfBlob } from "../../backup/blob";
import { type BackupCopy, type CopyStatus, intactCopies } from "../../backup/copies";
import { parseCopyPlace } from "../../copies/copyPlace";
import { objectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import {
  arrayIn,
  membersIn,
  numberIn,
  type Properties,
  secretOnWire,
  textIn,
  textMembersIn,
  textsIn,
} from "../engine/values";

const statuses: readonly string[] = ["current", "changed", "missing", "unreachable"];
const copyStatuses: readonly string[] = ["verified", "missing", "different", "unreachable"];

/** Whether the properties record a backup. */
export function isBackupRecord(properties: Properties): boolean {
  return (
    textIn(properties.blobSha256) !== undefined ||
    textIn(properties.blob) !== undefined ||
    Object.keys(membersIn(properties.previous)).length > 0
  );
}

/** The record in the properties that the engine hands over; tolerates an edited state. */
export function backupRecordIn(kind: ObjectKind, properties: Properties): BackupRecord {
  const { name, uri } = kind.properties;
  const sourceStatus = textIn(properties.sourceStatus) ?? "";
  const previous = Object.entries(membersIn(properties.previous)).map(([blobSha256, backup]) => {
    const members = membersIn(backup);
    return {
      ...backupIn(members, textIn(members.sourceUri) ?? "", blobSha256),
      keptBecause: textIn(members.keptBecause) ?? "",
    };
  });
  return {
    ...backupIn(properties, textIn(properties[uri]) ?? "", textIn(properties.blobSha256) ?? ""),
    vaultUri: textIn(properties.vaultUri) ?? "",
    name: textIn(properties[name]) ?? "",
    declaredVersion: textIn(properties.declaredVersion),
    triggers: arrayIn(properties.triggers),
    forceDelete: properties.forceDelete === true,
    thumbprints: textMembersIn(properties.thumbprints),
    updatedAt: textIn(properties.updatedAt),
    tags: properties.tags === undefined ? undefined : textMembersIn(properties.tags),
    sourceStatus: statuses.includes(sourceStatus) ? (sourceStatus as SourceStatus) : undefined,
    sourceStatusReason: textIn(properties.sourceStatusReason),
    // The engine keeps no order of members.
    previous: previous.sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt)),
  };
}

/**
 * The record as properties for the engine. Earlier backups are members of an object by their `blobSha256`: of an array that
 * holds a secret, a refresh would make the whole secret.
 */
export function backupProperties(kind: ObjectKind, record: BackupRecord): Properties {
  const { name, sourceUri, blob, copies, previous, forceDelete, triggers = [], thumbprints, ...facts } = record;
  const [newest] = record.versions;
  return {
    ...facts,
    ...(kind.hasThumbprints ? { thumbprints } : {}),
    ...(triggers.length > 0 ? { triggers } : {}),
    ...(forceDelete === true ? { forceDelete } : {}),
    [kind.properties.name]: name,
    [kind.properties.uri]: sourceUri,
    [kind.properties.uriWithVersion]: newest && `${objectUri(kind, record.vaultUri, name)}/${newest}`,
    blob: secretOnWire(blob),
    blobUri: blob === undefined ? (intactCopies(record)[0] ?? copies?.[0])?.uri : undefined,
    copies: copiesOnWire(copies),
    previous: Object.fromEntries(
      previous.map((backup) => [
        backup.blobSha256,
        { ...backup, blob: secretOnWire(backup.blob), copies: copiesOnWire(backup.copies) },
      ]),
    ),
  };
}

function copiesOnWire(copies: readonly BackupCopy[] = []): readonly BackupCopy[] | undefined {
  return copies.length === 0 ? undefined : copies;
}

function copiesIn(value: unknown): BackupCopy[] {
  return arrayIn(value).flatMap((copy) => {
    const members = membersIn(copy);
    const uri = textIn(members.uri);
    const status = textIn(members.status) ?? "";
    // An edited state may have anything there, a shared access signature too.
    return uri === undefined || "mistakes" in parseCopyPlace(uri)
      ? []
      : [
          {
            uri,
            writtenAt: textIn(members.writtenAt) ?? "",
            contentMd5: textIn(members.contentMd5) ?? "",
            status: copyStatuses.includes(status) ? (status as CopyStatus) : "unreachable",
          },
        ];
  });
}

function backupIn(
  { blob, versions, blobBytes, backedUpAt, copies }: Properties,
  sourceUri: string,
  blobSha256: string,
): Backup {
  return {
    sourceUri,
    versions: textsIn(versions),
    blob: textIn(blob),
    // An edited state may have lost the hash; that is no damage.
    blobSha256: blobSha256 || sha256OfBlob(textIn(blob) ?? ""),
    blobBytes: numberIn(blobBytes),
    backedUpAt: textIn(backedUpAt) ?? "",
    copies: copiesIn(copies),
  };
}
