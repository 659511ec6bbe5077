import { randomUUID } from "node:crypto";
import { checksText, notRun } from "../backup/drill";
import { azOptionOf } from "../keyVault/azOption";
import { inResolvedVault } from "../keyVault/lookUpKey";
import { Refusal } from "../keyVault/refusal";
import type { Vault } from "../keyVault/vault";
import { damageOfBackup, type RestorableBackup } from "./backupInput";
import { type DrillCopy, markIn, removeCopy, tagsOf } from "./drillCopy";
import type { Leftover } from "./drillRecord";
import { messageOf } from "./messageOf";
import { type Evidence, type ProvingTools, proveCopy } from "./proveCopy";
import { awaitName, DrillRefused, removeLeftover, type ScratchName, type Time } from "./scratchName";

/** What to prove, and where. */
export interface Drill {
  readonly backup: RestorableBackup;
  readonly name: ScratchName;
  readonly allowSoftDeletedCopies: boolean;
}

export interface DrillTools extends ProvingTools, Time {
  readonly scratch: ProvingTools["scratch"] &
    Pick<Vault, "isPurgeable" | "restoreKey" | "tagKey" | "deleteKey" | "purgeKey">;
  /** How long to wait for another drill in the same place, in milliseconds. */
  readonly patience: number;
}

/** What a drill found. It failed if it has a `failure`, or a check that failed. */
export interface DrillResult extends Evidence {
  readonly failure: string | undefined;
  readonly leftover: Leftover | undefined;
}

// In milliseconds; longer than the bounds of the few operations of a drill together.
const longestDrill = 1_800_000;

/**
 * Restores a backup into a scratch vault, checks what came of it, and removes it in every case.
 *
 * @throws `DrillRefused` where the drill may not begin, before anything is changed.
 */
export async function runDrill(drill: Drill, tools: DrillTools): Promise<DrillResult> {
  const [damage] = damageOfBackup(drill.backup);
  if (damage !== undefined) {
    return { ...nothingRestored(drill.backup, damage), leftover: drill.name.leftover };
  }
  const { vaultUri, keyName } = drill.name;
  return inTurn(`${vaultUri}${keyName.toLowerCase()}`, () => drillAlone(drill, tools));
}

const turns = new Map<string, Promise<unknown>>();

/** Lets drills of keys of one name in one vault run one after another. */
async function inTurn<T>(place: string, run: () => Promise<T>): Promise<T> {
  const before = turns.get(place) ?? Promise.resolve();
  const turn = before.then(run, run);
  turns.set(place, turn);
  return turn;
}

async function drillAlone(drill: Drill, tools: DrillTools): Promise<DrillResult> {
  const run = randomUUID();
  const room = await makeRoom(drill, tools).catch(failureOf);
  if (room !== undefined) {
    return { ...nothingRestored(drill.backup, room.failure), leftover: drill.name.leftover };
  }
  const { scratch, now, patience } = tools;
  const { backup, name } = drill;
  const copy = await restoreCopy(drill, tools).catch(failureOf);
  if ("failure" in copy) {
    const unanswered = copy.isUnanswered ? await unansweredCopy(drill, tools) : undefined;
    const leftover = unanswered && (await removeCopy(scratch, unanswered, run));
    return { ...nothingRestored(backup, copy.failure), leftover };
  }
  const until = now() + Math.max(longestDrill, 6 * patience);
  const marked = await scratch
    .tagKey(copy.keyName, copy.version, tagsOf({ owner: name.owner, run, until }))
    .catch(failureOf);
  const evidence = marked ?? (await proveCopy(backup, copy.keyName, tools).catch(failureOf));
  const leftover = await removeCopy(scratch, { ...copy, isMarked: marked === undefined }, run);
  if ("failure" in evidence) {
    return { ...nothingRestored(backup, evidence.failure), restoredVersions: [copy.version], leftover };
  }
  return { ...evidence, failure: otherKey(copy.keyName, name.keyName), leftover };
}

/** Makes sure that a copy can be removed again, and that its name is free. */
async function makeRoom({ name, allowSoftDeletedCopies }: Drill, tools: DrillTools): Promise<void> {
  const { scratch, patience } = tools;
  if (!allowSoftDeletedCopies && !(await scratch.isPurgeable())) {
    throw new DrillRefused(
      "it has purge protection, so that the name of the key would stay taken there until the retention period (7 to 90 days) " +
        "is over. Give a scratch vault without it, or accept that: allowSoftDeletedCopies: true.",
    );
  }
  await removeLeftover(scratch, name, tools);
  await awaitName(scratch, name, tools, patience);
}

/** The copy, in the scratch vault. */
async function restoreCopy({ backup, name }: Drill, { scratch }: DrillTools): Promise<DrillCopy> {
  const restoration = await scratch.restoreKey(backup.blob, name.keyName);
  const { keyName } = restoration;
  if (restoration.kind === "restored") {
    const { version, isPurgeable } = restoration;
    return { vaultUri: name.vaultUri, keyName, version, isPurgeable, isMarked: false };
  }
  const other = otherKey(keyName, name.keyName);
  if (other !== undefined) {
    throw new Error(other);
  }
  const copy = restoration.mayBeOurs ? await unansweredCopy({ backup, name }, { scratch }) : undefined;
  if (copy !== undefined) {
    return copy;
  }
  const on = `${azOptionOf(name.vaultUri)} --name ${keyName}`;
  throw new DrillRefused(
    restoration.mayBeOurs
      ? `the service did not answer the restore, and a key "${keyName}" is there now that may come of it. If nobody else has ` +
          `put it there, remove it: az keyvault key delete ${on} && az keyvault key purge ${on}.`
      : `a key "${keyName}" came there in the meantime, so that nothing was restored. Run again.`,
  );
}

/**
 * The copy that a restore has made whose answer did not come: its name was free a moment before, and what has it now holds a
 * version of the backup and no mark of another drill. Where that cannot be learnt, it is taken to be there.
 */
async function unansweredCopy(
  { backup, name }: Pick<Drill, "backup" | "name">,
  { scratch }: Pick<DrillTools, "scratch">,
): Promise<DrillCopy | undefined> {
  const copy = { vaultUri: name.vaultUri, keyName: name.keyName, isPurgeable: undefined, isMarked: false };
  const key = inResolvedVault(await scratch.lookUpKey(name.keyName, name.keyVersions));
  if (key.kind === "unreachable") {
    const [version] = backup.keyVersions;
    return version === undefined ? undefined : { ...copy, version };
  }
  const newest = key.kind === "found" ? key.versions[0] : undefined;
  return newest !== undefined && isUnmarkedCopy(newest, backup)
    ? { ...copy, version: newest.version, isPurgeable: newest.isPurgeable }
    : undefined;
}

function otherKey(restored: string, expected: string): string | undefined {
  return restored.toLowerCase() === expected.toLowerCase()
    ? undefined
    : `The blob holds key "${restored}", and not "${expected}".`;
}

function isUnmarkedCopy(
  { version, tags }: { version: string; tags: Readonly<Record<string, string>> },
  { keyVersions }: RestorableBackup,
): boolean {
  return keyVersions.includes(version) && markIn(tags) === undefined;
}

function nothingRestored({ keyVersions }: RestorableBackup, failure: string): DrillResult {
  const checks = keyVersions.map((version) => notRun(version, "the drill ended before it"));
  return { failure, checks, restoredVersions: [], leftover: undefined };
}

// Of a refusal nothing is recorded.
function failureOf(error: unknown): { readonly failure: string; readonly isUnanswered: boolean } {
  if (error instanceof DrillRefused) {
    throw error;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const isAnswered = cause instanceof Refusal && cause.status < 500;
  return { failure: messageOf(error), isUnanswered: !isAnswered };
}

/** Why a drill failed, with its evidence, in sentences. */
export function drillText({ failure, checks, leftover }: DrillResult): string {
  const left =
    leftover === undefined
      ? []
      : [
          `The copy ${leftover.keyUri} is still there${leftover.isSoftDeleted ? ", soft-deleted" : ""}: ${leftover.because}` +
            `${leftover.command === undefined ? "." : ` Remove it: ${leftover.command}.`}`,
        ];
  return [...(failure === undefined ? [] : [failure]), checksText(checks), ...left].filter((it) => it !== "").join(" ");
}
