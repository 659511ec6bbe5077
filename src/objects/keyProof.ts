import { constants, createHash, createPublicKey, publicEncrypt, randomBytes, verify } from "node:crypto";
import type { CryptographyClient } from "@azure/keyvault-keys";
import type { CheckResult } from "../backup/drillEvidence";
import type { KeyObjectClient } from "./keyClient";
import { type Attempt, type Evidence, mapConcurrently, type ObjectKind, type ProofTools } from "./objectKind";
import type { PublicJwk, PublicKey } from "./publicKey";

type KeyKind = ObjectKind<KeyObjectClient>;

/** Compares the public key of each version with the one that was recorded with the backup. */
export async function compareKey(kind: KeyKind, tools: ProofTools): Promise<Evidence> {
  const recorded = tools.versions.filter(({ version }) => version in tools.thumbprints);
  const results = await mapConcurrently(recorded, async ({ version }) => {
    const read = await tools.copy(kind, "get", (client, signal) => client.getKey(tools.name, version, signal));
    return [version, { publicKey: await comparePublicKey(kind, version, read, tools) }] as const;
  });
  return new Map(results);
}

/**
 * Compares the public key of each version with the source's, and lets the vault use the private key: the result must fit the
 * source's public key, which is checked on this machine.
 */
export async function proveKey(kind: KeyKind, tools: ProofTools): Promise<Evidence> {
  const { name, versions, copy } = tools;
  const proofs = await mapConcurrently(versions, async ({ version }) => {
    const read = await copy(kind, "get", (client, signal) => client.getKey(name, version, signal));
    const publicKey = await comparePublicKey(kind, version, read, tools);
    const privateKey: CheckResult =
      "because" in read
        ? publicKey
        : publicKey === "passed"
          ? await provePrivateKey(kind, name, read.value, "the source's public key", copy, tools.now())
          : "not run: the public key to verify with is not known to be the source's";
    return [version, { publicKey, privateKey }] as const;
  });
  return new Map(proofs);
}

async function comparePublicKey(
  kind: KeyKind,
  version: string,
  read: { readonly value: PublicKey } | { readonly because: string },
  { name, thumbprints, source }: ProofTools,
): Promise<CheckResult> {
  if ("because" in read) {
    return `not run: ${read.because}`;
  }
  const { thumbprint } = read.value;
  if (thumbprint === undefined) {
    return "not run: a symmetric key has no public key";
  }
  const compare = (expected: string): CheckResult =>
    expected === thumbprint ? "passed" : `failed: the thumbprint is ${thumbprint}, the source's is ${expected}`;
  const recorded = thumbprints[version];
  if (recorded !== undefined) {
    return compare(recorded);
  }
  const original = await source?.(kind, "get", (client, signal) => client.getKey(name, version, signal));
  if (original === undefined) {
    return "not run: the backup does not record the public key, and its source is unknown";
  }
  if ("because" in original) {
    return `not run: the backup does not record the public key, and the source cannot be read: ${original.because}`;
  }
  const { thumbprint: expected } = original.value;
  return expected === undefined ? "not run: the source has no public key" : compare(expected);
}

/**
 * Lets the vault use the private key of a version.
 *
 * @param publicKey - What the result must fit.
 * @param whose - The public key, for a message.
 */
export async function provePrivateKey(
  kind: KeyKind,
  name: string,
  publicKey: PublicKey,
  whose: string,
  copy: Attempt,
  now: number,
): Promise<CheckResult> {
  const use = useOf(publicKey, whose, now);
  if ("because" in use) {
    return `not run: ${use.because}`;
  }
  const proof = await copy(kind, use.operation, (client, signal) =>
    use.prove(client.cryptography(name, publicKey.version), signal),
  );
  if ("value" in proof) {
    return proof.value ? "passed" : `failed: ${use.refutation}`;
  }
  // The service answers 400 to a ciphertext that was encrypted for another key.
  return proof.isBadRequest && use.operation !== "sign" ? `failed: ${use.refutation}` : `not run: ${proof.because}`;
}

interface Use {
  readonly operation: "sign" | "unwrapKey" | "decrypt";
  readonly refutation: string;
  prove(cryptography: CryptographyClient, signal: AbortSignal): Promise<boolean>;
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
  whose: string,
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
    const refutation = `its signature does not verify with ${whose}`;
    return { operation: "sign", refutation, prove: (client, signal) => signs(client, jwk, signature, signal) };
  }
  // Outside nbf and exp the service still unwraps and decrypts, so that data can be recovered.
  const operation = (["unwrapKey", "decrypt"] as const).find((name) => operations.includes(name));
  if (operation !== undefined && jwk.kty === "RSA") {
    const refutation = `it cannot decrypt what ${whose} encrypted`;
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
  cryptography: CryptographyClient,
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
  cryptography: CryptographyClient,
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
