import { createHash } from "node:crypto";

/**
 * SHA-256 of the bytes that a blob encodes, in hexadecimal: what `sha256sum` prints for the file that
 * `az keyvault key backup` writes.
 */
export function sha256OfBlob(blob: string): string {
  return createHash("sha256").update(Buffer.from(blob, "base64url")).digest("hex");
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
  const text = Buffer.from(blob, "base64url").toString("latin1");
  const length = text.charCodeAt(0);
  if (!/^AzureKeyVaultKeyBackupV\d+\.microsoft\.com$/.test(text.slice(1, 1 + length))) {
    return "it does not begin with the version string of a key's backup";
  }
  const parts = text.slice(1 + length).split(".");
  return parts.length === 5 && parts.every((part) => /^[\w-]+$/.test(part))
    ? undefined
    : "what follows its version string is not a compact JWE of five parts";
}
