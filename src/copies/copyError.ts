import { isRestError } from "@azure/core-rest-pipeline";

export type CopyVerb = "write" | "read" | "look at";

/** Why a copy could not be written or read. The documentation explains each under an anchor of this name. */
export type CopyFailureCode = keyof typeof remedies;

/** A copy could not be written or read: what was asked, what came back, and what to do. */
export class CopyError extends Error {
  override readonly name = "CopyError";
  readonly code: CopyFailureCode;
  /** The message without what differs from one attempt to the next, for a state to hold. */
  readonly reason: string;

  constructor(verb: CopyVerb, uri: string, cause: unknown, seconds = 0) {
    const { code, fact } = explain(cause);
    const remedy: string | ((verb: CopyVerb) => string) = remedies[code];
    const advice = typeof remedy === "string" ? remedy : remedy(verb);
    const reason = `Could not ${verb} the copy ${uri}: ${fact}. ${advice}`.trim();
    const requestId = isRestError(cause) ? cause.response?.headers.get("x-ms-request-id") : undefined;
    const details = [
      ...(seconds > 0 && (code === "copy-forbidden" || code === "copy-timeout") ? [`waited ${seconds} s`] : []),
      ...(requestId === undefined ? [] : [`request id ${requestId}`]),
    ];
    super(details.length === 0 ? reason : `${reason} (${details.join(", ")})`, { cause });
    this.code = code;
    this.reason = reason;
  }
}

/** Something else has the name of the copy, or somebody changed the copy. */
export class CopyDiffers extends Error {
  override readonly name = "CopyDiffers";

  constructor(sha256: string, expected: string) {
    super(`its SHA-256 is ${sha256}, not ${expected}`);
  }
}

/** The directory that the program names is not there. */
export class PlaceMissing extends Error {
  override readonly name = "PlaceMissing";

  constructor(directory: string) {
    super(`there is no directory ${directory}`);
  }
}

/** The host is not known to be Azure's, so it gets no token. */
export class UnknownHost extends Error {
  override readonly name = "UnknownHost";

  constructor() {
    super("the host is not in Azure Blob Storage, so no token was sent");
  }
}

/** What to do, by the reason of the failure. */
const remedies = {
  "copy-archived": "Move the copy to an online tier first, with az storage blob set-tier. This takes hours.",
  "copy-connection": "Check the network between this machine and the storage account.",
  "copy-credential": "",
  "copy-different": (verb: CopyVerb) =>
    verb === "write"
      ? "Nothing was overwritten. Find out what has the name of the copy, and change triggers to make a new backup."
      : "Find out who changed the copy, and use another copy; or correct blobSha256.",
  "copy-disk-full": "Free space in the directory, and run again.",
  "copy-failed": "Check the place that the URI names.",
  "copy-firewall":
    "Add this machine's address to the storage account's firewall, or run from a network that the firewall or a private endpoint allows.",
  "copy-forbidden":
    "Grant the role Storage Blob Data Contributor on the container, or a role with the data actions that copyDataActions() returns.",
  "copy-host": "Check the URI.",
  "copy-missing": "Check the URI. If the copy was deleted, undelete it, or use another copy.",
  "copy-no-access": "Let the user who runs Pulumi read and write the directory.",
  "copy-place-missing": "Create the container or the directory, or correct copyTo.",
  "copy-read-only": "Mount the directory writable, or use another one.",
  "copy-throttled": "The storage account is throttled: run again later, with fewer operations at a time.",
  "copy-timeout": "Check the network between this machine and the place of the copy, and run again.",
  "copy-unavailable": "The storage account failed and retries did not help: run again later.",
  "copy-unauthorized": "Check that the credential belongs to the storage account's tenant and cloud.",
} as const;

export const copyFailureCodes = Object.keys(remedies) as CopyFailureCode[];

interface Row {
  /** Codes of the service or of the operating system. */
  readonly codes: RegExp;
  readonly code: CopyFailureCode;
  /** The operating system's code in words. */
  readonly words?: string;
}

/** The first row that fits decides. */
const rows: readonly Row[] = [
  { codes: /^(ContainerNotFound|ContainerBeingDeleted)$/, code: "copy-place-missing" },
  { codes: /^(ENOENT|ENOTDIR)$/, code: "copy-missing", words: "it is not there" },
  { codes: /^(BlobNotFound|ResourceNotFound)$/, code: "copy-missing" },
  {
    codes: /^(AuthorizationPermissionMismatch|AuthorizationProtocolMismatch|InsufficientAccountPermissions)$/,
    code: "copy-forbidden",
  },
  { codes: /^(AuthorizationFailure|AuthorizationSourceIPMismatch)$/, code: "copy-firewall" },
  {
    codes: /^(InvalidAuthenticationInfo|AuthenticationFailed|NoAuthenticationInformation|401)$/,
    code: "copy-unauthorized",
  },
  { codes: /^BlobArchived$/, code: "copy-archived" },
  { codes: /^(ServerBusy|429)$/, code: "copy-throttled" },
  { codes: /^(InternalError|OperationTimedOut|5\d\d)$/, code: "copy-unavailable" },
  { codes: /^(ENOSPC|EDQUOT)$/, code: "copy-disk-full", words: "the disk is full" },
  { codes: /^EROFS$/, code: "copy-read-only", words: "the file system is read-only" },
  { codes: /^(EACCES|EPERM)$/, code: "copy-no-access", words: "permission denied" },
  { codes: /^(ENOTFOUND|EAI_AGAIN)$/, code: "copy-connection", words: "the host name does not resolve" },
  {
    codes: /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|REQUEST_SEND_ERROR)$/,
    code: "copy-connection",
    words: "the connection failed",
  },
];

/** Texts of unknown origin are left out. */
function explain(cause: unknown): { readonly code: CopyFailureCode; readonly fact: string } {
  const message = cause instanceof Error ? cause.message.replace(/\.$/, "") : "";
  switch (cause instanceof Error ? cause.name : "") {
    case "CopyDiffers":
      return { code: "copy-different", fact: message };
    case "PlaceMissing":
      return { code: "copy-place-missing", fact: message };
    case "UnknownHost":
      return { code: "copy-host", fact: message };
    case "CredentialError":
      return { code: "copy-credential", fact: message };
    case "AbortError":
    case "TimeoutError":
      return { code: "copy-timeout", fact: "no whole answer came in time" };
  }
  const { status, code } = codesOf(cause);
  const found = [code, status].filter((one) => one !== undefined);
  const row = rows.find(({ codes }) => found.some((one) => codes.test(one)));
  const text = [status, code].filter((one) => one !== undefined).join(" ");
  const fact = row?.words === undefined ? text || "it failed" : `${row.words} (${code})`;
  return { code: row?.code ?? "copy-failed", fact };
}

function codesOf(cause: unknown): { readonly status: string | undefined; readonly code: string | undefined } {
  const code = codeOf(cause);
  const status = isRestError(cause) && cause.statusCode !== undefined ? `${cause.statusCode}` : undefined;
  return { status, code: code !== undefined && /^\w{1,64}$/.test(code) ? code : undefined };
}

/** The service's code, or the operating system's. The answer to a HEAD has no body: its code is in a header. */
export function codeOf(error: unknown): string | undefined {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: { errorCode?: unknown } };
  const found = code ?? details?.errorCode;
  return typeof found === "string" ? found : undefined;
}
