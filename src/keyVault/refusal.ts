import type { PipelinePolicy, PipelineResponse } from "@azure/core-rest-pipeline";
import { memberOf, parseJson } from "./parseJson";

/** The service's answer to a request that it did not carry out. */
export class Refusal extends Error {
  readonly status: number;
  /** The service's error code, such as `Forbidden`. */
  readonly code: string | undefined;
  /** The service's inner error code, such as `ForbiddenByRbac`. */
  readonly innerCode: string | undefined;
  /** The service's own words. They may name the caller's object id or address, and nothing secret. */
  readonly explanation: string | undefined;
  readonly requestId: string | undefined;

  constructor({ status, headers, bodyAsText }: PipelineResponse) {
    super(`The service answered ${status}.`);
    const error = memberOf(parseJson(bodyAsText), "error");
    this.status = status;
    this.code = text(memberOf(error, "code"));
    this.innerCode = text(memberOf(memberOf(error, "innererror"), "code"));
    this.explanation = text(memberOf(error, "message"));
    this.requestId = headers.get("x-ms-request-id");
  }

  /** A role assignment or an access policy is missing or has not taken effect: the service answers both alike. */
  get isPermissionMissing(): boolean {
    const cause = this.innerCode ?? this.code;
    return (
      this.status === 403 && (cause === "ForbiddenByRbac" || cause === "ForbiddenByPolicy" || cause === "AccessDenied")
    );
  }

  /** The name of the key is taken: by a key that is in use, soft-deleted, being deleted or recovered, or just purged. */
  get isConflict(): boolean {
    return this.status === 409;
  }

  /** A key of that name is being deleted or recovered. Of one that was just purged the service does not tell. */
  get isInTransition(): boolean {
    return (
      this.isConflict && (this.innerCode === "ObjectIsBeingDeleted" || this.innerCode === "ObjectIsBeingRecovered")
    );
  }

  /** A soft-deleted key has the name. */
  get isSoftDeleted(): boolean {
    return this.isConflict && this.innerCode === "ObjectIsDeletedButRecoverable";
  }

  /** The status under the name by which the client's own code asks for it. */
  get statusCode(): number {
    return this.status;
  }

  /** The service itself says that the key, or this version of it, is not there; a proxy's 404 has no code. */
  get isNotFound(): boolean {
    return this.status === 404 && this.code !== undefined;
  }
}

/**
 * A policy that throws a `Refusal` for an answer that is none of success, whole: the client's own error lacks the inner
 * code in paged operations, and hides the status of an answer without a body behind a `TypeError`.
 */
export const refusalPolicy: PipelinePolicy = {
  name: "refusalPolicy",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status >= 300) {
      throw new Refusal(response);
    }
    return response;
  },
};

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
