import * as pulumi from "@pulumi/pulumi";
import { type BackupToRestore, backupInput } from "./backupToRestore";
import type { KeyBackup } from "./keyBackup";
import { quietResponses } from "./quietResponses";
import { serializedProviders } from "./serializedProvider";

/** Which backup to prove, where, and when to prove it again. */
export interface RestoreDrillArgs {
  /**
   * The backup to prove: a `KeyBackup`, or one that is kept elsewhere, of which then at least `keyName` or `keyUri` must be
   * given. Another blob runs the drill again; another key replaces the resource.
   */
  backup: KeyBackup | BackupToRestore;
  /**
   * URI of the scratch vault, `https://{vault}/`: a vault for drills alone, in the geography and the Azure subscription of the
   * source, without purge protection. Never the source's own vault. Another vault replaces the resource.
   */
  vaultUri: pulumi.Input<string>;
  /**
   * Age in days, a fraction allowed, past which `pulumi up` runs the drill again. Looked at in every preview and update, by
   * this machine's clock and without a request.
   * @default no limit
   */
  maxAgeDays?: pulumi.Input<number> | undefined;
  /**
   * Any JSON values. A change of one runs the drill again.
   * @default []
   */
  triggers?: pulumi.Input<readonly unknown[]> | undefined;
  /**
   * What a failed drill does: `fail` fails the update, with the evidence in the message; `record` lets it go on, with a line
   * that says so and `outcome` `failed`. In both cases the evidence is recorded.
   * @default "fail"
   */
  onFailure?: pulumi.Input<"fail" | "record"> | undefined;
  /**
   * Whether the scratch vault may have purge protection. Then the copy can only be soft-deleted, and its name stays taken
   * until the vault's retention period, 7 to 90 days, is over: until then the drill cannot run again there.
   * @default false
   */
  allowSoftDeletedCopies?: pulumi.Input<boolean> | undefined;
}

/**
 * What came of one check of one version: `passed`, or why it failed (`failed: …`), or why it was not run (`not run: …`).
 */
export type RestoreDrillResult = "passed" | `failed: ${string}` | `not run: ${string}`;

/** What a drill checked of one version of the restored key. */
export interface RestoreDrillCheck {
  /** 32 hexadecimal digits. */
  readonly version: string;
  /** Whether the restored key has the version, and the backup says that it holds it. */
  readonly versionId: RestoreDrillResult;
  /** Whether its public key is that of the source: as recorded with the backup, else as read from the source. */
  readonly publicKey: RestoreDrillResult;
  /**
   * Whether its private key is there: it signed a random digest, or decrypted random bytes, in the scratch vault, verified on
   * this machine by the source's public key.
   */
  readonly privateKey: RestoreDrillResult;
}

/** A copy that a drill could not remove. */
export interface LeftoverCopy {
  /** URI of the key in the scratch vault. */
  readonly keyUri: string;
  /** Name of the key: that of the source, if the blob is its backup. */
  readonly keyName: string;
  /** Its newest version. */
  readonly version: string;
  /** Whether it is soft-deleted, and no longer in use. */
  readonly isSoftDeleted: boolean;
  /** Why it is still there. */
  readonly because: string;
  /** The command that removes it; undefined where purge protection keeps it until the retention period is over. */
  readonly command?: string;
}

/**
 * The proof that a backup can be restored: the backup is restored into a scratch vault, checked version by version against
 * its source, and the copy is deleted and purged. The outputs are the evidence.
 *
 * ```ts
 * const drill = new RestoreDrill("signing", { backup, vaultUri: scratch.properties.vaultUri, maxAgeDays: 30 });
 * export const proved = drill.verifiedAt;
 * ```
 *
 * It runs when it is created, and again when the backup or `triggers` change, when it is older than `maxAgeDays`, when a
 * copy was left behind and, with `onFailure` `fail`, when the last one failed. A preview, an unchanged `pulumi up` and a
 * refresh make no request.
 *
 * Needs in the scratch vault the data actions of *Key Vault Crypto Officer*, or under `Microsoft.KeyVault/vaults/keys/`:
 * `read`, `restore/action`, `update/action` (to tag the copy), `sign/action` (or `unwrap/action`, `decrypt/action`), `delete`,
 * `purge/action`, and `create/action` where the vault has no key that tells whether it has purge protection. In the source's
 * vault `Microsoft.KeyVault/vaults/keys/read`, for public keys that are not recorded with the backup.
 *
 * Refused before the key is restored: the source's own vault, a scratch vault with purge protection unless
 * `allowSoftDeletedCopies` is set, and a key of the same name in it that no drill made, which is never touched. A scratch vault
 * without any key does not tell whether it has purge protection: there, a key `restore-drill-probe` is created to learn it, and
 * removed at once (where it cannot be purged, it stays soft-deleted).
 */
export class RestoreDrill extends pulumi.dynamic.Resource {
  /** URI of the scratch vault, with the slash at its end. */
  declare readonly vaultUri: pulumi.Output<string>;

  /** Name of the key. */
  declare readonly keyName: pulumi.Output<string>;

  /** When the drill last ran, if its `outcome` is `verified`: RFC 3339, UTC. Undefined where it is not. */
  declare readonly verifiedAt: pulumi.Output<string | undefined>;

  /** When the drill last ran: RFC 3339, UTC. */
  declare readonly drilledAt: pulumi.Output<string>;

  /**
   * `verified`: every check of every version passed; `partly`: none failed, and some were not run; `failed`: one failed, or
   * the backup could not be restored.
   */
  declare readonly outcome: pulumi.Output<"verified" | "partly" | "failed">;

  /** Why the drill failed as a whole; undefined where it did not, or where `checks` tell it. */
  declare readonly failure: pulumi.Output<string | undefined>;

  /** What was checked, one entry for each version, newest first. */
  declare readonly checks: pulumi.Output<RestoreDrillCheck[]>;

  /** How long the drill took, in milliseconds, with all its waits. */
  declare readonly durationMs: pulumi.Output<number>;

  /** The versions of the restored key, newest first; empty where nothing was restored. */
  declare readonly restoredVersions: pulumi.Output<string[]>;

  /** SHA-256 of the decoded blob, hexadecimal. */
  declare readonly blobSha256: pulumi.Output<string>;

  /** The copy that could not be removed, and the command to do it; undefined where there is none. */
  declare readonly leftover: pulumi.Output<LeftoverCopy | undefined>;

  constructor(name: string, args: RestoreDrillArgs, opts?: pulumi.CustomResourceOptions) {
    quietResponses();
    super(
      serializedProviders.restoreDrill,
      name,
      {
        ...args,
        backup: backupInput(args),
        // What marks the copy, so that a later run knows the copy of an interrupted one.
        owner: `${organization()}/${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
        keyName: undefined,
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
      opts,
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
