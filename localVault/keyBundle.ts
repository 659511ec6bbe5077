import { publicJwkOf } from "./keyMaterial";
import { isSince } from "./keyOperation";
import type { DeletedKey, KeyChange, KeyVersion, StoredKey, Tags } from "./keyStore";
import { type KeyUse, permittedUses } from "./keyUse";
import type { VaultSettings } from "./vaultOptions";

/** What answers say about the vault. */
export interface VaultIdentity extends Pick<VaultSettings, "kind" | "purgeProtection" | "retentionDays"> {
  /** With a slash at its end. */
  readonly vaultUri: string;
}

/** What the form of a bundle depends on besides the key. */
export interface BundleForm {
  readonly vault: VaultIdentity;
  readonly apiVersion: string | null;
}

type Json = Record<string, unknown>;

export const keyUri = ({ vaultUri }: { vaultUri: string }, name: string): string => `${vaultUri}keys/${name}`;

export const keyUriWithVersion = (vault: { vaultUri: string }, name: string, version: string): string =>
  `${keyUri(vault, name)}/${version}`;

/** A version as the service answers it: KeyBundle in Microsoft's specification. */
export function keyBundle(form: BundleForm, key: StoredKey, version: KeyVersion): Json {
  return {
    key: {
      ...publicJwkOf(version.privateKey),
      kid: keyUriWithVersion(form.vault, key.name, version.version),
      kty: version.keyType,
      key_ops: usesInOrder(form.vault, version),
    },
    ...properties(form, key, version),
  };
}

/** A version as lists have it, or a key if no version is given: KeyItem in Microsoft's specification. */
export function keyItem(form: BundleForm, key: StoredKey, version?: KeyVersion): Json {
  const latest = version ?? (key.versions.at(-1) as KeyVersion);
  const kid = version ? keyUriWithVersion(form.vault, key.name, version.version) : keyUri(form.vault, key.name);
  return { kid, ...properties(form, key, latest) };
}

export function deletedKeyBundle(form: BundleForm, key: DeletedKey): Json {
  return { ...deletion(form, key), ...keyBundle(form, key, key.versions.at(-1) as KeyVersion) };
}

/** A deleted key as lists have it: DeletedKeyItem in Microsoft's specification. */
export function deletedKeyItem(form: BundleForm, key: DeletedKey): Json {
  return { ...deletion(form, key), ...keyItem(form, key) };
}

function deletion({ vault }: BundleForm, { name, deletedAt }: DeletedKey): Json {
  const deletedDate = Math.floor(deletedAt / 1000);
  return {
    recoveryId: `${vault.vaultUri}deletedkeys/${name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + vault.retentionDays * 86_400,
  };
}

let bundlesOfHsms = 0;

/** A Managed HSM lists the uses in another order in every answer. */
function usesInOrder({ kind }: VaultIdentity, version: KeyVersion): readonly KeyUse[] {
  const uses = permittedUses(version);
  if (kind === "vault") return uses;
  bundlesOfHsms += 1;
  const from = bundlesOfHsms % Math.max(uses.length, 1);
  return [...uses.slice(from), ...uses.slice(0, from)];
}

function properties({ vault, apiVersion }: BundleForm, key: StoredKey, version: KeyVersion): Json {
  const isHsm = vault.kind === "managedHsm";
  return {
    attributes: {
      enabled: version.enabled,
      ...(version.notBefore === undefined ? {} : { nbf: version.notBefore }),
      ...(version.expires === undefined ? {} : { exp: version.expires }),
      created: version.created,
      updated: version.updated,
      recoveryLevel: recoveryLevel(vault),
      ...(isHsm || isSince(apiVersion, 1) ? { recoverableDays: vault.retentionDays } : {}),
      ...(!key.managed && (isHsm || isSince(apiVersion, 4)) ? { exportable: false } : {}),
      ...(!isHsm && isSince(apiVersion, 5) ? { hsmPlatform: version.keyType.endsWith("-HSM") ? "2" : "0" } : {}),
    },
    ...(Object.keys(version.tags).length === 0 ? {} : { tags: version.tags }),
    ...(key.managed ? { managed: true } : {}),
  };
}

function recoveryLevel({ purgeProtection, retentionDays }: VaultIdentity): string {
  const recoverable = retentionDays < 90 ? "CustomizedRecoverable" : "Recoverable";
  return purgeProtection ? recoverable : `${recoverable}+Purgeable`;
}

/** The attributes, tags and uses that the body of a request sets. */
export function keyChange(body: Json): KeyChange {
  const attributes = (body.attributes ?? {}) as { enabled?: boolean; nbf?: number; exp?: number };
  return {
    ...(attributes.enabled === undefined ? {} : { enabled: attributes.enabled }),
    ...(attributes.nbf === undefined ? {} : { notBefore: attributes.nbf }),
    ...(attributes.exp === undefined ? {} : { expires: attributes.exp }),
    ...(body.tags === undefined ? {} : { tags: body.tags as Tags }),
    ...(Array.isArray(body.key_ops) ? { keyOperations: body.key_ops as KeyUse[] } : {}),
  };
}
