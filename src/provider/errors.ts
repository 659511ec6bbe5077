import type { Backup } from "../backup/history";

/** A blob that is not the one that was recorded is never carried over silently. */
export function damagedState({ backedUpAt, blobSha256 }: Backup, damage: string): Error {
  return withoutStack(
    `The blob of the backup of ${backedUpAt} in the state is not the one that was made: ${damage}. Bring the state back as ` +
      "it was: pulumi stack history, pulumi stack export --version <version>, pulumi stack import. Or do without it: a " +
      "plain pulumi up replaces the newest backup by a new one, and forget: " +
      `${JSON.stringify([blobSha256])} drops an earlier one.`,
  );
}

/** @param because - Why the record stays: one sentence or more. */
export function refusedDeletion(keyUri: string, backups: readonly Backup[], because: string): Error {
  const hashes = JSON.stringify(backups.map(({ blobSha256 }) => blobSha256));
  return withoutStack(
    `The backup of ${keyUri} is not deleted: ${because} To keep it, write its blob to a file: pulumi stack export ` +
      "--show-secrets. To delete it nevertheless: set forceDelete: true, run pulumi up, and delete it then; or pulumi state " +
      `delete <urn>. If the program names another key by now, set forget: ${hashes} there instead, and run pulumi up.`,
  );
}

/** An error for `read` and `delete`, of whose errors the provider process prints the stack. */
export function withoutStack(message: string): Error {
  const error = new Error(message);
  error.stack = "";
  return error;
}
