import { createECDH, type KeyObject, randomBytes } from "node:crypto";

// FIPS 186-5 and SEC 2: the order of P-256's group. node:crypto signs texts only, while the service is given digests.
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA on P-256 over a digest of 32 bytes: r and s of 32 bytes each, as ES256 has them. */
export function signDigest(privateKey: KeyObject, digest: Uint8Array): Buffer {
  const nonce = (toInteger(randomBytes(40)) % (order - 1n)) + 1n;
  const r = xOfMultiple(nonce) % order;
  const s = (inverse(nonce) * (toInteger(digest) + r * secret(privateKey))) % order;
  return Buffer.concat([toBytes(r), toBytes(s)]);
}

/** Whether the key made the signature. Its secret spares the addition of two points. */
export function verifyDigest(privateKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const r = toInteger(signature.subarray(0, 32));
  const s = toInteger(signature.subarray(32));
  if (signature.length !== 64 || r === 0n || s === 0n || r >= order || s >= order) return false;
  const multiple = (inverse(s) * (toInteger(digest) + r * secret(privateKey))) % order;
  return multiple !== 0n && xOfMultiple(multiple) % order === r;
}

function secret(privateKey: KeyObject): bigint {
  return toInteger(Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url"));
}

function xOfMultiple(multiple: bigint): bigint {
  const point = createECDH("prime256v1");
  point.setPrivateKey(toBytes(multiple));
  return toInteger(point.getPublicKey().subarray(1, 33));
}

function inverse(value: bigint): bigint {
  let [previous, current] = [order, value % order];
  let [previousFactor, factor] = [0n, 1n];
  while (current > 1n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  return ((factor % order) + order) % order;
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}
