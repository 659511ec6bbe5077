import * as pulumi from "@pulumi/pulumi";
import { quietResponses } from "./quietResponses";
import { serializedProviders } from "./serializedProvider";
import { warnOfTraps } from "./warnOfTraps";

/** The key, by its own URI. */
export interface KeyByUri {
  /**
   * URI of the key, `https://{vault}/keys/{name}` or `https://{vault}/keys/{name}/{version}`, of a vault or a Managed
   * HSM. With a version, the backup must hold that version: a new one in the URI makes a new backup, so that
   * `key.keyUriWithVersion` of azure-native follows the key. Without one, a refresh alone notices a new version. Another key
   * replaces the resource.
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
  /**
   * Name of the key: 1 to 127 letters, digits and hyphens. A refresh notices a new version of it. Another name replaces the
   * resource.
   */
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
  /**
   * Age in days, a fraction allowed, past which `pulumi up` makes a new backup, also where nothing else changed. Looked at
   * in every preview and update, by this machine's clock and without a request.
   * @default no limit
   */
  maxAgeDays?: pulumi.Input<number> | undefined;
  /**
   * How many earlier backups to keep in `previous` although a newer one is known to hold all their versions. Those that no
   * newer one is known to hold are kept beyond that number. A change has effect with the next backup.
   * @default 0
   */
  retain?: pulumi.Input<number> | undefined;
  /**
   * `blobSha256` of each earlier backup to drop for good from `previous`, even if it is the only copy of a key. This
   * resource's newest backup is not dropped, and not kept either once a new one is made. Where the program named another key before, and deleting the record of that was
   * refused: the `blobSha256` of all its backups, as the error lists them. Names that are not there do no harm.
   * @default []
   */
  forget?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * Whether the resource may be deleted although its blobs may be the only copy of the key. Has effect once `pulumi up` has
   * recorded it, which makes no backup and works without the key.
   * @default false
   */
  forceDelete?: pulumi.Input<boolean> | undefined;
};

/** An earlier backup that is kept beside the newest. */
export interface PreviousKeyBackup {
  /** The backup, base64url; secret. */
  readonly blob: string;
  /** SHA-256 of the decoded blob, hexadecimal: what `forget` names it by. */
  readonly blobSha256: string;
  /** Every version that it is known to hold, newest first; empty where that is not known. */
  readonly keyVersions: readonly string[];
  /** When it was made: RFC 3339, UTC. */
  readonly backedUpAt: string;
  /** Why it is kept, as a clause. */
  readonly keptBecause: string;
}

/**
 * A backup of a key in Azure Key Vault or Managed HSM, with all its versions, made when the resource is created and made
 * anew when the program names a version that it does not hold or changes `triggers`, when `pulumi refresh` has seen the key
 * changed, and when the backup is older than `maxAgeDays`.
 *
 * ```ts
 * const key = new azure.keyvault.Key("signing", { ... });
 * const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion });
 * export const blob = backup.blob; // secret
 * ```
 *
 * Needs the data action `Microsoft.KeyVault/vaults/keys/backup/action` (access policy: key permission `backup`). With
 * `Microsoft.KeyVault/vaults/keys/read` (`list`, or less by `get`) too, it knows which versions the backup holds and what has
 * become of the key.
 *
 * A failed backup fails the update and leaves an earlier backup in the state as it was. A new backup takes the place of an
 * earlier one only if it is known to hold all of its versions; else the earlier one is kept in `previous`. **Deleting the
 * resource drops its blobs from the state.** That is refused where they may be the only copy: where the key is missing, lacks
 * a version that one of them holds, or cannot be looked up. It is not refused without the permission to read the key.
 * `KeyBackup.get` and `pulumi import` are not offered: a backup exists nowhere but in the state.
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
   * Every version that the backup is known to hold, newest first: 32 hexadecimal digits each. Read before and after the
   * backup is made. Without the permission to list, only the newest version and those that `keyUri` and earlier backups
   * name; empty where the identity may not read the key.
   */
  declare readonly keyVersions: pulumi.Output<string[]>;

  /**
   * RFC 7638 thumbprint (SHA-256, base64url) of the public key of each version, by version, as far as it was read: that of
   * the newest is read with each backup, and earlier ones stay. What a restored key is compared with. Without the permission
   * to get keys, and of symmetric keys, there is none.
   */
  declare readonly keyThumbprints: pulumi.Output<Record<string, string>>;

  /**
   * When an attribute or a tag of any version of the key last changed before the backup: RFC 3339, UTC, in whole seconds.
   * Undefined where the identity may not read the key.
   */
  declare readonly keyUpdatedAt: pulumi.Output<string | undefined>;

  /** The tags of the newest version when the backup was made; undefined where the identity may not read the key. */
  declare readonly keyTags: pulumi.Output<Record<string, string> | undefined>;

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

  /**
   * How the key compared with the backup at the last backup or refresh: `current`; `changed`, so that the next `pulumi up`
   * makes a new backup; `missing`, as it is deleted or the name of its vault does not resolve; `unreachable`, so that it is
   * not known. Undefined in a state of release 0.1.0, until then.
   */
  declare readonly sourceStatus: pulumi.Output<"current" | "changed" | "missing" | "unreachable" | undefined>;

  /** Why `sourceStatus` is not `current`, and what to do; undefined where it is. */
  declare readonly sourceStatusReason: pulumi.Output<string | undefined>;

  /**
   * Earlier backups, newest first: those with a version that no newer one is known to hold, and as many others as `retain`
   * says. Secret as a whole in a program, as it holds blobs; in the state, where each stands under its `blobSha256`, only
   * the blobs are encrypted.
   */
  declare readonly previous: pulumi.Output<PreviousKeyBackup[]>;

  constructor(name: string, args: KeyBackupArgs, opts?: pulumi.CustomResourceOptions) {
    quietResponses();
    super(
      serializedProviders.keyBackup,
      name,
      {
        vaultUri: undefined,
        keyName: undefined,
        keyUri: undefined,
        ...args,
        keyUriWithVersion: undefined,
        keyVersions: undefined,
        keyThumbprints: undefined,
        keyUpdatedAt: undefined,
        keyTags: undefined,
        blob: undefined,
        blobSha256: undefined,
        backedUpAt: undefined,
        sourceStatus: undefined,
        sourceStatusReason: undefined,
        previous: undefined,
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["blob"] }),
      "keyvault",
      "KeyBackup",
    );
    // Under mocks and at preview the engine marks nothing secret by the option alone.
    this.blob = pulumi.secret(this.blob);
    // A state of a release before 0.3.0 has none.
    this.keyThumbprints = this.keyThumbprints.apply((thumbprints) => thumbprints ?? {});
    this.previous = pulumi.secret(this.previous.apply(newestFirst));
    warnOfTraps(this);
  }
}

// A state has an object of them, by `blobSha256`; that of release 0.1.0 has none.
function newestFirst(
  previous: PreviousKeyBackup[] | Record<string, PreviousKeyBackup> | undefined,
): PreviousKeyBackup[] {
  return Object.values(previous ?? {}).sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt));
}
