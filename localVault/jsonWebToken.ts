import { constants, type KeyObject, sign, verify } from "node:crypto";

export type Claims = Record<string, unknown>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string | undefined): Claims | undefined {
  try {
    return JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8")) as Claims;
  } catch {
    return undefined;
  }
}

/** Signs with ES256. */
export function signToken(claims: Claims, privateKey: KeyObject, header: Claims = {}): string {
  const signed = `${encode({ typ: "JWT", alg: "ES256", ...header })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** The claims of a token, whoever signed it. */
export function readClaims(token: string): Claims | undefined {
  return decode(token.split(".")[1]);
}

/** The claims of a token that the key signed, by ES256, RS256 or PS256. */
export function verifyToken(token: string, publicKey: KeyObject): Claims | undefined {
  const [header, claims, signature] = token.split(".");
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const key = verificationKey(decode(header)?.alg, publicKey);
  if (key === undefined) return undefined;
  const genuine = verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
  return genuine ? decode(claims) : undefined;
}

function verificationKey(algorithm: unknown, key: KeyObject): Parameters<typeof verify>[2] | undefined {
  const keyType = key.asymmetricKeyType;
  if (algorithm === "ES256" && keyType === "ec") return { key, dsaEncoding: "ieee-p1363" };
  if (algorithm === "RS256" && keyType === "rsa") return key;
  if (algorithm === "PS256" && keyType === "rsa") return { key, padding: constants.RSA_PKCS1_PSS_PADDING };
  return undefined;
}
