import type * as pulumi from "@pulumi/pulumi";

/** The stack's configuration as the engine hands it over; absent where it never did. */
export type StackConfig = pulumi.dynamic.Config | undefined;

/** The provider's own configuration, `azure-keyvault-backup:<name>`. */
export interface Configuration {
  /** Send a token also to a host outside the domain that its challenge names. */
  readonly disableChallengeResourceVerification: boolean;
  /** Bound of one operation with all its waits, in milliseconds. */
  readonly timeout: number;
  /** One sentence for each value that is none. */
  readonly mistakes: readonly string[];
}

/** Reads the provider's own configuration. */
export function readConfiguration(config: StackConfig): Configuration {
  const verification = config?.get("azure-keyvault-backup:disableChallengeResourceVerification") ?? "false";
  const seconds = Number(config?.get("azure-keyvault-backup:timeoutSeconds") ?? 180);
  const mistakes: string[] = [];
  if (verification !== "true" && verification !== "false") {
    mistakes.push(
      "The stack's azure-keyvault-backup:disableChallengeResourceVerification is neither true nor false: " +
        "pulumi config rm azure-keyvault-backup:disableChallengeResourceVerification.",
    );
  }
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600)) {
    mistakes.push(
      "The stack's azure-keyvault-backup:timeoutSeconds is not a whole number from 1 to 3600: " +
        "pulumi config set azure-keyvault-backup:timeoutSeconds 180.",
    );
  }
  return { disableChallengeResourceVerification: verification === "true", timeout: seconds * 1000, mistakes };
}
