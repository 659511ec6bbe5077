import type { KeyVersion } from "./keyKind";
import {
  decryptOaep,
  encryptOaep,
  isEncryptionAlgorithm,
  isRsa,
  type KeyType,
  signatureAlgorithm,
  signDigest,
  verifyDigest,
} from "./keyMaterial";
import { wordsOf } from "./objectKind";
import { objectIsDisabled } from "./objectRefusal";
import { type Answer, invalidProperty, keyIsNotValidNow, keyUseForbidden, undecryptableValue } from "./serviceError";
import type { Validity } from "./storedObject";

/** What a version may be used for, in the words of `key_ops`. */
export type KeyUse = "decrypt" | "encrypt" | "sign" | "unwrapKey" | "verify" | "wrapKey";

export interface KeyUseRequest {
  readonly use: KeyUse;
  readonly version: KeyVersion;
  readonly validity: Validity;
  readonly kid: string;
  readonly body: Record<string, unknown>;
}

/** A disabled version still verifies, encrypts and wraps: a user's report of 2026. */
const refusedIfDisabled: readonly KeyUse[] = ["decrypt", "sign", "unwrapKey"];

/** Microsoft's about-keys-details: nbf and exp do not bind decrypt, unwrapKey and verify. */
const boundByValidity: readonly KeyUse[] = ["encrypt", "sign", "wrapKey"];

/** The uses that the version was given, or all uses of its type. */
export function permittedUses(version: {
  readonly keyType: KeyType;
  readonly keyOperations?: readonly KeyUse[];
}): readonly KeyUse[] {
  if (version.keyOperations) return version.keyOperations;
  return isRsa(version.keyType) ? ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"] : ["sign", "verify"];
}

/** What the service answers to a request that uses a key. */
export function answerKeyUse(request: KeyUseRequest): Answer {
  const { use, version, validity } = request;
  if (!version.enabled && refusedIfDisabled.includes(use)) return objectIsDisabled(wordsOf.keys, use);
  if (!permittedUses(version).includes(use)) return keyUseForbidden(use);
  if (validity !== "valid" && boundByValidity.includes(use)) return keyIsNotValidNow(use, validity);
  return use === "sign" || use === "verify" ? answerSignature(request) : answerEncryption(request);
}

function answerSignature({ use, version: { privateKey }, kid, body }: KeyUseRequest): Answer {
  if (body.alg !== signatureAlgorithm(privateKey)) return invalidProperty("alg");
  const value = decoded(body.value);
  if (use === "sign") return result(kid, signDigest(privateKey, value));
  return { status: 200, body: { value: verifyDigest(privateKey, decoded(body.digest), value) } };
}

function answerEncryption({ use, version: { privateKey }, kid, body }: KeyUseRequest): Answer {
  if (!isEncryptionAlgorithm(privateKey, body.alg)) return invalidProperty("alg");
  const cipher = use === "decrypt" || use === "unwrapKey" ? decryptOaep : encryptOaep;
  const value = cipher(privateKey, body.alg, decoded(body.value));
  return value === undefined ? undecryptableValue() : result(kid, value);
}

const decoded = (value: unknown): Buffer => Buffer.from(String(value ?? ""), "base64url");

const result = (kid: string, value: Buffer): Answer => ({
  status: 200,
  body: { kid, value: value.toString("base64url") },
});
