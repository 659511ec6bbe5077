import type * as pulumi from "@pulumi/pulumi";
import type { BackupSource, CertificateBackupToRestore } from "./backupToRestore";
import type { CertificateBackup } from "./certificateBackup";
import { ObjectRestore, type RestoreOptions } from "./objectRestore";

/** Which backup to restore, and where. */
export type CertificateRestoreArgs = BackupSource<CertificateBackup | CertificateBackupToRestore> & RestoreOptions;

/**
 * A certificate in Azure Key Vault, restored from a backup with all its versions, their keys and their secrets, and under its own
 * name, which the backup decides. The name must be free among the certificates, the keys and the secrets of the vault.
 *
 * ```ts
 * const backup = new CertificateBackup("web", { vaultUri: vault.properties.vaultUri, certificateName: "web" });
 * const replica = new CertificateRestore("web-dr", { vaultUri: drVault.properties.vaultUri, backup });
 * ```
 *
 * If the vault already has the same certificate, the certificate is adopted. A certificate is the same if it has every version of
 * the backup. In another vault than the source's, `x5t` of each version must be the same too, as far as it is recorded or can be
 * listed. If the backup says its `versions`, an interrupted `pulumi up` can therefore be run again. Any other certificate, key or
 * secret of that name, even if it is soft-deleted, fails the update. Nothing is overwritten, deleted or purged to make room.
 *
 * Deleting the resource leaves the certificate. `pulumi refresh` looks for the certificate; the next `pulumi up` restores a missing
 * certificate. The policy comes back with the certificate. The vault's contacts, the issuer's credentials, role assignments and a
 * pending operation do not.
 *
 * Needs the data actions `Microsoft.KeyVault/vaults/certificates/restore/action` and `.../certificates/read` (access policy:
 * `restore`, `get`, `list`); for `recreate` also `.../certificates/delete` and `.../certificates/purge/action` (`delete`,
 * `purge`). To tell which object has a name that is taken, also `.../keys/read` and `.../secrets/readMetadata/action`
 * (`list` and `get` of keys, `list` of secrets).
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/certificates/restore-certificate/restore-certificate
 */
export class CertificateRestore extends ObjectRestore<CertificateRestoreArgs> {
  /** @internal */
  static readonly noun = "Certificate";

  /** Name of the certificate. */
  declare readonly certificateName: pulumi.Output<string>;

  /** URI of the certificate, without a version. */
  declare readonly certificateUri: pulumi.Output<string>;

  /** URI of the newest version, as of the restore or the last refresh. */
  declare readonly certificateUriWithVersion: pulumi.Output<string>;
}
