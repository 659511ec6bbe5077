import type { Asked } from "./asked";
import { azOptionOf } from "./azOption";
import { connectionCodeOf, explainBriefly } from "./explainFailure";
import { isPurgeableBy, type ReadKey, readKey } from "./readKey";
import { Refusal } from "./refusal";
import { type Requests, secondsSince, type VaultConnection } from "./vaultConnection";

/** The key is there, with these versions. */
export interface FoundKey extends ReadKey {
  readonly kind: "found";
}

/** The key is not there: deleted, never made, or its vault has no name any more. */
export interface MissingKey {
  readonly kind: "missing";
  readonly because: string;
  /** The soft-deleted key that has its name, if one has. */
  readonly deleted?: DeletedKey;
  /** Whether it is only that the name of its vault does not resolve: on this machine, or anywhere. */
  readonly isVaultUnknown?: true;
}

export interface DeletedKey {
  /** Its newest version. */
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly isPurgeable: boolean | undefined;
  /** When the service purges it, in milliseconds. */
  readonly purgedAt: number | undefined;
}

/** Whether the key is there could not be learnt. */
export interface UnreachableKey {
  readonly kind: "unreachable";
  readonly because: string;
  /** Whether it is for want of the permission to read it. */
  readonly isForbidden: boolean;
}

/** A key as it was when it was looked up. */
export type LookedUpKey = FoundKey | MissingKey | UnreachableKey;

/** Looks the key up, without waiting for permissions. `named` are versions to look for where it may not list them all. */
export async function lookUpKey(
  connection: VaultConnection,
  keyName: string,
  named: readonly string[],
): Promise<LookedUpKey> {
  const asked: Asked = { operation: "read", vaultUri: connection.vaultUri, keyName };
  const startedAt = Date.now();
  try {
    return await connection.once(async (requests) => {
      const key = await readKey(requests.client, keyName, named, requests.signal);
      return key.versions.length > 0 ? { kind: "found", ...key } : whyMissing(asked, keyName, requests);
    });
  } catch (error) {
    const because = explainBriefly(asked, error, secondsSince(startedAt));
    return isUnknownName(error) ? { kind: "missing", because, isVaultUnknown: true } : unreachable(error, because);
  }
}

async function whyMissing({ vaultUri }: Asked, keyName: string, requests: Requests): Promise<MissingKey> {
  const { host } = new URL(vaultUri);
  const deleted = await deletedKey(keyName, requests);
  if (deleted === undefined) {
    return { kind: "missing", because: `key "${keyName}" is not in ${host}.` };
  }
  const because =
    `key "${keyName}" in ${host} is soft-deleted. Recover it: ` +
    `az keyvault key recover ${azOptionOf(vaultUri)} --name ${keyName}.`;
  return { kind: "missing", because, deleted };
}

/** The soft-deleted key of that name; undefined where there is none that the identity may see. */
export async function deletedKey(keyName: string, { client, signal }: Requests): Promise<DeletedKey | undefined> {
  try {
    const { properties } = await client.getDeletedKey(keyName, { abortSignal: signal });
    const { version = "", tags = {}, recoveryLevel, scheduledPurgeDate } = properties;
    return {
      version: version.toLowerCase(),
      tags,
      isPurgeable: isPurgeableBy(recoveryLevel),
      purgedAt: scheduledPurgeDate?.getTime(),
    };
  } catch (error) {
    if (error instanceof Refusal) {
      return undefined;
    }
    throw error;
  }
}

/** The same, where a vault whose name does not resolve tells nothing of its keys. */
export function inResolvedVault(key: LookedUpKey): LookedUpKey {
  return key.kind === "missing" && key.isVaultUnknown
    ? { kind: "unreachable", because: key.because, isForbidden: false }
    : key;
}

export function unreachable(error: unknown, because: string): UnreachableKey {
  return { kind: "unreachable", because, isForbidden: error instanceof Refusal && error.isPermissionMissing };
}

function isUnknownName(error: unknown): boolean {
  return connectionCodeOf(error) === "ENOTFOUND";
}
