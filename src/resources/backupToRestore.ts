import * as pulumi from "@pulumi/pulumi";
import type { KeyBackup } from "./keyBackup";

/** A backup of a key that is kept outside this program, such as a file, and what is known of the backup. */
export interface BackupToRestore {
  /**
   * The backup, always treated as secret: base64url as `KeyBackup` and the service return it, base64, or the contents of a file
   * that `az keyvault key backup` or `Backup-AzKeyVaultKey` wrote.
   */
  blob: pulumi.Input<string>;
  /**
   * SHA-256 of the decoded blob, hexadecimal. If it is set, any other blob is refused.
   * @default not compared
   */
  blobSha256?: pulumi.Input<string> | undefined;
  /**
   * Name of the key in the blob.
   * @default the name in `keyUri`
   */
  keyName?: pulumi.Input<string> | undefined;
  /** URI of the key that the backup was made from: `https://{vault}/keys/{name}`. */
  keyUri?: pulumi.Input<string> | undefined;
  /**
   * Every version that the blob holds, newest first, as `versions` of a `KeyBackup`. A key that is already in the vault is
   * recognised by them.
   * @default unknown
   */
  versions?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /** RFC 7638 thumbprints (SHA-256, base64url) of public keys by version, as `thumbprints` of a `KeyBackup`. */
  thumbprints?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>> | undefined;
  /** When the backup was made: RFC 3339. Recorded, not compared. */
  backedUpAt?: pulumi.Input<string> | undefined;
}

/** The backup to restore, or its blob alone. */
export type BackupSource =
  | {
      /** A `KeyBackup`, or a backup that is kept elsewhere. */
      backup: KeyBackup | BackupToRestore;
      blob?: undefined;
    }
  | {
      /** The blob alone, in any form that `BackupToRestore.blob` takes; always treated as secret. */
      blob: pulumi.Input<string>;
      backup?: undefined;
    };

/** What the provider needs of a backup. The resource itself cannot be an input. */
export function backupInput({ backup, blob }: BackupSource): BackupToRestore | undefined {
  if (backup === undefined) {
    return blob === undefined ? undefined : { blob: pulumi.secret(blob) };
  }
  const { blobSha256, keyName, keyUri, versions, thumbprints, backedUpAt } = backup;
  return { blob: pulumi.secret(backup.blob), blobSha256, keyName, keyUri, versions, thumbprints, backedUpAt };
}
