import { strict as assert } from "node:assert";
import { blobOf, heldBackups } from "./heldBackups";
import type { VaultRole } from "./modelService";
import { outputsOf, roleOf, type Snapshot } from "./snapshot";
import { differencesFrom } from "./versionFacts";
import type { Outcome, World } from "./world";

/** What a restore recorded just now is in the vault; if the provider could compare it with the source, it is the same. */
export function theRestoredIsThere(world: World, before: Snapshot, after: Snapshot): void {
  const { restore } = after.outputs;
  if (restore === undefined || restore.restoredAt === before.outputs.restore?.restoredAt) {
    return;
  }
  const role = roleOf(world, restore.vaultUri);
  const name = String(restore[world.kind.properties.name]);
  const { state, versions } = world.objects.see(role, name);
  const recorded = restore.versions as string[];
  const isThere = state === "active" && recorded.length > 0 && recorded.every((one) => versions.includes(one));
  assert.ok(isThere, "A restore is recorded of what is not there.");
  const { sourceUri } = restore.restoredFrom as { readonly sourceUri?: string };
  if (world.isHindered || sourceUri === undefined) {
    return;
  }
  const places = [role, roleOf(world, sourceUri)];
  for (const version of recorded) {
    const isComparable = places.every((one) => isEnabled(world, one, name, version));
    assert.deepEqual(
      isComparable ? differences(world, role, name, version) : [],
      [],
      "Another object is restored, or adopted.",
    );
  }
}

/** Every version that the state holds, or that it says is restored, does what it did in the source. */
export async function theStateRestores(world: World): Promise<void> {
  const { kind, objects, service } = world;
  const { backup, restore } = outputsOf(world);
  for (const held of heldBackups(kind, backup)) {
    const blob = blobOf(held, world.places.files());
    if (blob === undefined) {
      continue;
    }
    const { facts } = await service.contents.of(kind, blob);
    for (const [version, restored] of Object.entries(facts)) {
      const original = objects.originalOf(version);
      assert.ok(original, "A blob holds a version that nobody made.");
      assert.deepEqual(differencesFrom(original, restored), [], "A backup restores something else.");
    }
  }
  if (restore?.status === "present") {
    const role = roleOf(world, restore.vaultUri);
    const name = String(restore[kind.properties.name]);
    for (const version of objects.see(role, name).state === "active" ? (restore.versions as string[]) : []) {
      const isKept = objects.see(role, name).versions.includes(version) && !objects.tampered.has(version);
      assert.deepEqual(isKept ? differences(world, role, name, version) : [], [], "A restored object is another one.");
    }
  }
}

/** A restore or a drill that fails because another kind of object has the name says so. */
export function theOccupantIsNamed(
  world: World,
  before: Snapshot,
  after: Snapshot,
  { failedAt, isKilled }: Outcome,
): void {
  const { program, kind, engines, isHindered, backupRef } = world;
  if (isKilled || isHindered) {
    return;
  }
  const name = String(backupRef?.[kind.properties.name]);
  const { restore } = program;
  const nouns = restore === undefined ? [] : nounsInTheWay(world, restore.vault, name);
  if (failedAt === "restore" && nouns.length > 0 && restore?.isBare === false) {
    const named = new RegExp(`a (soft-deleted )?(${nouns.join("|")}) has its name`);
    assert.match(engines.restore.failureMessage, named, "It is not said what has the name.");
  }
  const { drill } = after.outputs;
  const hasRun = drill !== undefined && drill.drilledAt !== before.outputs.drill?.drilledAt;
  const nounsInDrill = hasRun ? nounsInTheWay(world, roleOf(world, drill.vaultUri), name) : [];
  if (nounsInDrill.length > 0 && program.drill?.isMisnamed === false) {
    const named = new RegExp(`a (soft-deleted )?(${nounsInDrill.join("|")}) "${name}", which blocks`);
    assert.match(String(drill?.failure), named, "It is not said what blocks a drill.");
  }
}

/** What stands in the way of a certificate, if no certificate has the name. */
function nounsInTheWay({ objects, kind }: World, role: VaultRole, name: string): string[] {
  const isTaken = kind.noun !== "certificate" || objects.see(role, name).state !== "absent";
  return isTaken ? [] : objects.occupants(role, name).map((collection) => collection.slice(0, -1));
}

function differences({ objects }: World, role: VaultRole, name: string, version: string): string[] {
  const original = objects.originalOf(version);
  return original === undefined ? [] : differencesFrom(original, objects.factsOf(role, name, version));
}

function isEnabled({ objects }: World, role: VaultRole, name: string, version: string): boolean {
  return objects
    .in(role)
    .versions(name)
    .some((one) => one.version === version && one.enabled);
}
