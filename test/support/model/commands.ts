import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { HeldRecord } from "./stackEngine";
import type { World } from "./world";

/** fast-check asks for a model of the world to decide which commands fit: here each always does. */
export type Model = Record<string, never>;

type Command = fc.AsyncCommand<Model, World>;

/** What the surroundings do: keys, permissions and faults change, and the state does not. */
const happens = (name: string, does: (world: World) => unknown): fc.Arbitrary<Command> =>
  fc.constant({ check: () => true, run: (_, world) => passing(world, () => does(world)), toString: () => name });

/** What the user does with Pulumi, by a number that decides between details. */
const runs = (name: string, does: (world: World, detail: number) => Promise<unknown>): fc.Arbitrary<Command> =>
  fc.nat({ max: 5 }).map((detail) => ({
    check: () => true,
    run: (_, world) => passing(world, () => does(world, detail)),
    toString: () => `${name} (${detail})`,
  }));

// Key Vault keeps times in whole seconds.
async function passing(world: World, does: () => unknown): Promise<void> {
  world.pass(2_000);
  await does();
}

/** What the key of the program, or the other key, has become. */
const whereThere = (does: (world: World, name: string) => unknown) => (world: World) => {
  const name = world.program?.keyName ?? world.keyNames[0];
  return world.vault.hasKey(name) ? does(world, name) : undefined;
};

/** Runs `pulumi up`, which, where it succeeds, leaves nothing to do, and where nothing is in its way, a backup of all. */
async function up(world: World, options: { refresh?: boolean; isKilled?: boolean } = {}): Promise<void> {
  const { vault, engine } = world;
  const succeeded = await world.step(() => engine.up(world.declaration, options));
  if (!succeeded || world.program === undefined) return;
  if (world.isRepeated) {
    vault.clearRequests();
    assert.equal(await engine.up(world.declaration), true, "An unchanged pulumi up fails.");
    assert.equal(vault.requests.length, 0, "An unchanged pulumi up asks the vault for something.");
  }
  if (options.refresh) await isUpToDate(world);
}

/** What a state says of a key after a refresh is so. */
async function isUpToDate(world: World): Promise<void> {
  const record = await current(world);
  if (record?.sourceStatus !== "current") return;
  const [newest] = record.backups;
  assert.ok(newest);
  const held = await world.restored(newest.blob);
  assert.deepEqual([...held].sort(), world.versionsOf(record.keyName).sort(), "A current backup lacks a version.");
}

async function current({ engine }: World): Promise<HeldRecord | undefined> {
  return (await engine.records()).find(({ isPendingDelete }) => !isPendingDelete);
}

/** Nothing is in the way of `pulumi up --refresh`, so that it leaves no backup stale of a key that is there. */
async function upWithAllWell(world: World): Promise<void> {
  grantAll(world);
  world.vault.clearFaults();
  await up(world, { refresh: true });
  const { program, vault } = world;
  if (program === undefined || !vault.hasKey(program.keyName)) return;
  if (program.keyVersion !== undefined && !world.versionsOf(program.keyName).includes(program.keyVersion)) return;
  assert.equal((await current(world))?.sourceStatus, "current", "A backup stays stale.");
  await isUpToDate(world);
}

function grantAll({ vault }: World): void {
  for (const permission of ["list", "get", "backup"] as const) vault.permissions.add(permission);
}

async function refresh(world: World): Promise<void> {
  const { vault, engine } = world;
  vault.clearRequests();
  const succeeded = await world.step(() => engine.refresh());
  assert.equal(succeeded, true, "A refresh fails.");
  assert.equal(vault.requestsOf("backup").length, 0, "A refresh makes a backup.");
  const record = await current(world);
  if (record && !vault.hasKey(record.keyName)) {
    assert.notEqual(record.sourceStatus, "current", "A refresh takes a missing key for there.");
  }
}

const declares = (name: string, change: (world: World, detail: number) => Readonly<Record<string, unknown>>) =>
  runs(name, async (world, detail) => {
    world.declare(change(world, detail));
    await up(world);
  });

async function forget(world: World, detail: number): Promise<void> {
  const hashes = (await world.engine.records()).flatMap(({ backups }) => backups.map(({ blobSha256 }) => blobSha256));
  const sha256 = hashes.at(-1 - (detail % Math.max(1, hashes.length)));
  if (sha256 !== undefined) {
    world.declare({ forget: [...world.forget, sha256] });
    await up(world);
  }
}

/** A blob that the state holds comes back into the vault, where its name is free. */
async function restoreOne(world: World, detail: number): Promise<void> {
  const blobs = (await world.engine.records()).flatMap(({ backups }) => backups.map(({ blob }) => blob));
  const blob = blobs[detail % Math.max(1, blobs.length)];
  if (blob !== undefined) await world.vault.restoreKey(blob);
}

/** All that can happen to a backup and its key. */
export const commands: fc.Arbitrary<Command>[] = [
  runs("pulumi up", (world) => up(world)),
  runs("pulumi up --refresh", (world) => up(world, { refresh: true })),
  runs("pulumi up --refresh, with nothing in its way", upWithAllWell),
  runs("pulumi refresh", refresh),
  runs("pulumi up, killed", async (world, detail) => {
    world.declare({ triggers: [`killed ${detail}`] });
    await world.step(() => world.engine.up(world.declaration, { isKilled: true, refresh: detail % 2 === 0 }));
  }),
  declares("triggers change", (_, detail) => ({ triggers: [detail] })),
  declares("retain changes", (_, detail) => ({ retain: detail % 3, triggers: [`retain ${detail}`] })),
  declares("maxAgeDays changes", (_, detail) => ({ maxAgeDays: detail + 1 })),
  declares("forceDelete changes", (_, detail) => ({ forceDelete: detail === 0 })),
  runs("the program names the other key", async (world) => {
    const [one, other] = world.keyNames;
    world.change({ keyName: world.program?.keyName === one ? other : one, keyVersion: undefined });
    await up(world);
  }),
  runs("the program names the newest version, or none", async (world, detail) => {
    const keyName = world.program?.keyName ?? world.keyNames[0];
    world.change({ keyVersion: detail < 4 ? world.versionsOf(keyName).at(-1) : undefined });
    await up(world);
  }),
  runs("the program forgets a backup", forget),
  runs("the program loses the resource", async (world, detail) => {
    const { program } = world;
    world.program = undefined;
    await up(world);
    if (detail > 1) world.program = program;
  }),
  runs("pulumi destroy", (world) => world.step(() => world.engine.destroy(), true)),
  happens(
    "the key is rotated",
    whereThere(({ vault }, name) => vault.rotateKey(name)),
  ),
  happens(
    "the tags change",
    whereThere(({ vault }, name) => vault.updateKey(name, undefined, { tags: { at: `${Math.random()}` } })),
  ),
  happens(
    "the key is disabled",
    whereThere(({ vault }, name) => vault.updateKey(name, undefined, { enabled: false })),
  ),
  happens(
    "the key is deleted",
    whereThere(({ vault }, name) => vault.deleteKey(name)),
  ),
  happens(
    "the key is deleted and created anew",
    whereThere(async ({ vault }, name) => {
      vault.deleteKey(name);
      vault.purgeKey(name);
      await vault.createKey(name);
    }),
  ),
  happens("the keys are created", async ({ vault, keyNames }) => {
    for (const name of keyNames) {
      if (vault.isDeleted(name)) vault.purgeKey(name);
      if (!vault.hasKey(name)) await vault.createKey(name);
    }
  }),
  happens("the keys are recovered", ({ vault, keyNames }) => {
    for (const name of keyNames) if (vault.isDeleted(name) && !vault.hasKey(name)) vault.recoverKey(name);
  }),
  runs("a blob is restored into the vault", restoreOne),
  runs("the permission to back up is lost", async ({ vault }) => vault.permissions.delete("backup")),
  runs("the permission to read is lost", async (world, detail) => {
    const { vault } = world;
    grantAll(world);
    vault.authorization = detail < 2 ? "rbac" : "accessPolicy";
    vault.permissions.delete("list");
    // A role grants reading as one data action, an access policy `list` and `get` one by one.
    if (detail < 4) vault.permissions.delete("get");
  }),
  happens("permissions are granted", grantAll),
  happens("days pass", ({ pass }) => pass(3 * 86_400_000)),
  runs("the vault is throttled for a while", async ({ vault }, detail) =>
    vault.fail("any", { kind: "throttled" }, detail + 1),
  ),
  runs("the next backups fail", async ({ vault }, detail) =>
    vault.fail("backup", { kind: "status", status: 400 }, (detail % 2) + 1),
  ),
  runs("the next readings fail", async ({ vault }, detail) =>
    vault.fail("listVersions", { kind: "status", status: 400 }, (detail % 2) + 1),
  ),
];
