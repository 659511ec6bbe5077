import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { KeyClient } from "@azure/keyvault-keys";
import { attemptTimeoutPolicy } from "./attemptTimeout";
import { connectionRetryPolicy } from "./connectionRetry";
import { directConnectionPolicy } from "./directConnection";
import { downloadBackup } from "./downloadBackup";
import { type Asked, DeadlinePassed, explainFailure, OnlyCopy, VersionNotFound } from "./explainFailure";
import { firstCallAlonePolicy } from "./firstCallAlone";
import { createLastOutcome } from "./lastOutcome";
import { readKeyVersions } from "./readKeyVersions";
import { Refusal, refusalPolicy } from "./refusal";
import { throttleDelays, throttlePolicy } from "./throttle";

/** How long to wait for what, in milliseconds. */
export interface Waits {
  /** Bound of one operation, all its requests, retries and waits together. */
  readonly operation: number;
  /** Bound of the wait for a key that is not there, which may have been created a moment ago. */
  readonly newKey: number;
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
  newKey: 10_000,
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

/** What the service returned for one key. */
export interface BackedUpKey {
  /** The service's `value`: base64url. */
  readonly blob: string;
  /** The versions that the key had right before the backup, newest first; empty where they could not be read. */
  readonly keyVersions: readonly string[];
}

/** A vault or Managed HSM, as one identity sees it. */
export class Vault {
  readonly #options: VaultOptions;
  readonly #throttle: PipelinePolicy;
  readonly #lastOutcome = createLastOutcome();
  #client: KeyClient;
  #saidWaiting = false;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.#throttle = throttlePolicy(options.waits.throttled);
    this.#client = this.#newClient(false);
  }

  /**
   * Reads the key's versions, where the identity may, and then backs the key up: in this order a version made in between
   * is missing from the record, and never claimed by it.
   *
   * @param keyVersion - A version that the backup must hold, if the versions can be read.
   * @param superseded - The versions of a backup that is dropped for this one, which must hold them all.
   * @throws An error that says what was asked, what came back, and what to do.
   */
  async backUpKey(keyName: string, keyVersion?: string, superseded: readonly string[] = []): Promise<BackedUpKey> {
    const asked: Asked = { vaultUri: this.#options.vaultUri, keyName };
    return this.#withinDeadline(asked, async (signal) => {
      const backedUp = await this.#attempt(keyName, keyVersion, superseded, signal);
      // A key without versions is not there, and was made between the two requests: now it has them.
      const { blob, keyVersions } =
        backedUp.keyVersions?.length === 0 ? await this.#attempt(keyName, keyVersion, superseded, signal) : backedUp;
      return { blob, keyVersions: keyVersions ?? [] };
    });
  }

  async #attempt(
    keyName: string,
    keyVersion: string | undefined,
    superseded: readonly string[],
    signal: AbortSignal,
  ): Promise<{ blob: string; keyVersions: string[] | undefined }> {
    const named = keyVersion === undefined ? superseded : [keyVersion, ...superseded];
    const keyVersions = await readKeyVersions(this.#client, keyName, named, signal);
    // A key without versions is not there: the backup's own refusal tells that.
    if (keyVersions?.length !== 0) {
      const isMissing = (version: string) => !keyVersions?.includes(version.toLowerCase());
      if (keyVersion !== undefined && keyVersions !== undefined && isMissing(keyVersion)) {
        throw new VersionNotFound(keyVersion, keyVersions);
      }
      const lost = superseded.filter(isMissing);
      if (lost.length > 0) {
        throw new OnlyCopy(lost, keyVersions !== undefined);
      }
    }
    return { blob: await downloadBackup(this.#client, keyName, signal), keyVersions };
  }

  async #withinDeadline<T>(asked: Asked, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { operation } = this.#options.waits;
    const startedAt = Date.now();
    const signal = AbortSignal.timeout(operation);
    let refusal: unknown;
    const deadline = new Promise<never>((_, reject) => {
      const pass = () => reject(refusal ?? new DeadlinePassed(this.#lastOutcome.of(signal)));
      signal.addEventListener("abort", pass, { once: true });
    });
    const ready = this.#untilReady(asked, signal, attempt, (error) => {
      refusal = error;
    });
    try {
      return await Promise.race([ready, deadline]);
    } catch (error) {
      throw explainFailure(asked, error, Math.round((Date.now() - startedAt) / 1000));
    }
  }

  /** Repeats the attempt while the vault is not ready for it: the identity's permission, or the key, may be new. */
  async #untilReady<T>(
    asked: Asked,
    signal: AbortSignal,
    attempt: (signal: AbortSignal) => Promise<T>,
    onRefusal: (error: unknown) => void,
  ): Promise<T> {
    const { notReady } = this.#options.waits;
    let refusedAt: number | undefined;
    for (let attempts = 0; ; attempts += 1) {
      const client = this.#client;
      try {
        return await attempt(signal);
      } catch (error) {
        const wait = notReady[Math.min(attempts, notReady.length - 1)] ?? 0;
        refusedAt ??= Date.now();
        if (Date.now() - refusedAt + wait >= this.#readyWithin(error)) {
          throw error;
        }
        onRefusal(error);
        if (error instanceof Refusal && error.isPermissionMissing) {
          this.#sayWaiting(asked, error);
          await sleep(wait, undefined, { signal });
          this.#renew(client);
        } else {
          await sleep(wait, undefined, { signal });
        }
      }
    }
  }

  #readyWithin(error: unknown): number {
    const { operation, newKey } = this.#options.waits;
    if (error instanceof Refusal && error.isPermissionMissing) {
      return operation;
    }
    const isMissing = error instanceof VersionNotFound || (error instanceof Refusal && error.status === 404);
    return isMissing ? Math.min(newKey, operation) : 0;
  }

  #sayWaiting({ vaultUri }: Asked, { innerCode, code }: Refusal): void {
    if (!this.#saidWaiting) {
      this.#saidWaiting = true;
      this.#options.say(
        `Waiting up to ${this.#options.waits.operation / 1000} s for a role assignment or access policy on ` +
          `${new URL(vaultUri).host} to take effect (${innerCode ?? code}).`,
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
