/** The configuration that the engine hands over: the stack's, or the inputs of an explicit provider. */
export interface StackConfig {
  get(key: string): string | undefined;
}

/** The provider's own settings, `azure-keyvault-backup:<name>`. */
export interface Configuration {
  /** Send a token also to a host outside the domain that its challenge names. */
  readonly disableChallengeResourceVerification: boolean;
  /** Bound of one operation with all its waits, in milliseconds. */
  readonly timeout: number;
  /** One sentence for each setting that is wrong. */
  readonly mistakes: readonly string[];
}

const namespace = "azure-keyvault-backup";

export function readConfiguration(config: StackConfig | undefined): Configuration {
  const verification = config?.get(`${namespace}:disableChallengeResourceVerification`) ?? "false";
  const seconds = Number(config?.get(`${namespace}:timeoutSeconds`) ?? 180);
  const isSwitch = verification === "true" || verification === "false";
  const isBound = Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600;
  return {
    disableChallengeResourceVerification: verification === "true",
    timeout: seconds * 1000,
    mistakes: [
      ...(isSwitch ? [] : [`${namespace}:disableChallengeResourceVerification must be true or false.`]),
      ...(isBound ? [] : [`${namespace}:timeoutSeconds must be a whole number from 1 to 3600.`]),
    ],
  };
}
