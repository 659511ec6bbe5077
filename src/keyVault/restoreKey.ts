import { NameNotFree } from "./explainFailure";
import { deletedKey } from "./lookUpKey";
import { isPurgeableBy } from "./readKey";
import { Refusal } from "./refusal";
import type { Requests, VaultConnection } from "./vaultConnection";

export type Restoration =
  | {
      readonly kind: "restored";
      readonly keyName: string;
      /** The newest version. */
      readonly version: string;
      /** Whether the vault lets a deleted key be purged before its time; undefined where it does not tell. */
      readonly isPurgeable: boolean | undefined;
    }
  | {
      /** A key that is in use, or soft-deleted, has the name. Nothing was changed. */
      readonly kind: "taken";
      readonly keyName: string;
      readonly isSoftDeleted: boolean;
      /** Whether it may come of this very call, since the service did not answer an attempt. */
      readonly mayBeOurs: boolean;
    };

/**
 * Restores a key with all its versions under its own name, which the blob alone tells. While a key of that name is being
 * deleted, or was purged a moment ago, its name is waited for.
 *
 * @param keyName - The name of the key in the blob, if it is known.
 * @throws An error that says what was asked, what came back, and what to do.
 */
export function restoreKey(
  connection: VaultConnection,
  blob: string,
  keyName: string | undefined,
): Promise<Restoration> {
  return connection.carryOut({ operation: "restore", keyName }, async (requests) => {
    try {
      const bytes = Buffer.from(blob, "base64url");
      const { name, properties } = await requests.client.restoreKeyBackup(bytes, { abortSignal: requests.signal });
      const version = (properties.version ?? "").toLowerCase();
      return { kind: "restored", keyName: name, version, isPurgeable: isPurgeableBy(properties.recoveryLevel) };
    } catch (error) {
      if (error instanceof Refusal && error.isConflict && !error.isInTransition) {
        return whoHasTheName(error, keyName, requests);
      }
      throw error;
    }
  });
}

async function whoHasTheName(
  conflict: Refusal,
  expected: string | undefined,
  requests: Requests,
): Promise<Restoration> {
  const keyName = keyNameIn(conflict.explanation) ?? expected;
  if (keyName === undefined) {
    throw conflict;
  }
  const mayBeOurs = requests.mayBeDone();
  if (await isInUse(keyName, conflict, requests)) {
    return { kind: "taken", keyName, isSoftDeleted: false, mayBeOurs };
  }
  if (conflict.isSoftDeleted || (await deletedKey(keyName, requests)) !== undefined) {
    return { kind: "taken", keyName, isSoftDeleted: true, mayBeOurs };
  }
  // For seconds after a purge, the key is neither here nor there and its name is not free.
  throw new NameNotFree(conflict);
}

async function isInUse(keyName: string, conflict: Refusal, { client, signal }: Requests): Promise<boolean> {
  try {
    await client.getKey(keyName, { abortSignal: signal });
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.isNotFound) {
      return false;
    }
    // Without the permission to read, the conflict is all that is known.
    throw error instanceof Refusal && error.isPermissionMissing ? conflict : error;
  }
}

/** The name of the key in the service's words on a conflict. */
function keyNameIn(explanation = ""): string | undefined {
  return /\/keys\/([0-9a-zA-Z-]+)/.exec(explanation)?.[1] ?? /\bKey ([0-9a-zA-Z-]+) is\b/.exec(explanation)?.[1];
}
