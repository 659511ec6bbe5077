import type * as pulumi from "@pulumi/pulumi";
import type { BackupSource, SecretBackupToRestore } from "./backupToRestore";
import { ObjectRestore, type RestoreOptions } from "./objectRestore";
import type { SecretBackup } from "./secretBackup";

/** Which backup to restore, and where. */
export type SecretRestoreArgs = BackupSource<SecretBackup | SecretBackupToRestore> & RestoreOptions;

/**
 * A secret in Azure Key Vault, restored from a backup with all its versions and under its own name, which the backup decides.
 *
 * ```ts
 * const backup = new SecretBackup("password", { secretUri: secret.properties.secretUriWithVersion });
 * const replica = new SecretRestore("password-dr", { vaultUri: drVault.properties.vaultUri, backup });
 * ```
 *
 * If the vault already has the same secret, the secret is adopted. A secret is the same if it has every version of the backup. In
 * another vault than the source's, nothing of a version may contradict the source either: when the version was created, its
 * attributes and tags, and its value, as far as the identity may read both secrets. The values are compared in memory and kept
 * nowhere. If the backup says its `versions`, an interrupted `pulumi up` can therefore be run again. Any other secret of that name,
 * even a soft-deleted secret, fails the update. Nothing is overwritten, deleted or purged to make room.
 *
 * Deleting the resource leaves the secret. `pulumi refresh` looks for the secret, and never reads its value; the next `pulumi up`
 * restores a missing secret.
 *
 * Needs the data actions `Microsoft.KeyVault/vaults/secrets/restore/action` and `.../secrets/readMetadata/action` (access policy:
 * `restore`, `list`); for `recreate` also `.../secrets/delete` and `.../secrets/purge/action` (`delete`, `purge`). To find a disabled
 * secret that is soft-deleted, the list of deleted secrets is read, for which `.../secrets/readMetadata/action` is enough.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/secrets/restore-secret/restore-secret
 */
export class SecretRestore extends ObjectRestore<SecretRestoreArgs> {
  /** @internal */
  static readonly noun = "Secret";

  /** Name of the secret. */
  declare readonly secretName: pulumi.Output<string>;

  /** URI of the secret, without a version. */
  declare readonly secretUri: pulumi.Output<string>;

  /** URI of the newest version, as of the restore or the last refresh. */
  declare readonly secretUriWithVersion: pulumi.Output<string>;
}
