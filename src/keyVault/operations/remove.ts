import type { DeletedObject, ObjectKind, ObjectVersion } from "../../objects/objectKind";
import type { VaultConnection } from "../connection/vaultConnection";
import { isNotFound } from "../failures/refusal";
import { lookUp, reasonOf } from "./lookUp";

export type Removal =
  /** The object is gone for good, whoever removed it. */
  | { readonly kind: "removed" }
  /** Another object has the name. `isSoftDeleted`: it is soft-deleted, perhaps by this removal, and was not purged. */
  | { readonly kind: "anotherObject"; readonly isSoftDeleted: boolean }
  /** The vault has purge protection. */
  | { readonly kind: "notPurgeable"; readonly purgedAt: number | undefined }
  | { readonly kind: "failed"; readonly isSoftDeleted: boolean; readonly because: string };

/** What is looked at before an object is deleted, and again before it is purged. */
export interface RemovalCandidate {
  /** The newest version. */
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  /** All versions; undefined once the object is soft-deleted. */
  readonly versions: readonly string[] | undefined;
}

/**
 * Deletes and purges an object, after a look before each of the two that it still is the expected one. Never throws, so that
 * the caller's own result is not lost.
 */
export async function remove(
  connection: VaultConnection,
  kind: ObjectKind,
  name: string,
  isExpected: (candidate: RemovalCandidate) => boolean,
): Promise<Removal> {
  let isSoftDeleted = false;
  let removed: DeletedObject | undefined;
  try {
    const found = await lookUp(connection, kind, name);
    if (found.kind === "unreachable") {
      return { kind: "failed", isSoftDeleted, because: found.because };
    }
    if (found.kind === "found") {
      const versions = found.versions.map(({ version }) => version);
      if (!newestOf(found.versions).some((newest) => isExpected({ ...newest, versions }))) {
        return { kind: "anotherObject", isSoftDeleted };
      }
      removed = await connection.carryOut({ name: "delete", kind, objectName: name }, ({ client, signal }) =>
        unlessNotFound(client.delete(name, connection.waits.transient, signal)),
      );
    }
    isSoftDeleted = found.kind === "found" || found.deleted !== undefined;
    const deleted = await connection.once({ name: "getDeleted", kind, objectName: name }, ({ client, signal }) =>
      unlessNotFound(client.getDeleted(name, signal)),
    );
    if (deleted === undefined) {
      return { kind: "removed" };
    }
    // A look at a disabled secret does not tell its version; the answer to its own deletion did.
    const isRemoved = deleted.purgedAt !== undefined && deleted.purgedAt === removed?.purgedAt;
    const version = deleted.version ?? (isRemoved ? removed?.version : undefined);
    return await purge(connection, kind, name, { ...deleted, version }, isExpected);
  } catch (error) {
    return { kind: "failed", isSoftDeleted, because: reasonOf(error) };
  }
}

/** The newest version. Times are whole seconds: of several that were made in one second, any may be the newest. */
export function newestOf(versions: readonly ObjectVersion[]): ObjectVersion[] {
  return versions.filter(({ createdAt }) => createdAt === versions[0]?.createdAt);
}

async function purge(
  connection: VaultConnection,
  kind: ObjectKind,
  name: string,
  { version, tags, isPurgeable, purgedAt }: DeletedObject,
  isExpected: (candidate: RemovalCandidate) => boolean,
): Promise<Removal> {
  if (version === undefined) {
    const because = `The service does not tell the version of the soft-deleted ${kind.noun}, so it was not purged.`;
    return { kind: "failed", isSoftDeleted: true, because };
  }
  if (!isExpected({ version, tags, versions: undefined })) {
    return { kind: "anotherObject", isSoftDeleted: true };
  }
  if (isPurgeable === false) {
    return { kind: "notPurgeable", purgedAt };
  }
  await connection.carryOut({ name: "purge", kind, objectName: name }, ({ client, signal }) =>
    unlessNotFound(client.purge(name, signal)),
  );
  return { kind: "removed" };
}

async function unlessNotFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}
