import {
  constants,
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";

/** A key in hardware has a type that ends in -HSM. */
export type KeyType = "RSA" | "EC" | "RSA-HSM" | "EC-HSM";

// RFC 7518 section 4.3: the hash of each algorithm, also for its mask.
const oaepHashes = { "RSA-OAEP": "sha1", "RSA-OAEP-256": "sha256" } as const;

export type EncryptionAlgorithm = keyof typeof oaepHashes;

const generate = promisify(generateKeyPair);

export const isRsa = (keyType: KeyType): boolean => keyType.startsWith("RSA");

export async function generatePrivateKey(keyType: KeyType): Promise<KeyObject> {
  const { privateKey } = isRsa(keyType)
    ? await generate("rsa", { modulusLength: 2048 })
    : await generate("ec", { namedCurve: "P-256" });
  return privateKey;
}

/** PKCS#8 in base64. */
export function exportPrivateKey(privateKey: KeyObject): string {
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

export function importPrivateKey(exported: string): KeyObject {
  return createPrivateKey({ key: Buffer.from(exported, "base64"), format: "der", type: "pkcs8" });
}

export function publicJwkOf(privateKey: KeyObject): JsonWebKey {
  return createPublicKey(privateKey).export({ format: "jwk" });
}

/** Whether the key can encrypt and decrypt by the algorithm. */
export function isEncryptionAlgorithm(privateKey: KeyObject, algorithm: unknown): algorithm is EncryptionAlgorithm {
  return privateKey.asymmetricKeyType === "rsa" && Object.hasOwn(oaepHashes, String(algorithm));
}

/** The ciphertext. Undefined if the plaintext is too long for the key. */
export function encryptOaep(key: KeyObject, algorithm: EncryptionAlgorithm, plaintext: Uint8Array): Buffer | undefined {
  return withOaep(publicEncrypt, createPublicKey(key), algorithm, plaintext);
}

/** The plaintext. Undefined if the ciphertext is not for this key and algorithm. */
export function decryptOaep(key: KeyObject, algorithm: EncryptionAlgorithm, text: Uint8Array): Buffer | undefined {
  return withOaep(privateDecrypt, key, algorithm, text);
}

function withOaep(
  cipher: typeof publicEncrypt | typeof privateDecrypt,
  key: KeyObject,
  algorithm: EncryptionAlgorithm,
  input: Uint8Array,
): Buffer | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return cipher({ key, padding, oaepHash: oaepHashes[algorithm] }, input);
  } catch {
    return undefined;
  }
}

// RFC 8017 section 9.2: the DER of DigestInfo before a SHA-256 digest.
const sha256DigestInfo = Buffer.from("3031300d060960864801650304020105000420", "hex");

/** The algorithm that a key signs by. Both sign a SHA-256 digest. */
export function signatureAlgorithm(privateKey: KeyObject): "ES256" | "RS256" {
  return privateKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256";
}

/** Signs a SHA-256 digest. The service, too, never sees the text. */
export function signDigest(privateKey: KeyObject, digest: Uint8Array): Buffer {
  if (signatureAlgorithm(privateKey) === "ES256") return signWithP256(privateKey, digest);
  const padding = constants.RSA_PKCS1_PADDING;
  return privateEncrypt({ key: privateKey, padding }, Buffer.concat([sha256DigestInfo, digest]));
}

export function verifyDigest(privateKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signatureAlgorithm(privateKey) === "ES256") return verifyWithP256(privateKey, digest, signature);
  try {
    const signed = publicDecrypt(createPublicKey(privateKey), signature);
    return signed.equals(Buffer.concat([sha256DigestInfo, digest]));
  } catch {
    return false;
  }
}

// FIPS 186-5 and SEC 2: the order of the group of P-256. node:crypto signs texts only, and the service gets digests.
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA over a digest of 32 bytes. The signature is r and s, 32 bytes each, as ES256 has them. */
function signWithP256(privateKey: KeyObject, digest: Uint8Array): Buffer {
  const nonce = (toInteger(randomBytes(40)) % (order - 1n)) + 1n;
  const r = xOfMultiple(nonce) % order;
  const s = (inverse(nonce) * (toInteger(digest) + r * secretOf(privateKey))) % order;
  return Buffer.concat([toBytes(r), toBytes(s)]);
}

/** Verifies with the private key, which saves the addition of two points. */
function verifyWithP256(privateKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const r = toInteger(signature.subarray(0, 32));
  const s = toInteger(signature.subarray(32));
  if (signature.length !== 64 || r === 0n || s === 0n || r >= order || s >= order) return false;
  const multiple = (inverse(s) * (toInteger(digest) + r * secretOf(privateKey))) % order;
  return multiple !== 0n && xOfMultiple(multiple) % order === r;
}

function secretOf(privateKey: KeyObject): bigint {
  return toInteger(Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url"));
}

function xOfMultiple(multiple: bigint): bigint {
  const point = createECDH("prime256v1");
  point.setPrivateKey(toBytes(multiple));
  return toInteger(point.getPublicKey().subarray(1, 33));
}

function inverse(value: bigint): bigint {
  let [previous, current] = [order, value % order];
  let [previousFactor, factor] = [0n, 1n];
  while (current > 1n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  return ((factor % order) + order) % order;
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}
