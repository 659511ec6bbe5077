import type { ObjectKind, ObjectVersion } from "../../objects/objectKind";
import type { Requests, VaultConnection } from "../connection/vaultConnection";
import {
  KeyVaultError,
  MalformedAnswer,
  ManagedByCertificate,
  ObjectKeepsChanging,
  VersionNotFound,
} from "../failures/keyVaultError";
import { Refusal } from "../failures/refusal";
import { listVersions } from "./lookUp";

export interface BackedUpObject {
  /** Base64url. */
  readonly blob: string;
  /** Every version that the blob holds, newest first; or why that is unknown. */
  readonly versions: readonly ObjectVersion[] | { readonly unknownBecause: string };
  /** As far as they are known, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
}

// An object that gets a new version during each of so many backups is not waited for.
const maxBackups = 3;

/**
 * Backs an object up in three requests: lists the versions, backs up, and looks again, which tells whether anything changed in
 * between. If so, it starts again.
 *
 * @param declaredVersion - A version that the backup must hold, if the versions can be listed.
 * @throws KeyVaultError
 */
export function backUp(
  connection: VaultConnection,
  kind: ObjectKind,
  name: string,
  declaredVersion?: string,
): Promise<BackedUpObject> {
  return connection.carryOut({ name: "backup", kind, objectName: name }, async (requests) => {
    for (let backups = 0; backups < maxBackups; backups += 1) {
      const listed = await unlessRefused(listVersions(requests, name));
      if (listed instanceof Refusal) {
        const list = { name: "list", kind, objectName: name, vaultUri: connection.vaultUri } as const;
        const unknownBecause = new KeyVaultError(list, listed).reason;
        return { blob: await download(requests, name), versions: { unknownBecause }, thumbprints: {} };
      }
      if (listed.some(({ isManaged }) => isManaged)) {
        throw new ManagedByCertificate();
      }
      // The backup's own refusal tells that an object without versions is not there.
      if (declaredVersion !== undefined && listed.length > 0) {
        requireVersion(listed, declaredVersion);
      }
      const blob = await download(requests, name);
      const held = await lookAgain(requests, name, listed);
      if (held !== undefined) {
        return { blob, ...held };
      }
    }
    throw new ObjectKeepsChanging();
  });
}

/** The listed versions, newest first, if the object still has no other. */
async function lookAgain(
  requests: Requests,
  name: string,
  listed: readonly ObjectVersion[],
): Promise<(Pick<BackedUpObject, "thumbprints"> & { versions: readonly ObjectVersion[] }) | undefined> {
  const current = await unlessRefused(requests.client.getCurrent?.(name, requests.signal));
  if (current === undefined || current instanceof Refusal) {
    const after = await listVersions(requests, name);
    const isUnchanged =
      after.length === listed.length && after.every(({ version }) => listed.some((one) => one.version === version));
    return isUnchanged && after.length > 0 ? { versions: listed, thumbprints: thumbprintsIn(listed) } : undefined;
  }
  const newest = listed.find(({ version }) => version === current.version);
  if (newest === undefined || newest.createdAt !== listed[0]?.createdAt) {
    return undefined;
  }
  const versions = [{ ...newest, thumbprint: current.thumbprint }, ...listed.filter((one) => one !== newest)];
  return { versions, thumbprints: thumbprintsIn(versions) };
}

function thumbprintsIn(versions: readonly ObjectVersion[]): Record<string, string> {
  return Object.fromEntries(
    versions.flatMap(({ version, thumbprint }) => (thumbprint === undefined ? [] : [[version, thumbprint]])),
  );
}

// Only the permission to back up is required; any other refusal meets the backup too, whose failure is the one to report.
async function unlessRefused<T>(request: T | Promise<T>): Promise<T | Refusal> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Refusal && (error.status === 403 || error.status === 404)) {
      return error;
    }
    throw error;
  }
}

function requireVersion(listed: readonly ObjectVersion[], declaredVersion: string): void {
  const version = declaredVersion.toLowerCase();
  if (!listed.some((one) => one.version === version)) {
    throw new VersionNotFound(version, listed[0]?.version);
  }
}

async function download({ client, signal }: Requests, name: string): Promise<string> {
  const blob = await client.backUp(name, signal);
  if (typeof blob !== "string") {
    throw new MalformedAnswer("without a backup");
  }
  const digits = blob.replace(/={1,2}$/, "");
  if (digits.length % 4 === 1 || !/^[\w-]+$/.test(digits)) {
    throw new MalformedAnswer("with a backup that is not base64url");
  }
  return blob;
}
