import type { KeyType } from "./keyMaterial";

/** What a version may be used for, in the words of `key_ops`. */
export type KeyUse = "decrypt" | "encrypt" | "sign" | "unwrapKey" | "verify" | "wrapKey";

const usesByType: Record<KeyType, readonly KeyUse[]> = {
  EC: ["sign", "verify"],
  RSA: ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"],
};

/** Those that the version was given, or else all of its type. */
export function permittedUses(version: {
  readonly keyType: KeyType;
  readonly keyOperations?: readonly KeyUse[];
}): readonly KeyUse[] {
  return version.keyOperations ?? usesByType[version.keyType];
}
