import type { KeyClient, KeyProperties } from "@azure/keyvault-keys";
import { publicKeyOf } from "./publicKey";
import { Refusal } from "./refusal";

/** One version of a key, as the vault lists it. Times are in milliseconds, of whole seconds. */
export interface KeyVersion {
  /** 32 hexadecimal digits, in lower case. */
  readonly version: string;
  readonly createdAt: number;
  /** When its attributes or tags last changed. */
  readonly updatedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether the vault lets a deleted key be purged before its time; absent where it does not tell. */
  readonly isPurgeable: boolean | undefined;
  /** RFC 7638, SHA-256, of its public key; absent where the version was listed only, or has no public key. */
  readonly thumbprint?: string;
}

/** What a vault tells of a key. */
export interface ReadKey {
  /** Newest first; none where there is no such key. */
  readonly versions: readonly KeyVersion[];
  /** Whether these are all versions of the key, or only the newest and those that were asked for. */
  readonly isComplete: boolean;
}

/**
 * Reads the key's versions: all of them; without the permission to list, the newest and the named ones.
 *
 * @throws `Refusal` where the identity may do neither.
 */
export async function readKey(
  client: KeyClient,
  keyName: string,
  named: readonly string[],
  signal: AbortSignal,
): Promise<ReadKey> {
  try {
    return { versions: await listVersions(client, keyName, signal), isComplete: true };
  } catch (error) {
    if (error instanceof Refusal && error.isNotFound) {
      return { versions: [], isComplete: true };
    }
    // Access policies grant `list` and `get` one by one; the data action of a role covers both.
    if (error instanceof Refusal && error.isPermissionMissing && error.innerCode !== "ForbiddenByRbac") {
      const versions = await getVersions(client, keyName, [undefined, ...named], signal);
      return { versions, isComplete: versions.length === 0 };
    }
    throw error;
  }
}

async function listVersions(client: KeyClient, keyName: string, signal: AbortSignal): Promise<KeyVersion[]> {
  const versions: KeyVersion[] = [];
  for await (const properties of client.listPropertiesOfKeyVersions(keyName, { abortSignal: signal })) {
    versions.push(versionOf(properties));
  }
  versions.sort((one, other) => other.createdAt - one.createdAt);
  const [first, second] = versions;
  // Times of creation are whole seconds: of versions made in the same second, the vault knows which is current.
  if (first !== undefined && second !== undefined && first.createdAt === second.createdAt) {
    const [newest] = await getVersions(client, keyName, [undefined], signal).catch(ignoreRefusedPermission);
    return newest === undefined ? versions : [newest, ...versions.filter(({ version }) => version !== newest.version)];
  }
  return versions;
}

async function getVersions(
  client: KeyClient,
  keyName: string,
  versions: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<KeyVersion[]> {
  const read = new Map<string, KeyVersion>();
  for (const version of versions) {
    if (version !== undefined && read.has(version.toLowerCase())) {
      continue;
    }
    try {
      const options = version === undefined ? { abortSignal: signal } : { abortSignal: signal, version };
      const key = await client.getKey(keyName, options);
      const { thumbprint } = await publicKeyOf(key);
      const found = { ...versionOf(key.properties), ...(thumbprint === undefined ? {} : { thumbprint }) };
      read.set(found.version, found);
    } catch (error) {
      if (!(error instanceof Refusal && error.isNotFound)) {
        throw error;
      }
    }
  }
  return [...read.values()];
}

function ignoreRefusedPermission(error: unknown): KeyVersion[] {
  if (error instanceof Refusal && error.isPermissionMissing) {
    return [];
  }
  throw error;
}

function versionOf({ version = "", createdOn, updatedOn, tags, recoveryLevel }: KeyProperties): KeyVersion {
  const createdAt = createdOn?.getTime() ?? 0;
  return {
    version: version.toLowerCase(),
    createdAt,
    updatedAt: updatedOn?.getTime() ?? createdAt,
    tags: tags ?? {},
    isPurgeable: isPurgeableBy(recoveryLevel),
  };
}

/** What a recovery level says of purging; undefined where there is none. */
export function isPurgeableBy(recoveryLevel: string | undefined): boolean | undefined {
  return recoveryLevel?.includes("Purgeable");
}
