import { isRestError } from "@azure/core-rest-pipeline";
import { describeOperation, type Operation } from "./operation";
import { Refusal } from "./refusal";
import { type FailureCode, refusalCode, remedyOf } from "./remedies";

/** An operation on a vault that failed: what was asked, what came back, and what to do. */
export class KeyVaultError extends Error {
  override readonly name = "KeyVaultError";
  readonly code: FailureCode;
  readonly operation: Operation;
  /** The message without what differs from one attempt to the next, for a state to hold. */
  readonly reason: string;
  /** The service's answer, if it gave one. */
  readonly refusal: Refusal | undefined;
  /** Whether the service may have carried the operation out, because an attempt got no answer. */
  readonly mayBeDone: boolean;

  constructor(operation: Operation, error: unknown, { seconds = 0, mayBeDone = false } = {}) {
    const cause = error instanceof NameNotFree ? (error.cause ?? error) : error;
    const { code, fact } = explain(cause, operation);
    const remedy = remedyOf(code, operation, cause instanceof Refusal ? cause : undefined);
    const what = describeOperation(operation);
    const reason =
      cause instanceof Refusal
        ? `Key Vault refused to ${what}: ${fact}. ${remedy}`
        : `Could not ${what}: ${fact}. ${remedy}`;
    const details = [
      ...(seconds > 0 && (code === "forbidden" || code === "timeout") ? [`waited ${seconds} s`] : []),
      ...(cause instanceof Refusal && cause.requestId !== undefined ? [`request id ${cause.requestId}`] : []),
    ];
    const doubt =
      mayBeDone && operation.name === "restore" ? " An attempt that got no answer may have restored the object." : "";
    const message = `${reason.trim()}${doubt}`;
    super(details.length === 0 ? message : `${message} (${details.join(", ")})`, { cause });
    this.code = code;
    this.operation = operation;
    this.reason = reason.trim();
    this.refusal = cause instanceof Refusal ? cause : undefined;
    this.mayBeDone = mayBeDone;
  }
}

/** The operation's time is over. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
  /** The status of the last attempt, or the code of its failed connection. */
  readonly lastOutcome: string | undefined;

  constructor(lastOutcome: string | undefined) {
    super(
      lastOutcome === undefined ? "no answer came in time" : `time ran out; the last attempt ended with ${lastOutcome}`,
    );
    this.lastOutcome = lastOutcome;
  }
}

/** The object lacks the version that the program names. */
export class VersionNotFound extends Error {
  override readonly name = "VersionNotFound";

  constructor(version: string, newest: string | undefined) {
    super(`version ${version} does not exist${newest === undefined ? "" : `; the newest version is ${newest}`}`);
  }
}

/** The listing says that the object belongs to a certificate. */
export class ManagedByCertificate extends Error {
  override readonly name = "ManagedByCertificate";

  constructor() {
    super("a certificate manages it");
  }
}

/** The object changed during every backup that was made of it. */
export class ObjectKeepsChanging extends Error {
  override readonly name = "ObjectKeepsChanging";

  constructor() {
    super("the object changed during each of three backups, so no backup is known to hold all of its versions");
  }
}

/**
 * No object is seen to have the name, and the name is not free: its object is being deleted, or was just purged. `cause`: the
 * refusal, if not everything that may have the name can be seen.
 */
export class NameNotFree extends Error {
  override readonly name = "NameNotFree";

  constructor(cause?: Refusal) {
    super("an object of that name is being deleted or recovered, or was purged a moment ago", { cause });
  }
}

/** A 200 without what the operation promises. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";

  constructor(what: string) {
    super(`the host answered 200 ${what}`);
  }
}

/** The code of a failed connection, if the error is one. */
export function connectionCode(error: unknown): string | undefined {
  const code = error instanceof DeadlinePassed ? error.lastOutcome : isRestError(error) ? error.code : undefined;
  return code !== undefined && connectionCodes.includes(code) ? code : undefined;
}

const connectionCodes = [
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
];

const ownCodes: Readonly<Record<string, FailureCode>> = {
  VersionNotFound: "version-not-found",
  ObjectKeepsChanging: "keeps-changing",
  NameNotFree: "name-not-free",
  ManagedByCertificate: "managed-by-certificate",
  MalformedAnswer: "not-key-vault",
  CredentialError: "credential",
};

/** Texts of unknown origin are left out: they may contain a part of a blob. */
function explain(error: unknown, operation: Operation): { readonly code: FailureCode; readonly fact: string } {
  if (error instanceof Refusal) {
    const code = refusalCode(error, operation);
    const codes = [error.status, error.code, error.innerCode && `(${error.innerCode})`].filter(Boolean).join(" ");
    const words = code === "bad-request" && error.explanation !== "" ? `: ${cut(error.explanation)}` : "";
    return { code, fact: `${codes}${words}` };
  }
  const own = error instanceof Error ? ownCodes[error.name] : undefined;
  if (error instanceof Error && own !== undefined) {
    return { code: own, fact: error.message.replace(/\.$/, "") };
  }
  const connection = connectionCode(error);
  if (connection !== undefined) {
    const isName = connection === "ENOTFOUND" || connection === "EAI_AGAIN";
    return isName
      ? { code: "host-not-found", fact: `the host name does not resolve (${connection})` }
      : { code: "connection", fact: `the connection failed (${connection})` };
  }
  if (error instanceof DeadlinePassed) {
    const code = { "401": "credential", "429": "throttled" }[error.lastOutcome ?? ""] ?? "timeout";
    const fact = code === "credential" ? "the credential gave no token in time" : error.message;
    return { code: code as FailureCode, fact };
  }
  const restCode = isRestError(error) ? error.code : undefined;
  if (restCode !== undefined && /CERT|SIGNATURE|TLS|SSL/.test(restCode)) {
    return { code: "tls", fact: `the TLS certificate was not accepted (${restCode})` };
  }
  if (error instanceof Error && /challenge resource '.*' does not match/.test(error.message)) {
    return { code: "challenge", fact: "the host requested a token for another service, so none was sent" };
  }
  return { code: "not-key-vault", fact: `the answer did not come from Key Vault${restCode ? ` (${restCode})` : ""}` };
}

// A refusal may repeat what was sent. No word is as long, but a part of a blob is.
const longestWord = 48;

function cut(words: string): string {
  const text = words.replace(new RegExp(`[\\w+/=-]{${longestWord},}`, "g"), "(...)");
  return text.length > 120 ? `${text.slice(0, 117)}...` : text.replace(/\.$/, "");
}
