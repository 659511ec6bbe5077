import type { BackupWrapping } from "./backupBlob";
import { deletedKeyBundle, keyBundle, keyChange, keyItem, keyUriWithVersion, type VaultIdentity } from "./keyBundle";
import type { KeyType } from "./keyMaterial";
import { signatureAlgorithm, signDigest, verifyDigest } from "./keyMaterial";
import type { KeyOperation } from "./keyOperation";
import type { KeyStore, KeyVersion } from "./keyStore";
import {
  type Answer,
  badParameter,
  corruptBlob,
  deletedKeyNotFound,
  keyIsBeingDeleted,
  keyIsDeleted,
  keyIsDisabled,
  keyNotFound,
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

const largestPage = 25;
const ok = (body: unknown): Answer => ({ status: 200, body });

/** What the service answers to a request that it permits. */
export async function answerKeyOperation(
  vault: VaultSettings,
  store: KeyStore,
  wrapping: BackupWrapping,
  request: KeyRequest,
): Promise<Answer> {
  const { operation, keyName, version, body } = request;
  const key = store.key(keyName);
  const found = store.version(keyName, version);
  const id = version ? `${keyName}/${version}` : keyName;
  const bundle = (of: KeyVersion | undefined): Answer => {
    const owner = store.key(keyName);
    return owner && of ? ok(keyBundle(vault, owner, of)) : keyNotFound(id);
  };
  switch (operation) {
    case "get":
      return bundle(found);
    case "list":
      return ok(
        page(
          vault,
          request,
          store.names.flatMap((name) => store.key(name) ?? []).map((one) => keyItem(vault, one, undefined)),
        ),
      );
    case "listVersions":
      return ok(page(vault, request, key?.versions.map((one) => keyItem(vault, key, one)) ?? []));
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
    case "sign":
    case "verify":
      return found ? useKey(vault, request, found) : keyNotFound(id);
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
  const taken = nameTaken(store, opened.name);
  if (taken) return taken;
  const latest = opened.versions.at(-1) as KeyVersion;
  if (store.key(opened.name) || store.isJustPurged(opened.name)) {
    return restoreConflict(keyUriWithVersion(vault, opened.name, latest.version));
  }
  store.restore(opened);
  return ok(keyBundle(vault, opened, latest));
}

function useKey(vault: VaultSettings, { operation, keyName, body }: KeyRequest, version: KeyVersion): Answer {
  if (!version.enabled) return keyIsDisabled(operation);
  if (body.alg !== signatureAlgorithm(version.privateKey)) return badParameter("Property  alg is invalid");
  const bytes = (name: string) => Buffer.from(String(body[name] ?? ""), "base64url");
  if (operation === "verify") return ok({ value: verifyDigest(version.privateKey, bytes("digest"), bytes("value")) });
  const kid = keyUriWithVersion(vault, keyName, version.version);
  return ok({ kid, value: signDigest(version.privateKey, bytes("value")).toString("base64url") });
}

/** Items in the order of their identifiers, which is not that of their creation. */
function page(
  vault: VaultSettings,
  { operation, keyName, query }: KeyRequest,
  items: Record<string, unknown>[],
): unknown {
  const size = Math.min(Number(query.get("maxresults") ?? largestPage) || largestPage, largestPage);
  const from = Number(query.get("$skiptoken") ?? 0);
  const sorted = items.toSorted((one, other) => (String(one.kid) < String(other.kid) ? -1 : 1));
  const rest = new URLSearchParams({
    "api-version": query.get("api-version") ?? "",
    $skiptoken: String(from + size),
    maxresults: String(size),
  });
  const path = operation === "list" ? "keys" : `keys/${keyName}/versions`;
  const nextLink = from + size < sorted.length ? `${vault.vaultUri}${path}?${rest}` : null;
  return { value: sorted.slice(from, from + size), nextLink };
}
