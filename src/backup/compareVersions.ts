import { versionsNotIn } from "./versions";

/** How an object that is in a vault compares with what a backup holds. */
export type ObjectMatch =
  /** It has every version of the backup. */
  | { readonly kind: "same" }
  /** It lacks versions of the backup. `additional` are those that the backup does not hold. */
  | { readonly kind: "olderCopy"; readonly missing: readonly string[]; readonly additional: readonly string[] }
  | { readonly kind: "different"; readonly because: string }
  /** The versions that the backup holds are unknown. */
  | { readonly kind: "unknown" };

export function compareVersions(held: readonly string[], present: readonly string[]): ObjectMatch {
  if (held.length === 0) {
    return { kind: "unknown" };
  }
  const missing = versionsNotIn(present, held);
  if (missing.length === held.length) {
    return { kind: "different", because: "it has none of the backup's versions" };
  }
  return missing.length === 0
    ? { kind: "same" }
    : { kind: "olderCopy", missing, additional: versionsNotIn(held, present) };
}
