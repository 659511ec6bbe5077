import { randomBytes } from "node:crypto";
import type { Collection, ModelObjects } from "./modelObjects";
import type { VaultRole } from "./modelService";
import type { World } from "./world";

/** The name of the program's object. */
export function currentName({ program, names, backupRef, kind }: World): string {
  return program.backup?.name ?? (backupRef?.[kind.properties.name] as string | undefined) ?? names[0];
}

/** Changes the object of the program, if the vault has it in use. */
export async function inVault(
  world: World,
  role: VaultRole,
  change: (objects: ReturnType<ModelObjects["in"]>, name: string) => unknown,
): Promise<void> {
  const name = currentName(world);
  const objects = world.objects.in(role);
  if (objects.has(name) && !world.objects.isManaged(role, name)) {
    await change(objects, name);
    world.objects.userChanged(role, name);
  }
}

export function deleteObject(world: World, role: VaultRole): void {
  const name = currentName(world);
  if (world.objects.in(role).has(name) && !world.objects.isManaged(role, name)) {
    const isUsers = world.objects.owned(role, name) !== undefined;
    world.objects.in(role).delete(name);
    if (isUsers) {
      world.objects.userChanged(role, name);
    }
  }
}

export function recoverObject(world: World, role: VaultRole): void {
  const name = currentName(world);
  if (world.objects.see(role, name).state === "deleted" && !world.objects.isManaged(role, name)) {
    const isUsers = world.objects.owned(role, name) !== undefined;
    world.objects.in(role).recover(name);
    if (isUsers) {
      world.objects.userChanged(role, name);
    }
  }
}

export function purgeObject(world: World, role: VaultRole): void {
  const name = currentName(world);
  const isDeleted = world.objects.in(role).isDeleted(name) && !world.objects.isManaged(role, name);
  if (isDeleted && !world.vault(role).purgeProtection) {
    world.objects.in(role).purge(name);
    world.objects.userChanged(role, name);
  }
}

export async function createIfFree(world: World, role: VaultRole, { enabled = true } = {}): Promise<void> {
  const name = currentName(world);
  if (world.objects.isFree(role, name)) {
    await world.objects.in(role).create(name, { tags: { team: "orders" }, enabled });
    world.objects.userChanged(role, name);
  }
}

export async function createAnew(world: World, role: VaultRole): Promise<void> {
  deleteObject(world, role);
  purgeObject(world, role);
  await createIfFree(world, role);
}

/** An object of the user's takes the place of a soft-deleted object, and is soft-deleted too. */
export async function replaceDeleted(world: World, role: VaultRole, { enabled = true } = {}): Promise<void> {
  if (world.objects.see(role, currentName(world)).state === "deleted") {
    purgeObject(world, role);
    world.pass(2_000);
    await createIfFree(world, role, { enabled });
    deleteObject(world, role);
  }
}

/** An object of another kind takes the name, which nothing has; or it loses the name. */
export async function takeOrFreeName(world: World, role: VaultRole, collection: Collection): Promise<void> {
  const name = currentName(world);
  const vault = world.vault(role);
  const others = vault.collection(collection);
  if (world.objects.isFree(role, name)) {
    await others.create(name, { tags: { team: "orders" } });
  } else if (world.objects.occupants(role, name).includes(collection)) {
    if (others.has(name)) {
      others.delete(name);
    } else if (!vault.purgeProtection) {
      others.purge(name);
    }
  }
  world.objects.userChanged(role, name);
}

/** A secret in use gets another value without a new version, as no service does it. */
export function changeValue(world: World, role: VaultRole): void {
  const name = currentName(world);
  const { secrets } = world.vault(role);
  if (world.kind.noun === "secret" && secrets.has(name) && !world.objects.isManaged(role, name)) {
    const { version } = secrets.update(name, undefined, { value: randomBytes(24).toString("base64url") });
    world.objects.tampered.add(version);
    world.objects.userChanged(role, name);
  }
}
