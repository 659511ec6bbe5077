import * as pulumi from "@pulumi/pulumi";
import { resourceOptions } from "./resourceOptions";
import { serializedProviders } from "./serializedProvider";
import { warnOfManyVersions, warnOfSecretsProvider } from "./warnings";

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
export type KeyBackupArgs = (KeyByUri | KeyByVaultAndName) & {
  /**
   * Any JSON values, such as `[key.tags]`. When a value changes, a new backup is made.
   * @default []
   */
  triggers?: pulumi.Input<readonly unknown[]> | undefined;
  /**
   * Age in days, fractions allowed, after which the next `pulumi up` makes a new backup. Compared with this machine's clock,
   * without a request.
   * @default no limit
   */
  maxAgeDays?: pulumi.Input<number> | undefined;
  /**
   * How many earlier backups to keep in `previous` although a newer backup holds all of their versions. Backups that hold
   * anything else are always kept. A change takes effect with the next backup.
   * @default 0
   */
  retain?: pulumi.Input<number> | undefined;
  /**
   * `blobSha256` of earlier backups to remove from `previous` for good, even if one of them is the only copy of a key.
   * @default []
   */
  forget?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * Whether the resource may be deleted although its backups may be the only copy of a key. Takes effect once `pulumi up` has
   * recorded it, which makes no backup and needs no vault.
   * @default false
   */
  forceDelete?: pulumi.Input<boolean> | undefined;
};

/** An earlier backup that is kept beside the newest. */
export interface PreviousBackup {
  /** URI of the key that the backup was made from, without a version. */
  readonly sourceUri: string;
  /**
   * The backup, base64url.
   * @secret
   */
  readonly blob?: string;
  /** SHA-256 of the decoded blob, hexadecimal. `forget` names a backup by this value. */
  readonly blobSha256: string;
  /** Size of the decoded blob in bytes. */
  readonly blobBytes?: number;
  /** Every version that the backup is known to hold, newest first; empty if unknown. */
  readonly versions: readonly string[];
  /** When the backup was made: RFC 3339, UTC. */
  readonly backedUpAt: string;
  /** Why the backup is kept. */
  readonly keptBecause: string;
}

/**
 * A backup of a key in Azure Key Vault or Managed HSM, with all versions of the key.
 *
 * ```ts
 * const key = new azure.keyvault.Key("signing", { vaultName: vault.name, ... });
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * export const blob = backup.blob; // secret
 * ```
 *
 * The backup is made when the resource is created. `pulumi up` makes a new one when the program names a version that the backup
 * does not hold, or another key; when `triggers` change; when `pulumi refresh` saw that the key changed; when the backup is older
 * than `maxAgeDays`; and when the blob in the state is damaged.
 *
 * A new backup replaces an earlier one only if it is known to hold every version of it. Otherwise the earlier one stays in
 * `previous`. Deleting the resource is refused unless the vault still has every version, or `forceDelete` is recorded.
 *
 * Needs the data action `Microsoft.KeyVault/vaults/keys/backup/action` (access policy: `backup`). With
 * `Microsoft.KeyVault/vaults/keys/read` (`list`, `get`) it also knows which versions the backup holds.
 *
 * `KeyBackup.get` and `pulumi import` are not available: a backup exists only in the state.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/backup-key/backup-key
 */
export class KeyBackup extends pulumi.dynamic.Resource {
  /** URI of the vault or Managed HSM, with a slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** URI of the key, without a version. */
  declare readonly keyUri: pulumi.Output<string>;

  /** URI of the newest version that the backup holds; undefined if the versions could not be listed. */
  declare readonly keyUriWithVersion: pulumi.Output<string | undefined>;

  /** Every version that the backup holds, newest first, 32 hexadecimal digits each; empty if they could not be listed. */
  declare readonly versions: pulumi.Output<string[]>;

  /**
   * RFC 7638 thumbprints (SHA-256, base64url) of public keys by version. A restored key is compared with them. Each backup adds
   * the thumbprint of the newest version. Symmetric keys have none.
   */
  declare readonly thumbprints: pulumi.Output<Record<string, string>>;

  /**
   * When an attribute or a tag of any version last changed before the backup: RFC 3339, UTC, in whole seconds. Undefined if the
   * versions could not be listed.
   */
  declare readonly updatedAt: pulumi.Output<string | undefined>;

  /** Tags of the newest version when the backup was made; undefined if the versions could not be listed. */
  declare readonly tags: pulumi.Output<Record<string, string> | undefined>;

  /**
   * The backup, base64url as the service returns it: about 10,000 characters for a key of one version. It can be restored into
   * vaults of the same Azure subscription and geography. The backup of a Managed HSM's key can be restored into HSMs of the same
   * security domain. A backup never expires and cannot be revoked.
   * @secret
   */
  declare readonly blob: pulumi.Output<string>;

  /** SHA-256 of the decoded blob, hexadecimal: what `sha256sum` prints for the file that `az keyvault key restore` takes. */
  declare readonly blobSha256: pulumi.Output<string>;

  /** Size of the decoded blob in bytes. */
  declare readonly blobBytes: pulumi.Output<number>;

  /** When the backup was made: RFC 3339, UTC. */
  declare readonly backedUpAt: pulumi.Output<string>;

  /**
   * How the key compared with the backup at the last backup or refresh. `current`: unchanged. `changed`: the next `pulumi up`
   * makes a new backup. `missing`: the vault answered, and the key is not there. `unreachable`: unknown.
   */
  declare readonly sourceStatus: pulumi.Output<"current" | "changed" | "missing" | "unreachable">;

  /** Why `sourceStatus` is not `current`; undefined if it is. */
  declare readonly sourceStatusReason: pulumi.Output<string | undefined>;

  /**
   * Earlier backups, newest first: each backup that holds a version which no newer backup is known to hold, and as many others
   * as `retain` says. The whole output is secret in a program; in the state only the blobs are encrypted.
   * @secret
   */
  declare readonly previous: pulumi.Output<PreviousBackup[]>;

  constructor(name: string, args: KeyBackupArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      serializedProviders.keyBackup,
      name,
      {
        vaultUri: undefined,
        keyName: undefined,
        keyUri: undefined,
        ...args,
        keyUriWithVersion: undefined,
        versions: undefined,
        thumbprints: undefined,
        updatedAt: undefined,
        tags: undefined,
        blob: undefined,
        blobSha256: undefined,
        blobBytes: undefined,
        backedUpAt: undefined,
        sourceStatus: undefined,
        sourceStatusReason: undefined,
        previous: undefined,
      },
      resourceOptions("KeyBackup", opts, ["blob"]),
      "keyvault",
      "KeyBackup",
    );
    // Under mocks and at preview the option alone marks nothing secret.
    this.blob = pulumi.secret(this.blob);
    this.previous = pulumi.secret(this.previous.apply(newestFirst));
    pulumi.all([this.keyUri, this.versions]).apply(([keyUri, versions]) => {
      warnOfManyVersions(this, keyUri, versions?.length ?? 0);
    });
    pulumi.output(args.keyUri ?? args.vaultUri).apply((uri) => {
      if (uri !== undefined && URL.canParse(uri)) {
        warnOfSecretsProvider(this, uri);
      }
    });
  }
}

// A state holds them as members of an object, by `blobSha256`.
function newestFirst(previous: PreviousBackup[] | Record<string, PreviousBackup> | undefined): PreviousBackup[] {
  return Object.values(previous ?? {}).sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt));
}
