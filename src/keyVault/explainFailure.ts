import { isRestError } from "@azure/core-rest-pipeline";
import { azOptionOf } from "./azOption";
import { CredentialFailure } from "./credentialFailure";
import { MalformedAnswer } from "./downloadBackup";
import { isManagedHsm } from "./keyReference";
import { Refusal } from "./refusal";

/** What was to be done to which key. */
export interface Asked {
  readonly operation: Operation;
  readonly vaultUri: string;
  /** Undefined where it is not known yet: a blob tells its key's name to the service alone. */
  readonly keyName: string | undefined;
}

export type Operation =
  | "backup"
  | "read"
  | "get"
  | "restore"
  | "update"
  | "create"
  | "delete"
  | "purge"
  | "sign"
  | "unwrapKey"
  | "decrypt";

interface Grant {
  /** What is done to a key, as a verb without its object. */
  readonly verb: string;
  /** The data action under Microsoft.KeyVault/vaults/keys, and a built-in role that has it. */
  readonly action: string;
  readonly role: string;
  /** The data action under Microsoft.KeyVault/managedHsm/keys, and a local role that has it. */
  readonly hsmAction: string;
  readonly hsmRole: string;
  /** The key permission of access policies. */
  readonly permission: string;
}

const user = { role: "Key Vault Crypto User", hsmRole: "Managed HSM Crypto User" };
const officer = { role: "Key Vault Crypto Officer", hsmRole: "Managed HSM Crypto User" };

const grants: Readonly<Record<Operation, Grant>> = {
  backup: { verb: "back up", action: "backup/action", hsmAction: "backup/action", permission: "backup", ...user },
  read: { verb: "read", action: "read", hsmAction: "read/action", permission: "list", ...user },
  get: { verb: "read", action: "read", hsmAction: "read/action", permission: "get", ...user },
  restore: {
    verb: "restore",
    action: "restore/action",
    hsmAction: "restore/action",
    permission: "restore",
    ...officer,
  },
  update: { verb: "tag", action: "update/action", hsmAction: "write/action", permission: "update", ...officer },
  create: { verb: "create", action: "create/action", hsmAction: "create", permission: "create", ...officer },
  delete: { verb: "delete", action: "delete", hsmAction: "delete", permission: "delete", ...officer },
  purge: {
    verb: "purge",
    action: "purge/action",
    role: officer.role,
    hsmAction: "deletedKeys/delete",
    hsmRole: "Managed HSM Crypto Officer",
    permission: "purge",
  },
  sign: { verb: "sign with", action: "sign/action", hsmAction: "sign/action", permission: "sign", ...user },
  unwrapKey: {
    verb: "unwrap with",
    action: "unwrap/action",
    hsmAction: "unwrap/action",
    permission: "unwrapKey",
    ...user,
  },
  decrypt: {
    verb: "decrypt with",
    action: "decrypt/action",
    hsmAction: "decrypt/action",
    permission: "decrypt",
    ...user,
  },
};

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

function whatOf({ operation, vaultUri, keyName }: Asked): string {
  const key = keyName === undefined ? "a key" : `key "${keyName}"`;
  return `${grants[operation].verb} ${key} ${operation === "restore" ? "into" : "in"} ${new URL(vaultUri).host}`;
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

function remedyOf(asked: Asked, refusal: Refusal): string {
  const { status, code, innerCode, explanation = "" } = refusal;
  const { vaultUri, keyName } = asked;
  const vault = azOptionOf(vaultUri);
  const cause = innerCode ?? code;
  if (status === 403 && /associated with a certificate/.test(explanation)) {
    return (
      "The key belongs to a certificate and travels only with it: back up the certificate instead " +
      `(az keyvault certificate backup ${vault} --name ${keyName}).`
    );
  }
  if (status === 403 && cause === "ForbiddenByFirewall") {
    return "Add this machine's address to the vault's firewall (networkAcls.ipRules), or run where the vault lets in.";
  }
  if (status === 403 && cause === "ForbiddenByConnection") {
    return "The vault takes no calls from public networks: run in a network that has the vault's private endpoint.";
  }
  if (status === 403 && /purge protection/.test(explanation)) {
    return "The soft-deleted key stays until the retention period of the vault is over; until then it can be recovered.";
  }
  if (status === 403 && cause !== undefined && ofTheKey.has(cause)) {
    return "The key itself forbids it, by its attributes or by the operations that it is for (key_ops).";
  }
  if (status === 403) {
    return grantOf(asked, cause);
  }
  if (status === 401) {
    return (
      "The token was not accepted: check that the credential belongs to the tenant of the vault (azure-native:tenantId) " +
      "and to its cloud (azure-native:environment)."
    );
  }
  if (status === 404 && keyName === undefined) {
    return "Check that vaultUri names a Key Vault and that no proxy answers instead.";
  }
  if (status === 404) {
    return `Check the name. If the key was deleted, recover it: az keyvault key recover ${vault} --name ${keyName}.`;
  }
  if (status === 409) {
    return conflictRemedy(asked, refusal);
  }
  if (status === 429) {
    return "The vault is throttled still: run again later, or with a lower --parallel.";
  }
  if (status === 408 || status >= 500) {
    return "The service failed, after retries: run again later.";
  }
  if (status < 400) {
    return "Redirects to other hosts are not followed: check vaultUri.";
  }
  if (asked.operation === "restore") {
    return blobRemedy(vaultUri, explanation);
  }
  return asked.operation === "unwrapKey" || asked.operation === "decrypt"
    ? "What it was given was not encrypted for this private key."
    : "Check vaultUri and keyName.";
}

const ofTheKey: ReadonlySet<string> = new Set(["KeyDisabled", "KeyExpired", "KeyNotYetValid", "KeyOperationForbidden"]);

function conflictRemedy({ operation }: Asked, { isInTransition }: Refusal): string {
  if (isInTransition || operation !== "restore") {
    return "Another operation on the key is under way. Run again.";
  }
  return (
    "The name of the key is taken: by a key that is in use, by a soft-deleted one (recover or purge it), or by one that " +
    'was purged a moment ago (run again). To be told which, grant the permission to read keys ("list" and "get").'
  );
}

function blobRemedy(vaultUri: string, explanation: string): string {
  const vault = azOptionOf(vaultUri);
  if (isManagedHsm(vaultUri)) {
    return (
      "A Managed HSM restores only what an HSM of the same security domain has backed up: give such a backup. If this one " +
      "is, the blob is damaged."
    );
  }
  if (/cannot decrypt/i.test(explanation)) {
    return (
      "A backup is restored only in the geography and the Azure subscription in which it was made: give a vault there. If " +
      "this one is, the blob is damaged."
    );
  }
  if (/invalid or corrupt version/i.test(explanation)) {
    return (
      "The blob is not what Key Vault returns for a key: it is damaged, of a Managed HSM, or of a secret " +
      `(az keyvault secret restore ${vault} --file …).`
    );
  }
  return (
    "Check that the blob is the backup of a key, as this kind of vault makes it. That of a certificate, which begins like " +
    `that of a key, is restored by az keyvault certificate restore ${vault} --file ….`
  );
}

function grantOf({ operation, vaultUri }: Asked, cause: string | undefined): string {
  const { action, role, hsmAction, hsmRole, permission } = grants[operation];
  if (isManagedHsm(vaultUri)) {
    return `Grant the data action Microsoft.KeyVault/managedHsm/keys/${hsmAction}, for instance with the local role ${hsmRole}.`;
  }
  if (cause === "ForbiddenByPolicy" || cause === "AccessDenied") {
    return `Give the identity the key permission "${permission}" in an access policy of the vault.`;
  }
  return `Grant the data action Microsoft.KeyVault/vaults/keys/${action}, for instance with the role ${role}.`;
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
