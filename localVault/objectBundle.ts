import type { BundleForm, CollectionName, Json } from "./objectKind";
import { isSince } from "./operation";
import type { CommonChange, DeletedObject, StoredVersion, Tags } from "./storedObject";
import type { VaultSettings } from "./vaultOptions";

/** What answers say about the vault. */
export interface VaultIdentity extends Pick<VaultSettings, "kind" | "purgeProtection" | "retentionDays"> {
  /** With a slash at its end. */
  readonly vaultUri: string;
}

type Addressed = Pick<VaultIdentity, "vaultUri">;

export const objectUri = ({ vaultUri }: Addressed, collection: CollectionName, name: string): string =>
  `${vaultUri}${collection}/${name}`;

export const versionUri = (vault: Addressed, collection: CollectionName, name: string, version: string): string =>
  `${objectUri(vault, collection, name)}/${version}`;

/** The URI of a version, or of the object if no version is given. */
export function uriOf(
  { vault }: BundleForm,
  collection: CollectionName,
  name: string,
  version?: StoredVersion,
): string {
  return version ? versionUri(vault, collection, name, version.version) : objectUri(vault, collection, name);
}

/** The members that the answer has only while an object is deleted. */
export function deletion<Version extends StoredVersion>(
  { vault }: BundleForm,
  collection: CollectionName,
  { name, deletedAt }: DeletedObject<Version>,
): Json {
  const deletedDate = Math.floor(deletedAt / 1000);
  return {
    recoveryId: `${vault.vaultUri}deleted${collection}/${name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + vault.retentionDays * 86_400,
  };
}

/** The attributes that versions of every kind have. */
export function commonAttributes(form: BundleForm, version: StoredVersion): Json {
  return { ...ownAttributes(version), ...recovery(form) };
}

/** The attributes without what the vault says about recovery. */
export function ownAttributes({ enabled, notBefore, expires, created, updated }: StoredVersion): Json {
  return {
    enabled,
    ...(notBefore === undefined ? {} : { nbf: notBefore }),
    ...(expires === undefined ? {} : { exp: expires }),
    created,
    updated,
  };
}

/** The answer about an object without tags has no member `tags`. */
export const tagsMember = ({ tags }: StoredVersion): Json => (Object.keys(tags).length === 0 ? {} : { tags });

export const managedMember = ({ managed }: { readonly managed: boolean }): Json => (managed ? { managed: true } : {});

function recovery({ vault, apiVersion }: BundleForm): Json {
  const { kind, purgeProtection, retentionDays } = vault;
  const recoverable = retentionDays < 90 ? "CustomizedRecoverable" : "Recoverable";
  return {
    recoveryLevel: purgeProtection ? recoverable : `${recoverable}+Purgeable`,
    ...(kind === "managedHsm" || isSince(apiVersion, 1) ? { recoverableDays: retentionDays } : {}),
  };
}

/** The attributes and tags that the body of a request sets. */
export function commonChange(body: Json): CommonChange {
  const attributes = (body.attributes ?? {}) as { enabled?: boolean; nbf?: number; exp?: number };
  return {
    ...(attributes.enabled === undefined ? {} : { enabled: attributes.enabled }),
    ...(attributes.nbf === undefined ? {} : { notBefore: attributes.nbf }),
    ...(attributes.exp === undefined ? {} : { expires: attributes.exp }),
    ...(body.tags === undefined ? {} : { tags: body.tags as Tags }),
  };
}
