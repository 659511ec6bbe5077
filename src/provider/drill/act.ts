import { checkVersionIds, type DrillCheck, notRun } from "../../backup/drillEvidence";
import type { Leftover } from "../../backup/planDrill";
import { isSameName } from "../../backup/versions";
import { KeyVaultError } from "../../keyVault/failures/keyVaultError";
import { newestOf, type RemovalCandidate } from "../../keyVault/operations/remove";
import { restore } from "../../keyVault/operations/restore";
import type { ObjectVersion } from "../../objects/objectKind";
import { type BackupRef, loadBackup } from "../engine/backupRef";
import type { Context } from "../engine/defineProvider";
import { drillOwnerIn, drillTag, takeTurn } from "../engine/drillTag";
import {
  type EarlierCopy,
  isEarlierCopy,
  isOwnedBy,
  isSamePlace,
  leftoverOf,
  mayBeCopy,
  removeCopy,
  removeLeftover,
  type ScratchPlace,
} from "./copy";

/** What to prove, and where. */
export interface Drill {
  readonly place: ScratchPlace;
  readonly backup: BackupRef;
  readonly allowSoftDeletedCopies: boolean;
  readonly earlier: EarlierCopy | undefined;
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
  /** The newest version. If the service did not say which of several of one second is the newest: these. */
  readonly newest: readonly string[];
  /** As they were before the copy was tagged, newest first; undefined if they could not be listed. */
  readonly versions: readonly ObjectVersion[] | undefined;
}

/** Something that a look found, and that ends a drill before its proof. `leftover`: all that is left in either place. */
class DrillEnded extends Error {
  override readonly name = "DrillEnded";
  readonly leftover: Leftover | undefined;

  constructor(message: string, leftover?: Leftover) {
    super(message);
    this.leftover = leftover;
  }
}

/** Restores a backup into the scratch vault, proves the copy and removes it. Never throws: a failure is a result. */
export async function runDrill(declared: Drill, context: Context): Promise<DrillResult> {
  const { kind, vaultUri, name } = declared.place;
  let drill: Drill;
  try {
    drill = { ...declared, backup: await loadBackup(kind, declared.backup, context) };
  } catch (error) {
    return endedEarly(declared, context.explain(error), declared.earlier?.leftover);
  }
  return takeTurn(vaultUri, name, async () => {
    // Until a look says otherwise, what the last drill left is still there.
    let leftover = drill.earlier?.leftover;
    try {
      leftover = await removeEarlierCopy(drill, context);
      await requireFreeName(drill.place, context);
      leftover = undefined;
      return await proveRestored(drill, await restoreCopy(drill, context), context);
    } catch (error) {
      return endedEarly(drill, context.explain(error), error instanceof DrillEnded ? error.leftover : leftover);
    }
  });
}

/** A copy in another place would be forgotten with the record. Returns the copy that is in this place. */
async function removeEarlierCopy({ place, backup, earlier }: Drill, context: Context): Promise<Leftover | undefined> {
  if (earlier === undefined || isSamePlace(earlier.place, place)) {
    return earlier?.leftover;
  }
  if (isSameName(earlier.place.vaultUri, backup.sourceVaultUri)) {
    const because = "the backup is now of an object in this vault";
    context.print(earlier.leftover.uri, `not touched, although the last drill left a copy here: ${because}.`);
    return undefined;
  }
  const leftover = await removeLeftover(earlier, context);
  if (leftover !== undefined) {
    throw new DrillEnded(`a copy of the last drill is still there (${leftover.uri}): ${leftover.because}`, leftover);
  }
  return undefined;
}

/** Removes a copy that an interrupted drill of this resource left. Any other object is not touched. */
async function requireFreeName(place: ScratchPlace, context: Context): Promise<void> {
  const { kind, vaultUri, name } = place;
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind === "unreachable") {
    throw new Error(found.because);
  }
  const isSoftDeleted = found.kind === "missing";
  const candidate = candidateIn(place.vaultUri, found);
  if (candidate === undefined) {
    return;
  }
  const { version, tags } = candidate;
  const object = `a ${isSoftDeleted ? "soft-deleted " : ""}${kind.noun} "${name}"`;
  const isManaged = found.kind === "found" ? found.versions.some((one) => one.isManaged) : found.deleted?.isManaged;
  if (isManaged === true) {
    throw new DrillEnded(
      `the scratch vault has ${object} that belongs to a certificate. It was not touched; use another scratch vault`,
    );
  }
  if (isOwnedBy(place, tags)) {
    const leftover = await removeCopy(place, version, (one) => isEarlierCopy(place, one), context);
    if (leftover !== undefined) {
      const until = leftover.blockedUntil === undefined ? "" : `, and blocks the name until ${leftover.blockedUntil}`;
      throw new DrillEnded(`the copy of an earlier drill is still there${until}: ${leftover.because}`, leftover);
    }
    return;
  }
  const owner = drillOwnerIn(vaultUri, tags);
  if (owner !== undefined) {
    throw new DrillEnded(
      `the scratch vault has a copy of another drill (${owner}). Give each stack its own scratch vault`,
    );
  }
  if (mayBeCopy(place, candidate)) {
    const leftover = leftoverOf(place, version, { kind: "anotherObject", isSoftDeleted });
    throw new DrillEnded(
      `the scratch vault has ${object} with versions of the backup, which an interrupted drill may have left. It was not ` +
        `touched${leftover.command === undefined ? "; it may also be the source" : `. If nobody needs it, run: ${leftover.command}`}`,
      leftover,
    );
  }
  throw new DrillEnded(
    `the scratch vault has ${object} that is not known to be a drill's copy. It was not touched; use another scratch vault`,
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
    const { name, newest, versions } = restoration;
    return { place: { ...place, name }, newest: [newest], versions };
  }
  const { occupant, isSoftDeleted } = restoration;
  if (occupant !== kind) {
    if (!isSameName(restoration.name, name)) {
      throw new DrillEnded(whyAnotherName(place, restoration.name));
    }
    throw new DrillEnded(
      `the scratch vault has a ${isSoftDeleted ? "soft-deleted " : ""}${occupant.noun} "${restoration.name}", which blocks the ` +
        "name. It was not touched; use another scratch vault",
    );
  }
  const taken = { ...place, name: restoration.name };
  const copy = restoration.mayBeDone ? await unansweredCopy(taken, context) : undefined;
  if (!isSameName(taken.name, name)) {
    // Nobody looked at that name before the restore: what has it may be the user's.
    const [version = ""] = copy?.newest ?? [];
    const leftover = copy && leftoverOf(taken, version, { kind: "anotherObject", isSoftDeleted: false });
    throw new DrillEnded(whyAnotherName(place, taken.name), leftover);
  }
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
  const candidate = candidateIn(place.vaultUri, found);
  if (found.kind === "missing" || candidate === undefined || !mayBeCopy(place, candidate)) {
    return undefined;
  }
  return { place, newest: newestOf(found.versions).map(({ version }) => version), versions: found.versions };
}

function candidateIn(
  vaultUri: string,
  found: Exclude<Awaited<ReturnType<Context["lookUp"]>>, { kind: "unreachable" }>,
): RemovalCandidate | undefined {
  if (found.kind === "missing") {
    const { deleted } = found;
    return deleted && { version: deleted.version ?? "", tags: deleted.tags, versions: undefined };
  }
  const newest = newestOf(found.versions);
  const candidate = newest.find(({ tags }) => drillOwnerIn(vaultUri, tags) !== undefined) ?? newest[0];
  return candidate && { ...candidate, versions: found.versions.map(({ version }) => version) };
}

function whyAnotherName({ kind, name }: ScratchPlace, held: string): string {
  return `the blob holds ${kind.noun} "${held}", not "${name}"`;
}

/** Tags, proves and removes the copy, in every case. */
async function proveRestored(drill: Drill, copy: Copy, context: Context): Promise<DrillResult> {
  const { place, newest } = copy;
  let isTagged = false;
  let evidence: Pick<DrillResult, "checks" | "restoredVersions" | "failure">;
  try {
    await tagCopy(copy, context);
    isTagged = true;
    evidence = await proveCopy(drill, copy, context);
  } catch (error) {
    evidence = endedEarly(drill, context.explain(error), undefined);
  }
  const isOurs = ({ version, tags }: RemovalCandidate) =>
    newest.includes(version) &&
    (isOwnedBy(place, tags) || (!isTagged && drillOwnerIn(place.vaultUri, tags) === undefined));
  const leftover = await removeCopy(place, newest[0] ?? "", isOurs, context);
  const isUnwanted = leftover?.blockedUntil !== undefined && !drill.allowSoftDeletedCopies;
  const failure =
    evidence.failure ??
    (isSameName(place.name, drill.place.name)
      ? isUnwanted
        ? `the scratch vault has purge protection: the copy stays soft-deleted until ${leftover.blockedUntil}. Use a vault ` +
          "without it, or set allowSoftDeletedCopies: true"
        : undefined
      : whyAnotherName(drill.place, place.name));
  return { ...evidence, failure, leftover };
}

async function tagCopy({ place, newest }: Copy, context: Context): Promise<void> {
  const { kind, vaultUri, name, owners } = place;
  const [owner = ""] = owners;
  const connection = context.connect(vaultUri);
  for (const version of newest) {
    await connection.carryOut({ name: "update", kind, objectName: name }, ({ client, signal }) =>
      client.setTags(name, version, drillTag(vaultUri, owner), signal),
    );
  }
}

async function proveCopy(
  { backup }: Drill,
  copy: Copy,
  context: Context,
): Promise<Pick<DrillResult, "checks" | "restoredVersions" | "failure">> {
  const { kind, vaultUri, name } = copy.place;
  const versions = copy.versions ?? (await versionsOf(copy.place, context));
  const restoredVersions = versions.map(({ version }) => version);
  const { sourceVaultUri, thumbprints } = backup;
  const proofs = await kind.prove({
    name,
    versions,
    thumbprints,
    copy: context.attemptsOn(vaultUri, name),
    source: sourceVaultUri === undefined ? undefined : context.attemptsOn(sourceVaultUri, backup.name ?? name),
    now: context.now,
  });
  const checks = checkVersionIds(backup.versions, restoredVersions).map((check) => ({
    ...notRun(check.version, kind.checks, "the version was not restored"),
    ...check,
    ...proofs.get(check.version),
  }));
  return { checks, restoredVersions, failure: undefined };
}

async function versionsOf({ kind, vaultUri, name }: ScratchPlace, context: Context): Promise<readonly ObjectVersion[]> {
  const found = await context.lookUp(kind, vaultUri, name);
  if (found.kind !== "found") {
    throw new DrillEnded(`the restored copy cannot be read: ${found.because}`);
  }
  return found.versions;
}

function endedEarly({ place, backup }: Drill, failure: string, leftover: Leftover | undefined): DrillResult {
  const checks = backup.versions.map((version) =>
    notRun(version, place.kind.checks, "the drill ended before this check"),
  );
  return { failure: failure.replace(/\.$/, ""), checks, restoredVersions: [], leftover };
}
