import * as pulumi from "@pulumi/pulumi";
import type { CertificateBackup } from "./certificateBackup";
import type { KeyBackup } from "./keyBackup";
import type { SecretBackup } from "./secretBackup";

/** Names that a backup of another kind of object has. */
type NoNamesOf<Noun extends "key" | "secret" | "certificate"> = {
  readonly [name in `${Noun}${"Name" | "Uri"}`]?: undefined;
};

/** A blob that the program has. */
interface BlobInProgram {
  /**
   * The backup, always treated as secret: base64url as backup resources and the service return it, base64, or the contents of a
   * file that the Azure CLI (`az keyvault key backup`) or PowerShell (`Backup-AzKeyVaultKey`) wrote.
   */
  blob: pulumi.Input<string>;
  blobUri?: undefined;
  /**
   * SHA-256 of the decoded blob, hexadecimal: what `sha256sum` prints for a backup file or a copy. A blob with another hash is
   * refused. With `blob`, the hash is optional. With `blobUri`, the hash is required.
   * @default not compared
   */
  blobSha256?: pulumi.Input<string> | undefined;
}

/** A blob that is read from a copy. */
interface BlobInCopy {
  blob?: undefined;
  /**
   * URI of a copy that has the backup: `https://{account}.blob.core.windows.net/{container}/...` or `file:///...`. The copy is read
   * during the update with the identity of the stack, and verified with `blobSha256`.
   */
  blobUri: pulumi.Input<string>;
  blobSha256: pulumi.Input<string>;
}

/** What is known of a backup that is kept outside this program, such as a file. */
interface BackupFacts {
  /**
   * Every version that the blob holds, newest first, as `versions` of a backup resource. An object that is already in the vault
   * is recognised by them.
   * @default unknown
   */
  versions?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /** When the backup was made: RFC 3339. Recorded, not compared. */
  backedUpAt?: pulumi.Input<string> | undefined;
}

/** A backup of a key that is kept outside this program, such as a file, and what is known of the backup. */
export type KeyBackupToRestore = (BlobInProgram | BlobInCopy) & KeyBackupFacts;

interface KeyBackupFacts extends BackupFacts, NoNamesOf<"secret" | "certificate"> {
  /**
   * Name of the key in the blob.
   * @default the name in `keyUri`
   */
  keyName?: pulumi.Input<string> | undefined;
  /** URI of the key that the backup was made from: `https://{vault}/keys/{name}`. */
  keyUri?: pulumi.Input<string> | undefined;
  /** RFC 7638 thumbprints (SHA-256, base64url) of public keys by version, as `thumbprints` of a `KeyBackup`. */
  thumbprints?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>> | undefined;
}

/** A backup of a secret that is kept outside this program, such as a file, and what is known of the backup. */
export type SecretBackupToRestore = (BlobInProgram | BlobInCopy) & SecretBackupFacts;

interface SecretBackupFacts extends BackupFacts, NoNamesOf<"key" | "certificate"> {
  /**
   * Name of the secret in the blob.
   * @default the name in `secretUri`
   */
  secretName?: pulumi.Input<string> | undefined;
  /** URI of the secret that the backup was made from: `https://{vault}/secrets/{name}`. */
  secretUri?: pulumi.Input<string> | undefined;
}

/** A backup of a certificate that is kept outside this program, such as a file, and what is known of the backup. */
export type CertificateBackupToRestore = (BlobInProgram | BlobInCopy) & CertificateBackupFacts;

interface CertificateBackupFacts extends BackupFacts, NoNamesOf<"key" | "secret"> {
  /**
   * Name of the certificate in the blob.
   * @default the name in `certificateUri`
   */
  certificateName?: pulumi.Input<string> | undefined;
  /** URI of the certificate that the backup was made from: `https://{vault}/certificates/{name}`. */
  certificateUri?: pulumi.Input<string> | undefined;
  /** `x5t` (SHA-1, base64url) by version, as `thumbprints` of a `CertificateBackup`. */
  thumbprints?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>> | undefined;
}

/** A backup of any kind of object. */
export type AnyBackup =
  | KeyBackup
  | SecretBackup
  | CertificateBackup
  | KeyBackupToRestore
  | SecretBackupToRestore
  | CertificateBackupToRestore;

/** The backup to restore, or its blob alone. */
export type BackupSource<Backup extends AnyBackup = AnyBackup> =
  | {
      /** A backup resource, or a backup that is kept elsewhere. */
      backup: Backup;
      blob?: undefined;
    }
  | {
      /** The blob alone, in any form that `backup.blob` takes; always treated as secret. */
      blob: pulumi.Input<string>;
      backup?: undefined;
    };

const memberNames: readonly string[] = [
  "blobUri",
  "blobSha256",
  "keyName",
  "keyUri",
  "secretName",
  "secretUri",
  "certificateName",
  "certificateUri",
  "versions",
  "thumbprints",
  "backedUpAt",
];

/** What the provider needs of a backup. The resource itself cannot be an input. */
export function backupInput({ backup, blob }: BackupSource): Record<string, unknown> | undefined {
  if (backup === undefined) {
    return blob === undefined ? undefined : { blob: pulumi.secret(blob) };
  }
  const members = backup as unknown as Readonly<Record<string, unknown>>;
  const known = memberNames.filter((name) => members[name] !== undefined).map((name) => [name, members[name]]);
  return { blob: pulumi.secret(backup.blob), ...Object.fromEntries(known) };
}
