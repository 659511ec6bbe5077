import { azOptionOf } from "../keyVault/azOption";
import { keyUriOf } from "../keyVault/keyReference";
import { inResolvedVault, type LookedUpKey } from "../keyVault/lookUpKey";
import type { Vault } from "../keyVault/vault";
import type { Leftover } from "./drillRecord";
import { messageOf } from "./messageOf";

/** What marks a key as the copy of a drill: the tags that it has instead of those of its source. */
export interface DrillMark {
  /** Which resource made it: organization, project, stack and name. */
  readonly owner: string;
  /** Which run of it. */
  readonly run: string;
  /** When that run has ended for certain, in milliseconds. */
  readonly until: number;
}

const tagNames = { owner: "restore-drill-of", run: "restore-drill-run", until: "restore-drill-until" };

// The service takes tag values of up to 256 characters.
const longestTag = 256;

export function tagsOf({ owner, run, until }: DrillMark): Record<string, string> {
  return {
    [tagNames.owner]: asTag(owner),
    [tagNames.run]: run,
    [tagNames.until]: new Date(until).toISOString(),
  };
}

/** Whether the resource made the copy that has the mark. */
export function isMarkOf(mark: DrillMark, owner: string): boolean {
  return mark.owner === asTag(owner);
}

function asTag(text: string): string {
  return text.slice(-longestTag);
}

/** The mark in the tags of a key; undefined where no drill made it. */
export function markIn(tags: Readonly<Record<string, string>>): DrillMark | undefined {
  const { [tagNames.owner]: owner, [tagNames.run]: run, [tagNames.until]: until = "" } = tags;
  return owner === undefined || run === undefined ? undefined : { owner, run, until: Date.parse(until) || 0 };
}

/** A copy that a drill restored. */
export interface DrillCopy {
  readonly vaultUri: string;
  readonly keyName: string;
  /** Its newest version. */
  readonly version: string;
  /** Undefined where the vault does not tell. */
  readonly isPurgeable: boolean | undefined;
  /** Whether it has the tags of the drill. */
  readonly isMarked: boolean;
}

type RemovingVault = Pick<Vault, "lookUpKey" | "deleteKey" | "purgeKey">;

/**
 * Deletes and purges a copy, after a look that it still is the one. What keeps it there is returned, and not thrown, so that
 * the drill's own result is not lost.
 *
 * @param run - The run that made it; a copy that another run has marked meanwhile is left to that.
 */
export async function removeCopy(vault: RemovingVault, copy: DrillCopy, run: string): Promise<Leftover | undefined> {
  let isSoftDeleted = false;
  try {
    const key = inResolvedVault(await vault.lookUpKey(copy.keyName, [copy.version]));
    if (key.kind === "unreachable") {
      return leftoverOf(copy, isSoftDeleted, key.because);
    }
    const holder = newestOf(key);
    if (holder === undefined || holder.version !== copy.version || !isMarkedAs(copy, holder.tags, run)) {
      return undefined;
    }
    isSoftDeleted = key.kind === "missing";
    if (!isSoftDeleted) {
      await vault.deleteKey(copy.keyName);
      isSoftDeleted = true;
    }
    if (copy.isPurgeable === false) {
      return {
        ...leftoverOf(
          copy,
          isSoftDeleted,
          "the scratch vault has purge protection: it stays until the retention period is over",
        ),
        command: undefined,
      };
    }
    await vault.purgeKey(copy.keyName);
    return undefined;
  } catch (error) {
    return leftoverOf(copy, isSoftDeleted, messageOf(error));
  }
}

// A mark whose answer was lost may be there all the same.
function isMarkedAs({ isMarked }: DrillCopy, tags: Readonly<Record<string, string>>, run: string): boolean {
  const mark = markIn(tags);
  return mark === undefined ? !isMarked : mark.run === run;
}

/** The newest version of the key that has the name, in use or soft-deleted, with its tags. */
export function newestOf(
  key: Exclude<LookedUpKey, { kind: "unreachable" }>,
): { readonly version: string; readonly tags: Readonly<Record<string, string>> } | undefined {
  return key.kind === "found" ? key.versions[0] : key.deleted;
}

function leftoverOf(
  { vaultUri, keyName, version, isMarked }: DrillCopy,
  isSoftDeleted: boolean,
  because: string,
): Leftover {
  const on = `${azOptionOf(vaultUri)} --name ${keyName}`;
  const purge = `az keyvault key purge ${on}`;
  return {
    keyUri: keyUriOf({ vaultUri, keyName }),
    keyName,
    version,
    isSoftDeleted,
    isMarked,
    because,
    command: isSoftDeleted ? purge : `az keyvault key delete ${on} && ${purge}`,
  };
}
