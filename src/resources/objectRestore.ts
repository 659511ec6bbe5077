import * as pulumi from "@pulumi/pulumi";
import { type BackupSource, backupInput } from "./backupToRestore";
import { resourceOptions } from "./resourceOptions";
import { serializedProvider } from "./serializedProvider";

/** Where to restore, and what to do with newer backups. */
export interface RestoreOptions {
  /**
   * URI of the vault to restore into: `https://{vault}/`, as `properties.vaultUri` of azure-native's `Vault`. The vault must be in
   * the geography and the subscription of the source. The backup of a Managed HSM's key goes into a Managed HSM with the same
   * security domain.
   */
  vaultUri: pulumi.Input<string>;
  /**
   * What to do when the backup holds versions that the restored object lacks; the service cannot add versions to an object.
   * `keep` leaves the object and lists the versions in `missingVersions`. `recreate` deletes and purges the object and restores
   * the newer backup; the object is unavailable for up to several minutes. `recreate` works only for a replica in a vault other
   * than the source's. It is refused if the object has a version that the backup does not hold, or if the vault has purge
   * protection.
   * @default "keep"
   */
  onNewVersions?: pulumi.Input<"keep" | "recreate"> | undefined;
}

/** The backup that an object was restored from. */
export interface RestoredFrom {
  /** SHA-256 of the decoded blob, hexadecimal. */
  readonly blobSha256: string;
  /**
   * The versions that the backup is known to hold, newest first; if unknown, those that the object had after the restore.
   */
  readonly versions: readonly string[];
  /** URI of the object that the backup was made from, if known. */
  readonly sourceUri?: string;
  /** When the backup was made, if known: RFC 3339. */
  readonly backedUpAt?: string;
}

type Noun = "Key" | "Secret" | "Certificate";

/** What restores of all kinds of objects have in common. Programs declare a `KeyRestore`, `SecretRestore` or `CertificateRestore`. */
export abstract class ObjectRestore<Args extends BackupSource & RestoreOptions> extends pulumi.dynamic.Resource {
  /** URI of the vault, with a slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /**
   * Every version of the object, newest first. The identifiers are those of the source. Read at the restore and at each refresh.
   */
  declare readonly versions: pulumi.Output<string[]>;

  /** When the object was restored or adopted: RFC 3339, UTC. */
  declare readonly restoredAt: pulumi.Output<string>;

  /** The backup that the object was restored from or compared with. */
  declare readonly restoredFrom: pulumi.Output<RestoredFrom>;

  /** Versions that the backup holds and the object lacks, newest first. Empty if the backup was made from this very object. */
  declare readonly missingVersions: pulumi.Output<string[]>;

  /**
   * The object at the last refresh. `present`: it is there. `missing`: the next `pulumi up` restores it. `softDeleted`: the next
   * `pulumi up` fails and says how to recover it, unless `recreate` is due: then the object is purged and restored. `replaced`:
   * another object has its name, and the next `pulumi up` fails. `unreachable`: unknown.
   */
  declare readonly status: pulumi.Output<"present" | "missing" | "softDeleted" | "replaced" | "unreachable">;

  /** Why `status` is not `present`; undefined if it is. */
  declare readonly statusReason: pulumi.Output<string | undefined>;

  constructor(name: string, args: Args, opts?: pulumi.CustomResourceOptions) {
    const { noun } = new.target as unknown as { readonly noun: Noun };
    const resource = `${noun}Restore` as const;
    const kind = noun.toLowerCase() as Lowercase<Noun>;
    const { backup: _, blob: __, ...others } = args;
    super(
      serializedProvider(`${kind}Restore`),
      name,
      {
        ...others,
        backup: backupInput(args),
        [`${kind}Name`]: undefined,
        [`${kind}Uri`]: undefined,
        [`${kind}UriWithVersion`]: undefined,
        versions: undefined,
        restoredAt: undefined,
        restoredFrom: undefined,
        missingVersions: undefined,
        status: undefined,
        statusReason: undefined,
      },
      resourceOptions(resource, opts),
      "keyvault",
      resource,
    );
  }
}
