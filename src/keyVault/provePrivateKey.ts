import { constants, createHash, createPublicKey, publicEncrypt, randomBytes, verify } from "node:crypto";
import type { CryptographyClient } from "@azure/keyvault-keys";
import type { Asked } from "./asked";
import { explainBriefly } from "./explainFailure";
import type { PublicJwk, PublicKey } from "./publicKey";
import { Refusal } from "./refusal";
import { secondsSince, type VaultConnection } from "./vaultConnection";

/** Whether a vault holds the private half of a public key. */
export type PrivateKeyProof =
  | { readonly kind: "proved" }
  /** What the vault made with its private key does not belong to the public key. */
  | { readonly kind: "refuted"; readonly because: string }
  | { readonly kind: "notRun"; readonly because: string };

const ellipticAlgorithms: Readonly<Record<string, { readonly algorithm: string; readonly hash: string }>> = {
  "P-256": { algorithm: "ES256", hash: "sha256" },
  secp256k1: { algorithm: "ES256K", hash: "sha256" },
  "P-384": { algorithm: "ES384", hash: "sha384" },
  "P-521": { algorithm: "ES512", hash: "sha512" },
};

const rsaAlgorithm = { algorithm: "RS256", hash: "sha256" };

type Operation = "sign" | "unwrapKey" | "decrypt";

/**
 * Lets the vault use the private key of a version, and checks by the public key what comes of it, on this machine: a
 * signature of a random digest, or random bytes that were encrypted here. Which one is chosen by what the key may do.
 *
 * @param now - In milliseconds.
 */
export async function provePrivateKey(
  connection: VaultConnection,
  keyName: string,
  publicKey: PublicKey,
  now: number,
): Promise<PrivateKeyProof> {
  const use = useOf(publicKey, now);
  if ("because" in use) {
    return { kind: "notRun", because: use.because };
  }
  const asked: Asked = { operation: use.operation, vaultUri: connection.vaultUri, keyName };
  const startedAt = Date.now();
  try {
    return await connection.once(async ({ client, signal }) => {
      const cryptography = client.getCryptographyClient(keyName, { keyVersion: publicKey.version });
      const isProved =
        use.operation === "sign"
          ? await signs(cryptography, use.jwk, signal)
          : await decrypts(cryptography, use.operation, use.jwk, signal);
      return isProved ? { kind: "proved" } : { kind: "refuted", because: use.refutation };
    });
  } catch (error) {
    // What another key has encrypted does not decrypt, which the service tells as a mistake of its caller.
    if (error instanceof Refusal && error.status === 400 && use.operation !== "sign") {
      return { kind: "refuted", because: use.refutation };
    }
    return { kind: "notRun", because: explainBriefly(asked, error, secondsSince(startedAt)) };
  }
}

function useOf(
  { jwk, operations, isEnabled, notBefore, expiresAt }: PublicKey,
  now: number,
): { operation: Operation; jwk: PublicJwk; refutation: string } | { because: string } {
  if (jwk === undefined) {
    return { because: "it is a symmetric key, which has no public key to verify by" };
  }
  if (!isEnabled) {
    return { because: "the version is disabled" };
  }
  if ((notBefore !== undefined && now < notBefore) || (expiresAt !== undefined && now >= expiresAt)) {
    return { because: "the version is not valid at this time (nbf, exp)" };
  }
  if (operations.includes("sign")) {
    return { operation: "sign", jwk, refutation: "its signature does not verify by the source's public key" };
  }
  const operation = (["unwrapKey", "decrypt"] as const).find((name) => operations.includes(name));
  return operation === undefined || jwk.kty !== "RSA"
    ? { because: `its operations (${operations.join(", ")}) allow neither to sign, nor to unwrap, nor to decrypt` }
    : { operation, jwk, refutation: "it does not decrypt what the source's public key encrypted" };
}

async function signs(cryptography: CryptographyClient, jwk: PublicJwk, signal: AbortSignal): Promise<boolean> {
  const { algorithm, hash } = (jwk.kty === "EC" ? ellipticAlgorithms[jwk.crv] : undefined) ?? rsaAlgorithm;
  const message = randomBytes(32);
  const digest = createHash(hash).update(message).digest();
  const { result } = await cryptography.sign(algorithm, digest, { abortSignal: signal });
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return verify(hash, message, { key, dsaEncoding: "ieee-p1363" }, result);
}

async function decrypts(
  cryptography: CryptographyClient,
  operation: "unwrapKey" | "decrypt",
  jwk: PublicJwk,
  signal: AbortSignal,
): Promise<boolean> {
  const secret = randomBytes(32);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const encrypted = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, secret);
  const options = { abortSignal: signal };
  const { result } =
    operation === "unwrapKey"
      ? await cryptography.unwrapKey("RSA-OAEP-256", encrypted, options)
      : await cryptography.decrypt({ algorithm: "RSA-OAEP-256", ciphertext: encrypted }, options);
  return secret.equals(result);
}
