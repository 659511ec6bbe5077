import type * as pulumi from "@pulumi/pulumi";
import { type BackupOptions, ObjectBackup } from "./objectBackup";

/** The secret, by its own URI. */
export interface SecretByUri {
  /**
   * URI of the secret: `https://{vault}/secrets/{name}` or `https://{vault}/secrets/{name}/{version}`. With a version, the backup
   * must hold that version, so `properties.secretUriWithVersion` of azure-native's `Secret` makes a new backup whenever the value
   * changes. Without a version, only `pulumi refresh` notices a new value.
   */
  secretUri: pulumi.Input<string>;
  vaultUri?: undefined;
  secretName?: undefined;
}

/** The secret, by its vault and its name. */
export interface SecretByVaultAndName {
  /** URI of the vault: `https://{vault}/`, as `properties.vaultUri` of azure-native's `Vault`. */
  vaultUri: pulumi.Input<string>;
  /** Name of the secret: 1 to 127 letters, digits and hyphens. Only `pulumi refresh` notices a new value. */
  secretName: pulumi.Input<string>;
  secretUri?: undefined;
}

/** Which secret to back up, when to back it up again, and which backups to keep. */
export type SecretBackupArgs = (SecretByUri | SecretByVaultAndName) & BackupOptions;

/**
 * A backup of a secret in Azure Key Vault, with all versions of the secret. The value is never read: the service encrypts the
 * backup.
 *
 * ```ts
 * const secret = new azure.keyvault.Secret("password", { vaultName: vault.name, ... });
 * const backup = new SecretBackup("password", { secretUri: secret.properties.secretUriWithVersion });
 * ```
 *
 * When a new backup is made, and what is kept, is the same as for a `KeyBackup`. A blob has about 5,000 to 7,000 characters for a
 * short value. A secret that belongs to a certificate is refused: use a `CertificateBackup`.
 *
 * Needs the data action `Microsoft.KeyVault/vaults/secrets/backup/action` (access policy: `backup`). With
 * `Microsoft.KeyVault/vaults/secrets/readMetadata/action` (`list`) the record also says which versions the backup holds.
 *
 * `SecretBackup.get` and `pulumi import` are not available: a backup exists only in the state.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/secrets/backup-secret/backup-secret
 */
export class SecretBackup extends ObjectBackup<SecretBackupArgs> {
  /** @internal */
  static readonly noun = "Secret";

  /** Name of the secret. */
  declare readonly secretName: pulumi.Output<string>;

  /** URI of the secret, without a version. */
  declare readonly secretUri: pulumi.Output<string>;

  /** URI of the newest version that the backup holds; undefined if the versions could not be listed. */
  declare readonly secretUriWithVersion: pulumi.Output<string | undefined>;
}
