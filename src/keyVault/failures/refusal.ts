import type { PipelineResponse } from "@azure/core-rest-pipeline";

/** The service's answer to a request that it did not carry out. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  /** The service's error code, such as `Forbidden`. */
  readonly code: string | undefined;
  /** The service's inner error code, such as `ForbiddenByRbac`. */
  readonly innerCode: string | undefined;
  /** The service's own words on one line. They may name the caller's object id or address, and nothing secret. */
  readonly explanation: string;
  readonly requestId: string | undefined;

  constructor({ status, headers, bodyAsText }: PipelineResponse) {
    super(`The service answered ${status}.`);
    const error = memberOf(parseJson(bodyAsText), "error");
    this.status = status;
    this.code = code(memberOf(error, "code"));
    this.innerCode = code(memberOf(memberOf(error, "innererror"), "code"));
    // Managed HSM ends each message with the request id.
    this.explanation = (text(memberOf(error, "message")) ?? "")
      .replace(/\s*\(Activity ID: [^)]*\)/, "")
      .replace(/\s+/g, " ")
      .trim();
    this.requestId = headers.get("x-ms-request-id");
  }

  /** A role assignment or an access policy is missing, or has not taken effect yet: the service answers both alike. */
  get isPermissionMissing(): boolean {
    const permissionCodes = ["ForbiddenByRbac", "ForbiddenByPolicy", "AccessDenied"];
    return this.status === 403 && permissionCodes.includes(this.innerCode ?? this.code ?? "");
  }

  get isConflict(): boolean {
    return this.status === 409;
  }

  /** An object of that name is being deleted or recovered. The service does not say so of a name that was just purged. */
  get isInTransition(): boolean {
    return this.isConflict && ["ObjectIsBeingDeleted", "ObjectIsBeingRecovered"].includes(this.innerCode ?? "");
  }

  get isSoftDeleted(): boolean {
    return this.isConflict && this.innerCode === "ObjectIsDeletedButRecoverable";
  }

  /** The service says that the object, or the version, is not there. A proxy's 404 has no code. */
  get isNotFound(): boolean {
    return this.status === 404 && this.code !== undefined;
  }

  /** The status under the name by which the Azure SDK's pollers ask for it. */
  get statusCode(): number {
    return this.status;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Refusal && error.isNotFound;
}

/** The value of a JSON text; undefined if the text is not JSON. */
export function parseJson(json: string | null | undefined): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

// What is longer is no code, and may be a part of a blob.
const longestCode = 64;

function code(value: unknown): string | undefined {
  const found = text(value);
  return found !== undefined && found.length <= longestCode ? found : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
