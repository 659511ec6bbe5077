import { constants, createHash, createPublicKey, publicEncrypt, randomBytes, verify } from "node:crypto";
import type { CryptographyClient } from "@azure/keyvault-keys";
import type { CheckResult } from "../backup/drillEvidence";
import { type Attempt, mapConcurrently, type ObjectClient, type ProofTools } from "./objectKind";
import type { PublicJwk, PublicKey } from "./publicKey";

/** What the proof asks of a key, beside what every object can be asked. */
export interface KeyObjectClient extends ObjectClient {
  getKey(name: string, version: string, signal: AbortSignal): Promise<PublicKey>;
  cryptography(name: string, version: string): CryptographyClient;
}

export const checkNames: readonly string[] = ["publicKey", "privateKey"];

type Proof = { readonly publicKey: CheckResult; readonly privateKey: CheckResult };

/**
 * Compares the public key of each version with the source's, and lets the vault use the private key: the result must fit the
 * source's public key, which is checked on this machine.
 */
export async function proveKey(tools: ProofTools<KeyObjectClient>): Promise<Map<string, Proof>> {
  const { name, versions, copy } = tools;
  const proofs = await mapConcurrently(versions, async (version): Promise<[string, Proof]> => {
    const read = await copy("get", (client, signal) => client.getKey(name, version, signal));
    if ("because" in read) {
      return [version, { publicKey: `not run: ${read.because}`, privateKey: `not run: ${read.because}` }];
    }
    const publicKey = await comparePublicKey(read.value, tools);
    const privateKey: CheckResult =
      publicKey === "passed"
        ? await provePrivateKey(name, read.value, copy, tools.now())
        : "not run: the public key to verify with is not known to be the source's";
    return [version, { publicKey, privateKey }];
  });
  return new Map(proofs);
}

async function comparePublicKey(
  { version, thumbprint }: PublicKey,
  { name, thumbprints, source }: ProofTools<KeyObjectClient>,
): Promise<CheckResult> {
  if (thumbprint === undefined) {
    return "not run: a symmetric key has no public key";
  }
  const compare = (expected: string): CheckResult =>
    expected === thumbprint ? "passed" : `failed: the thumbprint is ${thumbprint}, the source's is ${expected}`;
  const recorded = thumbprints[version];
  if (recorded !== undefined) {
    return compare(recorded);
  }
  const read = await source?.("get", (client, signal) => client.getKey(name, version, signal));
  if (read === undefined) {
    return "not run: the backup does not record the public key, and its source is unknown";
  }
  if ("because" in read) {
    return `not run: the backup does not record the public key, and the source cannot be read: ${read.because}`;
  }
  return read.value.thumbprint === undefined ? "not run: the source has no public key" : compare(read.value.thumbprint);
}

async function provePrivateKey(
  name: string,
  publicKey: PublicKey,
  copy: Attempt<KeyObjectClient>,
  now: number,
): Promise<CheckResult> {
  const use = useOf(publicKey, now);
  if ("because" in use) {
    return `not run: ${use.because}`;
  }
  const proof = await copy(use.operation, (client, signal) =>
    use.prove(client.cryptography(name, publicKey.version), signal),
  );
  if ("value" in proof) {
    return proof.value ? "passed" : `failed: ${use.refutation}`;
  }
  // The service answers 400 to a ciphertext that was encrypted for another key.
  return proof.isBadRequest && use.operation !== "sign" ? `failed: ${use.refutation}` : `not run: ${proof.because}`;
}

type Cryptography = ReturnType<KeyObjectClient["cryptography"]>;

interface Use {
  readonly operation: "sign" | "unwrapKey" | "decrypt";
  readonly refutation: string;
  prove(cryptography: Cryptography, signal: AbortSignal): Promise<boolean>;
}

const signatures: Readonly<Record<string, { readonly algorithm: string; readonly hash: string }>> = {
  RSA: { algorithm: "RS256", hash: "sha256" },
  "P-256": { algorithm: "ES256", hash: "sha256" },
  secp256k1: { algorithm: "ES256K", hash: "sha256" },
  "P-384": { algorithm: "ES384", hash: "sha384" },
  "P-521": { algorithm: "ES512", hash: "sha512" },
};

function useOf(
  { jwk, operations, isEnabled, notBefore, expiresAt }: PublicKey,
  now: number,
): Use | { because: string } {
  if (jwk === undefined) {
    return { because: "a symmetric key has no public key to verify with" };
  }
  if (!isEnabled) {
    return { because: "the version is disabled" };
  }
  const isValid = (notBefore === undefined || now >= notBefore) && (expiresAt === undefined || now < expiresAt);
  const signature = signatures[jwk.kty === "EC" ? jwk.crv : jwk.kty];
  if (isValid && operations.includes("sign") && signature !== undefined) {
    const refutation = "its signature does not verify with the source's public key";
    return { operation: "sign", refutation, prove: (client, signal) => signs(client, jwk, signature, signal) };
  }
  // Outside nbf and exp the service still unwraps and decrypts, so that data can be recovered.
  const operation = (["unwrapKey", "decrypt"] as const).find((name) => operations.includes(name));
  if (operation !== undefined && jwk.kty === "RSA") {
    const refutation = "it cannot decrypt what the source's public key encrypted";
    return { operation, refutation, prove: (client, signal) => decrypts(client, operation, jwk, signal) };
  }
  if (!isValid) {
    return { because: "the version is outside its nbf and exp, and may neither unwrap nor decrypt" };
  }
  return operations.includes("sign")
    ? { because: `the curve ${jwk.kty === "EC" ? jwk.crv : ""} is not known` }
    : { because: `key_ops (${operations.join(", ")}) allow neither sign, unwrapKey nor decrypt` };
}

async function signs(
  cryptography: Cryptography,
  jwk: PublicJwk,
  { algorithm, hash }: { readonly algorithm: string; readonly hash: string },
  abortSignal: AbortSignal,
): Promise<boolean> {
  const message = randomBytes(32);
  const digest = createHash(hash).update(message).digest();
  const { result } = await cryptography.sign(algorithm, digest, { abortSignal });
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return verify(hash, message, { key, dsaEncoding: "ieee-p1363" }, result);
}

async function decrypts(
  cryptography: Cryptography,
  operation: "unwrapKey" | "decrypt",
  jwk: PublicJwk,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const secret = randomBytes(32);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const ciphertext = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, secret);
  const { result } =
    operation === "unwrapKey"
      ? await cryptography.unwrapKey("RSA-OAEP-256", ciphertext, { abortSignal })
      : await cryptography.decrypt({ algorithm: "RSA-OAEP-256", ciphertext }, { abortSignal });
  return secret.equals(result);
}
