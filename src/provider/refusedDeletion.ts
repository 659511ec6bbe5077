import type { Backup } from "../backup/history";
import { withoutStack } from "./withoutStack";

/**
 * Why a record is not deleted, and the ways out.
 *
 * @param because - One sentence or more.
 */
export function refusedDeletion(keyUri: string, backups: readonly Backup[], because: string): Error {
  const hashes = JSON.stringify(backups.map(({ blobSha256 }) => blobSha256));
  return withoutStack(
    `The backup of ${keyUri} is not deleted: ${because} To keep it, write its blob to a file: pulumi stack export ` +
      "--show-secrets. To delete it nevertheless: set forceDelete: true, run pulumi up, and delete it then; or pulumi state " +
      `delete <urn>. If the program names another key by now, set forget: ${hashes} there instead, and run pulumi up.`,
  );
}
