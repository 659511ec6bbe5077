import type { RestoredStatus, RestoreRecord } from "../../backup/planRestore";
import type { ObjectKind } from "../../objects/objectKind";
import { membersIn, type Properties, textIn, textsIn } from "../engine/values";

const statuses: readonly string[] = ["present", "missing", "softDeleted", "replaced", "unreachable"];

/** Whether the properties record a restored object. */
export function isRestoreRecord(properties: Properties): boolean {
  return textIn(properties.restoredAt) !== undefined && textIn(properties.vaultUri) !== undefined;
}

/** The record in the properties that the engine hands over; tolerates an edited state. */
export function restoreRecordIn({ properties: { name, uri } }: ObjectKind, properties: Properties): RestoreRecord {
  const restoredFrom = membersIn(properties.restoredFrom);
  const status = textIn(properties.status) ?? "";
  return {
    vaultUri: textIn(properties.vaultUri) ?? "",
    name: textIn(properties[name]) ?? "",
    uri: textIn(properties[uri]) ?? "",
    versions: textsIn(properties.versions),
    restoredAt: textIn(properties.restoredAt) ?? "",
    restoredFrom: {
      blobSha256: textIn(restoredFrom.blobSha256) ?? "",
      versions: textsIn(restoredFrom.versions),
      sourceUri: textIn(restoredFrom.sourceUri),
      backedUpAt: textIn(restoredFrom.backedUpAt),
    },
    missingVersions: textsIn(properties.missingVersions),
    status: statuses.includes(status) ? (status as RestoredStatus) : "unreachable",
    statusReason: textIn(properties.statusReason),
  };
}

export function restoreProperties({ properties }: ObjectKind, record: RestoreRecord): Properties {
  const { name, uri, ...facts } = record;
  const [newest] = record.versions;
  return {
    ...facts,
    [properties.name]: name,
    [properties.uri]: uri,
    [properties.uriWithVersion]: `${uri}${newest === undefined ? "" : `/${newest}`}`,
  };
}
