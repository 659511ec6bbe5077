import { setTimeout } from "node:timers/promises";

/** How long to wait for what, in milliseconds. */
export interface Waits {
  /** Bound of one operation: all its requests, retries and waits together. */
  readonly operation: number;
  /** Bound of one look at an object. */
  readonly read: number;
  /** Bound of the wait for an object or a version that may have been created a moment ago. */
  readonly newObject: number;
  /** Bound of the wait for a name whose object is being deleted or was just purged. */
  readonly freeName: number;
  /** Delays between attempts while the vault is not ready; the last one repeats. */
  readonly notReady: readonly number[];
  /** Least delays after refusals with 429; the last one repeats. */
  readonly throttled: readonly number[];
  /** Delay before the first retry after a transient failure; it doubles with each retry. */
  readonly transient: number;
  /** Bound of one attempt at a request. */
  readonly attempt: number;
  /** How long calls that start together wait for the one that is challenged for a token. */
  readonly challenge: number;
}

export const defaultWaits: Waits = {
  operation: 180_000,
  read: 30_000,
  newObject: 10_000,
  freeName: 120_000,
  notReady: [1_000, 2_000, 4_000, 8_000, 15_000],
  // https://learn.microsoft.com/azure/key-vault/general/overview-throttling
  throttled: [1_000, 2_000, 4_000, 8_000, 16_000],
  transient: 1_000,
  attempt: 60_000,
  challenge: 5_000,
};

/** Time, in milliseconds. */
export interface Clock {
  now(): number;
  /** Rejects when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** A signal that is aborted after so long. */
  timeout(milliseconds: number): AbortSignal;
}

/** The result of an attempt that may not heed the signal; or an error, as soon as the signal is aborted. */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  attempt: Promise<T>,
  late: () => Error,
): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(late());
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) {
      abort();
    }
  });
  try {
    return await Promise.race([attempt, aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal }),
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
};
