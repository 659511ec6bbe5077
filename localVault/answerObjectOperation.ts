import type { BackupWrapping } from "./backupBlob";
import { fullPage, type ListRequest, shortPage } from "./listPage";
import { deletion, objectUri, type VaultIdentity, versionUri } from "./objectBundle";
import { type BundleForm, type Json, type ObjectKind, wordsOf } from "./objectKind";
import * as refusals from "./objectRefusal";
import type { NameStore, ObjectStore, StoredVersion } from "./objectStore";
import type { RequestedOperation } from "./operation";
import { type Answer, badParameter, invalidProperty, plainRefusal, purgeProtected } from "./serviceError";
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

type Service<Version extends StoredVersion> = ObjectService<Version, object, object>;

export const ok = (body: unknown): Answer => ({ status: 200, body });

export const formOf = ({ vault }: { vault: VaultIdentity }, { query }: ObjectRequest): BundleForm => ({
  vault,
  apiVersion: query.get("api-version"),
});

/** What the service answers to an operation that objects of every kind have. */
export function answerObjectOperation<Version extends StoredVersion>(
  service: Service<Version>,
  request: ObjectRequest,
): Answer | Promise<Answer> {
  const { store, kind } = service;
  const { objectName, version, body } = request;
  switch (request.operation) {
    case "get":
      return bundle(service, request, store.version(objectName, version));
    case "list": {
      const objects = store.names.flatMap((name) => store.object(name) ?? []);
      const items = objects.map((object) => kind.item(formOf(service, request), object));
      return ok(shortPage(listOf(service, request, ""), items, service.vault.shortPages));
    }
    case "listVersions":
      return listVersions(service, request);
    case "listDeleted": {
      const form = formOf(service, request);
      const objects = store.deletedObjects.toSorted((one, other) => (one.name < other.name ? -1 : 1));
      const items = objects.map((object) => ({
        ...deletion(form, kind.words.collection, object),
        ...kind.item(form, object),
      }));
      return ok(shortPage(listOf(service, request, "deleted"), items, service.vault.shortPages));
    }
    case "update":
      if (store.object(objectName)?.managed) return refusals.objectIsManaged(kind.words, "update");
      return bundle(service, request, store.update(objectName, version, kind.readChange(body)));
    case "backup":
      return backup(service, request);
    case "restore":
      return restore(service, request);
    case "delete":
      return remove(service, request);
    case "getDeleted": {
      const isDeleted = store.isDeleted(objectName) && !store.isBeingDeleted(objectName);
      return isDeleted
        ? deletedBundle(service, request)
        : refusals.deletedObjectNotFound(service.vault, kind.words, objectName);
    }
    case "purge":
      return purge(service, request);
    case "recover":
      return recover(service, request);
    default:
      return plainRefusal(404);
  }
}

/** Adds a version that the given function makes, and answers its bundle. */
export async function addVersion<Version extends StoredVersion>(
  service: Service<Version>,
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
  service: Service<Version>,
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
function nameTaken(stores: readonly NameStore[], name: string): Answer | undefined {
  for (const store of stores) {
    const words = wordsOf[store.collection];
    if (store.isBeingDeleted(name)) return refusals.nameIsInTransition(words, name, "deleted");
    if (store.isBeingRecovered(name)) return refusals.nameIsInTransition(words, name, "recovered");
    if (store.isDeleted(name)) return refusals.objectIsDeleted(words, name);
  }
  return undefined;
}

export function notFound<Version extends StoredVersion>(
  { vault, kind }: Service<Version>,
  { objectName, version }: ObjectRequest,
): Answer {
  // A certificate's version has another address in this refusal than in its URI.
  const versions = kind.words.collection === "certificates" ? "versions/" : "";
  return refusals.objectNotFound(vault, kind.words, version ? `${objectName}/${versions}${version}` : objectName);
}

export function bundle<Version extends StoredVersion>(
  service: Service<Version>,
  request: ObjectRequest,
  version: Version | undefined,
): Answer {
  const object = service.store.object(request.objectName);
  if (!object || !version) return notFound(service, request);
  return ok(service.kind.bundle(formOf(service, request), object, version));
}

/** The bundle of a deleted object, even if its deletion still runs. */
export function deletedBundle<Version extends StoredVersion>(
  service: Service<Version>,
  request: ObjectRequest,
): Answer {
  const { store, kind } = service;
  const deleted = store.deletedObject(request.objectName);
  if (deleted === undefined) return notFound(service, request);
  const form = formOf(service, request);
  const latest = kind.bundle(form, deleted, deleted.versions.at(-1) as Version);
  return ok({ ...deletion(form, kind.words.collection, deleted), ...latest });
}

function listOf<Version extends StoredVersion>(
  { vault, kind }: Service<Version>,
  { query }: ObjectRequest,
  part: "" | "deleted",
  path = "",
): ListRequest {
  return { kind: vault.kind, uri: `${vault.vaultUri}${part}${kind.words.collection}${path}`, query };
}

function listVersions<Version extends StoredVersion>(service: Service<Version>, request: ObjectRequest): Answer {
  const object = service.store.object(request.objectName);
  const list = listOf(service, request, "", `/${request.objectName}/versions`);
  if (object === undefined) return ok(fullPage(list, []));
  const versions = object.versions.toSorted(byIdIn(service.vault));
  const form = formOf(service, request);
  return ok(
    fullPage(
      list,
      versions.map((version) => service.kind.item(form, object, version)),
    ),
  );
}

/** A vault lists versions by their ids, a Managed HSM by their creation. */
function byIdIn({ kind }: VaultSettings): (one: StoredVersion, other: StoredVersion) => number {
  return (one, other) => (kind === "managedHsm" ? 0 : one.version < other.version ? -1 : 1);
}

async function backup<Version extends StoredVersion>(
  service: Service<Version>,
  request: ObjectRequest,
): Promise<Answer> {
  const { vault, store, wrapping, kind } = service;
  const object = store.object(request.objectName);
  if (object === undefined) return notFound(service, request);
  if (object.managed) return refusals.objectIsManaged(kind.words, "backup");
  return ok({ value: wrapping.seal(kind, object, vault) });
}

async function restore<Version extends StoredVersion>(
  service: Service<Version>,
  request: ObjectRequest,
): Promise<Answer> {
  const { vault, store, wrapping, kind } = service;
  const { value } = request.body;
  if (typeof value !== "string") return invalidProperty("value");
  const object = wrapping.open(kind, value, vault);
  if (typeof object === "string") return refusals.malformedBlob(kind.words, object);
  const taken = nameTaken(store.namesakes, object.name);
  if (taken) return taken;
  const latest = object.versions.at(-1) as Version;
  if (store.namesakes.some((other) => other.isInUse(object.name) || other.isJustPurged(object.name))) {
    const uri = versionUri(vault, kind.words.collection, object.name, latest.version);
    return refusals.restoreConflict(kind.words, uri);
  }
  store.restore(object);
  return ok(kind.bundle(formOf(service, request), object, latest));
}

function remove<Version extends StoredVersion>(service: Service<Version>, request: ObjectRequest): Answer {
  const { vault, store, kind } = service;
  const { objectName } = request;
  if (store.isBeingDeleted(objectName)) return refusals.objectIsInTransition(kind.words, "deleted");
  if (store.isBeingRecovered(objectName)) return refusals.objectIsInTransition(kind.words, "recovered");
  if (store.isManaged(objectName)) return refusals.objectIsManaged(kind.words, "delete");
  return store.delete(objectName, vault.deletionMilliseconds)
    ? deletedBundle(service, request)
    : notFound(service, request);
}

function purge<Version extends StoredVersion>(
  { vault, store, kind }: Service<Version>,
  { objectName }: ObjectRequest,
): Answer {
  if (store.isBeingDeleted(objectName)) return refusals.objectIsInTransition(kind.words, "deleted");
  if (store.isBeingRecovered(objectName)) return refusals.objectIsInTransition(kind.words, "recovered");
  if (vault.purgeProtection && store.isDeleted(objectName)) return purgeProtected(vault.name);
  if (store.deletedObject(objectName)?.managed) return refusals.objectIsManaged(kind.words, "purge");
  return store.purge(objectName, vault.purgeMilliseconds)
    ? { status: 204 }
    : refusals.deletedObjectNotFound(vault, kind.words, objectName);
}

function recover<Version extends StoredVersion>(service: Service<Version>, request: ObjectRequest): Answer {
  const { vault, store, kind } = service;
  const { objectName } = request;
  const { words } = kind;
  if (store.isBeingDeleted(objectName)) return refusals.objectIsInTransition(words, "deleted", objectName);
  if (store.isBeingRecovered(objectName)) {
    return refusals.recoveryConflict(words, objectUri(vault, words.collection, objectName));
  }
  if (store.isInUse(objectName) && words.collection === "secrets") return refusals.objectIsInUse(words, objectName);
  if (store.deletedObject(objectName)?.managed) return refusals.objectIsManaged(words, "recover");
  const object = store.recover(objectName, vault.recoveryMilliseconds);
  if (object === undefined) return refusals.objectNotFound(vault, words, objectName, "deleted");
  return ok(kind.bundle(formOf(service, request), object, object.versions.at(-1) as Version));
}
