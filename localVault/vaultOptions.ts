/** A vault of Azure Key Vault, or a Managed HSM, which has keys only. */
export type VaultKind = "vault" | "managedHsm";

export interface VaultOptions {
  /** A Managed HSM has other blobs, refusals, headers, lists and key types than a vault. @default "vault" */
  readonly kind?: VaultKind;
  /** A vault restores only backups of its own geography. @default "Europe" */
  readonly geography?: string;
  /** A Managed HSM restores only backups of its own security domain. @default "contoso" */
  readonly securityDomain?: string;
  /**
   * The least bytes of a key's backup of one version before encryption. Each further version adds a share of these bytes.
   * Backups of secrets and certificates have a multiple of the bytes.
   * @default 5340 for a vault and 12300 for a Managed HSM, as backups of RSA-2048 keys have
   */
  readonly blobPadding?: number;
  /** Purge protection keeps a deleted object until its retention ends. @default false */
  readonly purgeProtection?: boolean;
  /** How long a deleted object is kept. @default 90 */
  readonly retentionDays?: number;
  /** How long a deletion runs. Until then the object can be neither read nor recovered nor purged. @default 0 */
  readonly deletionMilliseconds?: number;
  /** How long the issuance of a certificate takes that a request asks for. @default 0 */
  readonly issuanceMilliseconds?: number;
  /** How long a recovery runs. Until then the object cannot be read, and its name is taken. @default 0 */
  readonly recoveryMilliseconds?: number;
  /** How long after a purge a restore still meets a conflict. @default 0 */
  readonly purgeMilliseconds?: number;
  /**
   * Whether every list of objects and of deleted objects begins with an empty page and goes on with short pages.
   * A vault pages lists that are longer than one page in this way in any case. @default false
   */
  readonly shortPages?: boolean;
  /** What the vault demands tokens for. @default "https://vault.azure.net" or "https://managedhsm.azure.net" */
  readonly resource?: string;
  /** The tenant that the vault names to clients without a token. @default the tenant of the identity */
  readonly tenantId?: string;
}

/** The options with their defaults. */
export type VaultSettings = { -readonly [Name in keyof VaultOptions]-?: VaultOptions[Name] };

export function vaultSettings({ kind = "vault", ...options }: VaultOptions, tenantId: string): VaultSettings {
  const isHsm = kind === "managedHsm";
  return {
    kind,
    geography: "Europe",
    securityDomain: "contoso",
    blobPadding: isHsm ? 12_300 : 5_340,
    purgeProtection: false,
    retentionDays: 90,
    deletionMilliseconds: 0,
    issuanceMilliseconds: 0,
    recoveryMilliseconds: 0,
    purgeMilliseconds: 0,
    shortPages: false,
    resource: isHsm ? "https://managedhsm.azure.net" : "https://vault.azure.net",
    tenantId,
    ...options,
  };
}
