import * as pulumi from "@pulumi/pulumi";
import { quietResponses } from "./quietResponses";
import { serializedProvider } from "./serializedProvider";

/** The key, by its own URI. */
export interface KeyByUri {
  /**
   * URI of the key, `https://{vault}/keys/{name}` or `https://{vault}/keys/{name}/{version}`, of a vault or a Managed
   * HSM. With a version, the backup must hold that version: a new one in the URI makes a new backup, so that
   * `key.keyUriWithVersion` of azure-native follows the key. Without one, no new version of the key is noticed. Another
   * key replaces the resource.
   */
  keyUri: pulumi.Input<string>;
  vaultUri?: undefined;
  keyName?: undefined;
}

/** The key, by its vault and its name. */
export interface KeyByVaultAndName {
  /**
   * URI of the vault or Managed HSM, `https://{vault}/`, as `vault.properties.vaultUri` of azure-native gives it. Another
   * vault replaces the resource.
   */
  vaultUri: pulumi.Input<string>;
  /** Name of the key: 1 to 127 letters, digits and hyphens. Another name replaces the resource. */
  keyName: pulumi.Input<string>;
  keyUri?: undefined;
}

/** Which key to back up, and when to back it up again. */
export type KeyBackupArgs = (KeyByUri | KeyByVaultAndName) & {
  /**
   * Any JSON values, such as `[key.tags]`. A change of one makes a new backup, in place.
   * @default []
   */
  triggers?: pulumi.Input<readonly unknown[]> | undefined;
};

/**
 * A backup of a key in Azure Key Vault or Managed HSM, with all its versions, made when the resource is created and made
 * anew when the program names a version that it does not hold or changes `triggers`.
 *
 * ```ts
 * const key = new azure.keyvault.Key("signing", { ... });
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * export const blob = backup.blob; // secret
 * ```
 *
 * Needs the data action `Microsoft.KeyVault/vaults/keys/backup/action` (access policy: key permission `backup`). With
 * `Microsoft.KeyVault/vaults/keys/read` (`get` and `list`) too, it also records which versions the backup holds.
 *
 * A failed backup fails the update and leaves an earlier backup in the state as it was. **Deleting the resource drops the
 * blob from the state**: `protect` it, or copy the blob first. `KeyBackup.get` and `pulumi import` are not offered: a
 * backup exists nowhere but in the state.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/backup-key/backup-key
 */
export class KeyBackup extends pulumi.dynamic.Resource {
  /** URI of the vault or Managed HSM, with the slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /**
   * URI of the newest version that the backup is known to hold; undefined where the identity may not read the key.
   */
  declare readonly keyUriWithVersion: pulumi.Output<string | undefined>;

  /**
   * Every version that the backup is known to hold, newest first: 32 hexadecimal digits each. Read right before the
   * backup is made, so that the blob may hold more, never less. Without the permission to list, only the newest version
   * and the one that `keyUri` names; empty where the identity may not read the key.
   */
  declare readonly keyVersions: pulumi.Output<string[]>;

  /**
   * The backup, secret: base64url as the service returns it, about 10,000 characters for a key of one version. It can be
   * restored only in a vault of the same Azure subscription and geography (that of a Managed HSM: only with the same
   * security domain), has no expiry, and cannot be revoked.
   */
  declare readonly blob: pulumi.Output<string>;

  /**
   * SHA-256 of the decoded blob, hexadecimal: what `sha256sum` prints for the blob as a file, decoded as
   * `az keyvault key restore` takes it. Each backup differs, even of an unchanged key.
   */
  declare readonly blobSha256: pulumi.Output<string>;

  /** When the backup was made: RFC 3339, UTC. */
  declare readonly backedUpAt: pulumi.Output<string>;

  constructor(name: string, args: KeyBackupArgs, opts?: pulumi.CustomResourceOptions) {
    quietResponses();
    super(
      serializedProvider,
      name,
      {
        vaultUri: undefined,
        keyName: undefined,
        keyUri: undefined,
        ...args,
        keyUriWithVersion: undefined,
        keyVersions: undefined,
        blob: undefined,
        blobSha256: undefined,
        backedUpAt: undefined,
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["blob"] }),
      "keyvault",
      "KeyBackup",
    );
    // Under mocks and at preview the engine marks nothing secret by the option alone.
    this.blob = pulumi.secret(this.blob);
  }
}
