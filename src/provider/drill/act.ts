import { checkVersionIds, type DrillCheck, notRun } from "../../backup/drillEvidence";
import type { Leftover } from "../../backup/planDrill";
import { isSameName } from "../../backup/versions";
import { KeyVaultError } from "../../keyVault/failures/keyVaultError";
import type { RemovalCandidate } from "../../keyVault/operations/remove";
import { restore } from "../../keyVault/operations/restore";
import type { Attempt, ObjectKind } from "../../objects/objectKind";
import { type BackupRef, whyNotRestorable } from "../engine/backupRef";
import type { Context } from "../engine/defineProvider";
import {
  isOwnedBy,
  isSamePlace,
  leftoverOf,
  mayBeCopy,
  ownerIn,
  ownerTag,
  removeCopy,
  type ScratchPlace,
} from "./copy";

/** What to prove, and where. */
export interface Drill {
  readonly place: ScratchPlace;
  readonly backup: BackupRef;
  readonly allowSoftDeletedCopies: boolean;
  /** What the last drill left, and where. */
  readonly earlier: { readonly place: ScratchPlace; readonly leftover: Leftover } | undefined;
}

/** The drill failed if it has a `failure`, or a check that failed. */
export interface DrillResult {
  readonly failure: string | undefined;
  readonly checks: readonly DrillCheck[];
  /** Newest first. */
  readonly restoredVersions: readonly string[];
  readonly leftover: Leftover | undefined;
}

/** A copy in the scratch vault. */
interface Copy {
  readonly place: ScratchPlace;
  /** The newest version. */
  readonly version: string;
}

/** Something that ends a drill before its proof. */
class DrillEnded extends Error {
  override readonly name = "DrillEnded";
  readonly leftover: Leftover | undefined;

  constructor(message: string, leftover?: Leftover) {
    super(message);
    this.leftover = leftover;
  }
}

/** Restores a backup into the scratch vault, proves the copy and removes it. Never throws: a failure is a result. */
export async function runDrill(drill: Drill, context: Context): Promise<DrillResult> {
  const [damage] = whyNotRestorable(drill.place.kind, drill.backup);
  if (damage !== undefined) {
    return endedEarly(drill, damage, drill.earlier?.leftover);
  }
  const { vaultUri, name } = drill.place;
  return serialize(`${vaultUri}${name.toLowerCase()}`, async () => {
    // Until a look says otherwise, what the last drill left is still there.
    let leftover = drill.earlier?.leftover;
    try {
      await removeEarlierCopy(drill, context);
      await requireFreeName(drill.place, context);
      leftover = undefined;
      return await proveRestored(drill, await restoreCopy(drill, context), context);
    } catch (error) {
      const known = error instanceof DrillEnded ? error.leftover : undefined;
      return endedEarly(drill, context.explain(error), known ?? leftover);
    }
  });
}

const turns = new Map<string, Promise<unknown>>();

/** Drills of objects with one name in one vault run one after another. */
async function serialize<T>(place: string, run: () => Promise<T>): Promise<T> {
  const turn = (turns.get(place) ?? Promise.resolve()).then(run, run);
  turns.set(place, turn);
  return turn;
}

/** A copy in another place would be forgotten with the record. */
async function removeEarlierCopy({ place, earlier }: Drill, context: Context): Promise<void> {
  if (earlier === undefined || isSamePlace(earlier.place, place) || earlier.leftover.blockedUntil !== undefined) {
    return;
  }
  const { version } = earlier.leftover;
  const leftover = await removeCopy(earlier.place, version, ({ tags }) => isOwnedBy(place, tags), context);
  if (leftover !== undefined) {
    throw new DrillEnded(`a copy of the last drill is still there (${leftover.uri}): ${leftover.because}`, leftover);
  }
}

/** Removes a copy that an interrupted drill of this resource left. Any other object is not touched. */
async function requireFreeName(place: ScratchPlace, context: Context): Promise<void> {
  const { kind, vaultUri, name } = place;
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind === "unreachable") {
    throw new DrillEnded(found.because);
  }
  const isSoftDeleted = found.kind === "missing";
  const candidate = candidateIn(found);
  if (candidate === undefined) {
    return;
  }
  const { version, tags } = candidate;
  if (isOwnedBy(place, tags)) {
    const leftover = await removeCopy(place, version, (one) => isOwnedBy(place, one.tags), context);
    if (leftover !== undefined) {
      const until = leftover.blockedUntil === undefined ? "" : `, and blocks the name until ${leftover.blockedUntil}`;
      throw new DrillEnded(`the copy of an earlier drill is still there${until}: ${leftover.because}`, leftover);
    }
    return;
  }
  const owner = ownerIn(tags);
  if (owner !== undefined) {
    throw new DrillEnded(
      `the scratch vault has a copy of another drill (${owner}). Give each stack its own scratch vault`,
    );
  }
  const object = `a ${isSoftDeleted ? "soft-deleted " : ""}${kind.noun} "${name}"`;
  if (mayBeCopy(place, candidate)) {
    const leftover = leftoverOf(place, version, { kind: "anotherObject", isSoftDeleted });
    throw new DrillEnded(
      `the scratch vault has ${object} with versions of the backup, perhaps a copy of an interrupted drill. It was not ` +
        `touched; if nobody needs it: ${leftover.command}`,
      leftover,
    );
  }
  throw new DrillEnded(
    `the scratch vault has ${object} that no drill made. It was not touched; use another scratch vault`,
  );
}

/** The copy, whose name was free a moment before. */
async function restoreCopy({ place, backup }: Drill, context: Context): Promise<Copy> {
  const { kind, vaultUri, name } = place;
  let restoration: Awaited<ReturnType<typeof restore>>;
  try {
    restoration = await restore(context.connect(vaultUri), kind, backup.blob, name);
  } catch (error) {
    const copy = error instanceof KeyVaultError && error.mayBeDone ? await unansweredCopy(place, context) : undefined;
    if (copy === undefined) {
      throw error;
    }
    return copy;
  }
  if (restoration.kind === "restored") {
    return { place: { ...place, name: restoration.name }, version: restoration.newest };
  }
  const copy = restoration.mayBeDone ? await unansweredCopy(place, context) : undefined;
  if (copy === undefined) {
    throw new DrillEnded(`a ${kind.noun} "${restoration.name}" appeared in the scratch vault meanwhile. Run again`);
  }
  return copy;
}

/** What a restore made whose answer was lost: an untagged object with versions of the backup. */
async function unansweredCopy(place: ScratchPlace, context: Context): Promise<Copy | undefined> {
  const found = await context.lookUp(place.kind, place.vaultUri, place.name);
  if (found.kind === "unreachable") {
    const [version = ""] = place.versions;
    const because = `the restore got no answer, and whether it made a copy is unknown. ${found.because}`;
    throw new DrillEnded(because, leftoverOf(place, version, { kind: "failed", isSoftDeleted: false, because }));
  }
  const candidate = candidateIn(found);
  return candidate?.versions !== undefined && mayBeCopy(place, candidate)
    ? { place, version: candidate.version }
    : undefined;
}

function candidateIn(found: Exclude<Awaited<ReturnType<Context["lookUp"]>>, { kind: "unreachable" }>) {
  const newest = found.kind === "found" ? found.versions[0] : found.deleted;
  const versions = found.kind === "found" ? found.versions.map(({ version }) => version) : undefined;
  return newest && ({ version: newest.version, tags: newest.tags, versions } satisfies RemovalCandidate);
}

/** Tags, proves and removes the copy, in every case. */
async function proveRestored(drill: Drill, copy: Copy, context: Context): Promise<DrillResult> {
  const { place, version } = copy;
  let isTagged = false;
  let evidence: Pick<DrillResult, "checks" | "restoredVersions"> & { readonly failure?: string };
  try {
    const task = { name: "update", kind: place.kind, objectName: place.name } as const;
    await context
      .connect(place.vaultUri)
      .carryOut(task, ({ client, signal }) => client.setTags(place.name, version, ownerTag(place.owner), signal));
    isTagged = true;
    evidence = await proveCopy(drill, copy, context);
  } catch (error) {
    evidence = { ...endedEarly(drill, context.explain(error), undefined), failure: context.explain(error) };
  }
  const isOurs = ({ version: newest, tags }: RemovalCandidate) =>
    isOwnedBy(place, tags) || (!isTagged && ownerIn(tags) === undefined && newest === version);
  const leftover = await removeCopy(place, version, isOurs, context);
  const isUnwanted = leftover?.blockedUntil !== undefined && !drill.allowSoftDeletedCopies;
  const failure =
    evidence.failure ??
    (isSameName(place.name, drill.place.name)
      ? isUnwanted
        ? `the scratch vault has purge protection: the copy stays soft-deleted until ${leftover.blockedUntil}. Use a vault ` +
          "without it, or set allowSoftDeletedCopies: true"
        : undefined
      : `the blob holds ${place.kind.noun} "${place.name}", not "${drill.place.name}"`);
  return { ...evidence, failure, leftover };
}

async function proveCopy(
  { backup }: Drill,
  { place }: Copy,
  context: Context,
): Promise<Pick<DrillResult, "checks" | "restoredVersions">> {
  const { kind, vaultUri, name } = place;
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind !== "found") {
    throw new DrillEnded(`the restored copy cannot be read: ${found.because}`);
  }
  const versions = found.versions.map(({ version }) => version);
  const { sourceVaultUri, thumbprints } = backup;
  const proofs = await kind.prove({
    name,
    versions,
    thumbprints,
    copy: attemptsOn(kind, vaultUri, name, context),
    source: sourceVaultUri === undefined ? undefined : attemptsOn(kind, sourceVaultUri, backup.name ?? name, context),
    now: context.now,
  });
  const checks = checkVersionIds(backup.versions, versions).map((check) => ({
    ...notRun(check.version, kind.checks, "the version was not restored"),
    ...check,
    ...proofs.get(check.version),
  }));
  return { checks, restoredVersions: versions };
}

function attemptsOn(kind: ObjectKind, vaultUri: string, name: string, context: Context): Attempt {
  return async (operation, request) => {
    try {
      const task = { name: operation, kind, objectName: name };
      const value = await context.connect(vaultUri).once(task, ({ client, signal }) => request(client, signal));
      return { value };
    } catch (error) {
      const isBadRequest = error instanceof KeyVaultError && error.refusal?.status === 400;
      return { because: context.explain(error).replace(/\.$/, ""), isBadRequest };
    }
  };
}

function endedEarly({ place, backup }: Drill, failure: string, leftover: Leftover | undefined): DrillResult {
  const checks = backup.versions.map((version) => notRun(version, place.kind.checks, "the drill ended before"));
  return { failure: failure.replace(/\.$/, ""), checks, restoredVersions: [], leftover };
}
