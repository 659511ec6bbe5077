import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { reasonOf } from "../../../src/keyVault/operations/lookUp";
import type { Attempt, ObjectKind, ObjectVersion } from "../../../src/objects/objectKind";
import { attemptsOn } from "../../../src/provider/engine/attempts";
import { connectTo, type LocalConnectionOptions } from "./localConnection";

/** Requests about the object "orders" in a local vault. */
export function attemptsAt(service: LocalKeyVault, vault: LocalVault, options: LocalConnectionOptions): Attempt {
  const connection = connectTo(service, vault, options);
  return attemptsOn(() => connection, "orders", reasonOf);
}

/** A version of which nothing but its id matters. */
export function objectVersion(version: string): ObjectVersion {
  return { version, createdAt: 0, updatedAt: 0, tags: {}, attributes: {}, isManaged: false };
}

/** The versions of the object "orders", as the vault lists them. */
export async function listedVersions(attempt: Attempt, kind: ObjectKind): Promise<ObjectVersion[]> {
  const listed = await attempt(kind, "list", (client, signal) => client.listVersions("orders", signal));
  if ("because" in listed) {
    throw new Error(listed.because);
  }
  return listed.value;
}
