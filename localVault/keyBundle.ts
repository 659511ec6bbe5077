import { publicJwkOf } from "./keyMaterial";
import type { DeletedKey, KeyChange, KeyVersion, StoredKey, Tags } from "./keyStore";
import { type KeyUse, permittedUses } from "./keyUse";

const retentionDays = 90;

export interface VaultIdentity {
  /** With a slash at its end. */
  readonly vaultUri: string;
  readonly purgeProtection: boolean;
}

export const keyUri = ({ vaultUri }: VaultIdentity, name: string): string => `${vaultUri}keys/${name}`;

export const keyUriWithVersion = (vault: VaultIdentity, name: string, version: string): string =>
  `${keyUri(vault, name)}/${version}`;

/** A version as the service answers it: KeyBundle in Microsoft's specification. */
export function keyBundle(vault: VaultIdentity, key: StoredKey, version: KeyVersion): Record<string, unknown> {
  return {
    key: {
      kid: keyUriWithVersion(vault, key.name, version.version),
      key_ops: permittedUses(version),
      ...publicJwkOf(version.privateKey),
    },
    ...properties(vault, key, version),
  };
}

/** A version as lists have it: KeyItem in Microsoft's specification. */
export function keyItem(
  vault: VaultIdentity,
  key: StoredKey,
  version: KeyVersion | undefined,
): Record<string, unknown> {
  const latest = version ?? (key.versions.at(-1) as KeyVersion);
  const kid = version ? keyUriWithVersion(vault, key.name, version.version) : keyUri(vault, key.name);
  return { kid, ...properties(vault, key, latest) };
}

export function deletedKeyBundle(vault: VaultIdentity, key: DeletedKey): Record<string, unknown> {
  return { ...deletion(vault, key), ...keyBundle(vault, key, key.versions.at(-1) as KeyVersion) };
}

/** A deleted key as the list has it: DeletedKeyItem in Microsoft's specification. */
export function deletedKeyItem(vault: VaultIdentity, key: DeletedKey): Record<string, unknown> {
  return { ...deletion(vault, key), ...keyItem(vault, key, undefined) };
}

function deletion(vault: VaultIdentity, { name, deletedAt }: DeletedKey): Record<string, unknown> {
  const deletedDate = Math.floor(deletedAt / 1000);
  return {
    recoveryId: `${vault.vaultUri}deletedkeys/${name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + retentionDays * 86_400,
  };
}

function properties(vault: VaultIdentity, key: StoredKey, version: KeyVersion): Record<string, unknown> {
  return {
    attributes: {
      enabled: version.enabled,
      ...(version.notBefore === undefined ? {} : { nbf: version.notBefore }),
      ...(version.expires === undefined ? {} : { exp: version.expires }),
      created: version.created,
      updated: version.updated,
      recoveryLevel: vault.purgeProtection ? "Recoverable" : "Recoverable+Purgeable",
      recoverableDays: retentionDays,
    },
    ...(Object.keys(version.tags).length === 0 ? {} : { tags: version.tags }),
    ...(key.managed ? { managed: true } : {}),
  };
}

/** The attributes, tags and uses that the body of a request sets. */
export function keyChange(body: Record<string, unknown>): KeyChange {
  const attributes = (body.attributes ?? {}) as { enabled?: boolean; nbf?: number; exp?: number };
  return {
    ...(attributes.enabled === undefined ? {} : { enabled: attributes.enabled }),
    ...(attributes.nbf === undefined ? {} : { notBefore: attributes.nbf }),
    ...(attributes.exp === undefined ? {} : { expires: attributes.exp }),
    ...(body.tags === undefined ? {} : { tags: body.tags as Tags }),
    ...(Array.isArray(body.key_ops) ? { keyOperations: body.key_ops as KeyUse[] } : {}),
  };
}
