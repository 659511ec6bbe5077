import { versionsNotIn } from "./versions";

/** The versions of an object, newest first, with the thumbprints of their public keys as far as they are known. */
export interface ObjectFacts {
  readonly versions: readonly string[];
  readonly thumbprints: Readonly<Record<string, string>>;
}

/** How an object that is in a vault compares with what a backup holds. */
export type ObjectMatch =
  /** It has every version of the backup, with the same public keys as far as they are known. */
  | { readonly kind: "same" }
  /** It lacks versions of the backup. `additional` are those that the backup does not hold. */
  | { readonly kind: "olderCopy"; readonly missing: readonly string[]; readonly additional: readonly string[] }
  | { readonly kind: "different"; readonly because: string }
  /** The versions that the backup holds are unknown. */
  | { readonly kind: "unknown" };

export function compareWithBackup(backup: ObjectFacts, present: ObjectFacts): ObjectMatch {
  if (backup.versions.length === 0) {
    return { kind: "unknown" };
  }
  const missing = versionsNotIn(present.versions, backup.versions);
  if (missing.length === backup.versions.length) {
    return { kind: "different", because: "it has none of the backup's versions" };
  }
  const thumbprints = new Map(
    Object.entries(present.thumbprints).map(([version, thumbprint]) => [version.toLowerCase(), thumbprint]),
  );
  const [differing] =
    Object.entries(backup.thumbprints).find(([version, thumbprint]) => {
      const found = thumbprints.get(version.toLowerCase());
      return found !== undefined && found !== thumbprint;
    }) ?? [];
  if (differing !== undefined) {
    return { kind: "different", because: `the public key of version ${differing} is not the one in the backup` };
  }
  return missing.length === 0
    ? { kind: "same" }
    : { kind: "olderCopy", missing, additional: versionsNotIn(backup.versions, present.versions) };
}
