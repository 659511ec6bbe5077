import type { KeyObject } from "node:crypto";
import {
  exportPrivateKey,
  generatePrivateKey,
  importPrivateKey,
  isRsa,
  type KeyType,
  publicJwkOf,
} from "./keyMaterial";
import { type KeyUse, permittedUses } from "./keyUse";
import { commonAttributes, commonChange, managedMember, tagsMember, uriOf, type VaultIdentity } from "./objectBundle";
import { type BundleForm, type Json, type ObjectKind, wordsOf } from "./objectKind";
import { isSince } from "./operation";
import type { CommonChange, StoredObject, StoredVersion } from "./storedObject";

export interface KeyVersion extends StoredVersion {
  readonly privateKey: KeyObject;
  readonly keyType: KeyType;
  keyOperations?: readonly KeyUse[];
}

export interface KeyChange extends CommonChange {
  /** @default all uses of the key's type */
  readonly keyOperations?: readonly KeyUse[];
}

export interface NewKey extends KeyChange {
  /** @default "EC" */
  readonly kty?: KeyType;
}

type StoredKey = StoredObject<KeyVersion>;

export const keyKind: ObjectKind<KeyVersion, NewKey, KeyChange> = {
  words: wordsOf.keys,
  async create({ vaultKind, base }, { kty = "EC", ...change }) {
    const keyType = vaultKind === "managedHsm" ? inHardware(kty) : kty;
    return { ...base, privateKey: await generatePrivateKey(kty), keyType, ...change };
  },
  rotate(issue, { keyType: kty, keyOperations, tags }) {
    return this.create(issue, { kty, tags: { ...tags }, ...(keyOperations ? { keyOperations } : {}) });
  },
  // KeyBundle in Microsoft's specification.
  bundle(form, key, version) {
    const kid = uriOf(form, "keys", key.name, version);
    const { keyType: kty, privateKey } = version;
    return {
      key: { ...publicJwkOf(privateKey), kid, kty, key_ops: usesInOrder(form.vault, version) },
      ...properties(form, key, version),
    };
  },
  // KeyItem in Microsoft's specification.
  item(form, key, version) {
    const kid = uriOf(form, "keys", key.name, version);
    return { kid, ...properties(form, key, version ?? (key.versions.at(-1) as KeyVersion)) };
  },
  readChange: (body) => ({
    ...commonChange(body),
    ...(Array.isArray(body.key_ops) ? { keyOperations: body.key_ops as KeyUse[] } : {}),
  }),
  exportVersion: (version) => ({ ...version, privateKey: exportPrivateKey(version.privateKey) }),
  importVersion: (exported) =>
    ({ ...exported, privateKey: importPrivateKey(exported.privateKey as string) }) as KeyVersion,
};

const inHardware = (keyType: KeyType): KeyType => (isRsa(keyType) ? "RSA-HSM" : "EC-HSM");

let bundlesOfHsms = 0;

/** A Managed HSM lists the uses in another order in every answer. */
function usesInOrder({ kind }: VaultIdentity, version: KeyVersion): readonly KeyUse[] {
  const uses = permittedUses(version);
  if (kind === "vault") return uses;
  bundlesOfHsms += 1;
  const from = bundlesOfHsms % Math.max(uses.length, 1);
  return [...uses.slice(from), ...uses.slice(0, from)];
}

function properties(form: BundleForm, key: StoredKey, version: KeyVersion): Json {
  const { vault, apiVersion } = form;
  const isHsm = vault.kind === "managedHsm";
  return {
    attributes: {
      ...commonAttributes(form, version),
      ...(!key.managed && (isHsm || isSince(apiVersion, 4)) ? { exportable: false } : {}),
      ...(!isHsm && isSince(apiVersion, 5) ? { hsmPlatform: version.keyType.endsWith("-HSM") ? "2" : "0" } : {}),
    },
    ...tagsMember(version),
    ...managedMember(key),
  };
}
