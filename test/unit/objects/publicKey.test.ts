import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import type { KeyVaultKey } from "@azure/keyvault-keys";
import { describe, expect, it } from "@jest/globals";
import { publicKeyOf } from "../../../src/objects/publicKey";

const bytes = (text: string | undefined) => Buffer.from(text ?? "", "base64url");

/** A key as the SDK returns it. */
function answered(key: object, properties: object = {}, rest: object = {}): KeyVaultKey {
  return { name: "orders", key, keyOperations: ["sign"], properties, ...rest } as unknown as KeyVaultKey;
}

function ellipticKey(group: string): JsonWebKey {
  return generateKeyPairSync("ec", { namedCurve: group }).publicKey.export({ format: "jwk" });
}

describe("a public key", () => {
  it("has the thumbprint of RFC 7638", async () => {
    // The example of RFC 7638, section 3.1.
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn" +
      "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM" +
      "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ" +
      "zKnqDKgw";
    const { jwk, thumbprint } = await publicKeyOf(answered({ kty: "RSA", n: bytes(n), e: bytes("AQAB") }));
    expect(thumbprint).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    expect(jwk).toEqual({ kty: "RSA", n, e: "AQAB" });
  });

  it.each([
    ["P-256", "prime256v1", "P-256"],
    ["P-384", "secp384r1", "P-384"],
    ["P-521", "secp521r1", "P-521"],
    ["P-256K", "secp256k1", "secp256k1"],
  ])("on the curve %s has the name of its curve in RFC 7518 or RFC 8812", async (crv, group, name) => {
    const { x, y } = ellipticKey(group);
    for (const kty of ["EC", "EC-HSM"]) {
      const { jwk, thumbprint } = await publicKeyOf(answered({ kty, crv, x: bytes(x), y: bytes(y) }));
      expect(jwk).toEqual({ kty: "EC", crv: name, x, y });
      expect(thumbprint).toMatch(/^[\w-]{43}$/);
    }
  });

  it("has the same thumbprint in hardware as in software", async () => {
    const key = { n: Buffer.from("modulus"), e: bytes("AQAB") };
    const software = await publicKeyOf(answered({ kty: "RSA", ...key }));
    const hardware = await publicKeyOf(answered({ kty: "RSA-HSM", ...key }));
    expect(hardware.thumbprint).toBe(software.thumbprint);
    expect(hardware.jwk).toEqual(software.jwk);
  });

  it.each([
    ["a symmetric key", { kty: "oct-HSM", k: Buffer.alloc(0) }],
    ["an RSA key without a modulus", { kty: "RSA", e: bytes("AQAB") }],
    ["an elliptic key without a point", { kty: "EC", crv: "P-256" }],
  ])("is not that of %s", async (_, key) => {
    expect(await publicKeyOf(answered(key))).toMatchObject({ jwk: undefined, thumbprint: undefined });
  });

  it("tells what the version may be used for, and when", async () => {
    const properties = { version: "ABC", enabled: false, notBefore: new Date(1_000), expiresOn: new Date(2_000) };
    expect(await publicKeyOf(answered({ kty: "oct-HSM" }, properties))).toMatchObject({
      version: "abc",
      operations: ["sign"],
      isEnabled: false,
      notBefore: 1_000,
      expiresAt: 2_000,
    });
  });

  it("is enabled, always valid and without uses unless the service says otherwise", async () => {
    const key = await publicKeyOf(answered({ kty: "oct-HSM" }, {}, { keyOperations: undefined }));
    expect(key).toMatchObject({
      version: "",
      operations: [],
      isEnabled: true,
      notBefore: undefined,
      expiresAt: undefined,
    });
  });
});
