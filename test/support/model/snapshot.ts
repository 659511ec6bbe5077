import type { Properties } from "../provider/memoryEngine";
import type { Place, SeenObject } from "./modelObjects";
import { type VaultRole, vaultRoles } from "./modelService";
import type { ResourceName } from "./program";
import type { World } from "./world";

type Outputs = Readonly<Record<ResourceName, Properties | undefined>>;

/** What there is before a command, and after it. */
export interface Snapshot {
  readonly outputs: Outputs;
  readonly objects: ReadonlyMap<string, SeenObject>;
  /** The files in the places for copies, by their URIs. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly shown: number;
}

export function snapshot(world: World): Snapshot {
  const seen = world.objects.places.map(
    (place) => [placeText(place), world.objects.see(place.role, place.name, place.collection)] as const,
  );
  return { outputs: outputsOf(world), objects: new Map(seen), files: world.places.files(), shown: world.shown.length };
}

export function placeText({ role, collection, name }: Place): string {
  return `${role}/${collection}/${name}`;
}

export function outputsOf({ engines }: World): Outputs {
  return { backup: engines.backup.outputs, restore: engines.restore.outputs, drill: engines.drill.outputs };
}

/** The vault that a URI is in. */
export function roleOf(world: World, uri: unknown): VaultRole {
  const role = vaultRoles.find((one) => String(uri).startsWith(world.vault(one).vaultUri));
  if (role === undefined) {
    throw new Error(`No vault of the model has ${String(uri)}.`);
  }
  return role;
}
