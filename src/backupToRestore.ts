import * as pulumi from "@pulumi/pulumi";
import type { KeyBackup } from "./keyBackup";

/** A backup of a key with what is known of it, where it is not a `KeyBackup` of the same program. */
export interface BackupToRestore {
  /**
   * The backup, always treated as secret: base64url as `KeyBackup` and the service return it, base64, or the text of a file
   * that `az keyvault key backup` or `Backup-AzKeyVaultKey` wrote.
   */
  blob: pulumi.Input<string>;
  /**
   * SHA-256 of the decoded blob, hexadecimal: with another blob nothing is restored.
   * @default not compared
   */
  blobSha256?: pulumi.Input<string> | undefined;
  /**
   * Name of the key in the blob.
   * @default the name in `keyUri`; where neither is given, the blob tells it to the service alone
   */
  keyName?: pulumi.Input<string> | undefined;
  /** URI of the key that the backup was made from, `https://{vault}/keys/{name}`. */
  keyUri?: pulumi.Input<string> | undefined;
  /**
   * Every version that the blob is known to hold, newest first, as `keyVersions` of a `KeyBackup` has them: by these a key
   * that is there already is recognised.
   * @default not known
   */
  keyVersions?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /** RFC 7638 thumbprints (SHA-256, base64url) of public keys by version, as `keyThumbprints` of a `KeyBackup` has them. */
  keyThumbprints?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>> | undefined;
  /** When the backup was made: RFC 3339. Recorded, and not compared. */
  backedUpAt?: pulumi.Input<string> | undefined;
}

/** The backup to restore, by itself or by its blob alone. */
export type BackupSource =
  | {
      /** A `KeyBackup`, or a backup that is kept elsewhere. */
      backup: KeyBackup | BackupToRestore;
      blob?: undefined;
    }
  | {
      /** The backup alone, in any of the forms that `BackupToRestore.blob` takes; always treated as secret. */
      blob: pulumi.Input<string>;
      backup?: undefined;
    };

/** What the provider is told of a backup; never the resource itself, which is no input. */
export function backupInput({ backup, blob }: BackupSource): BackupToRestore | undefined {
  if (backup === undefined) {
    return blob === undefined ? undefined : { blob: pulumi.secret(blob) };
  }
  const { blobSha256, keyName, keyUri, keyVersions, keyThumbprints, backedUpAt } = backup;
  return {
    blob: pulumi.secret(backup.blob),
    blobSha256,
    keyName,
    keyUri,
    keyVersions,
    keyThumbprints,
    backedUpAt,
  };
}
