import type { ObjectKind } from "../../objects/objectKind";
import type { Requests, VaultConnection } from "../connection/vaultConnection";
import { NameNotFree } from "../failures/keyVaultError";
import { isNotFound, Refusal } from "../failures/refusal";
import { listVersions } from "./lookUp";

export type Restoration =
  | {
      readonly kind: "restored";
      readonly name: string;
      readonly newest: string;
      /** Newest first; undefined if they cannot be listed. */
      readonly versions: readonly string[] | undefined;
    }
  /** An object in use, or a soft-deleted one, has the name. Nothing was changed by this answer. */
  | {
      readonly kind: "nameTaken";
      readonly name: string;
      readonly isSoftDeleted: boolean;
      /** Whether this very call may have restored it, because an earlier attempt got no answer. */
      readonly mayBeDone: boolean;
    };

/**
 * Restores an object with all its versions under its own name, which the blob decides. While an object of that name is being
 * deleted, or was purged a moment ago, the name is waited for.
 *
 * @param expectedName - The name of the object in the blob, if it is known.
 * @throws KeyVaultError
 */
export function restore(
  connection: VaultConnection,
  kind: ObjectKind,
  blob: string,
  expectedName: string | undefined,
): Promise<Restoration> {
  return connection.carryOut({ name: "restore", kind, objectName: expectedName }, async (requests) => {
    try {
      const { name, version } = await requests.client.restore(Buffer.from(blob, "base64url"), requests.signal);
      return { kind: "restored", name, newest: version, versions: await restoredVersions(requests, name, version) };
    } catch (error) {
      if (error instanceof Refusal && error.isConflict && !error.isInTransition) {
        return classifyConflict(kind, error, expectedName, requests);
      }
      throw error;
    }
  });
}

// The object is restored: a failed listing must not make it look as if it were not.
async function restoredVersions(
  requests: Requests,
  name: string,
  newest: string,
): Promise<readonly string[] | undefined> {
  try {
    return (await listVersions(requests, name, newest)).map(({ version }) => version);
  } catch {
    return undefined;
  }
}

async function classifyConflict(
  { noun, collection }: Pick<ObjectKind, "noun" | "collection">,
  conflict: Refusal,
  expectedName: string | undefined,
  requests: Requests,
): Promise<Restoration> {
  // The service says which name: in the URI of the object, or at the beginning of its sentence.
  const named =
    new RegExp(`/${collection}/([0-9a-zA-Z-]+)`).exec(conflict.explanation) ??
    new RegExp(`\\b${noun} ([0-9a-zA-Z-]+) is\\b`, "i").exec(conflict.explanation);
  const name = named?.[1] ?? expectedName;
  if (name === undefined) {
    throw conflict;
  }
  const { client, signal } = requests;
  const mayBeDone = requests.mayBeDone();
  const versions = await unlessForbidden(listVersions(requests, name), conflict);
  if (versions.length > 0) {
    return { kind: "nameTaken", name, isSoftDeleted: false, mayBeDone };
  }
  const isSoftDeleted =
    conflict.isSoftDeleted ||
    (await client.getDeleted(name, signal).then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) {
          return false;
        }
        throw error instanceof Refusal && error.isPermissionMissing ? conflict : error;
      },
    ));
  if (isSoftDeleted) {
    return { kind: "nameTaken", name, isSoftDeleted, mayBeDone };
  }
  // For a while after a purge, the name has no object and is not free.
  throw new NameNotFree();
}

// Without the permission to list, the conflict is all that is known.
async function unlessForbidden<T>(request: Promise<T>, conflict: Refusal): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw error instanceof Refusal && error.isPermissionMissing ? conflict : error;
  }
}
