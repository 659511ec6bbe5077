import type { Asked } from "./asked";
import { downloadBackup } from "./downloadBackup";
import { explainBriefly, KeyKeepsChanging, VersionNotFound } from "./explainFailure";
import { type FoundKey, type UnreachableKey, unreachable } from "./lookUpKey";
import { type KeyVersion, type ReadKey, readKey } from "./readKey";
import { getPublicKeys } from "./readPublicKeys";
import { Refusal } from "./refusal";
import type { Requests, VaultConnection } from "./vaultConnection";

/** What the service returned for one key. */
export interface BackedUpKey {
  /** The service's `value`: base64url. */
  readonly blob: string;
  /** The key at that time: the blob holds all versions that were read of it. */
  readonly source: FoundKey | UnreachableKey;
  /** RFC 7638 thumbprints by version: of the newest, and of those that were read one by one anyway. */
  readonly thumbprints: Readonly<Record<string, string>>;
}

// A key that gets a new version during this many backups in a row is not waited for.
const maxBackups = 3;

/**
 * Backs the key up between two readings of its versions, where the identity may read them: where both are the same, the
 * blob holds what was read, and where not, it is made once more.
 *
 * @param keyVersion - A version that the backup must hold, if the versions can be read.
 * @param named - Versions to look for where the identity may not list them all.
 * @throws An error that says what was asked, what came back, and what to do.
 */
export function backUpKey(
  connection: VaultConnection,
  keyName: string,
  keyVersion: string | undefined,
  named: readonly string[],
): Promise<BackedUpKey> {
  const sought = keyVersion === undefined ? named : [keyVersion, ...named];
  return connection.carryOut({ operation: "backup", keyName }, async (requests) => {
    const read = () => readIfPermitted({ vaultUri: connection.vaultUri, operation: "read", keyName }, sought, requests);
    for (let backups = 0; backups < maxBackups; backups += 1) {
      const before = await read();
      // A key without versions is not there: the backup's own refusal tells that.
      if (keyVersion !== undefined && before.kind === "found" && before.versions.length > 0) {
        requireVersion(before, keyVersion);
      }
      const thumbprints = before.kind === "found" ? await thumbprintsOf(keyName, before.versions, requests) : {};
      const blob = await downloadBackup(requests.client, keyName, requests.signal);
      // A permission to read that took effect meanwhile is used: the backup is made once more.
      const after = await read();
      if (isSameKey(before, after)) {
        return { blob, source: withVersions(before), thumbprints };
      }
    }
    throw new KeyKeepsChanging();
  });
}

// Only the permission to back up is required. Other refusals meet the backup too, whose failure is the one to tell.
async function readIfPermitted(
  asked: Asked,
  sought: readonly string[],
  { client, signal }: Requests,
): Promise<FoundKey | UnreachableKey> {
  try {
    return { kind: "found", ...(await readKey(client, asked.keyName ?? "", sought, signal)) };
  } catch (error) {
    if (error instanceof Refusal && (error.status === 403 || error.status === 404)) {
      return unreachable(error, explainBriefly(asked, error, 0));
    }
    throw error;
  }
}

async function thumbprintsOf(
  keyName: string,
  versions: readonly KeyVersion[],
  requests: Requests,
): Promise<Record<string, string>> {
  const known = Object.fromEntries(
    versions.flatMap(({ version, thumbprint }) => (thumbprint === undefined ? [] : [[version, thumbprint]])),
  );
  const [newest] = versions;
  if (newest === undefined || newest.version in known) {
    return known;
  }
  try {
    const [key] = await getPublicKeys(requests, keyName, [newest.version]);
    return key?.thumbprint === undefined ? known : { ...known, [newest.version]: key.thumbprint };
  } catch (error) {
    // Access policies grant `list` without `get`: the backup does without.
    if (error instanceof Refusal && error.status === 403) {
      return known;
    }
    throw error;
  }
}

function requireVersion({ versions, isComplete }: ReadKey, keyVersion: string): void {
  const names = versions.map(({ version }) => version);
  if (!names.includes(keyVersion.toLowerCase())) {
    throw new VersionNotFound(keyVersion, names, isComplete);
  }
}

function isSameKey(one: FoundKey | UnreachableKey, other: FoundKey | UnreachableKey): boolean {
  if (one.kind === "unreachable" || other.kind === "unreachable") {
    return one.kind === other.kind;
  }
  const names = new Set(one.versions.map(({ version }) => version));
  return other.versions.length === names.size && other.versions.every(({ version }) => names.has(version));
}

// Emulators may not list what they back up.
function withVersions(source: FoundKey | UnreachableKey): FoundKey | UnreachableKey {
  return source.kind === "found" && source.versions.length === 0
    ? { kind: "unreachable", because: "The vault backs the key up, and lists no version of it.", isForbidden: false }
    : source;
}
