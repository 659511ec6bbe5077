import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { KeyClient } from "@azure/keyvault-keys";
import { attemptTimeoutPolicy } from "./attemptTimeout";
import { connectionRetryPolicy } from "./connectionRetry";
import { directConnectionPolicy } from "./directConnection";
import { downloadBackup } from "./downloadBackup";
import {
  type Asked,
  connectionCodeOf,
  DeadlinePassed,
  explainBriefly,
  explainFailure,
  KeyKeepsChanging,
  VersionNotFound,
} from "./explainFailure";
import { firstCallAlonePolicy } from "./firstCallAlone";
import { createLastOutcome } from "./lastOutcome";
import { type ReadKey, readKey } from "./readKey";
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

/** The key is there, with these versions. */
export interface FoundKey extends ReadKey {
  readonly kind: "found";
}

/** Whether the key is there could not be learnt. */
export interface UnreachableKey {
  readonly kind: "unreachable";
  readonly because: string;
  /** Whether it is for want of the permission to read it. */
  readonly isForbidden: boolean;
}

/** A key as it was when it was looked up. */
export type LookedUpKey =
  | FoundKey
  /** The key is not there: deleted, never made, or its vault has no name any more. */
  | { readonly kind: "missing"; readonly because: string }
  | UnreachableKey;

/** What the service returned for one key. */
export interface BackedUpKey {
  /** The service's `value`: base64url. */
  readonly blob: string;
  /** The key at that time: the blob holds all versions that were read of it. */
  readonly source: FoundKey | UnreachableKey;
}

// A key that gets a new version during this many backups in a row is not waited for.
const maxBackups = 3;

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
   * Backs the key up between two readings of its versions, where the identity may read them: where both are the same, the
   * blob holds what was read, and where not, it is made once more.
   *
   * @param keyVersion - A version that the backup must hold, if the versions can be read.
   * @param named - Versions to look for where the identity may not list them all.
   * @throws An error that says what was asked, what came back, and what to do.
   */
  async backUpKey(keyName: string, keyVersion?: string, named: readonly string[] = []): Promise<BackedUpKey> {
    const asked: Asked = { operation: "backup", vaultUri: this.#options.vaultUri, keyName };
    const sought = keyVersion === undefined ? named : [keyVersion, ...named];
    const startedAt = Date.now();
    try {
      return await this.#withinDeadline(this.#options.waits.operation, (signal, onRefusal) =>
        this.#untilReady(asked, signal, onRefusal, () => this.#backUp(keyName, keyVersion, sought, signal)),
      );
    } catch (error) {
      throw explainFailure(asked, error, secondsSince(startedAt));
    }
  }

  /** Looks the key up, without waiting for permissions. `named` are versions to look for where it may not list them all. */
  async lookUpKey(keyName: string, named: readonly string[]): Promise<LookedUpKey> {
    const asked: Asked = { operation: "read", vaultUri: this.#options.vaultUri, keyName };
    const { lookUp, operation } = this.#options.waits;
    const startedAt = Date.now();
    try {
      return await this.#withinDeadline(Math.min(lookUp, operation), async (signal) => {
        const key = await readKey(this.#client, keyName, named, signal);
        return key.versions.length > 0
          ? { kind: "found", ...key }
          : { kind: "missing", because: await this.#whyMissing(asked, signal) };
      });
    } catch (error) {
      const because = explainBriefly(asked, error, secondsSince(startedAt));
      return isUnknownName(error) ? { kind: "missing", because } : unreachable(error, because);
    }
  }

  async #whyMissing({ vaultUri, keyName }: Asked, signal: AbortSignal): Promise<string> {
    const { host, hostname } = new URL(vaultUri);
    try {
      await this.#client.getDeletedKey(keyName, { abortSignal: signal });
    } catch (error) {
      if (error instanceof Refusal) {
        return `key "${keyName}" is not in ${host}.`;
      }
      throw error;
    }
    const option = hostname.includes(".managedhsm.") ? "--hsm-name" : "--vault-name";
    return (
      `key "${keyName}" in ${host} is soft-deleted. Recover it: ` +
      `az keyvault key recover ${option} ${hostname.split(".")[0]} --name ${keyName}.`
    );
  }

  async #backUp(
    keyName: string,
    keyVersion: string | undefined,
    sought: readonly string[],
    signal: AbortSignal,
  ): Promise<BackedUpKey> {
    for (let backups = 0; backups < maxBackups; backups += 1) {
      const before = await this.#readIfPermitted(keyName, sought, signal);
      // A key without versions is not there: the backup's own refusal tells that.
      if (keyVersion !== undefined && before.kind === "found" && before.versions.length > 0) {
        requireVersion(before, keyVersion);
      }
      const blob = await downloadBackup(this.#client, keyName, signal);
      // A permission to read that took effect meanwhile is used: the backup is made once more.
      const after = await this.#readIfPermitted(keyName, sought, signal);
      if (isSameKey(before, after)) {
        return { blob, source: withVersions(before) };
      }
    }
    throw new KeyKeepsChanging();
  }

  // Only the permission to back up is required. Other refusals meet the backup too, whose failure is the one to tell.
  async #readIfPermitted(
    keyName: string,
    sought: readonly string[],
    signal: AbortSignal,
  ): Promise<FoundKey | UnreachableKey> {
    try {
      return { kind: "found", ...(await readKey(this.#client, keyName, sought, signal)) };
    } catch (error) {
      if (error instanceof Refusal && (error.status === 403 || error.status === 404)) {
        const asked: Asked = { operation: "read", vaultUri: this.#options.vaultUri, keyName };
        return unreachable(error, explainBriefly(asked, error, 0));
      }
      throw error;
    }
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

  /** Repeats the attempt while the vault is not ready for it: the identity's permission, or the key, may be new. */
  async #untilReady<T>(
    asked: Asked,
    signal: AbortSignal,
    onRefusal: (error: unknown) => void,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const { notReady } = this.#options.waits;
    let refusedAt: number | undefined;
    for (let attempts = 0; ; attempts += 1) {
      const client = this.#client;
      try {
        return await attempt();
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

function requireVersion({ versions, isComplete }: ReadKey, keyVersion: string): void {
  const names = versions.map(({ version }) => version);
  if (!names.includes(keyVersion.toLowerCase())) {
    throw new VersionNotFound(keyVersion, names, isComplete);
  }
}

function isSameKey(one: FoundKey | UnreachableKey, other: FoundKey | UnreachableKey): boolean {
  if (one.kind === "unreachable" || other.kind === "unreachable") {
    return one.kind === other.kind;
  }
  const names = new Set(one.versions.map(({ version }) => version));
  return other.versions.length === names.size && other.versions.every(({ version }) => names.has(version));
}

function unreachable(error: unknown, because: string): UnreachableKey {
  return { kind: "unreachable", because, isForbidden: error instanceof Refusal && error.isPermissionMissing };
}

// Emulators may not list what they back up.
function withVersions(source: FoundKey | UnreachableKey): FoundKey | UnreachableKey {
  return source.kind === "found" && source.versions.length === 0
    ? { kind: "unreachable", because: "The vault backs the key up, and lists no version of it.", isForbidden: false }
    : source;
}

function isUnknownName(error: unknown): boolean {
  return connectionCodeOf(error) === "ENOTFOUND";
}

function secondsSince(time: number): number {
  return Math.round((Date.now() - time) / 1000);
}
