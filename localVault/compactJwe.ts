import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The header of a backup's JSON Web Encryption. */
export interface JweHeader {
  readonly alg: "RSA-OAEP-256" | "dir";
  readonly enc: "A256CBC-HS512";
  readonly kid: string;
}

/** The bytes of a content key of A256CBC-HS512: 32 for the tag, then 32 for the text. */
export const contentKeyLength = 64;

/** Encrypts by A256CBC-HS512 (RFC 7518 section 5.2.5) into the compact form of RFC 7516. */
export function encryptCompact(plaintext: Buffer, contentKey: Buffer, header: JweHeader, encryptedKey: Buffer): string {
  const encodedHeader = Buffer.from(JSON.stringify(header)).toString("base64url");
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", contentKey.subarray(32), iv);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const tag = authenticationTag(contentKey, encodedHeader, iv, ciphertext);
  return [encodedHeader, ...[encryptedKey, iv, ciphertext, tag].map((part) => part.toString("base64url"))].join(".");
}

/** The plaintext. Undefined if the text is no JWE, or if another content key made its tag. */
export function decryptCompact(text: string, contentKeyFor: (encryptedKey: Buffer) => Buffer): Buffer | undefined {
  const [header = "", ...rest] = text.split(".");
  const [encryptedKey, iv, ciphertext, tag] = rest.map((part) => Buffer.from(part, "base64url"));
  if (rest.length !== 4 || !encryptedKey || !iv || !ciphertext || !tag) return undefined;
  const contentKey = contentKeyFor(encryptedKey);
  const expected = authenticationTag(contentKey, header, iv, ciphertext);
  if (tag.length !== expected.length || !timingSafeEqual(tag, expected)) return undefined;
  const decipher = createDecipheriv("aes-256-cbc", contentKey.subarray(32), iv);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function authenticationTag(contentKey: Buffer, header: string, iv: Buffer, ciphertext: Buffer): Buffer {
  const associatedData = Buffer.from(header, "ascii");
  const associatedBits = Buffer.alloc(8);
  associatedBits.writeBigUInt64BE(BigInt(associatedData.length) * 8n);
  const hmac = createHmac("sha512", contentKey.subarray(0, 32));
  for (const part of [associatedData, iv, ciphertext, associatedBits]) hmac.update(part);
  return hmac.digest().subarray(0, 32);
}
