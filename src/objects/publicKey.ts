import type { KeyVaultKey } from "@azure/keyvault-keys";
import { calculateJwkThumbprint } from "jose";

/** A public key by the names of RFC 7517, RFC 7518 and RFC 8812. */
export type PublicJwk =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: string; readonly x: string; readonly y: string };

/** The public half of one version of a key, and what the version may be used for. */
export interface PublicKey {
  /** 32 hexadecimal digits, in lower case. */
  readonly version: string;
  /** Undefined for a symmetric key. */
  readonly jwk: PublicJwk | undefined;
  /** RFC 7638, SHA-256. Undefined for a symmetric key. */
  readonly thumbprint: string | undefined;
  /** The service's names, such as `sign`. */
  readonly operations: readonly string[];
  readonly isEnabled: boolean;
  /** In milliseconds. */
  readonly notBefore: number | undefined;
  readonly expiresAt: number | undefined;
}

export async function publicKeyOf({ key, keyOperations, properties }: KeyVaultKey): Promise<PublicKey> {
  const jwk = publicJwkOf(key);
  return {
    version: (properties.version ?? "").toLowerCase(),
    jwk,
    thumbprint: jwk && (await calculateJwkThumbprint(jwk)),
    operations: keyOperations ?? [],
    isEnabled: properties.enabled !== false,
    notBefore: properties.notBefore?.getTime(),
    expiresAt: properties.expiresOn?.getTime(),
  };
}

// Keys in hardware have types of their own, and the service calls secp256k1 P-256K.
function publicJwkOf(key: KeyVaultKey["key"] | undefined): PublicJwk | undefined {
  const { kty, crv, n, e, x, y } = key ?? {};
  if ((kty === "RSA" || kty === "RSA-HSM") && n && e) {
    return { kty: "RSA", n: base64url(n), e: base64url(e) };
  }
  if ((kty === "EC" || kty === "EC-HSM") && crv && x && y) {
    return { kty: "EC", crv: crv === "P-256K" ? "secp256k1" : crv, x: base64url(x), y: base64url(y) };
  }
  return undefined;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
