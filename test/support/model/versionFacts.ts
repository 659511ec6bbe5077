import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import type { LocalVault } from "../../../localVault/localVault";
import type { ObjectKind } from "../../../src/objects/objectKind";

/** What a version is, and what it does. */
export interface VersionFacts {
  /** Of a secret. */
  readonly value?: string;
  /** SHA-1 of a certificate. */
  readonly x5t?: string;
  /** Of a key, or of a certificate's key. */
  readonly publicKey?: JsonWebKey;
  /** What the private key makes of the message. */
  readonly signature?: Buffer;
}

const message = Buffer.from("message");
const digest = createHash("sha256").update(message).digest();

/** Uses a version of an object in use. */
export function factsOf(
  { keys, secrets, certificates }: LocalVault,
  { noun }: ObjectKind,
  name: string,
  version: string,
): VersionFacts {
  switch (noun) {
    case "key":
      return { publicKey: keys.publicJwk(name, version), signature: keys.sign(name, version, digest) };
    case "secret":
      return { value: secrets.value(name, version) };
    case "certificate": {
      const { raw, publicKey } = certificates.x509(name, version);
      return {
        x5t: createHash("sha1").update(raw).digest("base64url"),
        publicKey: publicKey.export({ format: "jwk" }),
        signature: keys.sign(name, version, digest),
        value: secrets.value(name, version),
      };
    }
    default:
      return noun satisfies never;
  }
}

/** In what a version differs from the original. */
export function differencesFrom(original: VersionFacts, restored: VersionFacts): string[] {
  const { publicKey, signature } = { publicKey: original.publicKey, signature: restored.signature };
  const signs =
    publicKey === undefined ||
    (signature !== undefined &&
      verify(
        "sha256",
        message,
        { key: createPublicKey({ key: publicKey, format: "jwk" }), dsaEncoding: "ieee-p1363" },
        signature,
      ));
  return [
    ...(original.value === restored.value ? [] : ["value"]),
    ...(original.x5t === restored.x5t ? [] : ["x5t"]),
    ...(signs ? [] : ["private key"]),
  ];
}
