const base64url = (text: string) => Buffer.from(text, "latin1").toString("base64url");

export interface BlobShape {
  /** Bytes of the tag of the JWE. Blobs had tags of 16 bytes until 2020, and have tags of 32 bytes since. @default 32 */
  readonly tagBytes?: number;
  /** @default "Key", as backups of keys and of certificates have it */
  readonly versionString?: string;
  /** @default true of the version string */
  readonly lengthByte?: number;
}

/** The contents of the file of a vault's backup: a length byte, a version string and a compact JWE. */
export function vaultFile({ tagBytes = 32, versionString = "Key", lengthByte }: BlobShape = {}): string {
  const version = `AzureKeyVault${versionString}BackupV1.microsoft.com`;
  const header = base64url('{"kid":"c0723b38","alg":"RSA-OAEP-256","enc":"A256CBC-HS512"}');
  const parts = [
    header,
    base64url("k".repeat(64)),
    base64url("i".repeat(16)),
    base64url("c".repeat(90)),
    tag(tagBytes),
  ];
  return `${String.fromCharCode(lengthByte ?? version.length)}${version}${parts.join(".")}`;
}

/** The contents of the file of a Managed HSM's backup: a compact JWE with an empty encrypted key. */
export function hsmFile({ tagBytes = 32 }: Pick<BlobShape, "tagBytes"> = {}): string {
  const header = base64url('{"alg":"dir","enc":"A256CBC-HS512","kid":"backup-protection-key"}');
  return [header, "", base64url("i".repeat(16)), base64url("c".repeat(90)), tag(tagBytes)].join(".");
}

/** The blob as the service returns it. */
export function blobOf(file: string): string {
  return base64url(file);
}

const tag = (bytes: number): string => base64url("t".repeat(bytes));
