import type { DeletedObject, ObjectKind, ObjectVersion } from "../../objects/objectKind";
import type { Requests, VaultConnection } from "../connection/vaultConnection";
import { KeyVaultError } from "../failures/keyVaultError";
import { isNotFound, Refusal } from "../failures/refusal";
import { azCommand, capitalized } from "../vaultUri";

export interface FoundObject {
  readonly kind: "found";
  /** Newest first. */
  readonly versions: readonly ObjectVersion[];
}

/** The vault answered and the object is not there. */
export interface MissingObject {
  readonly kind: "missing";
  readonly because: string;
  /** The soft-deleted object with the name; undefined if no such object exists, or if the identity may not see it. */
  readonly deleted: DeletedObject | undefined;
}

/** Whether the object is there is unknown. */
export interface UnreachableObject {
  readonly kind: "unreachable";
  readonly because: string;
  readonly error: unknown;
}

export type LookedUpObject = FoundObject | MissingObject | UnreachableObject;

/** Looks an object up by listing its versions, without waiting for permissions. */
export async function lookUp(connection: VaultConnection, kind: ObjectKind, name: string): Promise<LookedUpObject> {
  try {
    return await connection.once({ name: "list", kind, objectName: name }, async (requests) => {
      const versions = await listVersions(requests, name);
      return versions.length > 0 ? { kind: "found", versions } : whyMissing(connection, kind, name, requests);
    });
  } catch (error) {
    return { kind: "unreachable", because: reasonOf(error), error };
  }
}

/** All versions, newest first; none if there is no such object. Times are whole seconds: `newest` decides between equals. */
export async function listVersions(
  { client, signal }: Pick<Requests, "client" | "signal">,
  name: string,
  newest?: string,
): Promise<ObjectVersion[]> {
  try {
    const versions = await client.listVersions(name, signal);
    const isNewest = ({ version }: ObjectVersion) => (version === newest ? 1 : 0);
    return versions.sort((one, other) => other.createdAt - one.createdAt || isNewest(other) - isNewest(one));
  } catch (error) {
    if (isNotFound(error)) {
      return [];
    }
    throw error;
  }
}

/** What an error says, in words that are the same at each attempt. */
export function reasonOf(error: unknown): string {
  return error instanceof KeyVaultError ? error.reason : error instanceof Error ? error.message : `${error}`;
}

async function whyMissing(
  { vaultUri }: VaultConnection,
  { noun }: { readonly noun: string },
  name: string,
  { client, signal }: Requests,
): Promise<MissingObject> {
  const object = `${capitalized(noun)} "${name}"`;
  const { host } = new URL(vaultUri);
  try {
    const deleted = await client.getDeleted(name, signal);
    if (deleted === undefined) {
      return { kind: "missing", because: `${object} is not in ${host}.`, deleted };
    }
    const recover = azCommand(deleted.isManaged ? "certificate" : noun, "recover", vaultUri, name);
    return { kind: "missing", because: `${object} in ${host} is soft-deleted. Recover it: ${recover}.`, deleted };
  } catch (error) {
    if (error instanceof Refusal) {
      const unknown = error.status === 403 ? " Whether it is soft-deleted is unknown: the identity may not look." : "";
      return { kind: "missing", because: `${object} is not in ${host}.${unknown}`, deleted: undefined };
    }
    throw error;
  }
}
