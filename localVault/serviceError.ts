export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

export function refusal(status: number, code: string, message: string, innerCode?: string): Answer {
  const innererror = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return { status, body: { error: { code, message, ...innererror } } };
}

export const badParameter = (message: string): Answer => refusal(400, "BadParameter", message);

export const invalidProperty = (name: string): Answer => badParameter(`Property  ${name} is invalid`);

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
  408: "RequestTimeout",
  409: "Conflict",
  429: "Throttled",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

/** `notFound` is the code of a refusal with the status 404. */
export function plainRefusal(status: number, notFound = "KeyNotFound"): Answer {
  const code = status === 404 ? notFound : codesByStatus[status];
  return refusal(status, code ?? "Unknown", "The request could not be served.");
}
