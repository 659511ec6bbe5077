import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { KeyClient } from "@azure/keyvault-keys";
import type { Asked } from "./asked";
import { attemptTimeoutPolicy } from "./attemptTimeout";
import { connectionRetryPolicy } from "./connectionRetry";
import { directConnectionPolicy } from "./directConnection";
import { DeadlinePassed, explainFailure, NameNotFree, VersionNotFound } from "./explainFailure";
import { firstCallAlonePolicy } from "./firstCallAlone";
import { createLastOutcome } from "./lastOutcome";
import { Refusal, refusalPolicy } from "./refusal";
import { throttleDelays, throttlePolicy } from "./throttle";

/** How long to wait for what, in milliseconds. */
export interface Waits {
  /** Bound of one operation, all its requests, retries and waits together. */
  readonly operation: number;
  /** Bound of looking a key up. */
  readonly lookUp: number;
  /** Bound of the wait for a key that is not there, which may have been created a moment ago. */
  readonly newKey: number;
  /** Bound of the wait for the name of a key that is being deleted or was just purged. */
  readonly freeName: number;
  /** Between attempts while the vault is not ready; the last one repeats. */
  readonly notReady: readonly number[];
  /** After a 429 that does not say how long to wait. */
  readonly throttled: readonly number[];
  /** Before the first retry after a transient failure; doubled for each further one. */
  readonly transient: number;
  /** Bound of one attempt at a request. */
  readonly attempt: number;
  /** How long calls that start together wait for the one that is challenged for a token. */
  readonly challenge: number;
}

// Of a transient failure: with the default waits, half a minute.
const transientRetries = 5;

export const defaultWaits: Waits = {
  operation: 180_000,
  lookUp: 30_000,
  newKey: 10_000,
  freeName: 120_000,
  notReady: [1_000, 2_000, 4_000, 8_000, 15_000],
  throttled: throttleDelays,
  transient: 1_000,
  attempt: 60_000,
  challenge: 5_000,
};

export interface VaultOptions {
  readonly vaultUri: string;
  /** The identity's credential; `fresh`: one that has no token cached from before. */
  readonly credential: (fresh: boolean) => TokenCredential;
  /** Whether a token goes also to a host that is not in the domain which its challenge names. */
  readonly disableChallengeResourceVerification: boolean;
  readonly waits: Waits;
  /** Tells the user a line. */
  readonly say: (line: string) => void;
}

/** What an operation does its requests with. */
export interface Requests {
  readonly client: KeyClient;
  /** Aborted when the operation's time is over. */
  readonly signal: AbortSignal;
  /** Whether an attempt at a POST got no answer, and may have been carried out. */
  mayBeDone(): boolean;
}

/** A vault's client as one identity has it, with all that is waited for. */
export class VaultConnection {
  readonly vaultUri: string;
  readonly waits: Waits;
  readonly #options: VaultOptions;
  readonly #throttle: PipelinePolicy;
  readonly #lastOutcome = createLastOutcome();
  #client: KeyClient;
  #saidWaiting = false;

  constructor(options: VaultOptions) {
    this.vaultUri = options.vaultUri;
    this.waits = options.waits;
    this.#options = options;
    this.#throttle = throttlePolicy(options.waits.throttled);
    this.#client = this.#newClient(false);
  }

  /**
   * Carries an operation out within its bound, and repeats it from its beginning while the vault is not ready for it: the
   * identity's permission, or the key, may be new, and the name of the key not free yet.
   *
   * @throws An error that says what was asked, what came back, and what to do.
   */
  async carryOut<T>(asked: Omit<Asked, "vaultUri">, operation: (requests: Requests) => Promise<T>): Promise<T> {
    const whole: Asked = { vaultUri: this.vaultUri, ...asked };
    const startedAt = Date.now();
    try {
      return await this.#withinDeadline(this.waits.operation, (signal, onRefusal) =>
        this.#untilReady(whole, signal, onRefusal, () => operation(this.#requests(signal))),
      );
    } catch (error) {
      throw explainFailure(whole, error, secondsSince(startedAt));
    }
  }

  /** Does a few requests once, within the bound of looking a key up. Errors are passed on as they are. */
  once<T>(requests: (requests: Requests) => Promise<T>): Promise<T> {
    return this.#withinDeadline(Math.min(this.waits.lookUp, this.waits.operation), (signal) =>
      requests(this.#requests(signal)),
    );
  }

  #requests(signal: AbortSignal): Requests {
    return { client: this.#client, signal, mayBeDone: () => this.#lastOutcome.mayBeDone(signal) };
  }

  async #withinDeadline<T>(
    milliseconds: number,
    attempt: (signal: AbortSignal, onRefusal: (error: unknown) => void) => Promise<T>,
  ): Promise<T> {
    const signal = AbortSignal.timeout(milliseconds);
    let refusal: unknown;
    const deadline = new Promise<never>((_, reject) => {
      const pass = () => reject(refusal ?? new DeadlinePassed(this.#lastOutcome.of(signal)));
      signal.addEventListener("abort", pass, { once: true });
    });
    const attempted = attempt(signal, (error) => {
      refusal = error;
    });
    return Promise.race([attempted, deadline]);
  }

  async #untilReady<T>(
    asked: Asked,
    signal: AbortSignal,
    onRefusal: (error: unknown) => void,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const { notReady } = this.waits;
    let refusedAt: number | undefined;
    for (let attempts = 0; ; attempts += 1) {
      const client = this.#client;
      try {
        return await attempt();
      } catch (error) {
        const wait = notReady[Math.min(attempts, notReady.length - 1)] ?? 0;
        refusedAt ??= Date.now();
        if (Date.now() - refusedAt + wait >= this.#readyWithin(asked, error)) {
          throw error;
        }
        onRefusal(error);
        if (error instanceof Refusal && error.isPermissionMissing) {
          this.#sayWaiting(error);
          await sleep(wait, undefined, { signal });
          this.#renew(client);
        } else {
          await sleep(wait, undefined, { signal });
        }
      }
    }
  }

  #readyWithin({ operation }: Asked, error: unknown): number {
    const { operation: bound, newKey, freeName } = this.waits;
    if (error instanceof Refusal && error.isPermissionMissing) {
      return bound;
    }
    if (error instanceof NameNotFree || (error instanceof Refusal && error.isInTransition)) {
      return Math.min(freeName, bound);
    }
    const mayBeNew = operation === "backup" || operation === "read";
    const isMissing = error instanceof VersionNotFound || (error instanceof Refusal && error.status === 404);
    return mayBeNew && isMissing ? Math.min(newKey, bound) : 0;
  }

  #sayWaiting({ innerCode, code }: Refusal): void {
    if (!this.#saidWaiting) {
      this.#saidWaiting = true;
      this.#options.say(
        `Waiting up to ${this.waits.operation / 1000} s for a role assignment or access policy on ` +
          `${new URL(this.vaultUri).host} to take effect (${innerCode ?? code}).`,
      );
    }
  }

  // A token holds the groups that the identity was in when it was issued: only a new one knows a new membership.
  #renew(client: KeyClient): void {
    if (this.#client === client) {
      this.#client = this.#newClient(true);
    }
  }

  #newClient(fresh: boolean): KeyClient {
    const { vaultUri, credential, disableChallengeResourceVerification, waits } = this.#options;
    return new KeyClient(vaultUri, credential(fresh), {
      serviceVersion: "7.4",
      disableChallengeResourceVerification,
      // Only loopback addresses come here with http.
      allowInsecureConnection: vaultUri.startsWith("http:"),
      retryOptions: { maxRetries: transientRetries, retryDelayInMs: waits.transient },
      userAgentOptions: { userAgentPrefix: "pulumi-azure-keyvault-backup" },
      additionalPolicies: [
        { policy: firstCallAlonePolicy(waits.challenge), position: "perCall" },
        { policy: refusalPolicy, position: "perCall" },
        { policy: connectionRetryPolicy(transientRetries, waits.transient), position: "perCall" },
        { policy: directConnectionPolicy(), position: "perCall" },
        { policy: this.#throttle, position: "perRetry" },
        { policy: this.#lastOutcome.policy, position: "perRetry" },
        { policy: attemptTimeoutPolicy(waits.attempt), position: "perRetry" },
      ],
    });
  }
}

/** Whole seconds since then. */
export function secondsSince(time: number): number {
  return Math.round((Date.now() - time) / 1000);
}
