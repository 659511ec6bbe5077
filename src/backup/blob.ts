import { createHash } from "node:crypto";

/**
 * SHA-256 of the bytes that a blob encodes, hexadecimal: what `sha256sum` prints for the file that
 * `az keyvault key backup` writes.
 */
export function sha256OfBlob(blob: string): string {
  return sha256OfBytes(bytesOf(blob));
}

export function sha256OfBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function blobBytes(blob: string): number {
  return bytesOf(blob).length;
}

/**
 * A blob as the service returns it, base64url without padding, from any form in which people keep one: base64url or base64,
 * with or without line breaks, or the contents of a backup file. Undefined if the text has none of these forms.
 */
export function canonicalBlob(text: string): string | undefined {
  const file = text.trim();
  if (/^.AzureKeyVault/.test(file) || (jweParts(file).length === 5 && jweAlgorithm(file) !== undefined)) {
    return Buffer.from(file, "latin1").toString("base64url");
  }
  const digits = text
    .replace(/\s+/g, "")
    .replace(/={1,2}$/, "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  return digits !== "" && digits.length % 4 !== 1 && /^[\w-]+$/.test(digits) ? digits : undefined;
}

/** What made a blob, by the way it begins. Emulators make `other`. */
export type BlobOrigin = "vaultKeyOrCertificate" | "vaultSecret" | "managedHsm" | "other";

export function originOfBlob(blob: string): BlobOrigin {
  const text = decoded(blob);
  const version = versionString(text);
  // A certificate's backup has the version string of a key's.
  if (/^AzureKeyVaultKeyBackupV\d+\.microsoft\.com$/.test(version)) {
    return "vaultKeyOrCertificate";
  }
  if (/^AzureKeyVaultSecretBackupV\d+\.microsoft\.com$/.test(version)) {
    return "vaultSecret";
  }
  return jweAlgorithm(text) === "dir" ? "managedHsm" : "other";
}

/**
 * Why a blob cannot be whole, if it cannot. A vault's blob is a length byte, the version string that the byte counts, and a
 * compact JWE; a Managed HSM's blob is a compact JWE with an empty encrypted key. Other blobs are not judged.
 */
export function whyIncomplete(blob: string): string | undefined {
  const text = decoded(blob);
  const origin = originOfBlob(blob);
  if (origin === "other") {
    return undefined;
  }
  const isHsm = origin === "managedHsm";
  const parts = jweParts(isHsm ? text : text.slice(1 + versionString(text).length));
  const isWhole = parts.length === 5 && parts.every((part, index) => (part === "") === (isHsm && index === 1));
  return isWhole && isWholeTag(parts[4] ?? "") ? undefined : "it is cut short or changed";
}

/** Why a recorded blob is not the one that was recorded; undefined if it is, or if the blob is kept elsewhere. */
export function damageOf({ blob, blobSha256 }: { blob?: string | undefined; blobSha256: string }): string | undefined {
  const sha256 = blob === undefined ? blobSha256 : sha256OfBlob(blob);
  return sha256 === blobSha256 ? undefined : `its SHA-256 is ${sha256}, not ${blobSha256}`;
}

// A128CBC-HS256 has a tag of 16 bytes, A256CBC-HS512 one of 32.
function isWholeTag(tag: string): boolean {
  return [16, 32].includes(Buffer.from(tag, "base64url").length);
}

function jweAlgorithm(text: string): unknown {
  try {
    const [header = ""] = text.split(".", 1);
    return (JSON.parse(Buffer.from(header, "base64url").toString()) as { alg?: unknown } | null)?.alg;
  } catch {
    return undefined;
  }
}

function jweParts(text: string): string[] {
  return /^[\w.-]+$/.test(text) ? text.split(".") : [];
}

// A .NET BinaryWriter string: a byte that counts the characters that follow it.
function versionString(text: string): string {
  return text.slice(1, 1 + text.charCodeAt(0));
}

function decoded(blob: string): string {
  return bytesOf(blob).toString("latin1");
}

function bytesOf(blob: string): Buffer {
  return Buffer.from(blob, "base64url");
}
