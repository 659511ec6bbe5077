import { lacking } from "./history";

/** What is known of what a backup holds. */
export interface HeldVersions {
  /** Newest first; none where they are not known. */
  readonly keyVersions: readonly string[];
  /** RFC 7638 thumbprints by version, as far as they are known. */
  readonly keyThumbprints: Readonly<Record<string, string>>;
}

/** A key in a vault. */
export interface PresentKey {
  readonly keyVersions: readonly string[];
  /** Of the versions whose public keys were read. */
  readonly keyThumbprints: Readonly<Record<string, string>>;
}

/** How a key that is there compares with what a backup holds. */
export type Likeness =
  /** It has every version that the backup is known to hold, with the same public keys as far as they are known. */
  | { readonly kind: "same" }
  /** It has some of the versions only, so that it is an older copy, perhaps with versions of its own. */
  | { readonly kind: "older"; readonly lacks: readonly string[]; readonly own: readonly string[] }
  /** It has none of the versions, or one with another public key. */
  | { readonly kind: "other"; readonly because: string }
  /** Which versions the backup holds is not known. */
  | { readonly kind: "unknown" };

/** Compares a key that is there with what a backup holds. */
export function likenessOf(backup: HeldVersions, key: PresentKey): Likeness {
  if (backup.keyVersions.length === 0) {
    return { kind: "unknown" };
  }
  const lacks = lacking(backup.keyVersions, key.keyVersions);
  if (lacks.length === backup.keyVersions.length) {
    return { kind: "other", because: "it has none of the versions that the backup holds" };
  }
  const present = new Map(Object.entries(key.keyThumbprints).map(([version, it]) => [version.toLowerCase(), it]));
  const [differing] =
    Object.entries(backup.keyThumbprints).find(([version, thumbprint]) => {
      const its = present.get(version.toLowerCase());
      return its !== undefined && its !== thumbprint;
    }) ?? [];
  if (differing !== undefined) {
    return { kind: "other", because: `its version ${differing} has another public key than the one in the backup` };
  }
  return lacks.length === 0
    ? { kind: "same" }
    : { kind: "older", lacks, own: lacking(key.keyVersions, backup.keyVersions) };
}
