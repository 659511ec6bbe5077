import type * as pulumi from "@pulumi/pulumi";
import { type BackupOptions, ObjectBackup } from "./objectBackup";

/** The key, by its own URI. */
export interface KeyByUri {
  /**
   * URI of the key in a vault or Managed HSM: `https://{vault}/keys/{name}` or `https://{vault}/keys/{name}/{version}`. With a
   * version, the backup must hold that version, so `keyUriWithVersion` of azure-native's `Key` makes a new backup whenever the
   * key is rotated. Without a version, only `pulumi refresh` notices a rotation.
   */
  keyUri: pulumi.Input<string>;
  vaultUri?: undefined;
  keyName?: undefined;
}

/** The key, by its vault and its name. */
export interface KeyByVaultAndName {
  /** URI of the vault or Managed HSM: `https://{vault}/`, as `properties.vaultUri` of azure-native's `Vault`. */
  vaultUri: pulumi.Input<string>;
  /** Name of the key: 1 to 127 letters, digits and hyphens. Only `pulumi refresh` notices a rotation. */
  keyName: pulumi.Input<string>;
  keyUri?: undefined;
}

/** Which key to back up, when to back it up again, and which backups to keep. */
export type KeyBackupArgs = (KeyByUri | KeyByVaultAndName) & BackupOptions;

/**
 * A backup of a key in Azure Key Vault or Managed HSM, with all versions of the key.
 *
 * ```ts
 * const key = new azure.keyvault.Key("signing", { vaultName: vault.name, ... });
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * export const blob = backup.blob; // secret
 * ```
 *
 * The backup is made when the resource is created. `pulumi up` makes a new backup when the program names a version that the backup
 * does not hold, or another key; when `triggers` change; when `pulumi refresh` saw that the key changed, or could list versions that
 * could not be listed before; when the backup is older than `maxAgeDays`; and when the blob in the state is damaged.
 *
 * A new backup replaces an earlier backup only if the new backup is known to hold every version of the earlier backup. Otherwise the
 * earlier backup stays in `previous`. Deleting the resource is refused unless the vault still has every version, or `forceDelete` is
 * recorded.
 *
 * A blob has about 10,000 characters for a key of one version. The backup of a Managed HSM's key can be restored into HSMs of the
 * same security domain. A key that belongs to a certificate is refused: use a `CertificateBackup`.
 *
 * Needs the data action `Microsoft.KeyVault/vaults/keys/backup/action` (access policy: `backup`). With
 * `Microsoft.KeyVault/vaults/keys/read` (`list`, `get`) the record also says which versions the backup holds.
 *
 * `KeyBackup.get` and `pulumi import` are not available: a backup exists only in the state.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/backup-key/backup-key
 */
export class KeyBackup extends ObjectBackup<KeyBackupArgs> {
  /** @internal */
  static readonly noun = "Key";

  /** @internal */
  static override readonly ownOutputs: readonly string[] = ["thumbprints"];

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /** URI of the newest version that the backup holds; undefined if the versions could not be listed. */
  declare readonly keyUriWithVersion: pulumi.Output<string | undefined>;

  /**
   * RFC 7638 thumbprints (SHA-256, base64url) of public keys by version. A restored key is compared with them. Each backup adds
   * the thumbprint of the newest version. Symmetric keys have none.
   */
  declare readonly thumbprints: pulumi.Output<Record<string, string>>;
}
