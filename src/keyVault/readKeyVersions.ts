import type { KeyClient, KeyProperties } from "@azure/keyvault-keys";
import { Refusal } from "./refusal";

/**
 * The key's versions, newest first, as far as the identity may read them: all of them; without the permission to list,
 * the newest and the named ones. Undefined without the permission to read, and empty where there is no such key.
 */
export async function readKeyVersions(
  client: KeyClient,
  keyName: string,
  named: readonly string[],
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const versions: KeyProperties[] = [];
  try {
    for await (const version of client.listPropertiesOfKeyVersions(keyName, { abortSignal: signal })) {
      versions.push(version);
    }
  } catch (error) {
    // Access policies grant `list` and `get` one by one; the data action of a role covers both.
    if (error instanceof Refusal && error.isPermissionMissing && error.innerCode !== "ForbiddenByRbac") {
      const read = await getVersions(client, keyName, [undefined, ...named], signal);
      return read.length === 0 ? undefined : read;
    }
    // Only the permission to back up is required. Other refusals meet the backup too, whose failure is the one to tell.
    if (isNotServed(error)) {
      return undefined;
    }
    throw error;
  }
  versions.sort((one, other) => createdAt(other) - createdAt(one));
  const names = versions.map(nameOf);
  const [first, second] = versions;
  // Times of creation are whole seconds: of versions made in the same second, the vault knows which is current.
  if (first !== undefined && second !== undefined && createdAt(first) === createdAt(second)) {
    return [...new Set([...(await getVersions(client, keyName, [undefined], signal)), ...names])];
  }
  return names;
}

async function getVersions(
  client: KeyClient,
  keyName: string,
  versions: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<string[]> {
  const names = new Set<string>();
  for (const version of new Set(versions)) {
    try {
      const options = version === undefined ? { abortSignal: signal } : { abortSignal: signal, version };
      names.add(nameOf((await client.getKey(keyName, options)).properties));
    } catch (error) {
      if (!isNotServed(error)) {
        throw error;
      }
    }
  }
  return [...names];
}

function isNotServed(error: unknown): boolean {
  return error instanceof Refusal && (error.status === 403 || error.status === 404);
}

function nameOf({ version }: KeyProperties): string {
  return version?.toLowerCase() ?? "";
}

function createdAt({ createdOn }: KeyProperties): number {
  return createdOn?.getTime() ?? 0;
}
