import { createHash } from "node:crypto";

/**
 * SHA-256 of the bytes that a blob encodes, in hexadecimal: what `sha256sum` prints for the file that
 * `az keyvault key backup` writes.
 */
export function sha256OfBlob(blob: string): string {
  return createHash("sha256").update(Buffer.from(blob, "base64url")).digest("hex");
}

/**
 * A blob in the form in which the service returns it, base64url without padding, out of any in which it is kept: that,
 * base64 with or without line breaks, or the text of a backup file. Undefined where it is none of them.
 */
export function canonicalBlob(text: string): string | undefined {
  if (/^.AzureKeyVault/s.test(text)) {
    return Buffer.from(text, "latin1").toString("base64url");
  }
  const digits = text
    .replace(/\s+/g, "")
    .replace(/={1,2}$/, "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  return digits !== "" && digits.length % 4 !== 1 && /^[\w-]+$/.test(digits) ? digits : undefined;
}

/** Whether the blob is the backup of a secret, which begins in its own way. */
export function isOfSecret(blob: string): boolean {
  return /^AzureKeyVaultSecretBackupV\d+\./.test(versionString(blob));
}

/** Whether the blob begins as a vault's backup of a key or of a certificate does, whatever follows. */
export function isOfVaultKey(blob: string): boolean {
  return keyVersionString.test(versionString(blob));
}

/** What is wrong with a recorded blob: undefined where it is the one that was recorded. */
export function damageOf({ blob, blobSha256 }: { blob: string; blobSha256: string }): string | undefined {
  const sha256 = sha256OfBlob(blob);
  return sha256 === blobSha256 ? undefined : `its SHA-256 is ${sha256}, and blobSha256 says ${blobSha256}`;
}

/**
 * How a blob differs from what Key Vault makes: a length byte, the version string that it counts, and a compact JWE of five
 * parts. Undefined where it does not. Managed HSM and emulators make others.
 */
export function unfamiliarStructure(blob: string): string | undefined {
  const version = versionString(blob);
  if (!keyVersionString.test(version)) {
    return "it does not begin with the version string of a key's backup";
  }
  const parts = decoded(blob)
    .slice(1 + version.length)
    .split(".");
  return parts.length === 5 && parts.every((part) => /^[\w-]+$/.test(part))
    ? undefined
    : "what follows its version string is not a compact JWE of five parts";
}

const keyVersionString = /^AzureKeyVaultKeyBackupV\d+\.microsoft\.com$/;

/** What a length byte counts at the beginning: in the blobs of Key Vault, the name of their format. */
function versionString(blob: string): string {
  const text = decoded(blob);
  return text.slice(1, 1 + text.charCodeAt(0));
}

function decoded(blob: string): string {
  return Buffer.from(blob, "base64url").toString("latin1");
}
