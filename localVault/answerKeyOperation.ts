import { answerKeyUse } from "./answerKeyUse";
import type { BackupWrapping } from "./backupBlob";
import {
  deletedKeyBundle,
  deletedKeyItem,
  keyBundle,
  keyChange,
  keyItem,
  keyUriWithVersion,
  type VaultIdentity,
} from "./keyBundle";
import type { KeyType } from "./keyMaterial";
import type { KeyOperation } from "./keyOperation";
import type { KeyStore, KeyVersion } from "./keyStore";
import { listPage } from "./listPage";
import {
  type Answer,
  badParameter,
  corruptBlob,
  deletedKeyNotFound,
  keyIsBeingDeleted,
  keyIsDeleted,
  keyNotFound,
  notAKeyBackup,
  plainRefusal,
  purgeProtected,
  restoreConflict,
  undecryptableBlob,
} from "./serviceError";

export interface VaultSettings extends VaultIdentity {
  readonly name: string;
  readonly geography: string;
  readonly blobPadding: number;
  readonly deletionMilliseconds: number;
  readonly purgeMilliseconds: number;
}

export interface KeyRequest extends KeyOperation {
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}

const ok = (body: unknown): Answer => ({ status: 200, body });

/** What the service answers to a request that it permits. */
export async function answerKeyOperation(
  vault: VaultSettings,
  store: KeyStore,
  wrapping: BackupWrapping,
  request: KeyRequest,
): Promise<Answer> {
  const { operation, keyName, version, query, body } = request;
  const key = store.key(keyName);
  const found = store.version(keyName, version);
  const id = version ? `${keyName}/${version}` : keyName;
  const bundle = (of: KeyVersion | undefined): Answer => {
    const owner = store.key(keyName);
    return owner && of ? ok(keyBundle(vault, owner, of)) : keyNotFound(id);
  };
  const list = (path: string, items: Record<string, unknown>[]): Answer =>
    ok(listPage(`${vault.vaultUri}${path}`, query, items));
  switch (operation) {
    case "get":
      return bundle(found);
    case "list":
      return list(
        "keys",
        store.names.flatMap((name) => store.key(name) ?? []).map((one) => keyItem(vault, one, undefined)),
      );
    case "listVersions":
      return list(`keys/${keyName}/versions`, key?.versions.map((one) => keyItem(vault, key, one)) ?? []);
    case "listDeleted":
      return list(
        "deletedkeys",
        store.deletedKeys.map((one) => deletedKeyItem(vault, one)),
      );
    case "create":
      return nameTaken(store, keyName) ?? create(store, request, bundle);
    case "rotate":
      return bundle(await store.rotate(keyName));
    case "update":
      return bundle(store.update(keyName, version, keyChange(body)));
    case "backup":
      return key ? ok({ value: await wrapping.seal(key, vault.geography, vault.blobPadding) }) : keyNotFound(keyName);
    case "restore":
      return restore(vault, store, wrapping, body);
    case "delete": {
      if (store.isBeingDeleted(keyName)) return keyIsBeingDeleted();
      const deleted = store.delete(keyName, vault.deletionMilliseconds);
      return deleted ? ok(deletedKeyBundle(vault, deleted)) : keyNotFound(keyName);
    }
    case "getDeleted": {
      const deleted = store.deletedKey(keyName);
      return deleted && !store.isBeingDeleted(keyName)
        ? ok(deletedKeyBundle(vault, deleted))
        : deletedKeyNotFound(keyName);
    }
    case "purge":
      if (store.isBeingDeleted(keyName)) return keyIsBeingDeleted();
      if (vault.purgeProtection && store.deletedKey(keyName)) return purgeProtected(vault.name);
      return store.purge(keyName, vault.purgeMilliseconds) ? { status: 204 } : deletedKeyNotFound(keyName);
    case "recover":
      if (store.isBeingDeleted(keyName)) return keyIsBeingDeleted();
      return store.recover(keyName) ? bundle(store.version(keyName)) : deletedKeyNotFound(keyName);
    case "decrypt":
    case "sign":
    case "unwrapKey":
    case "verify": {
      if (found === undefined) return keyNotFound(id);
      const kid = keyUriWithVersion(vault, keyName, found.version);
      return answerKeyUse({ use: operation, version: found, validity: store.validityOf(found), kid, body });
    }
    case "unknown":
      return plainRefusal(404);
    default:
      return operation satisfies never;
  }
}

function nameTaken(store: KeyStore, name: string): Answer | undefined {
  if (store.isBeingDeleted(name)) return keyIsBeingDeleted();
  return store.deletedKey(name) ? keyIsDeleted(name) : undefined;
}

async function create(
  store: KeyStore,
  { keyName, body }: KeyRequest,
  bundle: (version: KeyVersion) => Answer,
): Promise<Answer> {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(keyName)) {
    return badParameter(`The request URI contains an invalid name: ${keyName}`);
  }
  const keyType = String(body.kty).replace(/-HSM$/, "");
  if (keyType !== "RSA" && keyType !== "EC") return badParameter("Property  kty is invalid");
  return bundle(await store.create(keyName, { kty: keyType satisfies KeyType, ...keyChange(body) }));
}

async function restore(
  vault: VaultSettings,
  store: KeyStore,
  wrapping: BackupWrapping,
  body: Record<string, unknown>,
): Promise<Answer> {
  if (typeof body.value !== "string") return badParameter("Property  value is invalid");
  const opened = await wrapping.open(body.value, vault.geography);
  if (opened === "corrupt") return corruptBlob();
  if (opened === "undecryptable") return undecryptableBlob();
  if (opened === "notAKey") return notAKeyBackup();
  const taken = nameTaken(store, opened.name);
  if (taken) return taken;
  const latest = opened.versions.at(-1) as KeyVersion;
  if (store.key(opened.name) || store.isJustPurged(opened.name)) {
    return restoreConflict(keyUriWithVersion(vault, opened.name, latest.version));
  }
  store.restore(opened);
  return ok(keyBundle(vault, opened, latest));
}
