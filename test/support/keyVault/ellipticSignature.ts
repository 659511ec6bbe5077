import { createECDH, generateKeyPairSync, randomBytes } from "node:crypto";

// FIPS 186-5 and SEC 2: the order of the group. RFC 7518 and RFC 8812: the algorithm and the length of its digest.
export const curves = {
  "P-256": {
    group: "prime256v1",
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    algorithm: "ES256",
    digestBytes: 32,
  },
  "P-256K": {
    group: "secp256k1",
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    algorithm: "ES256K",
    digestBytes: 32,
  },
  "P-384": {
    group: "secp384r1",
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    algorithm: "ES384",
    digestBytes: 48,
  },
  "P-521": {
    group: "secp521r1",
    order: BigInt(`0x01${"f".repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
    algorithm: "ES512",
    digestBytes: 64,
  },
} as const;

export type Curve = keyof typeof curves;

export interface EllipticKey {
  readonly x: string;
  readonly y: string;
  readonly secret: bigint;
}

export function ellipticKey(curve: Curve): EllipticKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: curves[curve].group });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" });
  return { x, y, secret: toInteger(Buffer.from(d, "base64url")) };
}

/** ECDSA over a digest, for which node:crypto has no function: r and s, as in RFC 7518, section 3.4. */
export function signDigest(curve: Curve, { secret }: EllipticKey, digest: Uint8Array): Buffer {
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

/** By Fermat's little theorem: the order is prime. */
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
