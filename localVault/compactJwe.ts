import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" };

/** Encrypts by RSA-OAEP and A128CBC-HS256, as RFC 7516 and RFC 7518 section 5.2 have it. */
export function encryptCompact(plaintext: Buffer, wrappingKey: KeyObject, kid: string): string {
  const header = base64url(JSON.stringify({ kid, alg: "RSA-OAEP", enc: "A128CBC-HS256" }));
  const contentKey = randomBytes(32);
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-128-cbc", contentKey.subarray(16), iv);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const tag = authenticationTag(contentKey, header, iv, ciphertext);
  const encryptedKey = publicEncrypt({ key: wrappingKey, ...oaep }, contentKey);
  return [header, ...[encryptedKey, iv, ciphertext, tag].map(base64url)].join(".");
}

/** The plaintext, or undefined for a text that no key of ours made or that was changed since. */
export function decryptCompact(
  text: string,
  wrappingKeyOf: (kid: string) => KeyObject | undefined,
): Buffer | undefined {
  try {
    const [header, ...parts] = text.split(".");
    const [encryptedKey, iv, ciphertext, tag] = parts.map((part) => Buffer.from(part, "base64url"));
    if (header === undefined || parts.length !== 4 || !encryptedKey || !iv || !ciphertext || !tag) return undefined;
    const { kid } = JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as { kid: string };
    const wrappingKey = wrappingKeyOf(kid);
    if (wrappingKey === undefined) return undefined;
    const contentKey = privateDecrypt({ key: wrappingKey, ...oaep }, encryptedKey);
    if (!timingSafeEqual(tag, authenticationTag(contentKey, header, iv, ciphertext))) return undefined;
    const decipher = createDecipheriv("aes-128-cbc", contentKey.subarray(16), iv);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return undefined;
  }
}

function base64url(value: Buffer | string): string {
  return Buffer.from(value as string).toString("base64url");
}

function authenticationTag(contentKey: Buffer, header: string, iv: Buffer, ciphertext: Buffer): Buffer {
  const associatedData = Buffer.from(header, "ascii");
  const associatedBits = Buffer.alloc(8);
  associatedBits.writeBigUInt64BE(BigInt(associatedData.length) * 8n);
  const hmac = createHmac("sha256", contentKey.subarray(0, 16));
  for (const part of [associatedData, iv, ciphertext, associatedBits]) hmac.update(part);
  return hmac.digest().subarray(0, 16);
}
