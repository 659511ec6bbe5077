import type { BlobDefect } from "./backupBlob";
import type { VaultKind } from "./vaultOptions";

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** What the words of a refusal depend on. */
export interface RefusingVault {
  readonly kind: VaultKind;
  readonly vaultUri: string;
}

const helpUri = "https://go.microsoft.com/fwlink/?linkid=";

export function refusal(status: number, code: string, message: string, innerCode?: string): Answer {
  const innererror = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return { status, body: { error: { code, message, ...innererror } } };
}

export const badParameter = (message: string): Answer => refusal(400, "BadParameter", message);

/** The refusal of an object that is not in use. Recover answers it, too, if the object is not deleted. */
export function keyNotFound({ kind, vaultUri }: RefusingVault, nameOrId: string, collection = "keys"): Answer {
  return refusal(
    404,
    "KeyNotFound",
    kind === "managedHsm"
      ? `Key not found: ${vaultUri}${collection}/${nameOrId}`
      : `A key with (name/id) ${nameOrId} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see ${helpUri}2125182`,
  );
}

export function deletedKeyNotFound(vault: RefusingVault, name: string): Answer {
  return vault.kind === "managedHsm"
    ? keyNotFound(vault, name, "deletedkeys")
    : refusal(404, "KeyNotFound", `Deleted Key not found: ${name}`);
}

export function restoreConflict(keyUriWithVersion: string): Answer {
  return refusal(
    409,
    "Conflict",
    `There was a conflict restoring the key '${keyUriWithVersion}'. This can happen if either: a second key with the same name was created after the first key was deleted; thus trying to restore a key whose name is already in use. To fix this, rename the second key to something else so that the restore works. The second probable cause of this exception is when multiple operations are performed in parallel against the key. To avoid this error, perform operations against a key in a sequential manner.`,
  );
}

export function keyIsDeleted(name: string): Answer {
  return refusal(
    409,
    "Conflict",
    `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.`,
    "ObjectIsDeletedButRecoverable",
  );
}

export type Transition = "deleted" | "recovered";

const innerCodes: Record<Transition, string> = {
  deleted: "ObjectIsBeingDeleted",
  recovered: "ObjectIsBeingRecovered",
};

/** Refuses to create or restore a key whose name is in transition. */
export function nameIsInTransition(name: string, transition: Transition): Answer {
  return refusal(
    409,
    "Conflict",
    `Key ${name} is currently being ${transition} and cannot be re-created; retry later.`,
    innerCodes[transition],
  );
}

/** Refuses any other operation. Recover is refused with the name, purge without it. */
export function keyIsInTransition(transition: Transition, name?: string): Answer {
  const key = name === undefined ? "Key" : `Key ${name}`;
  return refusal(409, "Conflict", `${key} is currently being ${transition}.`, innerCodes[transition]);
}

export function recoveryConflict(keyUriWithVersion: string): Answer {
  return refusal(
    409,
    "Conflict",
    `There was a conflict while recovering the soft-deleted key '${keyUriWithVersion}'. This can happen when multiple operations are performed in parallel against the soft-deleted key. To avoid this error, perform operations against the soft-deleted key in a sequential manner.`,
  );
}

// No record of notAKey is public.
const blobDefects: Record<BlobDefect, string> = {
  corrupt: "Backup blob is corrupt.",
  corruptVersion: "Backup blob contains invalid or corrupt version.",
  undecryptable: "Cannot decrypt backup blob.",
  otherDomain: "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
  notAKey: "Cannot restore key: the backup blob is not that of a key.",
};

export function malformedBlob(defect: BlobDefect): Answer {
  return refusal(400, defect === "otherDomain" ? "MalformedBackupBlob" : "Malformed backup blob", blobDefects[defect]);
}

/** The key of a certificate is neither backed up nor deleted by itself. */
export function keyIsManaged(operation: string): Answer {
  const reason =
    operation === "delete"
      ? "as this object's lifetime is managed by Key Vault."
      : "on this Key, since it is associated with a certificate. Perform the operation on the corresponding certificate.";
  return refusal(403, "Forbidden", `Operation "${operation}" is not allowed ${reason}`, "KeyManagedByKeyVault");
}

export function keyIsDisabled(operation: string): Answer {
  return refusal(403, "Forbidden", `Operation ${operation} is not allowed on a disabled key.`, "KeyDisabled");
}

export function keyUseForbidden(operation: string): Answer {
  return refusal(403, "Forbidden", `Operation ${operation} is not permitted on this key.`, "KeyOperationForbidden");
}

// No record of these two is public. Their words follow the refusal of a disabled key.
export function keyIsNotValidNow(operation: string, validity: "notYetValid" | "expired"): Answer {
  return validity === "expired"
    ? refusal(403, "Forbidden", `Operation ${operation} is not allowed on an expired key.`, "KeyExpired")
    : refusal(403, "Forbidden", `Operation ${operation} is not allowed on a key not yet valid.`, "KeyNotYetValid");
}

export const undecryptableValue = (): Answer => badParameter("Error occurred while decoding OAEP padding.");

export function purgeProtected(vaultName: string): Answer {
  return refusal(
    403,
    "Forbidden",
    `Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.\r\nVault: ${vaultName};location=westeurope`,
  );
}

export function throttled(retryAfterSeconds?: number): Answer {
  const message =
    "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached";
  const answer = refusal(429, "Throttled", message);
  return retryAfterSeconds === undefined ? answer : { ...answer, headers: { "retry-after": `${retryAfterSeconds}` } };
}

const codesByStatus: Record<number, string> = {
  400: "BadParameter",
  401: "Unauthorized",
  403: "Forbidden",
  404: "KeyNotFound",
  408: "RequestTimeout",
  409: "Conflict",
  429: "Throttled",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

export function plainRefusal(status: number): Answer {
  return refusal(status, codesByStatus[status] ?? "Unknown", "The request could not be served.");
}
