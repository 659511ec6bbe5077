import { isDeepStrictEqual } from "node:util";

/** What decides whether a recorded backup still is the one that the program declares. */
export interface RecordedBackup {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  /** Every version that the backup is known to hold; none where the versions could not be read. */
  readonly keyVersions?: readonly string[] | undefined;
  /** The version that the program named when the backup was made. */
  readonly keyVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
}

/** What the program declares. Before an update some of it may not be known yet. */
export interface DeclaredBackup {
  readonly vaultUri?: string | undefined;
  readonly keyName?: string | undefined;
  readonly keyVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
  /** The names of the inputs whose values are not known yet. */
  readonly unknown: readonly string[];
}

export type Coverage =
  /** The recorded backup is the declared one. */
  | { readonly kind: "covered" }
  /** A new backup of the same key is due. */
  | { readonly kind: "renew"; readonly because: string }
  /** Whether one is due, or another key is declared, shows only when these inputs are known. */
  | { readonly kind: "unknown"; readonly names: readonly string[] }
  /** The program declares another key, so that the record is not a backup of it. */
  | { readonly kind: "otherKey"; readonly properties: readonly ("vaultUri" | "keyName")[] };

/** Decides whether the recorded backup is the one that the program declares, and if not, why not. */
export function coverageOf(recorded: RecordedBackup, declared: DeclaredBackup): Coverage {
  const properties = (["vaultUri", "keyName"] as const).filter(
    (name) => declared[name] !== undefined && !isSameName(declared[name], recorded[name]),
  );
  if (properties.length > 0) {
    return { kind: "otherKey", properties };
  }
  if (declared.unknown.length > 0) {
    return { kind: "unknown", names: declared.unknown };
  }
  if (declared.keyVersion !== undefined && !holds(recorded, declared.keyVersion)) {
    return { kind: "renew", because: `the recorded backup does not hold version ${declared.keyVersion}` };
  }
  if (!isDeepStrictEqual(declared.triggers ?? [], recorded.triggers ?? [])) {
    return { kind: "renew", because: "triggers changed" };
  }
  return { kind: "covered" };
}

function holds(recorded: RecordedBackup, keyVersion: string): boolean {
  const { keyVersions = [] } = recorded;
  // Where the versions could not be read, the program named the same version when the backup was made: no more is known.
  const held = keyVersions.length > 0 ? keyVersions : [recorded.keyVersion];
  return held.some((version) => isSameName(version, keyVersion));
}

// Key Vault compares the identifiers of its objects without regard to case.
function isSameName(one: string | undefined, other: string | undefined): boolean {
  return one?.toLowerCase() === other?.toLowerCase();
}
