import type { BackupWrapping } from "./backupBlob";
import { deletion, type VaultIdentity } from "./objectBundle";
import { type BundleForm, type Json, type ObjectKind, wordsOf } from "./objectKind";
import * as refusals from "./objectRefusal";
import type { ObjectStore } from "./objectStore";
import type { RequestedOperation } from "./operation";
import { type Answer, badParameter } from "./serviceError";
import type { NameStore, StoredVersion } from "./storedObject";
import type { VaultSettings } from "./vaultOptions";

export interface ObjectService<Version extends StoredVersion, New extends object, Change extends object> {
  readonly vault: VaultSettings & VaultIdentity & { readonly name: string };
  readonly kind: ObjectKind<Version, New, Change>;
  readonly store: ObjectStore<Version>;
  readonly wrapping: BackupWrapping;
}

export interface ObjectRequest extends RequestedOperation {
  readonly query: URLSearchParams;
  readonly body: Json;
}

/** The service of an object of any kind. */
export type AnyService<Version extends StoredVersion> = ObjectService<Version, object, object>;

export const ok = (body: unknown): Answer => ({ status: 200, body });

export const formOf = ({ vault }: { vault: VaultIdentity }, { query }: ObjectRequest): BundleForm => ({
  vault,
  apiVersion: query.get("api-version"),
});

/** Adds a version that the given function makes, and answers its bundle. */
export async function addVersion<Version extends StoredVersion>(
  service: AnyService<Version>,
  request: ObjectRequest,
  make: () => Version | Promise<Version>,
): Promise<Answer> {
  const { store } = service;
  const { objectName } = request;
  const refused = nameRefusal(service, objectName, request.operation);
  if (refused) return refused;
  const version = await make();
  store.add(objectName, version);
  return bundle(service, request, version);
}

/** Why no object may be created under the name. */
export function nameRefusal<Version extends StoredVersion>(
  service: AnyService<Version>,
  name: string,
  operation: string,
): Answer | undefined {
  const taken = nameTaken(service.store.namesakes, name);
  if (taken) return taken;
  if (service.store.isManaged(name)) return refusals.objectIsManaged(service.kind.words, operation);
  return /^[0-9a-zA-Z-]{1,127}$/.test(name)
    ? undefined
    : badParameter(`The request URI contains an invalid name: ${name}`);
}

// If a certificate meets a key or secret, the refusal names the key or secret. No record of that is public.
export function nameTaken(stores: readonly NameStore[], name: string): Answer | undefined {
  for (const store of stores) {
    const words = wordsOf[store.collection];
    if (store.isBeingDeleted(name)) return refusals.nameIsInTransition(words, name, "deleted");
    if (store.isBeingRecovered(name)) return refusals.nameIsInTransition(words, name, "recovered");
    if (store.isDeleted(name)) return refusals.objectIsDeleted(words, name);
  }
  return undefined;
}

export function notFound<Version extends StoredVersion>(
  { vault, kind }: AnyService<Version>,
  { objectName, version }: ObjectRequest,
): Answer {
  // A certificate's version has another address in this refusal than in its URI.
  const versions = kind.words.collection === "certificates" ? "versions/" : "";
  return refusals.objectNotFound(vault, kind.words, version ? `${objectName}/${versions}${version}` : objectName);
}

export function bundle<Version extends StoredVersion>(
  service: AnyService<Version>,
  request: ObjectRequest,
  version: Version | undefined,
): Answer {
  const object = service.store.object(request.objectName);
  if (!object || !version) return notFound(service, request);
  return ok(service.kind.bundle(formOf(service, request), object, version));
}

/** The bundle of a deleted object, even if its deletion still runs. */
export function deletedBundle<Version extends StoredVersion>(
  service: AnyService<Version>,
  request: ObjectRequest,
): Answer {
  const { store, kind } = service;
  const deleted = store.deletedObject(request.objectName);
  if (deleted === undefined) return notFound(service, request);
  const form = formOf(service, request);
  const latest = kind.bundle(form, deleted, deleted.versions.at(-1) as Version);
  return ok({ ...deletion(form, kind.words.collection, deleted), ...latest });
}
