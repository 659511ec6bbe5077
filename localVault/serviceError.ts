export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

export type ForbiddenReason = "rbac" | "accessPolicy" | "accessDenied" | "firewall" | "privateLink" | "certificate";

/** What a refusal says of the request that it answers. */
export interface Refused {
  readonly vaultName: string;
  readonly keyName: string;
  readonly permission: string;
  readonly caller: string;
}

const helpUri = "https://go.microsoft.com/fwlink/?linkid=";

function refusal(status: number, code: string, message: string, innerCode?: string): Answer {
  const innererror = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return { status, body: { error: { code, message, ...innererror } } };
}

export const badParameter = (message: string): Answer => refusal(400, "BadParameter", message);

export function keyNotFound(nameOrId: string): Answer {
  return refusal(
    404,
    "KeyNotFound",
    `A key with (name/id) ${nameOrId} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see ${helpUri}2125182`,
  );
}

export const deletedKeyNotFound = (name: string): Answer =>
  refusal(404, "KeyNotFound", `Deleted Key not found: ${name}`);

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

export const keyIsBeingDeleted = (): Answer =>
  refusal(409, "Conflict", "Key is currently being deleted.", "ObjectIsBeingDeleted");

export const undecryptableBlob = (): Answer => badParameter("Cannot decrypt backup blob.");

export const corruptBlob = (): Answer => badParameter("Backup blob contains invalid or corrupt version.");

// What the service says of the backup of a certificate is not known.
export const notAKeyBackup = (): Answer => badParameter("Cannot restore key: the backup blob is not that of a key.");

export function keyIsDisabled(operation: string): Answer {
  return refusal(403, "Forbidden", `Operation ${operation} is not allowed on a disabled key.`, "KeyDisabled");
}

export function keyUseForbidden(operation: string): Answer {
  return refusal(403, "Forbidden", `Operation ${operation} is not permitted on this key.`, "KeyOperationForbidden");
}

// No record of these two is public: they are worded as that of a disabled key.
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

export function unauthorized(message: string, challenge: string): Answer {
  return { ...refusal(401, "Unauthorized", message), headers: { "www-authenticate": challenge } };
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

/** The actions of Azure RBAC that are not called as the permission of access policies is. */
const dataActions: Record<string, string> = {
  get: "read",
  list: "read",
  delete: "delete",
  unwrapKey: "unwrap/action",
};

export function forbidden(reason: ForbiddenReason, { vaultName, keyName, permission, caller }: Refused): Answer {
  const vault = `Vault: ${vaultName};location=westeurope`;
  switch (reason) {
    case "rbac": {
      const action = `Microsoft.KeyVault/vaults/keys/${dataActions[permission] ?? `${permission}/action`}`;
      const resource = `/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/microsoft.keyvault/vaults/${vaultName}/keys/${keyName}`;
      return refusal(
        403,
        "Forbidden",
        `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${caller}\r\nAction: '${action}'\r\nResource: '${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\n${vault}\r\n`,
        "ForbiddenByRbac",
      );
    }
    case "accessPolicy":
    case "accessDenied":
      return refusal(
        403,
        "Forbidden",
        `The user, group or application '${caller.replace(";iss=", ";numgroups=0;iss=")}' does not have keys ${permission} permission on key vault '${vaultName};location=westeurope'. For help resolving this issue, please see ${helpUri}2125287`,
        reason === "accessPolicy" ? "ForbiddenByPolicy" : "AccessDenied",
      );
    case "firewall":
      return refusal(
        403,
        "Forbidden",
        `Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7\r\nCaller: ${caller}\r\n${vault}`,
        "ForbiddenByFirewall",
      );
    case "privateLink":
      return refusal(
        403,
        "Forbidden",
        `Connection is not an approved private link and caller was ignored because bypass is not set to 'AzureServices' and PublicNetworkAccess is set to 'Disabled'.\r\n${vault}`,
        "ForbiddenByConnection",
      );
    case "certificate":
      return refusal(
        403,
        "Forbidden",
        `Operation "${permission}" is not allowed on this Key, since it is associated with a certificate. Perform the operation on the corresponding certificate.`,
      );
    default:
      return reason satisfies never;
  }
}
