import { randomUUID } from "node:crypto";
import { checksText, compareRestored, type DrillCheck, notRun, type Thumbprint } from "../backup/drill";
import { lacking } from "../backup/history";
import { azOptionOf } from "../keyVault/azOption";
import { inResolvedVault, type UnreachableKey } from "../keyVault/lookUpKey";
import type { PublicKey } from "../keyVault/publicKey";
import type { PublicKeys } from "../keyVault/readPublicKeys";
import { Refusal } from "../keyVault/refusal";
import type { Vault } from "../keyVault/vault";
import { damageOfBackup, type RestorableBackup } from "./backupInput";
import { type DrillCopy, markIn, removeCopy, tagsOf } from "./drillCopy";
import type { Leftover } from "./drillRecord";
import { messageOf } from "./messageOf";
import { awaitName, DrillRefused, removeLeftover, type ScratchName, type Time } from "./scratchName";

/** What to prove, and where. */
export interface Drill {
  readonly backup: RestorableBackup;
  readonly name: ScratchName;
  readonly allowSoftDeletedCopies: boolean;
}

export interface DrillTools extends Time {
  readonly scratch: Pick<
    Vault,
    | "isPurgeable"
    | "lookUpKey"
    | "restoreKey"
    | "tagKey"
    | "readPublicKeys"
    | "provePrivateKey"
    | "deleteKey"
    | "purgeKey"
  >;
  /** The vault of the key itself, where that is known. */
  readonly source: Pick<Vault, "readPublicKeys"> | undefined;
  /** How long to wait for another drill in the same place, in milliseconds. */
  readonly patience: number;
}

/** What a drill found. It failed if it has a `failure`, or a check that failed. */
export interface DrillResult {
  readonly failure: string | undefined;
  readonly checks: readonly DrillCheck[];
  /** Newest first. */
  readonly restoredVersions: readonly string[];
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
  const evidence = marked ?? (await prove(backup, copy, tools).catch(failureOf));
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

// Each proof is a request of its own, and a key may have hundreds of versions.
const atOnce = 8;

async function prove(
  backup: RestorableBackup,
  { keyName }: DrillCopy,
  { scratch, source, now }: DrillTools,
): Promise<Pick<DrillResult, "checks" | "restoredVersions">> {
  const key = await scratch.lookUpKey(keyName, backup.keyVersions);
  if (key.kind !== "found") {
    throw new Error(`The restored key could not be read: ${key.because}`);
  }
  const restoredVersions = key.versions.map(({ version }) => version);
  const keys = await scratch.readPublicKeys(keyName, restoredVersions);
  const checks = compareRestored({
    expected: backup.keyVersions,
    restored: restoredVersions,
    isComplete: key.isComplete,
    restoredThumbprint: thumbprintIn(keys, "the vault has no public key of it"),
    sourceThumbprint: await sourceThumbprints(backup, restoredVersions, source),
  });
  const proved: DrillCheck[] = [];
  for (let from = 0; from < checks.length; from += atOnce) {
    const some = checks.slice(from, from + atOnce).map(async (check): Promise<DrillCheck> => {
      const publicKey = publicKeyIn(keys, check.version);
      if (check.publicKey !== "passed" || publicKey === undefined) {
        return check;
      }
      const proof = await scratch.provePrivateKey(keyName, publicKey, now());
      return { ...check, privateKey: resultOf(proof) };
    });
    proved.push(...(await Promise.all(some)));
  }
  return { checks: proved, restoredVersions };
}

function resultOf(proof: Awaited<ReturnType<Vault["provePrivateKey"]>>): DrillCheck["privateKey"] {
  switch (proof.kind) {
    case "proved":
      return "passed";
    case "refuted":
      return `failed: ${proof.because}`;
    case "notRun":
      return `not run: ${proof.because}`;
    default:
      return proof satisfies never;
  }
}

/** The thumbprints of the source: as recorded with the backup, else as the source has them now. */
async function sourceThumbprints(
  { keyName, keyThumbprints }: RestorableBackup,
  versions: readonly string[],
  source: DrillTools["source"],
): Promise<(version: string) => Thumbprint> {
  const unrecorded = lacking(versions, Object.keys(keyThumbprints));
  const read = unrecorded.length === 0 ? undefined : await source?.readPublicKeys(keyName ?? "", unrecorded);
  const present =
    read === undefined
      ? () => ({
          because: "its public key is not recorded with the backup, and of the source nothing is known (backup.keyUri)",
        })
      : thumbprintIn(read, "its public key is not recorded with the backup, and the source has none of it");
  return (version) => {
    const recorded = keyThumbprints[version];
    return recorded === undefined ? present(version) : { thumbprint: recorded };
  };
}

function thumbprintIn(read: PublicKeys | UnreachableKey, otherwise: string): (version: string) => Thumbprint {
  return (version) => {
    const thumbprint = publicKeyIn(read, version)?.thumbprint;
    return thumbprint === undefined
      ? { because: read.kind === "unreachable" ? read.because : otherwise }
      : { thumbprint };
  };
}

function publicKeyIn(read: PublicKeys | UnreachableKey, version: string): PublicKey | undefined {
  return read.kind === "read" ? read.keys.find((key) => key.version === version) : undefined;
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
