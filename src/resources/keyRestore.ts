import * as pulumi from "@pulumi/pulumi";
import { type BackupSource, backupInput } from "./backupToRestore";
import { resourceOptions } from "./resourceOptions";
import { serializedProviders } from "./serializedProvider";

/** Which backup to restore, and where. */
export type KeyRestoreArgs = BackupSource & {
  /**
   * URI of the vault or Managed HSM to restore into: `https://{vault}/`, as `properties.vaultUri` of azure-native's `Vault`. A
   * vault must be in the geography and the subscription of the source; a Managed HSM must have the same security domain.
   */
  vaultUri: pulumi.Input<string>;
  /**
   * What to do when the backup holds versions that the restored key lacks; the service cannot add versions to a key. `keep`
   * leaves the key and lists the versions in `missingVersions`. `recreate` deletes and purges the key and restores the newer
   * backup; the key is unavailable for up to several minutes. `recreate` works only for a replica in a vault other than the
   * source's. It is refused if the key has a version that the backup does not hold, or if the vault has purge protection.
   * @default "keep"
   */
  onNewVersions?: pulumi.Input<"keep" | "recreate"> | undefined;
};

/** The backup that a key was restored from. */
export interface RestoredFrom {
  /** SHA-256 of the decoded blob, hexadecimal. */
  readonly blobSha256: string;
  /**
   * The versions that the backup is known to hold, newest first; if unknown, those that the key had after the restore.
   */
  readonly versions: readonly string[];
  /** URI of the key that the backup was made from, if known. */
  readonly sourceUri?: string;
  /** When the backup was made, if known: RFC 3339. */
  readonly backedUpAt?: string;
}

/**
 * A key in Azure Key Vault or Managed HSM, restored from a backup with all its versions and under its own name, which the backup
 * decides.
 *
 * ```ts
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * const replica = new KeyRestore("signing-dr", { vaultUri: drVault.properties.vaultUri, backup });
 * ```
 *
 * If the vault already has the same key, the key is adopted. A key is the same if it has every version of the backup, with the
 * same public keys as far as they are known. An interrupted `pulumi up` can therefore be repeated. Any other key of that name,
 * even a soft-deleted key, fails the update. Nothing is overwritten, deleted or purged to make room.
 *
 * Deleting the resource leaves the key. `pulumi refresh` looks for the key; the next `pulumi up` restores one that is missing.
 * The backup does not hold the key's rotation policy and role assignments, so these do not come back.
 *
 * Needs the data actions `Microsoft.KeyVault/vaults/keys/restore/action` and `Microsoft.KeyVault/vaults/keys/read` (access
 * policy: `restore`, `get`, `list`); for `recreate` also `.../keys/delete` and `.../keys/purge/action` (`delete`, `purge`).
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/restore-key/restore-key
 */
export class KeyRestore extends pulumi.dynamic.Resource {
  /** URI of the vault or Managed HSM, with a slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /** URI of the newest version, as of the restore or the last refresh. */
  declare readonly keyUriWithVersion: pulumi.Output<string>;

  /** Every version of the key, newest first. The identifiers are those of the source. Read at the restore and at each refresh. */
  declare readonly versions: pulumi.Output<string[]>;

  /** When the key was restored or adopted: RFC 3339, UTC. */
  declare readonly restoredAt: pulumi.Output<string>;

  /** The backup that the key was restored from or compared with. */
  declare readonly restoredFrom: pulumi.Output<RestoredFrom>;

  /** Versions that the backup holds and the key lacks, newest first. Empty if the backup was made from this very key. */
  declare readonly missingVersions: pulumi.Output<string[]>;

  /**
   * The key at the last refresh. `present`: it is there. `missing`: the next `pulumi up` restores it. `softDeleted`: the next
   * `pulumi up` fails and says how to recover it, unless `recreate` is due: then the key is purged and restored. `replaced`:
   * another key has its name, and the next `pulumi up` fails. `unreachable`: unknown.
   */
  declare readonly status: pulumi.Output<"present" | "missing" | "softDeleted" | "replaced" | "unreachable">;

  /** Why `status` is not `present`; undefined if it is. */
  declare readonly statusReason: pulumi.Output<string | undefined>;

  constructor(name: string, args: KeyRestoreArgs, opts?: pulumi.CustomResourceOptions) {
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
        versions: undefined,
        restoredAt: undefined,
        restoredFrom: undefined,
        missingVersions: undefined,
        status: undefined,
        statusReason: undefined,
      },
      resourceOptions("KeyRestore", opts),
      "keyvault",
      "KeyRestore",
    );
  }
}
