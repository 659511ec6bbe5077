import { setImmediate } from "node:timers";
import type { Clock } from "../../../src/keyVault/connection/waits";

/** A clock whose time passes only while something sleeps, and at once. */
export interface VirtualClock extends Clock {
  /** Lets time pass while nothing sleeps, as for a request that is not answered. */
  advance(milliseconds: number): void;
  /** Milliseconds since the clock was made. */
  elapsed(): number;
}

interface Alarm {
  readonly at: number;
  readonly isSleeper: boolean;
  ring(): void;
}

export function virtualClock(): VirtualClock {
  const startedAt = Date.now();
  const alarms = new Set<Alarm>();
  let time = startedAt;
  let isTicking = false;

  const earliest = (candidates: Iterable<Alarm>) =>
    [...candidates].reduce<Alarm | undefined>((first, one) => (first && first.at <= one.at ? first : one), undefined);

  const advanceTo = (until: number) => {
    for (let next = earliest(alarms); next !== undefined && next.at <= until; next = earliest(alarms)) {
      alarms.delete(next);
      time = Math.max(time, next.at);
      next.ring();
    }
    time = Math.max(time, until);
  };

  const tick = () => {
    const sleeper = earliest([...alarms].filter(({ isSleeper }) => isSleeper));
    isTicking = sleeper !== undefined;
    if (sleeper !== undefined) {
      // What rings before may end the sleep.
      advanceTo((earliest(alarms) ?? sleeper).at);
      setImmediate(tick);
    }
  };

  return {
    now: () => time,
    elapsed: () => time - startedAt,
    advance: (milliseconds) => advanceTo(time + milliseconds),
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const abort = () => {
          alarms.delete(alarm);
          reject(signal?.reason);
        };
        const ring = () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        };
        const alarm: Alarm = { at: time + milliseconds, isSleeper: true, ring };
        alarms.add(alarm);
        signal?.addEventListener("abort", abort, { once: true });
        if (!isTicking) {
          isTicking = true;
          setImmediate(tick);
        }
      });
    },
    timeout(milliseconds) {
      const controller = new AbortController();
      const ring = () => controller.abort(new DOMException("The time is over.", "TimeoutError"));
      alarms.add({ at: time + milliseconds, isSleeper: false, ring });
      return controller.signal;
    },
  };
}
