import type { TokenCredential } from "@azure/core-auth";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import type { ClientOptions, ObjectClient, ObjectKind } from "../../objects/objectKind";
import type { OperationName } from "../../objects/permissions";
import { DeadlinePassed, KeyVaultError, NameNotFree, VersionNotFound } from "../failures/keyVaultError";
import type { Operation } from "../failures/operation";
import { Refusal } from "../failures/refusal";
import {
  attemptTimeoutPolicy,
  completeAnswerPolicy,
  connectionRetryPolicy,
  firstCallAlonePolicy,
  type Outcomes,
  recordOutcomes,
  refusalPolicy,
  sameOriginPolicy,
} from "./policies";
import { throttlePolicy } from "./throttlePolicy";
import { type Clock, untilAborted, type Waits } from "./waits";

export interface ConnectionOptions {
  readonly vaultUri: string;
  /** The identity's credential; `fresh`: one that has no token cached. */
  readonly credential: (fresh: boolean) => TokenCredential;
  /** Whether a token also goes to a host outside the domain that its challenge names. */
  readonly disableChallengeResourceVerification: boolean;
  readonly waits: Waits;
  readonly clock: Clock;
  /** Shows the user a line. */
  readonly print: (line: string) => void;
}

/** What is asked of the vault, about which object. */
export interface Task<Client extends ObjectClient = ObjectClient> {
  readonly name: OperationName;
  readonly kind: ObjectKind<Client>;
  /** Undefined if only a blob tells the name. */
  readonly objectName: string | undefined;
}

/** What an operation makes its requests with. */
export interface Requests<Client extends ObjectClient = ObjectClient> {
  readonly client: Client;
  /** The client for objects of another kind in the same vault. */
  clientOf(kind: ObjectKind): ObjectClient;
  /** Aborted when the operation's time is over. */
  readonly signal: AbortSignal;
  /** Whether an attempt at a POST got no answer, and may have been carried out. */
  mayBeDone(): boolean;
}

interface WaitFor {
  readonly cause: "permission" | "newObject" | "freeName";
  readonly bound: number;
}

// With the default delay, half a minute.
const transientRetries = 5;

/** A vault as one identity reaches it: its clients, with retries and all that is waited for. */
export class VaultConnection {
  readonly vaultUri: string;
  readonly waits: Waits;
  readonly #options: ConnectionOptions;
  readonly #throttle: PipelinePolicy;
  readonly #outcomes: Outcomes = recordOutcomes();
  readonly #clients = new Map<ObjectKind, ObjectClient>();
  #isFresh = false;
  #printedWaiting = false;

  constructor(options: ConnectionOptions) {
    this.vaultUri = options.vaultUri;
    this.waits = options.waits;
    this.#options = options;
    this.#throttle = throttlePolicy(options.waits.throttled, options.clock);
  }

  /**
   * Carries a task out within its bound, and repeats it from its beginning while the vault is not ready: the permission or the
   * object may be new, and a name may not be free yet.
   *
   * @throws KeyVaultError
   */
  async carryOut<T, Client extends ObjectClient>(
    task: Task<Client>,
    attempt: (requests: Requests<Client>) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const signal = clock.timeout(this.waits.operation);
    try {
      return await this.#untilReady(task, signal, attempt);
    } catch (error) {
      throw this.#explain(task, error, signal, startedAt);
    }
  }

  /**
   * Makes a few requests once, within the bound of a look at an object.
   *
   * @throws KeyVaultError
   */
  async once<T, Client extends ObjectClient>(
    task: Task<Client>,
    attempt: (requests: Requests<Client>) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const signal = clock.timeout(Math.min(this.waits.read, this.waits.operation));
    try {
      return await this.#withinDeadline(signal, attempt(this.#requests(task.kind, signal)));
    } catch (error) {
      throw this.#explain(task, error, signal, startedAt);
    }
  }

  #requests<Client extends ObjectClient>(kind: ObjectKind<Client>, signal: AbortSignal): Requests<Client> {
    return {
      client: this.#client(kind),
      clientOf: (other) => this.#client(other),
      signal,
      mayBeDone: () => this.#outcomes.mayBeDone(signal),
    };
  }

  #explain({ name, kind, objectName }: Task, error: unknown, signal: AbortSignal, startedAt: number): KeyVaultError {
    const operation: Operation = { name, kind, objectName, vaultUri: this.vaultUri };
    const seconds = Math.round((this.#options.clock.now() - startedAt) / 1000);
    const explained = new KeyVaultError(operation, error, { seconds, mayBeDone: this.#outcomes.mayBeDone(signal) });
    if (explained.code === "challenge") {
      // A client holds a request's body back until its first challenge: a new one holds it back again.
      this.#clients.delete(kind);
    }
    return explained;
  }

  /** Not every credential and poller ends with the signal. */
  #withinDeadline<T>(signal: AbortSignal, attempt: Promise<T>): Promise<T> {
    return untilAborted(signal, attempt, () => new DeadlinePassed(this.#outcomes.last(signal)));
  }

  async #untilReady<T, Client extends ObjectClient>(
    task: Task<Client>,
    signal: AbortSignal,
    attempt: (requests: Requests<Client>) => Promise<T>,
  ): Promise<T> {
    const { clock, waits } = this.#options;
    let cause: WaitFor["cause"] | undefined;
    let since = 0;
    let attempts = 0;
    for (;;) {
      const requests = this.#requests(task.kind, signal);
      try {
        return await this.#withinDeadline(signal, attempt(requests));
      } catch (error) {
        const wait = this.#waitFor(task, error);
        if (wait === undefined || signal.aborted) {
          throw error;
        }
        if (wait.cause !== cause) {
          cause = wait.cause;
          since = clock.now();
          attempts = 0;
        }
        const delay = waits.notReady[Math.min(attempts, waits.notReady.length - 1)] ?? 0;
        attempts += 1;
        if (clock.now() - since + delay >= wait.bound) {
          throw error;
        }
        try {
          await this.#pause(wait, error, delay, signal);
        } catch {
          throw error;
        }
        if (wait.cause === "permission") {
          this.#renew(task.kind, requests.client);
        }
      }
    }
  }

  async #pause({ cause }: WaitFor, error: unknown, delay: number, signal: AbortSignal): Promise<void> {
    const { clock, waits, print } = this.#options;
    if (cause === "permission" && !this.#printedWaiting) {
      this.#printedWaiting = true;
      const { innerCode, code } = error as Refusal;
      print(
        `Waiting up to ${waits.operation / 1000} s for a role assignment or an access policy in ` +
          `${new URL(this.vaultUri).host} to take effect (${innerCode ?? code}).`,
      );
    }
    await clock.sleep(delay, signal);
  }

  #waitFor({ name }: Task, error: unknown): WaitFor | undefined {
    const { operation, newObject, freeName } = this.waits;
    const refusal = error instanceof Refusal ? error : undefined;
    if (refusal?.isPermissionMissing) {
      return { cause: "permission", bound: operation };
    }
    if (error instanceof NameNotFree || refusal?.isInTransition) {
      return { cause: "freeName", bound: freeName };
    }
    const isMissing = error instanceof VersionNotFound || refusal?.status === 404;
    return name === "backup" && isMissing ? { cause: "newObject", bound: newObject } : undefined;
  }

  /** Tokens list the groups of the time they were issued: only a new one knows a new membership. */
  #renew(kind: ObjectKind, used: ObjectClient): void {
    if (this.#clients.get(kind) === used) {
      this.#clients.delete(kind);
      this.#isFresh = true;
    }
  }

  #client<Client extends ObjectClient>(kind: ObjectKind<Client>): Client {
    const client = (this.#clients.get(kind) as Client | undefined) ?? this.#connect(kind);
    this.#clients.set(kind, client);
    return client;
  }

  #connect<Client extends ObjectClient>(kind: ObjectKind<Client>): Client {
    const { vaultUri, credential, disableChallengeResourceVerification, waits, clock } = this.#options;
    const options: ClientOptions = {
      serviceVersion: "7.4",
      disableChallengeResourceVerification,
      retryOptions: { maxRetries: transientRetries, retryDelayInMs: waits.transient },
      userAgentOptions: { userAgentPrefix: "pulumi-azure-keyvault-backup" },
      additionalPolicies: [
        { policy: sameOriginPolicy(vaultUri), position: "perCall" },
        { policy: firstCallAlonePolicy(waits.challenge, clock), position: "perCall" },
        { policy: refusalPolicy, position: "perCall" },
        { policy: connectionRetryPolicy(transientRetries, waits.transient), position: "perCall" },
        { policy: this.#throttle, position: "perRetry" },
        { policy: this.#outcomes.policy, position: "perRetry" },
        { policy: completeAnswerPolicy, position: "perRetry" },
        { policy: attemptTimeoutPolicy(waits.attempt, clock), position: "perRetry" },
      ],
    };
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    return kind.connect(vaultUri, credential(isFresh), options);
  }
}
