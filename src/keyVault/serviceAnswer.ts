import { isRestError } from "@azure/core-rest-pipeline";

/** What the service answered to a request that it did not carry out. */
export interface ServiceAnswer {
  readonly status: number;
  /** The service's error code, such as `Forbidden`. */
  readonly code?: string;
  /** The service's inner error code, such as `ForbiddenByRbac`. */
  readonly innerCode?: string;
  /** The service's own explanation. It names the caller's object id or address, and nothing secret. */
  readonly message?: string;
  readonly requestId?: string;
}

/** The service's answer in an error that the Key Vault client threw; undefined where the service gave none. */
export function serviceAnswerOf(error: unknown): ServiceAnswer | undefined {
  if (!isRestError(error) || error.statusCode === undefined || error.statusCode < 300) {
    return undefined;
  }
  const body = member(error.details, "error");
  const inner = member(body, "innererror") ?? member(body, "innerError");
  const code = text(member(body, "code"));
  const innerCode = text(member(inner, "code"));
  const message = text(member(body, "message"));
  const requestId = error.response?.headers.get("x-ms-request-id");
  return {
    status: error.statusCode,
    ...(code === undefined ? {} : { code }),
    ...(innerCode === undefined ? {} : { innerCode }),
    ...(message === undefined ? {} : { message }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** A role assignment or an access policy is missing, or has not taken effect yet: the service answers both alike. */
export function isPermissionMissing({ status, code, innerCode }: ServiceAnswer): boolean {
  return (
    status === 403 &&
    [innerCode, code].some((it) => it === "ForbiddenByRbac" || it === "ForbiddenByPolicy" || it === "AccessDenied")
  );
}

/** The vault has no such key, or not yet. */
export function isKeyNotFound({ status }: ServiceAnswer): boolean {
  return status === 404;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
