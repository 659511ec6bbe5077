import { isRestError } from "@azure/core-rest-pipeline";
import { type Asked, type Operation, whatOf } from "./asked";
import { CredentialFailure } from "./credentialFailure";
import { MalformedAnswer } from "./downloadBackup";
import { Refusal } from "./refusal";
import { remedyOf } from "./remedyOf";

// What is done once, within the bound of looking a key up.
const hasOwnBound: ReadonlySet<Operation> = new Set(["read", "get", "sign", "unwrapKey", "decrypt"]);

/** The operation's deadline has passed. */
export class DeadlinePassed extends Error {
  /** What the last attempt came to: a status, or the code of a failed connection. */
  readonly lastOutcome: string | undefined;

  constructor(lastOutcome: string | undefined) {
    super("The deadline has passed.");
    this.lastOutcome = lastOutcome;
  }
}

// A key may have hundreds.
const fewVersions = 10;

/** The key lacks the version that the program names. */
export class VersionNotFound extends Error {
  constructor(keyVersion: string, keyVersions: readonly string[], isComplete: boolean) {
    const more = keyVersions.length - fewVersions;
    const named = `${keyVersions.slice(0, fewVersions).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    super(`the key has no version ${keyVersion}. It has${isComplete ? "" : ", among others"}: ${named}.`);
  }
}

/** What can be read of the key changed during every backup that was made of it, so that none is known to hold which versions. */
export class KeyKeepsChanging extends Error {
  constructor() {
    super(
      "what can be read of the key changed during each backup, so that none is known to hold which versions. Run again.",
    );
  }
}

/** The name of the key is taken, and no key is seen to have it: one that has it is being deleted, or was just purged. */
export class NameNotFree extends Error {
  readonly conflict: Refusal;

  constructor(conflict: Refusal) {
    super("The name of the key is not free.");
    this.conflict = conflict;
  }
}

/**
 * A failed request as one sentence or a few: what was asked, what came back, and what to do. Texts of unknown origin, such
 * as the body of an answer that cannot be parsed, are left out: they may hold a part of a blob.
 *
 * @param seconds - How long it took until the failure was final.
 */
export function explainFailure(asked: Asked, error: unknown, seconds: number): Error {
  return new Error(sentences(asked, error, seconds), { cause: error });
}

/** As `explainFailure`, without what tells one request from another, so that a state that holds it changes with its cause. */
export function explainBriefly(asked: Asked, error: unknown, seconds: number): string {
  if (error instanceof Refusal) {
    return `Key Vault refused to ${whatOf(asked)}: ${codesText(error)}. ${remedyOf(asked, error)}`;
  }
  const code = connectionCodeOf(error);
  return code === undefined
    ? sentences(asked, error, seconds).replaceAll(ofOneRequest, "")
    : `Could not ${whatOf(asked)}: ${connectionText(new URL(asked.vaultUri).host, code)}`;
}

const connectionCodes = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

// What Entra adds to tell one request from another.
const ofOneRequest = / *\b(Trace ID|Correlation ID): [\w-]+| *\bTimestamp: [\d-]+ [\d:]+Z?/g;

/** The code of the failed connection that the error comes of, if it does. */
export function connectionCodeOf(error: unknown): string | undefined {
  const code = error instanceof DeadlinePassed ? error.lastOutcome : isRestError(error) ? error.code : undefined;
  return code !== undefined && connectionCodes.has(code) ? code : undefined;
}

function sentences(asked: Asked, error: unknown, seconds: number): string {
  const host = new URL(asked.vaultUri).host;
  const what = whatOf(asked);
  if (error instanceof Refusal) {
    const waited = error.isPermissionMissing ? ` It was refused for ${seconds} s, in case the grant is new.` : "";
    const requestId = error.requestId === undefined ? "" : ` Request id ${error.requestId}.`;
    return `Key Vault refused to ${what}: ${answerText(error)} ${remedyOf(asked, error)}${waited}${requestId}`;
  }
  if (error instanceof NameNotFree) {
    return (
      `Could not ${what}: for ${seconds} s its name did not become free. A key of that name is being deleted or recovered, ` +
      "or was purged a moment ago. Run again."
    );
  }
  if (error instanceof CredentialFailure || error instanceof VersionNotFound || error instanceof KeyKeepsChanging) {
    return `Could not ${what}: ${error.message}`;
  }
  if (error instanceof DeadlinePassed && error.lastOutcome === "401") {
    return (
      `Could not ${what}: ${host} asked for a token, and the credential gave none within ${seconds} s. Check the network ` +
      "between this machine and Microsoft Entra, or the managed identity's endpoint."
    );
  }
  if (error instanceof DeadlinePassed) {
    const { lastOutcome } = error;
    const outcome =
      lastOutcome === undefined
        ? `gave no answer within ${seconds} s`
        : `did not carry it out within ${seconds} s; the last attempt ended with ${lastOutcome}`;
    const remedies = [
      lastOutcome === "429"
        ? "The vault is throttled: run again later, with a lower --parallel"
        : "Check the network between this machine and the vault (firewall, proxy, private endpoint), run again later",
      ...(hasOwnBound.has(asked.operation) ? [] : [" or raise the stack's azure-keyvault-backup:timeoutSeconds"]),
    ];
    return `Could not ${what}: ${host} ${outcome}. ${remedies.join(",")}.`;
  }
  if (error instanceof MalformedAnswer) {
    return (
      `Could not ${what}: ${host} answered 200 ${error.message}. Nothing was recorded. Check that vaultUri names a ` +
      "Key Vault and that no proxy changes its answers."
    );
  }
  return `Could not ${what}: ${transportText(host, error)}`;
}

function codesText({ status, code, innerCode }: Refusal): string {
  const codes = [code, innerCode].filter((it) => it !== undefined);
  return codes.length === 0 ? `${status}` : `${status} ${codes[0]}${codes[1] === undefined ? "" : ` (${codes[1]})`}`;
}

function answerText(refusal: Refusal): string {
  const { explanation } = refusal;
  const named = codesText(refusal);
  return explanation === undefined ? `${named}.` : `${named}: ${oneLine(explanation)}`;
}

// The service's messages have line breaks and no stop at their end.
function oneLine(message: string): string {
  const line = message
    .trim()
    .replace(/([.;:]?)\s*[\r\n]+\s*/g, (_, stop: string) => `${stop || ";"} `)
    .slice(0, 2_000);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function connectionText(host: string, code: string): string {
  return code === "ENOTFOUND" || code === "EAI_AGAIN"
    ? `the name ${host} does not resolve (${code}). Check the vault's name and cloud; a vault behind a private endpoint ` +
        "resolves only in its network."
    : `the connection to ${host} failed (${code}). Check the network between this machine and the vault.`;
}

function transportText(host: string, error: unknown): string {
  const connectionCode = connectionCodeOf(error);
  if (connectionCode !== undefined) {
    return connectionText(host, connectionCode);
  }
  const code = isRestError(error) ? error.code : undefined;
  if (code === "PARSE_ERROR") {
    return (
      `${host} answered with a text that breaks off or is not JSON. Check that vaultUri names a Key Vault and that no proxy ` +
      "answers instead."
    );
  }
  if (code !== undefined && /CERT|SIGNATURE|TLS|SSL/.test(code)) {
    return (
      `the TLS certificate of ${host} was not accepted (${code}). If a proxy or a private cloud signs it, give its ` +
      "authority's certificate in NODE_EXTRA_CA_CERTS."
    );
  }
  if (error instanceof Error && /challenge resource '.*' does not match/.test(error.message)) {
    return (
      `${host} asks for a token of another service, which it may be out to steal, so it got none. Check vaultUri. For an ` +
      "emulator or a private cloud: pulumi config set azure-keyvault-backup:disableChallengeResourceVerification true."
    );
  }
  return isRestError(error)
    ? `the request to ${host} failed (${code ?? "no code"}). Check that vaultUri names a Key Vault.`
    : `${host} answered with something else than Key Vault does. Check that vaultUri names a Key Vault and that no proxy ` +
        "answers instead.";
}
