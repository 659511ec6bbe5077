import type { CurrentVersion, ObjectKind, ObjectVersion } from "../../objects/objectKind";
import type { Requests, VaultConnection } from "../connection/vaultConnection";
import { KeyVaultError, MalformedAnswer, ObjectKeepsChanging, VersionNotFound } from "../failures/keyVaultError";
import { Refusal } from "../failures/refusal";
import { listVersions } from "./lookUp";

export interface BackedUpObject {
  /** Base64url. */
  readonly blob: string;
  /** Every version that the blob holds, newest first; or why that is unknown. */
  readonly versions: readonly ObjectVersion[] | { readonly unknownBecause: string };
  /** RFC 7638 thumbprint of the newest version's public key, by version. */
  readonly thumbprints: Readonly<Record<string, string>>;
}

// An object that gets a new version during each of so many backups is not waited for.
const maxBackups = 3;

/**
 * Backs an object up in three requests: lists the versions, backs up, and gets the current version, which tells whether
 * anything changed in between. If so, it starts again.
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
      // The backup's own refusal tells that an object without versions is not there.
      if (declaredVersion !== undefined && listed.length > 0) {
        requireVersion(listed, declaredVersion);
      }
      const blob = await download(requests, name);
      const current = await unlessRefused(requests.client.getCurrent(name, requests.signal));
      // Access policies grant `list` without `get`: then the second listing tells.
      const after = current instanceof Refusal ? (await listVersions(requests, name))[0] : current;
      if (after !== undefined && isNewest(after, listed)) {
        const { version } = after;
        const thumbprint = current instanceof Refusal ? undefined : current.thumbprint;
        const first = listed.filter((one) => one.version === version);
        const versions = [...first, ...listed.filter((one) => one.version !== version)];
        return { blob, versions, thumbprints: thumbprint === undefined ? {} : { [version]: thumbprint } };
      }
    }
    throw new ObjectKeepsChanging();
  });
}

// Only the permission to back up is required; any other refusal meets the backup too, whose failure is the one to report.
async function unlessRefused<T>(request: Promise<T>): Promise<T | Refusal> {
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

function isNewest({ version }: Pick<CurrentVersion, "version">, listed: readonly ObjectVersion[]): boolean {
  const found = listed.find((one) => one.version === version);
  return found !== undefined && found.createdAt === listed[0]?.createdAt;
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
