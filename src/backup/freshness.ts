import { isDeepStrictEqual } from "node:util";
import { lacking, lackingInSource, type Source, versionsText } from "./history";

/**
 * How a key compares with its backup. `current`: as it was; `changed`: a new backup is due; `missing`: the key is not
 * there; `unreachable`: not known.
 */
export type SourceStatus = "current" | "changed" | "missing" | "unreachable";

export interface Freshness {
  readonly sourceStatus: SourceStatus;
  /** Why it is not `current`. */
  readonly sourceStatusReason?: string;
}

/** What a record says of the key at the time of its backup. */
export interface RecordedKey {
  readonly keyVersions: readonly string[];
  /** The latest change of an attribute or a tag: RFC 3339. Absent where the key could not be read. */
  readonly keyUpdatedAt?: string | undefined;
  /** The tags of the newest version. */
  readonly keyTags?: Readonly<Record<string, string>> | undefined;
  readonly backedUpAt: string;
  readonly sourceStatus?: SourceStatus | undefined;
  readonly sourceStatusReason?: string | undefined;
}

interface FoundSource extends Source {
  readonly versions: readonly {
    readonly version: string;
    readonly createdAt: number;
    readonly updatedAt: number;
    readonly tags: Readonly<Record<string, string>>;
  }[];
}

export type LookedUpSource =
  | ({ readonly kind: "found" } & FoundSource)
  | { readonly kind: "missing" | "unreachable"; readonly because: string };

/** Compares a key with what was recorded of it when it was backed up. A change that was seen stays seen while it cannot be. */
export function freshnessOf(recorded: RecordedKey, source: LookedUpSource): Freshness {
  const { sourceStatus, sourceStatusReason } = recorded;
  if (source.kind === "unreachable" && sourceStatus === "changed" && sourceStatusReason !== undefined) {
    return { sourceStatus, sourceStatusReason };
  }
  if (source.kind !== "found") {
    return { sourceStatus: source.kind, sourceStatusReason: source.because };
  }
  const change = changeOf(recorded, source);
  return change === undefined ? { sourceStatus: "current" } : { sourceStatus: "changed", sourceStatusReason: change };
}

function changeOf(
  { keyVersions, keyUpdatedAt, keyTags, backedUpAt }: RecordedKey,
  source: FoundSource,
): string | undefined {
  const { versions } = source;
  const gone = lackingInSource(keyVersions, source);
  if (gone.length > 0) {
    return `the key was created anew or restored: it lacks ${versionsText(gone)} of the backup`;
  }
  // Without a record of the key itself, what is younger than the backup is new.
  const known = Date.parse(keyUpdatedAt ?? backedUpAt);
  const newest = versions.find(({ version }) => lacking([version], keyVersions).length === 0);
  // A record that was made without the permission to list may lack older versions.
  const younger = versions.filter(({ createdAt }) =>
    newest === undefined ? createdAt > known : createdAt >= newest.createdAt,
  );
  const added = lacking(
    younger.map(({ version }) => version),
    keyVersions,
  );
  if (added.length > 0) {
    return `the key has newer ${versionsText(added)}`;
  }
  const updatedAt = Math.max(...versions.map((version) => version.updatedAt));
  if (updatedAt > known) {
    return `attributes or tags of the key changed at ${new Date(updatedAt).toISOString()}`;
  }
  if (keyTags !== undefined && !isDeepStrictEqual(keyTags, { ...versions[0]?.tags })) {
    return "tags of the key changed";
  }
  return undefined;
}
