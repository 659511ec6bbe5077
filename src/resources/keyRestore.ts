import type * as pulumi from "@pulumi/pulumi";
import type { BackupSource, KeyBackupToRestore } from "./backupToRestore";
import type { KeyBackup } from "./keyBackup";
import { ObjectRestore, type RestoreOptions } from "./objectRestore";

/** Which backup to restore, and where. */
export type KeyRestoreArgs = BackupSource<KeyBackup | KeyBackupToRestore> & RestoreOptions;

/**
 * A key in Azure Key Vault or Managed HSM, restored from a backup with all its versions and under its own name, which the backup
 * decides.
 *
 * ```ts
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * const replica = new KeyRestore("signing-dr", { vaultUri: drVault.properties.vaultUri, backup });
 * ```
 *
 * If the vault already has the same key, the key is adopted. A key is the same if it has every version of the backup. In another
 * vault than the source's, the public key of each version whose thumbprint is recorded must be the same too, as far as the identity
 * may read it. If the backup says its `versions`, an interrupted `pulumi up` can therefore be run again. Any other key of that name,
 * even a soft-deleted key, fails the update. Nothing is overwritten, deleted or purged to make room.
 *
 * Deleting the resource leaves the key. `pulumi refresh` looks for the key; the next `pulumi up` restores a missing key.
 * The backup does not hold the key's rotation policy and role assignments, so these do not come back.
 *
 * Needs the data actions `Microsoft.KeyVault/vaults/keys/restore/action` and `Microsoft.KeyVault/vaults/keys/read` (access
 * policy: `restore`, `get`, `list`); for `recreate` also `.../keys/delete` and `.../keys/purge/action` (`delete`, `purge`).
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/restore-key/restore-key
 */
export class KeyRestore extends ObjectRestore<KeyRestoreArgs> {
  /** @internal */
  static readonly noun = "Key";

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /** URI of the newest version, as of the restore or the last refresh. */
  declare readonly keyUriWithVersion: pulumi.Output<string>;
}
