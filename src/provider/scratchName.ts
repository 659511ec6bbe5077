import { inResolvedVault, type LookedUpKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import { type DrillCopy, isMarkOf, markIn, newestOf } from "./drillCopy";
import type { Leftover } from "./drillRecord";

/** A drill that was refused before anything was changed. */
export class DrillRefused extends Error {}

/** The name is taken by a key that no drill made, or by the copy of another drill. */
export class NameTaken extends DrillRefused {}

export interface ScratchName {
  readonly vaultUri: string;
  readonly keyName: string;
  /** The versions to look for where the identity may not list them. */
  readonly keyVersions: readonly string[];
  /** The resource that the drill is of. */
  readonly owner: string;
  /** What the last drill of the resource left behind. */
  readonly leftover: Leftover | undefined;
}

export interface Time {
  /** In milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

type ScratchVault = Pick<Vault, "lookUpKey" | "deleteKey" | "purgeKey">;

// Another drill marks its copy in the request after its restore.
const markedWithin = 5_000;
const between = 1_000;

/** Removes the copy that the last drill left behind, whatever the name of the key in it. One that is gone does no harm. */
export async function removeLeftover(scratch: ScratchVault, name: ScratchName, time: Time): Promise<void> {
  const { leftover } = name;
  if (leftover === undefined) {
    return;
  }
  const { keyName, version } = leftover;
  try {
    await awaitName(scratch, { ...name, keyName, keyVersions: [version] }, time, 0);
  } catch (error) {
    // By now another key has the name.
    if (!(error instanceof NameTaken)) {
      throw error;
    }
  }
}

/**
 * Waits until the name is free in the scratch vault: removes what an interrupted drill left there, and waits for the end of
 * another resource's drill, within `patience` milliseconds. A key that no drill made is never touched.
 *
 * @throws `DrillRefused` where such a key has the name; another error where that could not be learnt.
 */
export async function awaitName(
  scratch: ScratchVault,
  name: ScratchName,
  { now, sleep }: Time,
  patience: number,
): Promise<void> {
  const startedAt = now();
  let removals = 0;
  for (;;) {
    const key = inResolvedVault(await scratch.lookUpKey(name.keyName, name.keyVersions));
    const holder = holderOf(key, name, now());
    const waited = now() - startedAt;
    switch (holder.kind) {
      case "nobody":
        return;
      case "unknown":
        throw new Error(holder.because);
      case "stale":
        if (removals > 0 && waited >= patience) {
          throw new Error("The copy of an earlier drill is still seen there, though it was removed. Run again later.");
        }
        await removeStale(scratch, name, holder);
        removals += 1;
        await sleep(removals > 1 ? between : 0);
        break;
      case "otherDrill":
        if (waited >= patience) {
          throw new NameTaken(
            `another drill of a key of that name, of ${holder.owner}, is under way there, or was interrupted. Run again later, ` +
              `after ${new Date(holder.until).toISOString()} in any case.`,
          );
        }
        await sleep(between);
        break;
      case "foreign":
        if (waited >= markedWithin) {
          throw new NameTaken(foreignText(name, holder.isSoftDeleted, holder.version));
        }
        await sleep(between);
        break;
      default:
        holder satisfies never;
    }
  }
}

type Holder =
  | { readonly kind: "nobody" }
  | { readonly kind: "unknown"; readonly because: string }
  /** The copy of a drill that was interrupted. */
  | {
      readonly kind: "stale";
      readonly isSoftDeleted: boolean;
      readonly copy: DrillCopy;
      readonly purgedAt?: number | undefined;
    }
  | { readonly kind: "otherDrill"; readonly owner: string; readonly until: number }
  /** A key that no drill made, or none that has marked it yet. */
  | { readonly kind: "foreign"; readonly isSoftDeleted: boolean; readonly version: string };

function holderOf(key: LookedUpKey, name: ScratchName, now: number): Holder {
  if (key.kind === "unreachable") {
    return { kind: "unknown", because: key.because };
  }
  const newest = newestOf(key);
  if (newest === undefined) {
    return { kind: "nobody" };
  }
  const isSoftDeleted = key.kind === "missing";
  const mark = markIn(newest.tags);
  const isStale =
    mark === undefined ? isUnmarkedLeftover(name, newest.version) : isMarkOf(mark, name.owner) || mark.until < now;
  if (isStale) {
    const { vaultUri, keyName } = name;
    const isPurgeable = key.kind === "found" ? key.versions[0]?.isPurgeable : key.deleted?.isPurgeable;
    const copy = { vaultUri, keyName, version: newest.version, isPurgeable, isMarked: mark !== undefined };
    return { kind: "stale", isSoftDeleted, copy, purgedAt: key.kind === "missing" ? key.deleted?.purgedAt : undefined };
  }
  return mark === undefined
    ? { kind: "foreign", isSoftDeleted, version: newest.version }
    : { kind: "otherDrill", owner: mark.owner, until: mark.until };
}

// A copy that could not even be marked is known by the record alone.
function isUnmarkedLeftover({ keyName, leftover }: ScratchName, version: string): boolean {
  return leftover?.isMarked === false && leftover.keyName === keyName && leftover.version === version;
}

async function removeStale(
  scratch: ScratchVault,
  { keyName }: ScratchName,
  { isSoftDeleted, copy, purgedAt }: Extract<Holder, { kind: "stale" }>,
): Promise<void> {
  if (copy.isPurgeable === false && isSoftDeleted) {
    const until = purgedAt === undefined ? "the retention period is over" : new Date(purgedAt).toISOString();
    throw new DrillRefused(
      `the name is taken until ${until} by the soft-deleted copy of an earlier drill, since the scratch vault has purge ` +
        "protection. Give another scratch vault, without it.",
    );
  }
  if (!isSoftDeleted) {
    await scratch.deleteKey(keyName);
  }
  if (copy.isPurgeable !== false) {
    await scratch.purgeKey(keyName);
  }
}

function foreignText({ keyName, keyVersions }: ScratchName, isSoftDeleted: boolean, version: string): string {
  const found = `${isSoftDeleted ? "a soft-deleted key" : "a key"} of that name is there already, which no drill is known to have made`;
  const isSameKey = keyVersions.includes(version);
  return (
    `${found}, so that it was not touched. Give a scratch vault without a key "${keyName}"` +
    (isSameKey
      ? ". It has the versions of the backup: if it comes of a drill that was ended in the moment between its restore and its " +
        "mark, delete and purge it by hand."
      : ".")
  );
}
