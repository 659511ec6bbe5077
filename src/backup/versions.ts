/** The versions that the holder lacks. Key Vault compares identifiers without regard to case. */
export function versionsNotIn(holder: readonly string[], versions: readonly string[]): string[] {
  const names = new Set(holder.map((version) => version.toLowerCase()));
  return versions.filter((version) => !names.has(version.toLowerCase()));
}

export function isSameName(one: string | undefined, other: string | undefined): boolean {
  return one?.toLowerCase() === other?.toLowerCase();
}

// An object may have hundreds of versions.
const namedVersions = 3;

/** The versions as part of a sentence: `version a`, `versions a, b, c and 4 more`. */
export function versionsText(versions: readonly string[]): string {
  const more = versions.length - namedVersions;
  const named = versions.slice(0, namedVersions).join(", ");
  return `version${versions.length === 1 ? "" : "s"} ${named}${more > 0 ? ` and ${more} more` : ""}`;
}
