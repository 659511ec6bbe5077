import * as pulumi from "@pulumi/pulumi";
import { resourceOptions } from "./resourceOptions";
import { serializedProvider } from "./serializedProvider";
import { warnOfManyVersions, warnOfSecretsProvider } from "./warnings";

/** When to back an object up again, and which backups to keep. */
export interface BackupOptions {
  /**
   * Any JSON values, such as tags. When a value changes, a new backup is made.
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
   * `blobSha256` of earlier backups to remove from `previous` for good, even if one of them is the only copy of an object.
   * @default []
   */
  forget?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * Whether the resource may be deleted although its backups may be the only copy of an object. Takes effect once `pulumi up`
   * has recorded it. This needs no vault: `forceDelete` is recorded even if a backup that is due fails.
   * @default false
   */
  forceDelete?: pulumi.Input<boolean> | undefined;
  /**
   * Places outside the state: `https://{account}.blob.core.windows.net/{container}[/{prefix}]` or `file:///{directory}`. Each backup
   * is also written there. The container or the directory must exist. Each copy is a new object, is read back, and is never
   * overwritten or deleted by this package. A new place gets copies of the backups that the state records. The copies in a place that
   * is no longer named stay there.
   * @default []
   */
  copyTo?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * Whether the state holds the blobs. If false, only the copies hold the blobs, and `copyTo` must name a place. A change moves the
   * blobs and makes no new backup.
   * @default true
   */
  keepBlobInState?: pulumi.Input<boolean> | undefined;
}

/** A copy of a backup outside the state. */
export interface BackupCopy {
  /** URI of the copy. Its content is the file that `az keyvault key restore --file` takes (or `secret`, `certificate`). */
  readonly uri: string;
  /** When an update wrote the copy, or found the copy already there: RFC 3339, UTC. */
  readonly writtenAt: string;
  /** MD5 of the copy, base64. A refresh compares the copy with this value. */
  readonly contentMd5: string;
  /**
   * How the copy was at the last update or refresh. `verified`: it has the backup's length and MD5. `missing`: the place answered,
   * and has no such copy; the next `pulumi up` writes it again. `different`: it has other content and is not overwritten; if it is a
   * copy of the newest backup, the next `pulumi up` makes a new backup. `unreachable`: the place did not answer.
   */
  readonly status: "verified" | "missing" | "different" | "unreachable";
}

/** An earlier backup that is kept beside the newest. */
export interface PreviousBackup {
  /** URI of the object that the backup was made from, without a version. */
  readonly sourceUri: string;
  /**
   * The backup, base64url; undefined if only the copies hold the blob.
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
  /** The copies of the backup outside the state; undefined without copies. */
  readonly copies?: readonly BackupCopy[];
  /** Why the backup is kept. */
  readonly keptBecause: string;
}

type Noun = "Key" | "Secret" | "Certificate";

/** What backups of all kinds of objects have in common. Programs declare a `KeyBackup`, `SecretBackup` or `CertificateBackup`. */
export abstract class ObjectBackup<Args extends BackupOptions> extends pulumi.dynamic.Resource {
  /** @internal */
  static readonly ownOutputs: readonly string[] = [];

  /** URI of the vault, with a slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Every version that the backup holds, newest first, 32 hexadecimal digits each; empty if they could not be listed. */
  declare readonly versions: pulumi.Output<string[]>;

  /**
   * When an attribute or a tag of any version last changed before the backup: RFC 3339, UTC, in whole seconds. Undefined if the
   * versions could not be listed.
   */
  declare readonly updatedAt: pulumi.Output<string | undefined>;

  /** Tags of the newest version when the backup was made; undefined if the versions could not be listed. */
  declare readonly tags: pulumi.Output<Record<string, string> | undefined>;

  /**
   * The backup, base64url as the service returns it. It can be restored into vaults of the same Azure subscription and
   * geography. A backup never expires and cannot be revoked. Undefined if only the copies hold the blob.
   * @secret
   */
  declare readonly blob: pulumi.Output<string | undefined>;

  /** URI of the first copy that is whole, as far as is known; undefined if the state holds the blob. */
  declare readonly blobUri: pulumi.Output<string | undefined>;

  /** The copies of the newest backup outside the state, in the order of `copyTo`; empty without `copyTo`. */
  declare readonly copies: pulumi.Output<BackupCopy[]>;

  /** SHA-256 of the decoded blob, hexadecimal: what `sha256sum` prints for a file that the Azure CLI can restore. */
  declare readonly blobSha256: pulumi.Output<string>;

  /** Size of the decoded blob in bytes. */
  declare readonly blobBytes: pulumi.Output<number>;

  /** When the backup was made: RFC 3339, UTC. */
  declare readonly backedUpAt: pulumi.Output<string>;

  /**
   * How the object compared with the backup at the last backup or refresh. `current`: unchanged. `changed`: the next
   * `pulumi up` makes a new backup. `missing`: the vault answered, and the object is not there, or is soft-deleted.
   * `unreachable`: unknown.
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

  constructor(name: string, args: Args, opts?: pulumi.CustomResourceOptions) {
    const { noun, ownOutputs } = new.target as unknown as {
      readonly noun: Noun;
      readonly ownOutputs: readonly string[];
    };
    const resource = `${noun}Backup` as const;
    const kind = noun.toLowerCase() as Lowercase<Noun>;
    const [objectName, uri] = [`${kind}Name`, `${kind}Uri`];
    super(
      serializedProvider(`${kind}Backup`),
      name,
      {
        vaultUri: undefined,
        [objectName]: undefined,
        [uri]: undefined,
        ...args,
        [`${uri}WithVersion`]: undefined,
        versions: undefined,
        ...Object.fromEntries(ownOutputs.map((output) => [output, undefined])),
        updatedAt: undefined,
        tags: undefined,
        blob: undefined,
        blobUri: undefined,
        copies: undefined,
        blobSha256: undefined,
        blobBytes: undefined,
        backedUpAt: undefined,
        sourceStatus: undefined,
        sourceStatusReason: undefined,
        previous: undefined,
      },
      resourceOptions(resource, opts, ["blob"]),
      "keyvault",
      resource,
    );
    // Under mocks and at preview the option alone marks nothing secret.
    this.blob = pulumi.secret(this.blob);
    this.previous = pulumi.secret(this.previous.apply(newestFirst));
    this.copies = this.copies.apply((copies: BackupCopy[] | undefined) => copies ?? []);
    const output = this as unknown as Readonly<Record<string, pulumi.Output<string>>>;
    pulumi.all([output[uri], this.versions]).apply(([objectUri, versions]) => {
      warnOfManyVersions(this, objectUri ?? "", versions?.length ?? 0);
    });
    const declared = args as unknown as Readonly<Record<string, pulumi.Input<string> | undefined>>;
    pulumi.output(declared[uri] ?? declared.vaultUri).apply((vault) => {
      if (vault !== undefined && URL.canParse(vault)) {
        warnOfSecretsProvider(this, vault);
      }
    });
  }
}

// A state holds them as members of an object, by `blobSha256`.
function newestFirst(previous: PreviousBackup[] | Record<string, PreviousBackup> | undefined): PreviousBackup[] {
  return Object.values(previous ?? {}).sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt));
}
