import { CopyError, type CopyFailureCode } from "../../copies/copyError";
import { KeyVaultError } from "../../keyVault/failures/keyVaultError";
import type { Operation } from "../../keyVault/failures/operation";
import type { FailureCode } from "../../keyVault/failures/remedies";
import { reasonOf } from "../../keyVault/operations/lookUp";

const pages = "https://github.com/pulumi-azure-keyvault-backup/pulumi-azure-keyvault-backup/blob/main/docs";

/** Where the documentation says more: `troubleshooting.md#forbidden`. */
export function more(anchor: string): string {
  return `More: ${pages}/${anchor}`;
}

const otherHosts =
  "For an emulator or a private cloud, set azure-keyvault-backup:disableChallengeResourceVerification to true.";
const fewerAtATime = "For instance with --parallel 4.";
const otherTenant = "Set azure-native:tenantId and azure-native:environment.";

type Hint = string | ((operation: Operation) => string);

/** What Pulumi offers beside the remedy that the failed operation knows. */
const hints: Partial<Readonly<Record<FailureCode | CopyFailureCode, Hint>>> = {
  challenge: otherHosts,
  "copy-host": otherHosts,
  "copy-throttled": fewerAtATime,
  "copy-unauthorized": otherTenant,
  "managed-by-certificate": ({ name, vaultUri, objectName }) =>
    name === "backup"
      ? `Use: new CertificateBackup("${objectName}", { vaultUri: "${vaultUri}", certificateName: "${objectName}" });`
      : "",
  throttled: fewerAtATime,
  timeout: "If the vault is only slow, raise azure-keyvault-backup:timeoutSeconds.",
  unauthorized: otherTenant,
};

/** The hint for commands that do not run the program: the engine hands over what the last `pulumi up` recorded. */
const storedConfiguration =
  "This command uses the settings that the last pulumi up recorded. If they changed since, run pulumi up first, or add " +
  "--run-program.";

/** Whether the engine hands over the configuration of this run, or the one that the state holds. */
export type ConfigurationSource = "program" | "state";

/** The same failure for a state to hold: the same words at each attempt, and no link. */
export function explainBriefly(error: unknown, source: ConfigurationSource): string {
  // A look at an object has a bound of its own.
  const apt = hintsFor(error, source).filter((hint) => hint !== hints.timeout);
  return [isExplained(error) ? error.reason : reasonOf(error), ...apt].join(" ");
}

/**
 * An error for the engine, which prints its message, and its stack too if it has one.
 *
 * @param outcome - A sentence on what became of the resource.
 */
export function userError(error: unknown, source: ConfigurationSource = "program", outcome?: string): Error {
  const message = error instanceof Error ? error.message : `${error}`;
  const text = [
    message,
    ...hintsFor(error, source),
    ...(outcome === undefined ? [] : [outcome]),
    ...(isExplained(error) ? [more(`troubleshooting.md#${error.code}`)] : []),
  ];
  return withoutStack(text.join(" "), error);
}

export function withoutStack(message: string, cause?: unknown): Error {
  const error = new Error(message, { cause });
  error.stack = "";
  return error;
}

/** Whether the error has its own explanation, and a section in the documentation. */
function isExplained(error: unknown): error is KeyVaultError | CopyError {
  return error instanceof KeyVaultError || error instanceof CopyError;
}

function hintsFor(error: unknown, source: ConfigurationSource): string[] {
  if (!isExplained(error)) {
    return [];
  }
  const hint = hints[error.code];
  const text = typeof hint === "function" ? (error instanceof KeyVaultError ? hint(error.operation) : "") : hint;
  const { isConfigured } = (error.cause ?? {}) as { isConfigured?: boolean };
  return [
    ...(text ? [text] : []),
    ...(source === "state" && error.code.endsWith("credential") && isConfigured === true ? [storedConfiguration] : []),
  ];
}

const printed = new Set<string>();

/** Shows the user a line, once in a preview and once in an update: each of them is one process. */
export function printOnce(line: string): void {
  if (!printed.has(line)) {
    printed.add(line);
    process.stdout.write(`${line}\n`);
  }
}
