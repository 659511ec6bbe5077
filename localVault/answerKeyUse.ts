import { decryptOaep, isEncryptionAlgorithm, signatureAlgorithm, signDigest, verifyDigest } from "./keyMaterial";
import type { KeyVersion, Validity } from "./keyStore";
import { type KeyUse, permittedUses } from "./keyUse";
import {
  type Answer,
  badParameter,
  keyIsDisabled,
  keyIsNotValidNow,
  keyUseForbidden,
  undecryptableValue,
} from "./serviceError";

export interface KeyUseRequest {
  readonly use: Extract<KeyUse, "decrypt" | "sign" | "unwrapKey" | "verify">;
  readonly version: KeyVersion;
  readonly validity: Validity;
  readonly kid: string;
  readonly body: Record<string, unknown>;
}

/** What the service answers to a request that has it use a key. */
export function answerKeyUse({ use, version, validity, kid, body }: KeyUseRequest): Answer {
  if (!version.enabled) return keyIsDisabled(use);
  if (!permittedUses(version).includes(use)) return keyUseForbidden(use);
  // Microsoft's about-keys-details: nbf and exp do not bind decrypt, release, unwrap and verify.
  if (use === "sign" && validity !== "valid") return keyIsNotValidNow(use, validity);
  const { privateKey } = version;
  const bytes = (name: string) => Buffer.from(String(body[name] ?? ""), "base64url");
  const result = (value: Buffer): Answer => ({ status: 200, body: { kid, value: value.toString("base64url") } });
  if (use === "decrypt" || use === "unwrapKey") {
    if (!isEncryptionAlgorithm(privateKey, body.alg)) return badParameter("Property  alg is invalid");
    const plaintext = decryptOaep(privateKey, body.alg, bytes("value"));
    return plaintext === undefined ? undecryptableValue() : result(plaintext);
  }
  if (body.alg !== signatureAlgorithm(privateKey)) return badParameter("Property  alg is invalid");
  if (use === "sign") return result(signDigest(privateKey, bytes("value")));
  return { status: 200, body: { value: verifyDigest(privateKey, bytes("digest"), bytes("value")) } };
}
