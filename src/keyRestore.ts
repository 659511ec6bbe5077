import * as pulumi from "@pulumi/pulumi";
import { type BackupSource, backupInput } from "./backupToRestore";
import { quietResponses } from "./quietResponses";
import { serializedProviders } from "./serializedProvider";

/** Which backup to restore, where, and what to do with the key later. */
export type KeyRestoreArgs = BackupSource & {
  /**
   * URI of the vault or Managed HSM to restore into, `https://{vault}/`, as `vault.properties.vaultUri` of azure-native gives
   * it. A vault must be in the geography and the Azure subscription of the source, a Managed HSM must have its security
   * domain. Another vault replaces the resource.
   */
  vaultUri: pulumi.Input<string>;
  /**
   * What to do when the backup holds versions that the restored key lacks, to which the service can add none. `keep` leaves
   * the key as it is and lists them in `missingVersions`; `recreate` deletes and purges the key and restores it anew, so that
   * for up to minutes there is none; where the backup cannot be restored, the key is put back as it was. It refuses, before
   * anything is deleted, where the vault has purge protection and where the key has a version that the backup is not known to
   * hold; of a key that was adopted, it does nothing.
   * @default "keep"
   */
  onNewVersions?: pulumi.Input<"keep" | "recreate"> | undefined;
  /**
   * What becomes of the key when the resource is deleted. `keep` leaves it; `delete` leaves it soft-deleted; `purge` purges
   * it too. In a vault with purge protection, `purge` deletes and says that it could not purge; a key with a version that the
   * backup is not known to hold, it leaves, and says so. A key that was adopted, or that another `KeyRestore` of the program
   * declares, stays in any case. Has effect once `pulumi up` has recorded it.
   * @default "keep"
   */
  onDestroy?: pulumi.Input<"keep" | "delete" | "purge"> | undefined;
};

/** Which backup a key was restored from. */
export interface RestoredFrom {
  /** SHA-256 of the decoded blob, hexadecimal. */
  readonly blobSha256: string;
  /** The versions that came with it, newest first. Without the permission to read keys, those that the backup names. */
  readonly keyVersions: readonly string[];
  /** URI of the key that the backup was made from, without a version, where it is known. */
  readonly keyUri?: string;
  /** When the backup was made, where it is known: RFC 3339. */
  readonly backedUpAt?: string;
}

/**
 * A key in Azure Key Vault or Managed HSM that was restored from a backup, with all versions and under its own name, which the
 * backup decides.
 *
 * ```ts
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * const copy = new KeyRestore("signing-dr", { vaultUri: drVault.properties.vaultUri, backup });
 * ```
 *
 * Needs the data actions `Microsoft.KeyVault/vaults/keys/restore/action` and `Microsoft.KeyVault/vaults/keys/read` (access
 * policy: key permissions `restore`, `get`, `list`); for `onDestroy` also `.../keys/delete` and `.../keys/purge/action`
 * (`delete`, `purge`), and for `recreate` these and `.../keys/backup/action` (`backup`).
 *
 * A key that is there already is *adopted* where it has every version that the backup is known to hold, and the same public
 * keys as far as they are known, so that an interrupted `pulumi up` can be run again. Any other key that has the name, also
 * a soft-deleted one, fails the update, with the cause. Nothing is overwritten, deleted or purged to make room.
 *
 * `pulumi refresh` looks for the key; one that is missing is restored by the next `pulumi up`. **What the backup does not
 * hold does not come back**: the key's rotation policy and its role assignments. `KeyRestore.get` and `pulumi import` are not
 * offered: declared, the resource adopts the key.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/restore-key/restore-key
 */
export class KeyRestore extends pulumi.dynamic.Resource {
  /** URI of the vault or Managed HSM, with the slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /** URI of the newest version when the key was restored. */
  declare readonly keyUriWithVersion: pulumi.Output<string>;

  /**
   * Every version that the key is known to have, newest first: 32 hexadecimal digits each, the identifiers that they have in
   * the source too.
   * Read when it is restored and in each refresh.
   */
  declare readonly keyVersions: pulumi.Output<string[]>;

  /** When the key was restored or adopted: RFC 3339, UTC. */
  declare readonly restoredAt: pulumi.Output<string>;

  /** The backup that the key was restored from, or by which it was adopted. */
  declare readonly restoredFrom: pulumi.Output<RestoredFrom>;

  /**
   * Whether the key was there already when the resource was created. Such a key is never deleted by it, also after the
   * resource has restored it.
   */
  declare readonly isAdopted: pulumi.Output<boolean>;

  /**
   * Versions that the backup is known to hold and the key is known to lack, newest first. None where the backup was made of
   * this very key.
   */
  declare readonly missingVersions: pulumi.Output<string[]>;

  /**
   * What had become of the key at the last refresh: `present`; `missing`, so that the next `pulumi up` restores it;
   * `softDeleted` or, where another key has its name, `replaced`, upon which the next `pulumi up` fails and says what to do;
   * `unreachable`, so that it is not known.
   */
  declare readonly keyStatus: pulumi.Output<"present" | "missing" | "softDeleted" | "replaced" | "unreachable">;

  /** Why `keyStatus` is not `present`, and what to do; undefined where it is. */
  declare readonly keyStatusReason: pulumi.Output<string | undefined>;

  constructor(name: string, args: KeyRestoreArgs, opts?: pulumi.CustomResourceOptions) {
    quietResponses();
    const { backup: _, blob: __, ...others } = args;
    super(
      serializedProviders.keyRestore,
      name,
      {
        ...others,
        backup: backupInput(args),
        keyName: undefined,
        keyUri: undefined,
        keyUriWithVersion: undefined,
        keyVersions: undefined,
        restoredAt: undefined,
        restoredFrom: undefined,
        isAdopted: undefined,
        missingVersions: undefined,
        keyStatus: undefined,
        keyStatusReason: undefined,
      },
      opts,
      "keyvault",
      "KeyRestore",
    );
  }
}
