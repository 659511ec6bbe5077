import type { Leftover } from "../../backup/planDrill";
import { isSameName, versionsNotIn } from "../../backup/versions";
import { type Removal, type RemovalCandidate, remove } from "../../keyVault/operations/remove";
import { azCommand, objectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import type { Context } from "../engine/defineProvider";

/** Where the copies of a drill go, and whose they are. */
export interface ScratchPlace {
  readonly kind: ObjectKind;
  readonly vaultUri: string;
  readonly name: string;
  /** The resource that the drill is of. */
  readonly owner: string;
  /** The versions that the backup is known to hold. */
  readonly versions: readonly string[];
}

/** What the last drill left, and where. */
export interface EarlierCopy {
  readonly place: ScratchPlace;
  readonly leftover: Leftover;
}

const tagName = "restore-drill-of";

// The service takes tag values of up to 256 characters.
const longestTag = 256;

/** The one tag that says which resource made a copy. It replaces the tags of the source. */
export function ownerTag(owner: string): Record<string, string> {
  return { [tagName]: owner.slice(-longestTag) };
}

/** The resource that made an object as the copy of a drill; undefined if none did. */
export function ownerIn(tags: Readonly<Record<string, string>>): string | undefined {
  return tags[tagName];
}

export function isOwnedBy({ owner }: Pick<ScratchPlace, "owner">, tags: Readonly<Record<string, string>>): boolean {
  return ownerIn(tags) === ownerTag(owner)[tagName];
}

/** Whether an object without a tag may be a copy of the drill, which was interrupted before it could tag the copy. */
export function mayBeCopy({ versions }: ScratchPlace, { version, tags, versions: all }: RemovalCandidate): boolean {
  const present = all ?? [version];
  return ownerIn(tags) === undefined && versionsNotIn(versions, present).length < present.length;
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
  const removal = await remove(context.connect(vaultUri), kind, name, ({ tags }) => isOwnedBy(place, tags));
  if (removal.kind === "anotherObject") {
    const { uri, because, command } = leftoverOf(place, leftover.version, removal);
    context.print(
      uri,
      `not touched, although the last drill left a copy here: ${because}. If nobody needs it: ${command}.`,
    );
  }
  return removal.kind === "failed" ? leftoverOf(place, leftover.version, removal) : undefined;
}

/** A copy that is still there. */
export function leftoverOf(
  { kind, vaultUri, name }: ScratchPlace,
  version: string,
  removal: Exclude<Removal, { kind: "removed" }>,
): Leftover {
  const command = (action: string) => azCommand(kind.noun, action, vaultUri, name);
  const isSoftDeleted = removal.kind === "notPurgeable" || removal.isSoftDeleted;
  const copy = { uri: objectUri(kind, vaultUri, name), name, version, isSoftDeleted };
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
      return {
        ...copy,
        because,
        command: isSoftDeleted ? command("purge") : `${command("delete")} && ${command("purge")}`,
      };
    }
    default:
      return removal satisfies never;
  }
}

/** Whether two places are one. */
export function isSamePlace(
  one: Pick<ScratchPlace, "vaultUri" | "name">,
  other: Pick<ScratchPlace, "vaultUri" | "name">,
) {
  return isSameName(one.vaultUri, other.vaultUri) && isSameName(one.name, other.name);
}
