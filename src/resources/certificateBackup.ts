import type * as pulumi from "@pulumi/pulumi";
import { type BackupOptions, ObjectBackup } from "./objectBackup";

/** The certificate, by its own URI. */
export interface CertificateByUri {
  /**
   * URI of the certificate: `https://{vault}/certificates/{name}` or `https://{vault}/certificates/{name}/{version}`. With a
   * version, the backup must hold that version. Without a version, only `pulumi refresh` notices a renewal.
   */
  certificateUri: pulumi.Input<string>;
  vaultUri?: undefined;
  certificateName?: undefined;
}

/** The certificate, by its vault and its name. */
export interface CertificateByVaultAndName {
  /** URI of the vault: `https://{vault}/`, as `properties.vaultUri` of azure-native's `Vault`. */
  vaultUri: pulumi.Input<string>;
  /** Name of the certificate: 1 to 127 letters, digits and hyphens. Only `pulumi refresh` notices a renewal. */
  certificateName: pulumi.Input<string>;
  certificateUri?: undefined;
}

/** Which certificate to back up, when to back it up again, and which backups to keep. */
export type CertificateBackupArgs = (CertificateByUri | CertificateByVaultAndName) & BackupOptions;

/**
 * A backup of a certificate in Azure Key Vault, with all versions of the certificate, their keys and their secrets.
 *
 * ```ts
 * const backup = new CertificateBackup("web", { vaultUri: vault.properties.vaultUri, certificateName: "web" });
 * ```
 *
 * When a new backup is made, and what is kept, is the same as for a `KeyBackup`. A blob has 43,000 characters and more. It holds
 * the certificate's policy. It does not hold the vault's contacts, the issuer's credentials or a pending operation. A change of the
 * policy alone is not noticed, because the listing of versions does not show the policy: use `triggers` or `maxAgeDays`.
 *
 * Needs the data action `Microsoft.KeyVault/vaults/certificates/backup/action` (access policy: `backup`). With
 * `Microsoft.KeyVault/vaults/certificates/read` (`list`) the record also says which versions the backup holds.
 *
 * `CertificateBackup.get` and `pulumi import` are not available: a backup exists only in the state.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/certificates/backup-certificate/backup-certificate
 */
export class CertificateBackup extends ObjectBackup<CertificateBackupArgs> {
  /** @internal */
  static readonly noun = "Certificate";

  /** @internal */
  static override readonly ownOutputs: readonly string[] = ["thumbprints"];

  /** Name of the certificate. */
  declare readonly certificateName: pulumi.Output<string>;

  /** URI of the certificate, without a version. */
  declare readonly certificateUri: pulumi.Output<string>;

  /** URI of the newest version that the backup holds; undefined if the versions could not be listed. */
  declare readonly certificateUriWithVersion: pulumi.Output<string | undefined>;

  /** `x5t` of each version: SHA-1 of the certificate's DER, base64url. A restored certificate is compared with them. */
  declare readonly thumbprints: pulumi.Output<Record<string, string>>;
}
