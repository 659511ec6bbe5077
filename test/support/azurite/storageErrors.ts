import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** A refusal as Azure Storage gives it. */
export interface StorageError {
  readonly status: number;
  readonly code: string;
  /** @default the code */
  readonly message?: string;
  /** Seconds. Without them the answer has no Retry-After. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export const throttled: StorageError = { status: 503, code: "ServerBusy", message: "The server is busy." };

export const serverError: StorageError = {
  status: 500,
  code: "InternalError",
  message: "Server encountered an internal error. Please try again after some time.",
};

export const timeout: StorageError = {
  status: 500,
  code: "OperationTimedOut",
  message: "Operation could not be completed within the specified time.",
};

/** The caller has no role for the operation. */
export const noPermission: StorageError = {
  status: 403,
  code: "AuthorizationPermissionMismatch",
  message: "This request is not authorized to perform this operation using this permission.",
};

/** The network rules of the account do not let the caller in. */
export const firewall: StorageError = {
  status: 403,
  code: "AuthorizationFailure",
  message: "This request is not authorized to perform this operation.",
};

export const immutable: StorageError = {
  status: 409,
  code: "BlobImmutableDueToPolicy",
  message: "This operation is not permitted as the blob is immutable due to a policy.",
};

/** The challenge of an account in the tenant. */
export function noAuthentication(tenantId: string): StorageError {
  const authority = `https://login.microsoftonline.com/${tenantId}/oauth2/authorize`;
  return {
    status: 401,
    code: "NoAuthenticationInformation",
    message:
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    headers: { "www-authenticate": `Bearer authorization_uri=${authority} resource_id=https://storage.azure.com` },
  };
}

interface ErrorAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The service repeats the message in the status line, and its XML begins with a byte order mark. */
export function errorAnswer(error: StorageError, requestHeaders: IncomingHttpHeaders): ErrorAnswer {
  const { status, code, message = code, retryAfter, headers } = error;
  const requestId = randomUUID();
  const detail = `${escaped(message)}\nRequestId:${requestId}\nTime:${new Date().toISOString()}`;
  const content = `<Error><Code>${code}</Code><Message>${detail}</Message></Error>`;
  const body = `\uFEFF<?xml version="1.0" encoding="utf-8"?>${content}`;
  const echoed = ["x-ms-client-request-id", "x-ms-version"].flatMap((name) => {
    const value = requestHeaders[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return {
    status,
    reason: message,
    headers: {
      "content-type": "application/xml",
      "content-length": `${Buffer.byteLength(body)}`,
      server: "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
      "x-ms-request-id": requestId,
      "x-ms-error-code": code,
      ...(retryAfter === undefined ? {} : { "retry-after": `${retryAfter}` }),
      ...Object.fromEntries(echoed),
      ...headers,
    },
    body,
  };
}
