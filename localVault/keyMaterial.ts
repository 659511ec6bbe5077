import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { signDigest as signWithP256, verifyDigest as verifyWithP256 } from "./ellipticSignature";

export type KeyType = "RSA" | "EC";

// RFC 7518 section 4.3: the hash of each, which is that of its mask too.
const oaepHashes = { "RSA-OAEP": "sha1", "RSA-OAEP-256": "sha256" } as const;

export type EncryptionAlgorithm = keyof typeof oaepHashes;

const generate = promisify(generateKeyPair);

// RFC 8017 section 9.2: the DER of DigestInfo that precedes a SHA-256 digest.
const sha256DigestInfo = Buffer.from("3031300d060960864801650304020105000420", "hex");

export async function generatePrivateKey(keyType: KeyType): Promise<KeyObject> {
  const { privateKey } =
    keyType === "RSA" ? await generate("rsa", { modulusLength: 2048 }) : await generate("ec", { namedCurve: "P-256" });
  return privateKey;
}

export function privateKeyFromJwk(jwk: JsonWebKey): KeyObject {
  return createPrivateKey({ key: jwk, format: "jwk" });
}

export function publicJwkOf(privateKey: KeyObject): JsonWebKey {
  return createPublicKey(privateKey).export({ format: "jwk" });
}

/** The algorithm that a key signs by: ES256 or RS256, both over a SHA-256 digest. */
export function signatureAlgorithm(privateKey: KeyObject): "ES256" | "RS256" {
  return privateKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256";
}

/** Signs a SHA-256 digest, as the service does: the text itself never reaches it. */
export function signDigest(privateKey: KeyObject, digest: Uint8Array): Buffer {
  return signatureAlgorithm(privateKey) === "RS256"
    ? privateEncrypt(
        { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
        Buffer.concat([sha256DigestInfo, digest]),
      )
    : signWithP256(privateKey, digest);
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

/** Whether the key can decrypt what was encrypted by the algorithm. */
export function isEncryptionAlgorithm(privateKey: KeyObject, algorithm: unknown): algorithm is EncryptionAlgorithm {
  return privateKey.asymmetricKeyType === "rsa" && Object.hasOwn(oaepHashes, String(algorithm));
}

/** The plaintext, or undefined for what was not encrypted for this key by this algorithm. */
export function decryptOaep(
  privateKey: KeyObject,
  algorithm: EncryptionAlgorithm,
  ciphertext: Uint8Array,
): Buffer | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return privateDecrypt({ key: privateKey, padding, oaepHash: oaepHashes[algorithm] }, ciphertext);
  } catch {
    return undefined;
  }
}
