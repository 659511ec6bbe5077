export interface VaultOptions {
  /** Backups are restored only within the geography that they were made in. @default "Europe" */
  readonly geography?: string;
  /** The least bytes that each version takes in a backup before encryption. @default 5600, as a real key of one version has */
  readonly blobPadding?: number;
  /** Whether a deleted key can be purged before its time. @default false */
  readonly purgeProtection?: boolean;
  /** How long a deletion takes, during which the name can neither be used nor recovered. @default 0 */
  readonly deletionMilliseconds?: number;
  /** How long after a purge a restore still meets a conflict. @default 0 */
  readonly purgeMilliseconds?: number;
  /** What the vault demands tokens for. @default "https://vault.azure.net" */
  readonly resource?: string;
  /** The tenant that the vault sends its clients to. @default that of the identity */
  readonly tenantId?: string;
}
