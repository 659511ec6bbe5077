import type { BackupWrapping } from "./backupBlob";
import {
  type BundleForm,
  deletedKeyBundle,
  deletedKeyItem,
  keyBundle,
  keyChange,
  keyItem,
  keyUriWithVersion,
  type VaultIdentity,
} from "./keyBundle";
import type { KeyType } from "./keyMaterial";
import type { KeyOperation, Operation } from "./keyOperation";
import type { KeyStore, KeyVersion } from "./keyStore";
import { answerKeyUse, type KeyUse } from "./keyUse";
import { fullPage, shortPage } from "./listPage";
import type { Answer } from "./serviceError";
import * as refusals from "./serviceError";
import type { VaultSettings } from "./vaultOptions";

export interface KeyService {
  readonly vault: VaultSettings & VaultIdentity & { readonly name: string };
  readonly store: KeyStore;
  readonly wrapping: BackupWrapping;
}

export interface KeyRequest extends KeyOperation {
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}

type Answerer = (service: KeyService, request: KeyRequest) => Answer | Promise<Answer>;

const ok = (body: unknown): Answer => ({ status: 200, body });

const form = ({ vault }: KeyService, { query }: KeyRequest): BundleForm => ({
  vault,
  apiVersion: query.get("api-version"),
});

const list = ({ vault }: KeyService, { query }: KeyRequest, path: string) => ({
  kind: vault.kind,
  uri: `${vault.vaultUri}${path}`,
  query,
});

const answerers: Record<Exclude<Operation, "unknown" | KeyUse>, Answerer> = {
  get: (service, request) => bundle(service, request, service.store.version(request.keyName, request.version)),
  list: (service, request) => {
    const keys = service.store.names.flatMap((name) => service.store.key(name) ?? []);
    const items = keys.map((key) => keyItem(form(service, request), key));
    return ok(shortPage(list(service, request, "keys"), items, service.vault.shortPages));
  },
  listVersions: (service, request) => {
    const key = service.store.key(request.keyName);
    const versions = key?.versions.toSorted(byIdIn(service.vault)) ?? [];
    const items = key ? versions.map((version) => keyItem(form(service, request), key, version)) : [];
    return ok(fullPage(list(service, request, `keys/${request.keyName}/versions`), items));
  },
  listDeleted: (service, request) => {
    const keys = service.store.deletedKeys.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    const items = keys.map((key) => deletedKeyItem(form(service, request), key));
    return ok(shortPage(list(service, request, "deletedkeys"), items, service.vault.shortPages));
  },
  create,
  rotate: async (service, request) => bundle(service, request, await service.store.rotate(request.keyName)),
  update: (service, request) => {
    const { keyName, version, body } = request;
    return bundle(service, request, service.store.update(keyName, version, keyChange(body)));
  },
  backup,
  restore,
  delete: remove,
  getDeleted: (service, request) => {
    const { store, vault } = service;
    const deleted = store.isBeingDeleted(request.keyName) ? undefined : store.deletedKey(request.keyName);
    return deleted
      ? ok(deletedKeyBundle(form(service, request), deleted))
      : refusals.deletedKeyNotFound(vault, request.keyName);
  },
  purge,
  recover,
};

/** What the service answers to a request that it permits. */
export async function answerKeyOperation(service: KeyService, request: KeyRequest): Promise<Answer> {
  const { operation, keyName } = request;
  switch (operation) {
    case "unknown":
      return refusals.plainRefusal(404);
    case "decrypt":
    case "encrypt":
    case "sign":
    case "unwrapKey":
    case "verify":
    case "wrapKey": {
      const { store, vault } = service;
      const version = store.version(keyName, request.version);
      if (version === undefined) return notFound(service, request);
      const kid = keyUriWithVersion(vault, keyName, version.version);
      return answerKeyUse({ use: operation, version, validity: store.validityOf(version), kid, body: request.body });
    }
    default:
      return answerers[operation](service, request);
  }
}

function notFound({ vault }: KeyService, { keyName, version }: KeyRequest): Answer {
  return refusals.keyNotFound(vault, version ? `${keyName}/${version}` : keyName);
}

function bundle(service: KeyService, request: KeyRequest, version: KeyVersion | undefined): Answer {
  const key = service.store.key(request.keyName);
  return key && version ? ok(keyBundle(form(service, request), key, version)) : notFound(service, request);
}

/** A vault lists versions by their ids, a Managed HSM by their creation. */
function byIdIn({ kind }: VaultSettings): (one: KeyVersion, other: KeyVersion) => number {
  return (one, other) => (kind === "managedHsm" ? 0 : one.version < other.version ? -1 : 1);
}

function nameTaken({ store }: KeyService, name: string): Answer | undefined {
  if (store.isBeingDeleted(name)) return refusals.nameIsInTransition(name, "deleted");
  if (store.isBeingRecovered(name)) return refusals.nameIsInTransition(name, "recovered");
  return store.deletedKey(name) ? refusals.keyIsDeleted(name) : undefined;
}

async function create(service: KeyService, request: KeyRequest): Promise<Answer> {
  const { keyName, body } = request;
  const taken = nameTaken(service, keyName);
  if (taken) return taken;
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(keyName)) {
    return refusals.badParameter(`The request URI contains an invalid name: ${keyName}`);
  }
  const kty = String(body.kty);
  if (!/^(RSA|EC)(-HSM)?$/.test(kty)) return refusals.badParameter("Property  kty is invalid");
  return bundle(service, request, await service.store.create(keyName, { kty: kty as KeyType, ...keyChange(body) }));
}

const domainOf = ({ kind, geography, securityDomain }: VaultSettings): string =>
  kind === "vault" ? geography : securityDomain;

async function backup(service: KeyService, request: KeyRequest): Promise<Answer> {
  const { vault, store, wrapping } = service;
  const key = store.key(request.keyName);
  if (key === undefined) return notFound(service, request);
  if (key.managed) return refusals.keyIsManaged("backup");
  return ok({ value: await wrapping.seal(key, domainOf(vault), vault.blobPadding, vault.kind) });
}

async function restore(service: KeyService, request: KeyRequest): Promise<Answer> {
  const { vault, store, wrapping } = service;
  const { value } = request.body;
  if (typeof value !== "string") return refusals.badParameter("Property  value is invalid");
  const key = await wrapping.open(value, domainOf(vault), vault.kind);
  if (typeof key === "string") return refusals.malformedBlob(key);
  const taken = nameTaken(service, key.name);
  if (taken) return taken;
  const latest = key.versions.at(-1) as KeyVersion;
  if (store.key(key.name) || store.isJustPurged(key.name)) {
    return refusals.restoreConflict(keyUriWithVersion(vault, key.name, latest.version));
  }
  store.restore(key);
  return ok(keyBundle(form(service, request), key, latest));
}

function remove(service: KeyService, request: KeyRequest): Answer {
  const { vault, store } = service;
  const { keyName } = request;
  if (store.isBeingDeleted(keyName)) return refusals.keyIsInTransition("deleted");
  if (store.isBeingRecovered(keyName)) return refusals.keyIsInTransition("recovered");
  if (store.key(keyName)?.managed) return refusals.keyIsManaged("delete");
  const deleted = store.delete(keyName, vault.deletionMilliseconds);
  return deleted ? ok(deletedKeyBundle(form(service, request), deleted)) : notFound(service, request);
}

function purge({ vault, store }: KeyService, { keyName }: KeyRequest): Answer {
  if (store.isBeingDeleted(keyName)) return refusals.keyIsInTransition("deleted");
  if (store.isBeingRecovered(keyName)) return refusals.keyIsInTransition("recovered");
  if (vault.purgeProtection && store.deletedKey(keyName)) return refusals.purgeProtected(vault.name);
  return store.purge(keyName, vault.purgeMilliseconds) ? { status: 204 } : refusals.deletedKeyNotFound(vault, keyName);
}

function recover(service: KeyService, request: KeyRequest): Answer {
  const { vault, store } = service;
  const { keyName } = request;
  if (store.isBeingDeleted(keyName)) return refusals.keyIsInTransition("deleted", keyName);
  if (store.isBeingRecovered(keyName)) return refusals.recoveryConflict(`${vault.vaultUri}keys/${keyName}`);
  const key = store.recover(keyName, vault.recoveryMilliseconds);
  if (key === undefined) return refusals.keyNotFound(vault, keyName, "deletedkeys");
  return ok(keyBundle(form(service, request), key, key.versions.at(-1) as KeyVersion));
}
