import type { BlobDefect } from "./backupBlob";
import type { Words } from "./objectKind";
import { type Answer, refusal } from "./serviceError";
import type { VaultKind } from "./vaultOptions";

/** What the words of a refusal depend on. */
export interface RefusingVault {
  readonly kind: VaultKind;
  readonly vaultUri: string;
}

const helpUri = "https://go.microsoft.com/fwlink/?linkid=";

/** The refusal of an object that is not in use. Recover answers it, too, if there is no such object. */
export function objectNotFound(
  { kind, vaultUri }: RefusingVault,
  { noun, title, collection }: Words,
  nameOrId: string,
  part: "" | "deleted" = "",
): Answer {
  return refusal(
    404,
    `${title}NotFound`,
    kind === "managedHsm"
      ? `${title} not found: ${vaultUri}${part}${collection}/${nameOrId}`
      : `A ${noun} with (name/id) ${nameOrId} was not found in this key vault. If you recently deleted this ${noun} you may be able to recover it using the correct recovery command. For help resolving this issue, please see ${helpUri}2125182`,
  );
}

export function deletedObjectNotFound(vault: RefusingVault, words: Words, name: string): Answer {
  return vault.kind === "managedHsm"
    ? objectNotFound(vault, words, name, "deleted")
    : refusal(404, `${words.title}NotFound`, `Deleted ${words.title} not found: ${name}`);
}

export function restoreConflict({ noun }: Words, uriWithVersion: string): Answer {
  return refusal(
    409,
    "Conflict",
    `There was a conflict restoring the ${noun} '${uriWithVersion}'. This can happen if either: a second ${noun} with the same name was created after the first ${noun} was deleted; thus trying to restore a ${noun} whose name is already in use. To fix this, rename the second ${noun} to something else so that the restore works. The second probable cause of this exception is when multiple operations are performed in parallel against the ${noun}. To avoid this error, perform operations against a ${noun} in a sequential manner.`,
  );
}

export function objectIsDeleted({ noun, title }: Words, name: string): Answer {
  return refusal(
    409,
    "Conflict",
    `${title} ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the ${noun} can only be recovered or purged.`,
    "ObjectIsDeletedButRecoverable",
  );
}

/** Refuses to recover an object that is in use. */
export function objectIsInUse({ title }: Words, name: string): Answer {
  return refusal(400, "MethodNotAllowed", `${title} exists already: ${name}`, "RequestNotAllowedOnNonDeletedObject");
}

export type Transition = "deleted" | "recovered";

const innerCodes: Record<Transition, string> = {
  deleted: "ObjectIsBeingDeleted",
  recovered: "ObjectIsBeingRecovered",
};

/** Refuses to create or restore an object whose name is in transition. */
export function nameIsInTransition({ title }: Words, name: string, transition: Transition): Answer {
  return refusal(
    409,
    "Conflict",
    `${title} ${name} is currently being ${transition} and cannot be re-created; retry later.`,
    innerCodes[transition],
  );
}

/** Refuses any other operation. Recover is refused with the name, purge without it. */
export function objectIsInTransition({ title }: Words, transition: Transition, name?: string): Answer {
  const object = name === undefined ? title : `${title} ${name}`;
  return refusal(409, "Conflict", `${object} is currently being ${transition}.`, innerCodes[transition]);
}

export function recoveryConflict({ noun }: Words, uri: string): Answer {
  return refusal(
    409,
    "Conflict",
    `There was a conflict while recovering the soft-deleted ${noun} '${uri}'. This can happen when multiple operations are performed in parallel against the soft-deleted ${noun}. To avoid this error, perform operations against the soft-deleted ${noun} in a sequential manner.`,
  );
}

// No record of otherKind is public.
const blobDefects: Record<BlobDefect, (words: Words) => string> = {
  corrupt: () => "Backup blob is corrupt.",
  corruptVersion: () => "Backup blob contains invalid or corrupt version.",
  undecryptable: () => "Cannot decrypt backup blob.",
  otherDomain: () => "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
  otherKind: ({ noun }) => `Cannot restore ${noun}: the backup blob is not that of a ${noun}.`,
};

export function malformedBlob(words: Words, defect: BlobDefect): Answer {
  const code = defect === "otherDomain" ? "MalformedBackupBlob" : "Malformed backup blob";
  return refusal(400, code, blobDefects[defect](words));
}

/** The key and the secret of a certificate are changed, backed up and deleted only with the certificate. */
export function objectIsManaged({ title }: Words, operation: string): Answer {
  const reason =
    operation === "delete"
      ? "as this object's lifetime is managed by Key Vault."
      : `on this ${title === "Key" ? title : title.toLowerCase()}, since it is associated with a certificate. Perform the operation on the corresponding certificate.`;
  return refusal(403, "Forbidden", `Operation "${operation}" is not allowed ${reason}`, `${title}ManagedByKeyVault`);
}

export function objectIsDisabled({ noun, title }: Words, operation: string): Answer {
  return refusal(403, "Forbidden", `Operation ${operation} is not allowed on a disabled ${noun}.`, `${title}Disabled`);
}

export const pendingNotFound = (name: string): Answer =>
  refusal(404, "PendingCertificateNotFound", `Pending certificate not found: ${name}`);

export const pendingIsComplete = (): Answer =>
  refusal(403, "Forbidden", "Pending status must be in progress to allow update.");

// No record of this refusal is public.
export const issuanceIsPending = (): Answer =>
  refusal(
    409,
    "Conflict",
    "A new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress.",
  );
