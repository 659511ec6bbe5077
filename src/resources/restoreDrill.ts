import * as pulumi from "@pulumi/pulumi";
import { type AnyBackup, backupInput } from "./backupToRestore";
import { resourceOptions } from "./resourceOptions";
import { serializedProvider } from "./serializedProvider";

/** Which backup to prove, where, and when to prove it again. */
export interface RestoreDrillArgs {
  /**
   * The backup to prove: a `KeyBackup`, `SecretBackup` or `CertificateBackup`, or a backup that is kept elsewhere, with the name or
   * the URI of its object, such as `keyName`. Another blob runs the drill again.
   */
  backup: AnyBackup;
  /**
   * URI of the scratch vault: `https://{vault}/`. Use a vault that serves only the drills of this stack, in the geography and the
   * subscription of the source. The source's own vault is refused.
   */
  vaultUri: pulumi.Input<string>;
  /**
   * Age in days, fractions allowed, after which the next `pulumi up` runs the drill again. Compared with this machine's clock,
   * without a request.
   * @default no limit
   */
  maxAgeDays?: pulumi.Input<number> | undefined;
  /**
   * Any JSON values. When a value changes, the drill runs again.
   * @default []
   */
  triggers?: pulumi.Input<readonly unknown[]> | undefined;
  /**
   * What a failed drill does. `fail` fails the update, and the next `pulumi up` runs the drill again, unless a soft-deleted copy
   * blocks the name. `record` prints a line and lets the update go on. The evidence is recorded in both cases.
   * @default "fail"
   */
  onFailure?: pulumi.Input<"fail" | "record"> | undefined;
  /**
   * Whether the copy may stay soft-deleted if the scratch vault has purge protection. The copy then blocks its name for the
   * vault's retention period of 7 to 90 days, and no drill is due until then.
   * @default false
   */
  allowSoftDeletedCopies?: pulumi.Input<boolean> | undefined;
}

/** The result of one check: `passed`, or why it failed (`failed: …`) or could not be run (`not run: …`). */
export type DrillCheckResult = "passed" | `failed: ${string}` | `not run: ${string}`;

/** What a drill checked of one version. Which checks there are depends on the kind of object. */
export interface DrillCheck {
  /** 32 hexadecimal digits. */
  readonly version: string;
  /** Whether the version is in the restored object and in the record of the backup. */
  readonly versionId: DrillCheckResult;
  /**
   * Keys: whether the public key equals the source's, as recorded with the backup or as read from the source. Certificates:
   * whether the certificate's public key is that of its key.
   */
  readonly publicKey?: DrillCheckResult;
  /**
   * Keys and certificates: whether the private key is there. In the scratch vault it signed a random digest or decrypted random
   * bytes, and the result fits the public key of the source, or of the certificate.
   */
  readonly privateKey?: DrillCheckResult;
  /** Secrets: whether creation time, attributes and tags equal the source's. */
  readonly attributes?: DrillCheckResult;
  /**
   * Secrets: whether the value was read in the scratch vault, and the source does not contradict it, as far as the source could be
   * read. The values are compared in memory and kept nowhere.
   */
  readonly value?: DrillCheckResult;
  /** Secrets: `yes` if the value was compared with the source's, or `no: …` with the reason. */
  readonly valueCompared?: string;
  /** Certificates: whether `x5t` equals the source's, as recorded with the backup or as listed in the source's vault. */
  readonly x5t?: DrillCheckResult;
  /** Certificates: when the certificate expires: RFC 3339, UTC. An expired certificate is no failure. */
  readonly expiresAt?: string;
}

/** A copy that is still in the scratch vault, or an object that may be a copy: `because` says which. */
export interface LeftoverCopy {
  /** URI of the object, without a version. */
  readonly uri: string;
  /** Newest version of the object; empty if unknown. */
  readonly version: string;
  /** Whether the object is soft-deleted, so that nobody can use it. */
  readonly isSoftDeleted: boolean;
  /** Why the object is still there. Read this before you run `command`. */
  readonly because: string;
  /** When the vault purges the copy by itself: RFC 3339, UTC. Present if purge protection keeps the copy until then. */
  readonly blockedUntil?: string;
  /**
   * The command that removes the object. Run the command only if nobody needs the object. Undefined if the copy can only be waited
   * for, or if the vault may be the source's own.
   */
  readonly command?: string;
}

/**
 * Proves that a backup works: restores the backup into a scratch vault, compares the copy with the source version by version, and
 * deletes and purges the copy. The outputs are the evidence.
 *
 * ```ts
 * const drill = new RestoreDrill("signing", { backup, vaultUri: scratch.properties.vaultUri, maxAgeDays: 30 });
 * export const provedAt = drill.verifiedAt;
 * ```
 *
 * The drill runs when the resource is created; when the backup, the vault or `triggers` change; when the last drill is older than
 * `maxAgeDays` or left a copy behind; and, unless `onFailure` is `record`, when the last drill failed. A preview, an unchanged
 * `pulumi up` and a refresh make no request.
 *
 * The tag `restore-drill-of` marks the copy. An object of the same name without that tag is never touched, and fails the drill.
 *
 * A drill needs in the scratch vault the data actions that `drillDataActions` returns. In the source's vault, a drill reads public
 * keys and `x5t` that are not recorded with the backup, and a secret's attributes (`secrets/readMetadata/action`) and values
 * (`secrets/getSecret/action`). What the identity may not read there is not compared.
 */
export class RestoreDrill extends pulumi.dynamic.Resource {
  /** URI of the scratch vault, with a slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** URI of the copy in the scratch vault, without a version: `https://{vault}/{keys|secrets|certificates}/{name}`. */
  declare readonly copyUri: pulumi.Output<string>;

  /** When the last drill ended, if its `outcome` is `verified`: RFC 3339, UTC. Undefined after any other outcome. */
  declare readonly verifiedAt: pulumi.Output<string | undefined>;

  /** When the last drill ended: RFC 3339, UTC. */
  declare readonly drilledAt: pulumi.Output<string>;

  /**
   * `verified`: every check of every version passed. `partly`: no check failed, and some could not be run; no update fails.
   * `failed`: a check failed, or `failure` says why.
   */
  declare readonly outcome: pulumi.Output<"verified" | "partly" | "failed">;

  /** Why the drill as a whole failed; undefined if it did not fail, or if `checks` say why. */
  declare readonly failure: pulumi.Output<string | undefined>;

  /** The result of each check, one entry per version, newest first. */
  declare readonly checks: pulumi.Output<DrillCheck[]>;

  /** How long the drill took, with all its waits, in milliseconds. */
  declare readonly durationMs: pulumi.Output<number>;

  /** The versions of the restored copy, newest first; empty if nothing was restored. */
  declare readonly restoredVersions: pulumi.Output<string[]>;

  /** SHA-256 of the decoded blob, hexadecimal. */
  declare readonly blobSha256: pulumi.Output<string>;

  /** What the drill may have left in the scratch vault: a copy, or an object that may be a copy. Undefined if nothing is left. */
  declare readonly leftover: pulumi.Output<LeftoverCopy | undefined>;

  constructor(name: string, args: RestoreDrillArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      serializedProvider("restoreDrill"),
      name,
      {
        ...args,
        backup: backupInput(args),
        // The value of the tag that marks a copy.
        owner: `${organization()}/${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
        copyUri: undefined,
        verifiedAt: undefined,
        drilledAt: undefined,
        outcome: undefined,
        failure: undefined,
        checks: undefined,
        durationMs: undefined,
        restoredVersions: undefined,
        blobSha256: undefined,
        leftover: undefined,
      },
      resourceOptions("RestoreDrill", opts),
      "keyvault",
      "RestoreDrill",
    );
  }
}

// Mocks need not name one.
function organization(): string {
  try {
    return pulumi.getOrganization();
  } catch {
    return "organization";
  }
}
