import { strict as assert } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { Properties } from "../provider/memoryEngine";
import { type HeldBackup, heldBackups } from "./heldBackups";
import { type VaultRole, vaultRoles } from "./modelService";
import { type ResourceName, resourceNames, userVaults } from "./program";
import type { Outcome, SeenKey, World } from "./world";

type Outputs = Readonly<Record<ResourceName, Properties | undefined>>;

/** What there is before a command, and after it. */
interface Snapshot {
  readonly outputs: Outputs;
  readonly keys: ReadonlyMap<string, SeenKey>;
  readonly shown: number;
}

/** Does something with Pulumi, and checks what must hold of it, whatever it came to. */
export async function checked(world: World, command: () => Promise<Outcome>): Promise<Outcome> {
  const before = snapshot(world);
  const outcome = await command();
  // What the program declared of the backup is handed over: the reference is to outlive the backup.
  void world.backupRef;
  const after = snapshot(world);
  await noVersionIsLost(world, before, after);
  await theUsersKeysAreKept(world, before, after);
  noCopyIsUnnoticed(world, before, after, outcome);
  nothingSecretIsShown(world, before, after);
  recordedFailuresFailNothing(world, outcome);
  return outcome;
}

export function outputsOf({ engines }: World): Outputs {
  return { backup: engines.backup.outputs, restore: engines.restore.outputs, drill: engines.drill.outputs };
}

function snapshot(world: World): Snapshot {
  const places = vaultRoles.flatMap((role) => world.keyNames.map((name) => ({ role, name })));
  return {
    outputs: outputsOf(world),
    keys: new Map(places.map(({ role, name }) => [`${role}/${name}`, world.see(role, name)])),
    shown: world.shown.length,
  };
}

/** Each version that a backup held is in the state, unless the user let go of it, or the backup is deleted and the source has it. */
async function noVersionIsLost(world: World, before: Snapshot, after: Snapshot): Promise<void> {
  const held = new Set<string>();
  for (const [index, backup] of heldBackups(after.outputs.backup).entries()) {
    for (const version of await claimedVersions(world, after.outputs.backup ?? {}, backup, index === 0)) {
      held.add(version);
    }
  }
  const isDeleted = after.outputs.backup === undefined;
  const isForced = before.outputs.backup?.forceDelete === true;
  const forget = (world.program.backup?.inputs.forget ?? []) as readonly string[];
  for (const { blob, blobSha256, sourceUri } of heldBackups(before.outputs.backup)) {
    const { versions, name } = await world.service.contents.of(blob);
    const role = (["source", "otherSource"] as const).find((one) => sourceUri.startsWith(world.vault(one).vaultUri));
    const source = world.see(role ?? "source", name);
    const present = source.state === "active" ? source.versions : [];
    const mayGo = (version: string) =>
      forget.includes(blobSha256) || (isDeleted && (isForced || present.includes(version)));
    const lost = versions.filter((version) => !held.has(version) && !mayGo(version));
    assert.deepEqual(lost, [], `No blob holds a version of ${name} any more.`);
  }
}

/** The versions that a blob really holds, which its record must claim. */
async function claimedVersions(
  world: World,
  record: Properties,
  { blob, versions }: HeldBackup,
  isNewest: boolean,
): Promise<readonly string[]> {
  assert.ok(typeof blob === "string" && blob !== "", "A record has no blob.");
  const contents = await world.service.contents.of(blob);
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

/** Every key of the user's is as the user left it. Only a recreated replica, all of which is in the backup, may be replaced. */
async function theUsersKeysAreKept(world: World, before: Snapshot, after: Snapshot): Promise<void> {
  const recreated = await versionsToRecreate(world);
  for (const { role, name, seen } of world.ownedKeys) {
    const now = after.keys.get(`${role}/${name}`);
    const isReplica = role === "target" && seen.versions.every((version) => recreated?.includes(version));
    if (!isReplica) {
      assert.deepEqual(now, seen, `A key of the user's in the ${role} vault is changed.`);
    }
  }
  // What is restored into a user's vault is the user's from then on.
  for (const role of userVaults) {
    for (const name of world.keyNames) {
      const place = `${role}/${name}`;
      if (!isDeepStrictEqual(before.keys.get(place), after.keys.get(place))) {
        world.userChanged(role, name);
      }
    }
  }
}

async function versionsToRecreate(world: World): Promise<readonly string[] | undefined> {
  const { restore } = world.program;
  const blob = world.backupRef?.blob;
  const isDeclared = restore?.inputs.onNewVersions === "recreate" && restore.vault === "target";
  return isDeclared && typeof blob === "string" ? (await world.service.contents.of(blob)).versions : undefined;
}

interface RecordedLeftover {
  readonly keyUri: string;
  readonly isSoftDeleted: boolean;
}

/** A usable copy in a scratch vault is recorded by the drill that left it there, or the user was told. */
function noCopyIsUnnoticed(world: World, before: Snapshot, after: Snapshot, { isKilled }: Outcome): void {
  const copies = usableCopies(world);
  const recorded = leftoverIn(after.outputs.drill);
  const known = leftoverIn(before.outputs.drill);
  const isTold = after.outputs.drill === undefined && world.shown.length > before.shown;
  if (known !== undefined && !known.isSoftDeleted && copies.includes(known.keyUri) && !isTold) {
    assert.equal(recorded?.keyUri, known.keyUri, "A copy that was recorded is forgotten.");
  }
  const { drill } = after.outputs;
  const hasRun = drill !== undefined && drill.drilledAt !== before.outputs.drill?.drilledAt;
  if (isKilled || !hasRun) {
    return;
  }
  const appeared = copies.filter((uri) => !isUsable(before, world, uri));
  const place = `${String(drill.vaultUri)}keys/${String(drill.keyName)}`;
  const isExcused = drill.outcome === "failed" && (!isLookedAt(drill) || isNamedAsForeign(world, drill, place));
  const atPlace = copies.filter((uri) => uri === place && !isExcused);
  for (const uri of [...appeared, ...atPlace]) {
    assert.equal(recorded?.keyUri, uri, "A drill leaves a copy, and does not record it.");
  }
}

/** Whether the drill could look at what is in its place. */
function isLookedAt({ failure }: Properties): boolean {
  return !/^(Key Vault refused to list|Could not (list|read)|The provider)/.test(String(failure));
}

/** A copy of a killed drill that has no version of the backup of today may be anybody's: the failure names it, and that is all. */
function isNamedAsForeign(world: World, { failure }: Properties, uri: string): boolean {
  const role = vaultRoles.find((one) => uri.startsWith(world.vault(one).vaultUri)) ?? "scratch";
  const name = uri.split("/").at(-1) ?? "";
  const known = (world.backupRef?.versions ?? []) as readonly string[];
  const isForeign = !world.see(role, name).versions.some((version) => known.includes(version));
  return isForeign && String(failure).includes(`the scratch vault has a key "${name}"`);
}

function usableCopies(world: World): string[] {
  return (["scratch", "protectedScratch"] as const).flatMap((role) =>
    world.keyNames
      .filter((name) => world.see(role, name).state === "active" && world.owned(role, name) === undefined)
      .map((name) => `${world.vault(role).vaultUri}keys/${name}`),
  );
}

function isUsable({ keys }: Snapshot, world: World, uri: string): boolean {
  const role = vaultRoles.find((one: VaultRole) => uri.startsWith(world.vault(one).vaultUri));
  return keys.get(`${role}/${uri.split("/").at(-1)}`)?.state === "active";
}

function leftoverIn(outputs: Properties | undefined): RecordedLeftover | undefined {
  return outputs?.leftover as RecordedLeftover | undefined;
}

/** Blobs and tokens are long; nothing else that is shown, or that a restore or a drill records, has such a word. */
function nothingSecretIsShown(world: World, before: Snapshot, after: Snapshot): void {
  const { restore, drill } = after.outputs;
  const ids = resourceNames.map((resource) => world.engines[resource].id);
  const { blob: _, previous: __, ...facts } = after.outputs.backup ?? {};
  for (const text of [...world.shown.slice(before.shown), ...ids, JSON.stringify([restore, drill, facts])]) {
    assert.doesNotMatch(text, /[\w.+/=-]{300}|[\w-]{100}/, "A secret is shown.");
  }
}

function recordedFailuresFailNothing(world: World, { failedAt, isKilled }: Outcome): void {
  const { drill } = world.program;
  if (failedAt === "drill" && !isKilled && drill?.inputs.onFailure === "record") {
    assert.fail(`A drill fails an update in spite of onFailure: ${world.engines.drill.failureMessage}`);
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
  assert.equal(world.service.process.requests, 0, "An unchanged pulumi up makes a request.");
  assert.deepEqual(outputsOf(world), outputs, "An unchanged pulumi up changes something.");
}

/** After a refresh that nothing is in the way of, records tell what there is. */
export async function recordsAreTrue(world: World): Promise<void> {
  const { backup, restore } = outputsOf(world);
  if (backup?.sourceStatus === "current") {
    const [newest] = heldBackups(backup);
    const role = backup.vaultUri === world.vault("source").vaultUri ? "source" : "otherSource";
    const { versions } = world.see(role, String(backup.keyName));
    const held = newest && (await world.service.contents.of(newest.blob)).versions;
    assert.deepEqual([...(held ?? [])].sort(), [...versions].sort(), "A current backup lacks a version.");
  }
  if (restore?.status === "present") {
    const role = restore.vaultUri === world.vault("source").vaultUri ? "source" : "target";
    const { state, versions } = world.see(role, String(restore.keyName));
    assert.equal(state, "active", "A restored key is recorded as present, and is not.");
    const recorded = [...(restore.versions as string[])].sort();
    assert.deepEqual(recorded, [...versions].sort(), "A restored key has other versions than its record.");
  }
}
