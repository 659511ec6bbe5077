import { createHash } from "node:crypto";

/**
 * SHA-256 of the bytes that a blob encodes, in hexadecimal: what `sha256sum` prints for the file that
 * `az keyvault key backup` writes.
 */
export function sha256OfBlob(blob: string): string {
  return createHash("sha256").update(Buffer.from(blob, "base64url")).digest("hex");
}
