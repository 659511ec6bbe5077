import { setImmediate, setTimeout } from "node:timers/promises";
import type { Clock } from "../../../src/keyVault/connection/waits";

/** The wait for the one call that is challenged: the only wait that takes real time. */
export const challengeWait = 10_001;

/** The clock of the vaults and of the provider, which only the model moves: a wait takes no time. */
export class VirtualClock implements Clock {
  #time = Date.UTC(2026, 0, 1);
  readonly #deadlines = new Map<AbortController, number>();

  readonly now = (): number => this.#time;

  pass(milliseconds: number): void {
    this.#time += milliseconds;
    for (const [controller, at] of this.#deadlines) {
      if (at <= this.#time) {
        this.#deadlines.delete(controller);
        controller.abort();
      }
    }
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds === challengeWait) {
      await setTimeout(milliseconds, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) });
      return;
    }
    this.pass(milliseconds);
    await setImmediate();
    signal?.throwIfAborted();
  }

  timeout(milliseconds: number): AbortSignal {
    const controller = new AbortController();
    this.#deadlines.set(controller, this.#time + milliseconds);
    return controller.signal;
  }

  /** Forgets the deadlines of operations that are over. */
  clearDeadlines(): void {
    this.#deadlines.clear();
  }
}
