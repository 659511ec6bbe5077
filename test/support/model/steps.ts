import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { Operation } from "../../../localVault/operation";
import type { Fault } from "../../../localVault/vaultFault";
import { type ObjectKind, permissionFor } from "../../../src/objects/objectKind";
import { sha256 } from "./copyPlaces";
import { blobOf, type HeldBackup, heldBackups } from "./heldBackups";
import { checked, nothingIsLeftToDo, recordsAreTrue } from "./invariants";
import type { Collection } from "./modelObjects";
import { type VaultRole, vaultRoles } from "./modelService";
import { type ResourceName, resourceNames } from "./program";
import { outputsOf } from "./snapshot";
import {
  changeValue,
  createAnew,
  createIfFree,
  currentName,
  deleteObject,
  inVault,
  purgeObject,
  recoverObject,
  replaceDeleted,
  takeOrFreeName,
} from "./userActs";
import type { Kill, World } from "./world";

/** What happens, with a number that decides between details: plain data, which fast-check shrinks and prints. */
export type Step = readonly [name: StepName, detail: number];

type Action = (world: World, detail: number) => unknown;

const day = 86_400_000;

/** What the user does with Pulumi. */
const commands = {
  "pulumi up": (world) => up(world),
  "pulumi up, with all asked for anew": (world, detail) => {
    askAnew(world);
    return up(world, { refresh: detail % 4 === 0 });
  },
  "pulumi up --refresh": (world) => up(world, { refresh: true }),
  "pulumi up --refresh, with nothing in its way": upWithAllWell,
  "pulumi refresh": refresh,
  "pulumi destroy": (world) => checked(world, () => world.destroy()),
  "pulumi up, killed after a request": (world, detail) => {
    askAnew(world);
    return up(world, { refresh: detail % 4 === 0, kill: { afterRequests: detail + 1 } });
  },
  "pulumi up, killed before it writes": (world, detail) => {
    askAnew(world);
    return up(world, { refresh: detail % 4 === 0, kill: { beforeWriting: resourceAt(detail) } });
  },
} satisfies Record<string, Action>;

/** What the user changes in the program. */
const changes = {
  "a new backup is asked for": (world) => world.declare("backup", { triggers: [world.service.clock.now()] }),
  "a new drill is asked for": (world) => world.declare("drill", { triggers: [world.service.clock.now()] }),
  "the program loses a resource": (world, detail) => {
    world.program = { ...world.program, [resourceAt(detail)]: undefined };
  },
  "the program declares all resources": (world) => {
    const { backup, restore, drill } = world.program;
    world.program = {
      backup: backup ?? { vault: "source", name: world.names[0], inputs: {} },
      restore: restore ?? { vault: "target", isBare: false, inputs: {} },
      drill: drill ?? { vault: "scratch", isMisnamed: false, inputs: {} },
    };
  },
  "the program backs up another object": (world, detail) =>
    world.change("backup", { name: world.names[detail % 2] ?? "", version: undefined }),
  "the program backs up another vault": (world, detail) =>
    world.change("backup", { vault: detail % 2 === 0 ? "otherSource" : "source", version: undefined }),
  "the program names the newest version, or none": (world, detail) =>
    world.change("backup", { version: detail < 8 ? backedUpObject(world).versions.at(-1) : undefined }),
  "retain changes": (world, detail) => world.declare("backup", { retain: detail % 3 }),
  "the program forgets a backup": (world, detail) => {
    const held = heldBackups(world.kind, world.engines.backup.outputs).map(({ blobSha256 }) => blobSha256);
    const forgotten = held.at(-1 - (detail % Math.max(1, held.length)));
    world.declare("backup", { forget: forgotten === undefined ? [] : [forgotten] });
  },
  "the program forgets nothing": (world) => world.declare("backup", { forget: undefined }),
  "forceDelete changes": (world, detail) => world.declare("backup", { forceDelete: detail % 2 === 0 }),
  "maxAgeDays changes": (world, detail) =>
    world.declare(detail % 2 === 0 ? "backup" : "drill", { maxAgeDays: (detail % 4) + 1 }),
  "where backups are kept changes": (world, detail) => {
    const [first, second] = world.places.uris;
    const copyTo = [[first], [first, second], [second], undefined][detail % 4];
    world.declare("backup", { copyTo, keepBlobInState: copyTo && detail % 3 === 0 ? false : undefined });
  },
  "onNewVersions changes": (world, detail) =>
    world.declare("restore", { onNewVersions: detail % 3 === 0 ? "keep" : "recreate" }),
  "the program restores into another vault": (world, detail) =>
    world.change("restore", { vault: detail % 2 === 0 ? "source" : "target" }),
  "the program restores the bare blob, or not": (world, detail) =>
    world.change("restore", { isBare: detail % 2 === 0 }),
  "onFailure changes": (world, detail) => world.declare("drill", { onFailure: detail % 3 === 0 ? "fail" : "record" }),
  "allowSoftDeletedCopies changes": (world, detail) =>
    world.declare("drill", { allowSoftDeletedCopies: detail % 2 === 0 }),
  "the program drills in another vault": (world, detail) =>
    world.change("drill", { vault: detail % 2 === 0 ? "protectedScratch" : "scratch" }),
  "the program misnames the object of the drill, or not": (world, detail) =>
    world.change("drill", { isMisnamed: detail % 2 === 0 }),
} satisfies Record<string, Action>;

/** What else happens to the vaults. */
const events = {
  "the object is rotated": (world) => inVault(world, backupRole(world), (objects, name) => objects.rotate(name)),
  "an object is rotated": (world, detail) =>
    inVault(world, userRoleAt(detail), (objects, name) => objects.rotate(name)),
  "tags change": (world, detail) =>
    inVault(world, userRoleAt(detail), (objects, name) =>
      objects.update(name, undefined, { tags: { at: `${detail}` } }),
    ),
  "an object is disabled": (world, detail) =>
    inVault(world, userRoleAt(detail), (objects, name) => objects.update(name, undefined, { enabled: false })),
  "an object is deleted": (world, detail) => deleteObject(world, roleAt(world, detail)),
  "an object is recovered": (world, detail) => recoverObject(world, roleAt(world, detail)),
  "an object is purged": (world, detail) => purgeObject(world, roleAt(world, detail)),
  "an object is created anew": (world, detail) => createAnew(world, roleAt(world, detail)),
  "the user restores a blob": async (world, detail) => {
    const held = heldBackups(world.kind, world.engines.backup.outputs);
    const backup = held[Math.floor(detail / 5) % Math.max(1, held.length)];
    const role = roleAt(world, detail);
    const blob = backup && blobOf(backup, world.places.files());
    if (blob !== undefined && (await world.objects.in(role).restore(blob))) {
      const { name } = await world.service.contents.of(world.kind, blob);
      world.objects.userChanged(role, name);
    }
  },
  "an object of another kind takes the name, or loses it": (world, detail) => {
    const { namesakes } = world.objects;
    return takeOrFreeName(world, copyRoleAt(detail), namesakes[Math.floor(detail / 5) % namesakes.length] ?? "keys");
  },
  "the value of a secret in the target vault changes": (world) => changeValue(world, "target"),
  "a copy is removed": (world, detail) => {
    const uri = copyAt(world, detail);
    if (uri !== undefined) {
      world.places.remove(uri);
    }
  },
  "a copy is changed": (world, detail) => {
    const uri = copyAt(world, detail);
    if (uri !== undefined) {
      world.places.change(uri);
    }
  },
  "a moment passes": (world, detail) => world.pass(1_000 * (detail + 1)),
  "days pass": (world, detail) => world.pass((detail % 4) * 2.1 * day),
} satisfies Record<string, Action>;

/** What stands in the way of the provider. */
const obstacles = {
  "a permission is lost": (world, detail) => {
    const vault = world.vault(roleAt(world, detail));
    vault.authorization = detail % 2 === 0 ? "rbac" : "accessPolicy";
    const permissions = permissionsOf(world.kind);
    const [collection, permission] = permissions[Math.floor(detail / 5) % permissions.length] ?? ["keys", "list"];
    vault.collection(collection).permissions.delete(permission);
  },
  "the permission to read is lost": (world, detail) => {
    const { permissions } = world.objects.in(roleAt(world, detail));
    permissions.delete("list");
    permissions.delete("get");
  },
  "all permissions are granted": (world) => world.grantAll(),
  "a vault cannot be reached": (world, detail) => {
    world.service.unreachable.add(world.vault(roleAt(world, detail)).vaultUri);
  },
  "a place for copies cannot be reached": (world, detail) => world.places.setReachable(detail, false),
  "everything can be reached": (world) => world.reachAll(),
  "answers are lost": (world, detail) => {
    const operation = operationAt(detail, ["restore", "delete", "purge", "update"]);
    // A name that only the blob tells is never known if no answer comes.
    const isHopeless = operation === "restore" && world.program.drill?.isMisnamed === true;
    const times = detail % 3 === 0 && !isHopeless ? 6 : 1;
    world.vault(drillRole(world, detail)).fail(operation, { kind: "lostAnswer" }, times);
  },
  "answers to a restore are lost": (world, detail) =>
    world.vault(restoreRole(world)).fail("restore", { kind: "lostAnswer" }, detail % 3 === 0 ? 6 : 1),
  "answers break off": (world, detail) => {
    const operation = operationAt(detail, ["backup", "listVersions", "restore", "get"]);
    world.vault(roleAt(world, detail)).fail(operation, { kind: detail % 2 === 0 ? "truncated" : "cutJson" });
  },
  "connections are reset": (world, detail) => {
    const operation = operationAt(detail, ["restore", "delete", "purge", "listVersions"]);
    world.vault(drillRole(world, detail)).fail(operation, { kind: "reset" }, detail % 3 === 0 ? 6 : 1);
  },
  "the service fails": (world, detail) => {
    const operation = operationAt(detail, ["restore", "delete", "purge", "update", "listVersions", "getDeleted"]);
    world.vault(roleAt(world, detail)).fail(operation, failureAt(detail), detail % 3 === 0 ? 6 : 1);
  },
  "a backup fails": (world, detail) => world.vault(backupRole(world)).fail("backup", failureAt(detail), 6),
  "a proof fails": (world, detail) => world.vault(drillRole(world, 0)).fail(proofOf(world.kind), failureAt(detail), 6),
  "deletions take their time": (world, detail) => {
    world.vault(roleAt(world, detail)).deletionMilliseconds = detail % 3 === 0 ? 20_000 : 900;
  },
  "purged names take their time": (world, detail) => {
    world.vault(roleAt(world, detail)).purgeMilliseconds = detail % 3 === 0 ? 60_000 : 6_000;
  },
} satisfies Record<string, Action>;

/** What the user does between two requests of the provider. */
const surprises = {
  "the object is rotated during its backup": (world) =>
    onRequest(world, backupRole(world), "backup", () => events["the object is rotated"](world)),
  "the object is created anew during its backup": (world) =>
    onRequest(world, backupRole(world), "backup", () => createAnew(world, backupRole(world))),
  "the object is rotated after its backup": (world) =>
    afterRequest(world, backupRole(world), "backup", () => events["the object is rotated"](world)),
  "the user creates an object where a drill is about to restore": (world) =>
    onRequest(world, drillRole(world, 0), "restore", () => createIfFree(world, drillRole(world, 0))),
  "the user replaces the copy that a drill deleted": (world) =>
    afterRequest(world, drillRole(world, 0), "delete", () => replaceDeleted(world, drillRole(world, 0))),
  "the user replaces the object that is deleted to be recreated": (world) =>
    afterRequest(world, "target", "delete", () => replaceDeleted(world, "target")),
  "the user replaces the object that is deleted to be recreated, and disables the new one": (world) =>
    afterRequest(world, "target", "delete", () => replaceDeleted(world, "target", { enabled: false })),
  "the user rotates the object that is to be recreated": (world) =>
    afterRequest(world, "target", "listVersions", () =>
      inVault(world, "target", (objects, name) => objects.rotate(name)),
    ),
} satisfies Record<string, Action>;

const actions = { ...commands, ...changes, ...events, ...obstacles, ...surprises };

export type StepName = keyof typeof actions;

const detail = fc.nat({ max: 39 });

const stepOf = (group: Record<string, Action>): fc.Arbitrary<Step> =>
  fc.tuple(fc.constantFrom(...(Object.keys(group) as StepName[])), detail);

const often = (...names: StepName[]): fc.Arbitrary<Step> => fc.tuple(fc.constantFrom(...names), detail);

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: often("pulumi up, with all asked for anew"), weight: 6 },
  { arbitrary: often("pulumi up", "pulumi up --refresh"), weight: 3 },
  { arbitrary: stepOf(commands), weight: 5 },
  { arbitrary: often("the object is rotated"), weight: 2 },
  { arbitrary: stepOf(changes), weight: 4 },
  { arbitrary: stepOf(events), weight: 4 },
  { arbitrary: stepOf(obstacles), weight: 5 },
  { arbitrary: stepOf(surprises), weight: 2 },
);

const firstChange = often(
  "onNewVersions changes",
  "onFailure changes",
  "allowSoftDeletedCopies changes",
  "the program drills in another vault",
  "the program restores into another vault",
  "retain changes",
  "where backups are kept changes",
  "an object of another kind takes the name, or loses it",
);

/** A program, its first update, and what follows. */
export const sequences: fc.Arbitrary<Step[]> = fc
  .tuple(fc.array(firstChange, { maxLength: 3 }), fc.array(step, { minLength: 1, maxLength: 14, size: "max" }))
  .map(([program, steps]) => [...program, ["pulumi up", 1], ...steps]);

/** Sequences that once showed a defect. */
export const onceFailed: readonly Step[][] = [
  [
    ["onFailure changes", 1],
    ["pulumi up", 1],
    ["the program misnames the object of the drill, or not", 0],
    ["answers are lost", 1],
    ["pulumi up, with all asked for anew", 1],
  ],
];

/** Takes a step. Key Vault keeps times in whole seconds: some steps share one. */
export async function take(world: World, [name, detail]: Step): Promise<void> {
  world.pass(detail % 2 === 0 ? 100 : 2_000);
  world.isHindered ||= name in obstacles;
  await (actions[name] as Action)(world, detail);
}

function askAnew(world: World): void {
  changes["a new backup is asked for"](world);
  changes["a new drill is asked for"](world);
}

async function up(world: World, options: { refresh?: boolean; kill?: Kill } = {}): Promise<boolean> {
  const { failedAt } = await checked(world, () => world.up(options));
  if (failedAt !== undefined) {
    world.clearSurprises();
    return false;
  }
  world.clearSurprises();
  await nothingIsLeftToDo(world);
  return true;
}

async function refresh(world: World): Promise<void> {
  const { failedAt } = await checked(world, () => world.refresh());
  world.clearSurprises();
  assert.equal(failedAt, undefined, `A refresh fails: ${world.shown.at(-1)}`);
}

/** Nothing is in the way, so that what is declared can be had. */
async function upWithAllWell(world: World): Promise<void> {
  world.setAllWell();
  const earlier = outputsOf(world).drill?.drilledAt;
  const isFree = world.program.drill && world.objects.isFree(world.program.drill.vault, currentName(world));
  const succeeded = await up(world, { refresh: true });
  await recordsAreTrue(world);
  const { backup, drill } = outputsOf(world);
  const { state, versions } = backedUpObject(world);
  const { version } = world.program.backup ?? {};
  if (world.program.backup && state === "active" && (version === undefined || versions.includes(version))) {
    assert.equal(backup?.sourceStatus, "current", "A backup stays stale.");
  }
  if (succeeded && world.program.backup && state === "active") {
    assert.ok(isWhereDeclared(world), "A blob is not where the program wants it.");
  }
  const hasRun = drill?.drilledAt !== earlier;
  if (succeeded && hasRun && isFree && world.program.drill?.vault === "scratch") {
    const isExpected = world.program.drill.isMisnamed || drill?.outcome !== "failed";
    assert.ok(isExpected, `A drill fails for no reason: ${String(drill?.failure)}`);
  }
}

/** Whether the newest backup has the declared copies, each whole, and is in the state if it should be. */
function isWhereDeclared(world: World): boolean {
  const { copyTo = [], keepBlobInState = true } = (world.program.backup?.inputs ?? {}) as {
    copyTo?: readonly string[];
    keepBlobInState?: boolean;
  };
  const [newest] = heldBackups(world.kind, world.engines.backup.outputs);
  const { blob, blobSha256, copies = [] } = newest ?? ({} as HeldBackup);
  const files = world.places.files();
  const areWhole = copies.every(({ uri, status }) => {
    const bytes = files.get(uri);
    return status === "verified" && bytes !== undefined && sha256(bytes) === blobSha256;
  });
  const arePlaced = copyTo.every((place, index) => copies[index]?.uri.startsWith(place));
  return areWhole && arePlaced && copies.length === copyTo.length && (blob !== undefined) === keepBlobInState;
}

/** The URI of a copy that the state records. */
function copyAt(world: World, detail: number): string | undefined {
  const copies = heldBackups(world.kind, world.engines.backup.outputs).flatMap(({ copies = [] }) => copies);
  return copies[detail % Math.max(1, copies.length)]?.uri;
}

function backupRole({ program }: World): "source" | "otherSource" {
  return program.backup?.vault ?? "source";
}

function restoreRole({ program }: World): VaultRole {
  return program.restore?.vault ?? "target";
}

/** The vault of the drill, or sometimes the target. */
function drillRole({ program }: World, detail: number): VaultRole {
  return detail % 5 === 4 ? "target" : (program.drill?.vault ?? "scratch");
}

/** Mostly a vault of the program. */
function roleAt(world: World, detail: number): VaultRole {
  const roles = [backupRole(world), drillRole(world, 0), restoreRole(world), drillRole(world, 0), ...vaultRoles];
  return roles[detail % roles.length] ?? "source";
}

function userRoleAt(detail: number): VaultRole {
  return detail % 3 === 2 ? "target" : detail % 2 === 0 ? "source" : "otherSource";
}

/** A vault in which restores and drills make copies. */
function copyRoleAt(detail: number): VaultRole {
  return (["target", "scratch", "protectedScratch"] as const)[detail % 3] ?? "target";
}

function resourceAt(detail: number): ResourceName {
  return resourceNames[detail % resourceNames.length] ?? "backup";
}

function operationAt(detail: number, operations: readonly Operation[]): Operation {
  return operations[Math.floor(detail / 5) % operations.length] ?? "restore";
}

function failureAt(detail: number): Fault {
  return { kind: "status", status: detail % 2 === 0 ? 500 : 400 };
}

function backedUpObject(world: World) {
  return world.objects.see(backupRole(world), currentName(world));
}

/** What the provider may lack, by the steps' numbers. */
function permissionsOf(kind: ObjectKind): [Collection, string][] {
  const { collection, noun } = kind;
  const operations = ["list", "get", "backup", "restore", "update", "delete", "purge"] as const;
  const ofObjects = operations.map((operation): [Collection, string] => [
    collection,
    permissionFor(kind, operation).accessPolicy,
  ]);
  return [...ofObjects, noun === "secret" ? ["secrets", "get"] : ["keys", "sign"]];
}

/** The request that proves a copy. */
function proofOf({ noun }: ObjectKind): Operation {
  return noun === "secret" ? "get" : "sign";
}

function onRequest(world: World, role: VaultRole, operation: Operation, does: () => unknown): void {
  world.vault(role).onRequest(operation, async () => void (await does()));
}

function afterRequest(world: World, role: VaultRole, operation: Operation, does: () => unknown): void {
  world.vault(role).afterRequest(operation, async () => void (await does()));
}
