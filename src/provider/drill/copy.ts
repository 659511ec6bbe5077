import type { Leftover } from "../../backup/planDrill";
import { isSameName, versionsNotIn } from "../../backup/versions";
import { type Removal, type RemovalCandidate, remove } from "../../keyVault/operations/remove";
import { azCommand, objectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import type { Context } from "../engine/defineProvider";
import { drillOwnerIn, drillTag } from "../engine/drillTag";

/** Where the copies of a drill go, and whose they are. */
export interface ScratchPlace {
  readonly kind: ObjectKind;
  readonly vaultUri: string;
  readonly name: string;
  /** The resource that the drill is of, by its present name and the recorded one. The present one is first. */
  readonly owners: readonly string[];
  /** The versions that the backup is known to hold. */
  readonly versions: readonly string[];
  /** The versions of the copy that the last drill made. */
  readonly copiedVersions: readonly string[];
  /** Whether the vault is known not to be the source's own. */
  readonly isScratch: boolean;
}

/** What the last drill left, and where. */
export interface EarlierCopy {
  readonly place: ScratchPlace;
  readonly leftover: Leftover;
}

/** Whether the tag says that this resource made the object. `owners`: the resource's present name, and the recorded one. */
export function isOwnedBy({ vaultUri, owners }: ScratchPlace, tags: Readonly<Record<string, string>>): boolean {
  const owner = drillOwnerIn(vaultUri, tags);
  return owner !== undefined && owners.some((one) => drillOwnerIn(vaultUri, drillTag(vaultUri, one)) === owner);
}

/** Whether an object is a copy that an earlier drill of this resource made, and has got no version of its own since. */
export function isEarlierCopy(place: ScratchPlace, { version, tags, versions }: RemovalCandidate): boolean {
  const known = [...place.versions, ...place.copiedVersions];
  return isOwnedBy(place, tags) && (known.length === 0 || versionsNotIn(known, versions ?? [version]).length === 0);
}

/** Whether an object without a tag may be a copy of the drill, which was interrupted before it could tag the copy. */
export function mayBeCopy(
  { vaultUri, versions }: ScratchPlace,
  { version, tags, versions: all }: RemovalCandidate,
): boolean {
  const present = all ?? [version];
  return drillOwnerIn(vaultUri, tags) === undefined && versionsNotIn(versions, present).length < present.length;
}

/**
 * Removes a copy, and says what is left of it.
 *
 * @param isOurs - Whether the object is the copy. Looked at before it is deleted, and again before it is purged.
 */
export async function removeCopy(
  place: ScratchPlace,
  version: string,
  isOurs: (candidate: RemovalCandidate) => boolean,
  context: Context,
): Promise<Leftover | undefined> {
  const removal = await remove(context.connect(place.vaultUri), place.kind, place.name, isOurs);
  return removal.kind === "removed" ? undefined : leftoverOf(place, version, removal);
}

/**
 * Removes what the last drill left, if it can be removed. An object that is not known to be the copy is not touched, which a
 * line says.
 *
 * @returns The copy, if its removal failed.
 */
export async function removeLeftover(
  { place, leftover }: EarlierCopy,
  context: Context,
): Promise<Leftover | undefined> {
  if (leftover.blockedUntil !== undefined) {
    return undefined;
  }
  const { kind, vaultUri, name } = place;
  const removal = await remove(context.connect(vaultUri), kind, name, (candidate) => isEarlierCopy(place, candidate));
  if (removal.kind === "anotherObject") {
    const { uri, because, command } = leftoverOf(place, leftover.version, removal);
    const remedy = command === undefined ? "" : ` If nobody needs it: ${command}.`;
    context.print(uri, `not touched, although the last drill left a copy here: ${because}.${remedy}`);
  }
  return removal.kind === "failed" ? leftoverOf(place, leftover.version, removal) : undefined;
}

/** A copy that is still there. */
export function leftoverOf(
  { kind, vaultUri, name, isScratch }: ScratchPlace,
  version: string,
  removal: Exclude<Removal, { kind: "removed" }>,
): Leftover {
  const command = (action: string) => azCommand(kind.noun, action, vaultUri, name);
  const isSoftDeleted = removal.kind === "notPurgeable" || removal.isSoftDeleted;
  const copy = { uri: objectUri(kind, vaultUri, name), version, isSoftDeleted };
  switch (removal.kind) {
    case "notPurgeable": {
      const { purgedAt } = removal;
      const because = "the scratch vault has purge protection";
      return {
        ...copy,
        because,
        ...(purgedAt === undefined ? {} : { blockedUntil: new Date(purgedAt).toISOString() }),
      };
    }
    case "anotherObject":
    case "failed": {
      const because =
        removal.kind === "failed" ? removal.because.replace(/\.$/, "") : "it is not known to be a copy of this drill";
      const remove = isSoftDeleted ? command("purge") : `${command("delete")} && ${command("purge")}`;
      // In the source's own vault the command would remove the source.
      return { ...copy, because, command: removal.kind === "failed" || isScratch ? remove : undefined };
    }
    default:
      return removal satisfies never;
  }
}

/** Whether two places are one. */
export function isSamePlace(
  one: Pick<ScratchPlace, "kind" | "vaultUri" | "name">,
  other: Pick<ScratchPlace, "kind" | "vaultUri" | "name">,
) {
  return one.kind === other.kind && isSameName(one.vaultUri, other.vaultUri) && isSameName(one.name, other.name);
}
