import { damageOf } from "../backup/blob";
import type { Backup } from "../backup/history";
import { withoutStack } from "./withoutStack";

/**
 * Makes sure that each blob is the one that was recorded, before it is carried over.
 *
 * @throws An error that names both hashes, and the ways out.
 */
export function requireIntact(backups: readonly Backup[]): void {
  for (const backup of backups) {
    const damage = damageOf(backup);
    if (damage !== undefined) {
      throw damagedState(backup, damage);
    }
  }
}

function damagedState({ backedUpAt, blobSha256 }: Backup, damage: string): Error {
  return withoutStack(
    `The blob of the backup of ${backedUpAt} in the state is not the one that was made: ${damage}. Bring the state back as ` +
      "it was: pulumi stack history, pulumi stack export --version <version>, pulumi stack import. Or do without it: a " +
      "plain pulumi up replaces the newest backup by a new one, and forget: " +
      `${JSON.stringify([blobSha256])} drops an earlier one.`,
  );
}
