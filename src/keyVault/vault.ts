import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { KeyClient, type KeyProperties } from "@azure/keyvault-keys";
import { emptyRefusalPolicy } from "./emptyRefusal";
import { type Asked, DeadlinePassed, explainFailure, MalformedAnswer, VersionNotFound } from "./explainFailure";
import { firstCallAlonePolicy } from "./firstCallAlone";
import { createLastOutcome } from "./lastOutcome";
import { isKeyNotFound, isPermissionMissing, type ServiceAnswer, serviceAnswerOf } from "./serviceAnswer";
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
}

export const defaultWaits: Waits = {
  operation: 180_000,
  newKey: 10_000,
  notReady: [1_000, 2_000, 4_000, 8_000, 15_000],
  throttled: throttleDelays,
  transient: 1_000,
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
   * @param keyVersion - A version that the backup must hold.
   * @throws An error that says what was asked, what came back, and what to do.
   */
  async backUpKey(keyName: string, keyVersion?: string): Promise<BackedUpKey> {
    const asked: Asked = { doing: "back up", vaultUri: this.#options.vaultUri, keyName };
    return this.#withinDeadline(asked, async (signal) => {
      const keyVersions = await this.#keyVersions(keyName, keyVersion, signal);
      if (keyVersion !== undefined && keyVersions.length > 0 && !keyVersions.includes(keyVersion.toLowerCase())) {
        throw new VersionNotFound(keyVersion, keyVersions);
      }
      return { blob: await this.#downloadBackup(keyName, signal), keyVersions };
    });
  }

  async #keyVersions(keyName: string, keyVersion: string | undefined, signal: AbortSignal): Promise<string[]> {
    const versions: KeyProperties[] = [];
    try {
      for await (const version of this.#client.listPropertiesOfKeyVersions(keyName, { abortSignal: signal })) {
        versions.push(version);
      }
    } catch (error) {
      const answer = serviceAnswerOf(error);
      // Access policies grant `list` and `get` one by one; a role's data action covers both.
      if (answer !== undefined && isPermissionMissing(answer) && answer.innerCode !== "ForbiddenByRbac") {
        return this.#getVersions(keyName, keyVersion, signal);
      }
      // A refusal of any other kind meets the backup too, whose failure is the one to tell.
      if (answer?.status === 403 || answer?.status === 404) {
        return [];
      }
      throw error;
    }
    versions.sort((one, other) => createdAt(other) - createdAt(one));
    const names = versions.map((version) => version.version?.toLowerCase() ?? "");
    // Times of creation are whole seconds: of two versions made in one second, the vault knows which is current.
    if (versions[1] !== undefined && versions[0] !== undefined && createdAt(versions[1]) === createdAt(versions[0])) {
      const [current] = await this.#getVersions(keyName, undefined, signal);
      return current === undefined ? names : [current, ...names.filter((name) => name !== current)];
    }
    return names;
  }

  async #getVersions(keyName: string, keyVersion: string | undefined, signal: AbortSignal): Promise<string[]> {
    const names = new Set<string>();
    for (const version of keyVersion === undefined ? [undefined] : [undefined, keyVersion]) {
      try {
        const key = await this.#client.getKey(keyName, {
          abortSignal: signal,
          ...(version === undefined ? {} : { version }),
        });
        names.add(key.properties.version?.toLowerCase() ?? "");
      } catch (error) {
        const status = serviceAnswerOf(error)?.status;
        if (status !== 403 && status !== 404) {
          throw error;
        }
      }
    }
    return [...names];
  }

  async #downloadBackup(keyName: string, signal: AbortSignal): Promise<string> {
    let body: string | null | undefined;
    await this.#client.backupKey(keyName, {
      abortSignal: signal,
      // The client decodes what it can of a damaged value, and says nothing of the rest.
      onResponse: (response) => {
        body = response.bodyAsText;
      },
    });
    const blob = backupIn(body);
    if (typeof blob !== "string") {
      throw new MalformedAnswer("without the backup");
    }
    if (!isBase64Url(blob)) {
      throw new MalformedAnswer("with a backup that is not base64url");
    }
    return blob;
  }

  async #withinDeadline<T>(asked: Asked, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { operation } = this.#options.waits;
    const startedAt = Date.now();
    const signal = AbortSignal.timeout(operation);
    const deadline = new Promise<never>((_, reject) => {
      const pass = () => reject(new DeadlinePassed(this.#lastOutcome.of(signal)));
      signal.addEventListener("abort", pass, { once: true });
    });
    try {
      return await Promise.race([this.#untilReady(asked, signal, attempt), deadline]);
    } catch (error) {
      throw explainFailure(asked, error, Math.round((Date.now() - startedAt) / 1000));
    }
  }

  /** Repeats the attempt while the vault is not ready for it: the identity's permission, or the key, may be new. */
  async #untilReady<T>(asked: Asked, signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { notReady } = this.#options.waits;
    const startedAt = Date.now();
    for (let attempts = 0; ; attempts += 1) {
      const client = this.#client;
      try {
        return await attempt(signal);
      } catch (error) {
        const answer = serviceAnswerOf(error);
        const wait = notReady[Math.min(attempts, notReady.length - 1)] ?? 0;
        if (Date.now() - startedAt + wait > this.#readyWithin(error, answer)) {
          throw error;
        }
        if (answer !== undefined && isPermissionMissing(answer)) {
          this.#sayWaiting(asked, answer);
          await sleep(wait, undefined, { signal });
          this.#renew(client);
        } else {
          await sleep(wait, undefined, { signal });
        }
      }
    }
  }

  #readyWithin(error: unknown, answer: ServiceAnswer | undefined): number {
    const { operation, newKey } = this.#options.waits;
    if (answer !== undefined && isPermissionMissing(answer)) {
      return operation;
    }
    const isMissing = error instanceof VersionNotFound || (answer !== undefined && isKeyNotFound(answer));
    return isMissing ? Math.min(newKey, operation) : 0;
  }

  #sayWaiting({ vaultUri }: Asked, { innerCode, code }: ServiceAnswer): void {
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
      retryOptions: { maxRetries: waits.throttled.length, retryDelayInMs: waits.transient },
      userAgentOptions: { userAgentPrefix: "pulumi-azure-keyvault-backup" },
      additionalPolicies: [
        { policy: firstCallAlonePolicy(), position: "perCall" },
        { policy: emptyRefusalPolicy, position: "perCall" },
        { policy: this.#throttle, position: "perRetry" },
        { policy: this.#lastOutcome.policy, position: "perRetry" },
      ],
    });
  }
}

function createdAt({ createdOn }: KeyProperties): number {
  return createdOn?.getTime() ?? 0;
}

function backupIn(body: string | null | undefined): unknown {
  try {
    return (JSON.parse(body ?? "null") as { value?: unknown } | null)?.value;
  } catch {
    return undefined;
  }
}

/** Whether the text is base64url of at least one byte (RFC 4648 §5), padded or not. */
function isBase64Url(text: string): boolean {
  const digits = text.replace(/={1,2}$/, "");
  return digits !== "" && digits.length % 4 !== 1 && /^[0-9a-zA-Z_-]+$/.test(digits);
}
