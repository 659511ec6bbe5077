import { generateKeyPairSync } from "node:crypto";
import type { KeyVaultKey } from "@azure/keyvault-keys";
import { describe, expect, it } from "@jest/globals";
import { calculateJwkThumbprint, type JWK } from "jose";
import { publicKeyOf } from "../../../src/keyVault/publicKey";

// RFC 7638 section 3.1: a key and its thumbprint.
const example = {
  n:
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" +
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn" +
    "1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
  e: "AQAB",
  thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
};

const bytes = (text: string | undefined) => Buffer.from(text ?? "", "base64url");

/** The service's answer, as its client passes it on. */
function answered(key: object, properties: object = {}, keyOperations: readonly string[] = ["sign"]): KeyVaultKey {
  const version = "ABCDEF0123456789ABCDEF0123456789";
  return { name: "orders", key, keyOperations, properties: { version, ...properties } } as unknown as KeyVaultKey;
}

describe("the public key of an RSA key", () => {
  it.each(["RSA", "RSA-HSM"])("of type %s has the thumbprint of RFC 7638's own example", async (kty) => {
    const { jwk, thumbprint } = await publicKeyOf(answered({ kty, n: bytes(example.n), e: bytes(example.e) }));
    expect(jwk).toEqual({ kty: "RSA", n: example.n, e: example.e });
    expect(thumbprint).toBe(example.thumbprint);
  });

  it("holds nothing but what makes it, so that neither its name, its uses nor its type change the thumbprint", async () => {
    const key = {
      kty: "RSA-HSM",
      kid: "https://kv.vault.azure.net/keys/orders/1",
      keyOps: ["sign"],
      n: bytes(example.n),
      e: bytes(example.e),
      t: bytes("AAAA"),
    };
    const { jwk, thumbprint } = await publicKeyOf(answered(key));
    expect(Object.keys(jwk ?? {}).sort()).toEqual(["e", "kty", "n"]);
    expect(thumbprint).toBe(example.thumbprint);
  });
});

describe("the public key of an elliptic key", () => {
  it.each([
    ["EC", "P-256", "P-256", "prime256v1"],
    ["EC-HSM", "P-256", "P-256", "prime256v1"],
    ["EC", "P-256K", "secp256k1", "secp256k1"],
    ["EC-HSM", "P-256K", "secp256k1", "secp256k1"],
    ["EC", "P-384", "P-384", "secp384r1"],
    ["EC", "P-521", "P-521", "secp521r1"],
  ])("of type %s on %s is one on %s", async (kty, crv, registered, namedCurve) => {
    const expected = generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" });
    const { jwk, thumbprint } = await publicKeyOf(answered({ kty, crv, x: bytes(expected.x), y: bytes(expected.y) }));
    expect(jwk).toEqual(expected);
    expect(jwk).toMatchObject({ kty: "EC", crv: registered });
    expect(thumbprint).toBe(await calculateJwkThumbprint(expected as JWK, "sha256"));
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
  });
});

describe("there is no public key", () => {
  it.each(["oct", "oct-HSM"])("of a symmetric key of type %s, although it answers with bytes", async (kty) => {
    expect(await publicKeyOf(answered({ kty, k: bytes("AAAA") }))).toMatchObject({
      jwk: undefined,
      thumbprint: undefined,
    });
  });

  it.each<[string, object | undefined]>([
    ["no key", undefined],
    ["a key without a type", { n: bytes(example.n), e: bytes(example.e) }],
    ["an RSA key without its modulus", { kty: "RSA", e: bytes(example.e) }],
    ["an elliptic key without its curve", { kty: "EC", x: bytes("AAAA"), y: bytes("AAAA") }],
    ["an elliptic key without a coordinate", { kty: "EC", crv: "P-256", x: bytes("AAAA") }],
  ])("of %s, as an emulator may answer", async (_, key) => {
    const answer = { ...answered({}), key } as KeyVaultKey;
    expect(await publicKeyOf(answer)).toMatchObject({ jwk: undefined, thumbprint: undefined });
  });
});

describe("what a version may be used for", () => {
  const rsa = { kty: "RSA", n: bytes(example.n), e: bytes(example.e) };

  it("is told with its operations, and its times in milliseconds", async () => {
    const properties = {
      enabled: true,
      notBefore: new Date("2026-01-01T00:00:00Z"),
      expiresOn: new Date("2027-01-01T00:00:00Z"),
    };
    expect(await publicKeyOf(answered(rsa, properties, ["sign", "unwrapKey"]))).toMatchObject({
      version: "abcdef0123456789abcdef0123456789",
      operations: ["sign", "unwrapKey"],
      isEnabled: true,
      notBefore: Date.parse("2026-01-01T00:00:00Z"),
      expiresAt: Date.parse("2027-01-01T00:00:00Z"),
    });
  });

  it("is nothing where the answer names no operation, and at any time where it names none", async () => {
    const { keyOperations, ...answer } = answered(rsa);
    expect(await publicKeyOf(answer as KeyVaultKey)).toMatchObject({
      operations: [],
      isEnabled: true,
      notBefore: undefined,
      expiresAt: undefined,
    });
  });

  it("is nothing where the version is disabled", async () => {
    expect((await publicKeyOf(answered(rsa, { enabled: false }))).isEnabled).toBe(false);
  });
});
