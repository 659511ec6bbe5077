import { createECDH, generateKeyPairSync, randomBytes } from "node:crypto";
import type { KeyVaultKey } from "@azure/keyvault-keys";
import { describe, expect, it } from "@jest/globals";
import { provePrivateKey } from "../../../src/keyVault/provePrivateKey";
import { type PublicKey, publicKeyOf } from "../../../src/keyVault/publicKey";
import type { VaultConnection } from "../../../src/keyVault/vaultConnection";

// FIPS 186-5 and SEC 2: the order of each group. RFC 7518 and RFC 8812: the algorithm and its hash.
const curves = {
  "P-256": {
    group: "prime256v1",
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    algorithm: "ES256",
    hashBytes: 32,
  },
  "P-256K": {
    group: "secp256k1",
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    algorithm: "ES256K",
    hashBytes: 32,
  },
  "P-384": {
    group: "secp384r1",
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    algorithm: "ES384",
    hashBytes: 48,
  },
  "P-521": {
    group: "secp521r1",
    order: BigInt(`0x01${"f".repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
    algorithm: "ES512",
    hashBytes: 64,
  },
} as const;

type Curve = keyof typeof curves;
const names = Object.keys(curves) as Curve[];

interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secret: bigint;
}

async function keyPair(curve: Curve, kty: "EC" | "EC-HSM" = "EC"): Promise<KeyPair> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: curves[curve].group });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" });
  const bytes = (text: string) => Buffer.from(text, "base64url");
  const answered = {
    key: { kty, crv: curve, x: bytes(x), y: bytes(y) },
    keyOperations: ["sign"],
    properties: { version: "a".repeat(32), enabled: true },
  };
  return { publicKey: await publicKeyOf(answered as unknown as KeyVaultKey), secret: toInteger(bytes(d)) };
}

/** ECDSA over a digest, which node:crypto signs by no function: r and s, as RFC 7518 section 3.4 has them. */
function signature(curve: Curve, secret: bigint, digest: Uint8Array): Buffer {
  const { group, order } = curves[curve];
  const length = Math.ceil(order.toString(16).length / 2);
  const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
  const nonce = (toInteger(randomBytes(length + 8)) % (order - 1n)) + 1n;
  const point = createECDH(group);
  point.setPrivateKey(bytes(nonce));
  const r = toInteger(point.getPublicKey().subarray(1, 1 + length)) % order;
  const s = (inverse(nonce, order) * (toInteger(digest) + r * secret)) % order;
  return Buffer.concat([bytes(r), bytes(s)]);
}

/** Fermat's: the order is prime. */
function inverse(value: bigint, order: bigint): bigint {
  let [result, power] = [1n, value % order];
  for (let exponent = order - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * power) % order;
    power = (power * power) % order;
  }
  return result;
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

interface Signing {
  readonly keyName: string;
  readonly keyVersion: string | undefined;
  readonly algorithm: string;
  readonly digest: Buffer;
}

/** A connection to nothing, whose client signs by the secret of the key. */
function signingBy(curve: Curve, secret: bigint, signings: Signing[] = []): VaultConnection {
  const getCryptographyClient = (keyName: string, { keyVersion }: { keyVersion?: string } = {}) => ({
    sign: async (algorithm: string, digest: Uint8Array) => {
      signings.push({ keyName, keyVersion, algorithm, digest: Buffer.from(digest) });
      return { result: new Uint8Array(signature(curve, secret, digest)) };
    },
  });
  const requests = { client: { getCryptographyClient }, signal: new AbortController().signal, mayBeDone: () => false };
  const once = <T>(act: (given: typeof requests) => Promise<T>) => act(requests);
  return { vaultUri: "https://kv.vault.azure.net/", once } as unknown as VaultConnection;
}

describe.each(names)("with a client that signs by node:crypto in the service's place, a key on %s", (curve) => {
  const { algorithm, hashBytes } = curves[curve];

  it("is proved by a signature over a digest of the length that its algorithm takes", async () => {
    const { publicKey, secret } = await keyPair(curve);
    const signings: Signing[] = [];
    expect(await provePrivateKey(signingBy(curve, secret, signings), "orders", publicKey, 0)).toEqual({
      kind: "proved",
    });
    expect(signings).toEqual([
      { keyName: "orders", keyVersion: publicKey.version, algorithm, digest: expect.any(Buffer) },
    ]);
    expect(signings[0]?.digest).toHaveLength(hashBytes);
  });

  it("is proved alike where it is in hardware", async () => {
    const { publicKey, secret } = await keyPair(curve, "EC-HSM");
    expect(await provePrivateKey(signingBy(curve, secret), "orders", publicKey, 0)).toEqual({ kind: "proved" });
  });

  it("is refuted by the signature of another key", async () => {
    const { publicKey } = await keyPair(curve);
    const { secret } = await keyPair(curve);
    expect(await provePrivateKey(signingBy(curve, secret), "orders", publicKey, 0)).toEqual({
      kind: "refuted",
      because: "its signature does not verify by the source's public key",
    });
  });

  it("signs another digest each time, so that no signature can be kept for it", async () => {
    const { publicKey, secret } = await keyPair(curve);
    const signings: Signing[] = [];
    const connection = signingBy(curve, secret, signings);
    for (const _ of [1, 2, 3]) await provePrivateKey(connection, "orders", publicKey, 0);
    expect(new Set(signings.map(({ digest }) => digest.toString("hex"))).size).toBe(3);
  });
});

describe("with such a client, the time of a proof", () => {
  it("is in the validity of the version from its first millisecond on, and until its last", async () => {
    const { publicKey, secret } = await keyPair("P-256");
    const bounded = { ...publicKey, notBefore: 1_000, expiresAt: 2_000 };
    const kinds = [999, 1_000, 1_999, 2_000].map(
      async (now) => (await provePrivateKey(signingBy("P-256", secret), "orders", bounded, now)).kind,
    );
    expect(await Promise.all(kinds)).toEqual(["notRun", "proved", "proved", "notRun"]);
  });
});
