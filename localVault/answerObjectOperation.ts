import { fullPage, type ListRequest, shortPage } from "./listPage";
import {
  type AnyService,
  bundle,
  deletedBundle,
  formOf,
  nameTaken,
  notFound,
  type ObjectRequest,
  ok,
} from "./objectAnswer";
import { deletion, objectUri, versionUri } from "./objectBundle";
import * as refusals from "./objectRefusal";
import { type Answer, invalidProperty, plainRefusal, purgeProtected } from "./serviceError";
import type { StoredVersion } from "./storedObject";
import type { VaultSettings } from "./vaultOptions";

/** What the service answers to an operation that objects of every kind have. */
export function answerObjectOperation<Version extends StoredVersion>(
  service: AnyService<Version>,
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

function listOf<Version extends StoredVersion>(
  { vault, kind }: AnyService<Version>,
  { query }: ObjectRequest,
  part: "" | "deleted",
  path = "",
): ListRequest {
  return { kind: vault.kind, uri: `${vault.vaultUri}${part}${kind.words.collection}${path}`, query };
}

function listVersions<Version extends StoredVersion>(service: AnyService<Version>, request: ObjectRequest): Answer {
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
  service: AnyService<Version>,
  request: ObjectRequest,
): Promise<Answer> {
  const { vault, store, wrapping, kind } = service;
  const object = store.object(request.objectName);
  if (object === undefined) return notFound(service, request);
  if (object.managed) return refusals.objectIsManaged(kind.words, "backup");
  return ok({ value: wrapping.seal(kind, object, vault) });
}

async function restore<Version extends StoredVersion>(
  service: AnyService<Version>,
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

function remove<Version extends StoredVersion>(service: AnyService<Version>, request: ObjectRequest): Answer {
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
  { vault, store, kind }: AnyService<Version>,
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

function recover<Version extends StoredVersion>(service: AnyService<Version>, request: ObjectRequest): Answer {
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
