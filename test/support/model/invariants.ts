import { strict as assert } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { objectUri } from "../../../src/keyVault/vaultUri";
import type { Properties } from "../provider/memoryEngine";
import { sha256 } from "./copyPlaces";
import { blobOf, type HeldBackup, heldBackups } from "./heldBackups";
import { userVaults } from "./program";
import { theOccupantIsNamed, theRestoredIsThere } from "./restoredObjects";
import { nothingSecretIsShown, valuesAreReadForComparison } from "./secrecy";
import { outputsOf, placeText, roleOf, type Snapshot, snapshot } from "./snapshot";
import type { Outcome, World } from "./world";

/** Does something with Pulumi, and checks what must hold of it, whatever it came to. */
export async function checked(world: World, command: () => Promise<Outcome>): Promise<Outcome> {
  const before = snapshot(world);
  const outcome = await command();
  // What the program declared of the backup is handed over: the reference is to outlive the backup.
  void world.backupRef;
  const after = snapshot(world);
  await noVersionIsLost(world, before, after);
  copiesAreKept(before, after);
  theRestoredIsThere(world, before, after);
  await theUsersObjectsAreKept(world, before, after);
  noCopyIsUnnoticed(world, before, after, outcome);
  nothingSecretIsShown(world, before, after);
  valuesAreReadForComparison(world);
  theOccupantIsNamed(world, before, after, outcome);
  recordedFailuresFailNothing(world, outcome);
  return outcome;
}

/** Each version that a backup held is in the state, unless the user let go of it, or the backup is deleted and the source has it. */
async function noVersionIsLost(world: World, before: Snapshot, after: Snapshot): Promise<void> {
  const { kind, service } = world;
  const held = new Set<string>();
  for (const [index, backup] of heldBackups(kind, after.outputs.backup).entries()) {
    const blob = blobOf(backup, after.files);
    for (const version of await claimedVersions(world, after.outputs.backup ?? {}, { ...backup, blob }, index === 0)) {
      held.add(version);
    }
  }
  const isDeleted = after.outputs.backup === undefined;
  const isForced = before.outputs.backup?.forceDelete === true;
  const forget = (world.program.backup?.inputs.forget ?? []) as readonly string[];
  for (const backup of heldBackups(kind, before.outputs.backup)) {
    const { blobSha256, sourceUri, copies } = backup;
    const blob = blobOf(backup, before.files);
    const isCopied = isDeleted && blobOf({ blobSha256, copies } as HeldBackup, after.files) !== undefined;
    if (blob === undefined || isCopied) {
      continue;
    }
    const { versions, name } = await service.contents.of(kind, blob);
    const source = world.objects.see(roleOf(world, sourceUri), name);
    const present = source.state === "active" ? source.versions : [];
    const mayGo = (version: string) =>
      forget.includes(blobSha256) || (isDeleted && (isForced || present.includes(version)));
    const lost = versions.filter((version) => !held.has(version) && !mayGo(version));
    assert.deepEqual(lost, [], `No blob holds a version of ${name} any more.`);
  }
}

/** The versions that a blob really holds, which its record must claim. */
async function claimedVersions(
  { kind, service }: World,
  record: Properties,
  { blob, versions, copies = [] }: HeldBackup,
  isNewest: boolean,
): Promise<readonly string[]> {
  if (blob === undefined) {
    assert.ok(copies.length > 0, "A record has no blob.");
    return [];
  }
  const contents = await service.contents.of(kind, blob);
  const invented = versions.filter((version) => !contents.versions.includes(version));
  assert.deepEqual(invented, [], "A record claims a version that its blob does not hold.");
  if (isNewest && versions.length > 0) {
    assert.equal(versions.length, contents.versions.length, "A record leaves out a version that its blob holds.");
  }
  const thumbprints = (record.thumbprints ?? {}) as Readonly<Record<string, string>>;
  for (const version of contents.versions) {
    const thumbprint = thumbprints[version] ?? contents.thumbprints[version];
    assert.equal(thumbprint, contents.thumbprints[version], "A recorded thumbprint is wrong.");
  }
  return contents.versions;
}

/** What is in a place for copies stays as it is, and what has a final name is whole. */
function copiesAreKept(before: Snapshot, after: Snapshot): void {
  for (const [uri, bytes] of before.files) {
    assert.deepEqual(after.files.get(uri), bytes, "A copy is overwritten or removed.");
  }
  for (const [uri, bytes] of after.files) {
    if (!before.files.has(uri) && !uri.endsWith(".json")) {
      const hash = /-([0-9a-f]{8})\.(key|secret|certificate)backup$/.exec(uri)?.[1];
      assert.equal(sha256(bytes).slice(0, 8), hash, "A copy is not whole.");
      assert.ok(after.files.has(`${uri}.json`), "A copy has no facts beside it.");
    }
  }
}

/** Every object of the user's is as the user left it. Only a recreated replica, all of which is in the backup, may be replaced. */
async function theUsersObjectsAreKept(world: World, before: Snapshot, after: Snapshot): Promise<void> {
  const recreated = await versionsToRecreate(world);
  for (const { seen, ...place } of world.objects.allOwned) {
    const isReplica = place.role === "target" && seen.versions.every((version) => recreated?.includes(version));
    if (!isReplica) {
      const now = after.objects.get(placeText(place));
      assert.deepEqual(now, seen, `An object of the user's in the ${place.role} vault is changed.`);
    }
  }
  // What is restored into a user's vault is the user's from then on.
  for (const place of world.objects.places) {
    const [earlier, now] = [before, after].map(({ objects }) => objects.get(placeText(place)));
    if (userVaults.includes(place.role) && !isDeepStrictEqual(earlier, now)) {
      world.objects.userChanged(place.role, place.name);
    }
  }
}

async function versionsToRecreate({
  program,
  places,
  backupRef,
  kind,
  service,
}: World): Promise<readonly string[] | undefined> {
  const uri = backupRef?.blobUri;
  const blob = backupRef?.blob ?? places.files().get(String(uri))?.toString("base64url");
  const isDeclared = program.restore?.inputs.onNewVersions === "recreate" && program.restore.vault === "target";
  return isDeclared && typeof blob === "string" ? (await service.contents.of(kind, blob)).versions : undefined;
}

interface RecordedLeftover {
  readonly uri: string;
  readonly isSoftDeleted: boolean;
}

/** A usable copy in a scratch vault is recorded by the drill that left it there, or the user was told. */
function noCopyIsUnnoticed(world: World, before: Snapshot, after: Snapshot, { isKilled }: Outcome): void {
  const copies = usableCopies(world);
  const recorded = leftoverIn(after.outputs.drill);
  const known = leftoverIn(before.outputs.drill);
  const isTold = after.outputs.drill === undefined && world.shown.length > before.shown;
  if (known !== undefined && !known.isSoftDeleted && copies.includes(known.uri) && !isTold) {
    assert.equal(recorded?.uri, known.uri, "A copy that was recorded is forgotten.");
  }
  const { drill } = after.outputs;
  const hasRun = drill !== undefined && drill.drilledAt !== before.outputs.drill?.drilledAt;
  if (isKilled || !hasRun) {
    return;
  }
  const appeared = copies.filter((uri) => !isUsable(before, world, uri));
  const isExcused = drill.outcome === "failed" && (!isLookedAt(drill) || isNamedAsForeign(world, drill));
  const atPlace = copies.filter((uri) => uri === drill.copyUri && !isExcused);
  for (const uri of [...appeared, ...atPlace]) {
    assert.equal(recorded?.uri, uri, "A drill leaves a copy, and does not record it.");
  }
}

/** Whether the drill could look at what is in its place. */
function isLookedAt({ failure }: Properties): boolean {
  return !/^(Key Vault refused to list|Could not (list|read)|The provider)/.test(String(failure));
}

/** A copy of a killed drill that has no version of the backup of today may be anybody's: the failure names it, and that is all. */
function isNamedAsForeign(world: World, { failure, copyUri }: Properties): boolean {
  const name = nameIn(copyUri);
  const known = (world.backupRef?.versions ?? []) as readonly string[];
  const { versions } = world.objects.see(roleOf(world, copyUri), name);
  const isForeign = !versions.some((version) => known.includes(version));
  return isForeign && String(failure).includes(`the scratch vault has a ${world.kind.noun} "${name}"`);
}

function usableCopies({ objects, names, kind, service }: World): string[] {
  return (["scratch", "protectedScratch"] as const).flatMap((role) =>
    names
      .filter((name) => objects.see(role, name).state === "active" && objects.owned(role, name) === undefined)
      .map((name) => objectUri(kind, service.vaults[role].vaultUri, name)),
  );
}

function isUsable({ objects }: Snapshot, world: World, uri: string): boolean {
  const place = { role: roleOf(world, uri), collection: world.kind.collection, name: nameIn(uri) };
  return objects.get(placeText(place))?.state === "active";
}

function nameIn(uri: unknown): string {
  return String(uri).split("/").at(-1) ?? "";
}

function leftoverIn(outputs: Properties | undefined): RecordedLeftover | undefined {
  return outputs?.leftover as RecordedLeftover | undefined;
}

function recordedFailuresFailNothing({ program, engines }: World, { failedAt, isKilled }: Outcome): void {
  if (failedAt === "drill" && !isKilled && program.drill?.inputs.onFailure === "record") {
    assert.fail(`A drill fails an update in spite of onFailure: ${engines.drill.failureMessage}`);
  }
}

/** Runs `pulumi up` once more on the same program: nothing changes, and nothing is asked. */
export async function nothingIsLeftToDo(world: World): Promise<void> {
  const outputs = outputsOf(world);
  const { leftover } = outputs.drill ?? {};
  // A copy that could not be removed is tried again.
  if (leftover !== undefined && (leftover as { blockedUntil?: string }).blockedUntil === undefined) {
    return;
  }
  const { failedAt } = await world.up();
  assert.equal(failedAt, undefined, "An unchanged pulumi up fails.");
  assert.equal(world.service.process.sent.length, 0, "An unchanged pulumi up makes a request.");
  assert.deepEqual(outputsOf(world), outputs, "An unchanged pulumi up changes something.");
}

/** After a refresh that nothing is in the way of, records tell what there is. */
export async function recordsAreTrue(world: World): Promise<void> {
  const { kind, objects, service } = world;
  const { backup, restore } = outputsOf(world);
  if (backup?.sourceStatus === "current") {
    const [newest] = heldBackups(kind, backup);
    const { versions } = objects.see(roleOf(world, backup.vaultUri), String(backup[kind.properties.name]));
    const blob = newest && blobOf(newest, world.places.files());
    const held = blob && (await service.contents.of(kind, blob)).versions;
    assert.deepEqual([...(held ?? [])].sort(), [...versions].sort(), "A current backup lacks a version.");
  }
  if (restore?.status === "present") {
    const { state, versions } = objects.see(roleOf(world, restore.vaultUri), String(restore[kind.properties.name]));
    assert.equal(state, "active", "A restored object is recorded as present, and is not.");
    const recorded = [...(restore.versions as string[])].sort();
    assert.deepEqual(recorded, [...versions].sort(), "A restored object has other versions than its record.");
  }
}
