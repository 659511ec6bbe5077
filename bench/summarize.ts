import type { BySeries, Measurement } from "./measure";
import type { StateSize } from "./stateSize";

/** One measurement of each series with the same number of keys, one after the other. */
export interface Round {
  readonly keys: number;
  readonly measured: BySeries<Measurement>;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Summary {
  readonly keys: number;
  readonly rounds: number;
  readonly upMilliseconds: BySeries<Spread>;
  readonly unchangedMilliseconds: BySeries<Spread>;
  readonly peakBytes: BySeries<Spread>;
  readonly cpuMilliseconds: BySeries<Spread>;
  readonly stateBytesPerResource: BySeries<Spread>;
  /** Time of the first update with KeyBackup, divided by the time of the no-op in the same round. */
  readonly ratioToNoop: Spread;
  readonly ratioToNoopWithBlob: Spread;
  readonly requestsPerKey: Spread;
  readonly challenges: Spread;
  readonly tokens: Spread;
  /** Requests, challenges and tokens of KeyBackup in an unchanged update. */
  readonly unchangedRequests: Spread;
}

/** Summarizes the rounds with the same number of keys. */
export function summarize(keys: number, rounds: readonly Round[], { emptyBytes }: StateSize): Summary {
  const each = (figure: (measured: Round["measured"]) => number) =>
    spread(rounds.map(({ measured }) => figure(measured)));
  const bySeries = (figure: (measurement: Measurement) => number) => ({
    keyBackup: each(({ keyBackup }) => figure(keyBackup)),
    noop: each(({ noop }) => figure(noop)),
    noopWithBlob: each(({ noopWithBlob }) => figure(noopWithBlob)),
  });
  return {
    keys,
    rounds: rounds.length,
    upMilliseconds: bySeries(({ upMilliseconds }) => upMilliseconds),
    unchangedMilliseconds: bySeries(({ unchangedMilliseconds }) => unchangedMilliseconds),
    peakBytes: bySeries(({ provider }) => provider?.peakBytes ?? Number.NaN),
    cpuMilliseconds: bySeries(({ provider }) => provider?.cpuMilliseconds ?? Number.NaN),
    stateBytesPerResource: bySeries(({ stateBytes }) => (stateBytes - emptyBytes) / keys),
    ratioToNoop: each(({ keyBackup, noop }) => keyBackup.upMilliseconds / noop.upMilliseconds),
    ratioToNoopWithBlob: each(({ keyBackup, noopWithBlob }) => keyBackup.upMilliseconds / noopWithBlob.upMilliseconds),
    requestsPerKey: each(({ keyBackup }) => keyBackup.traffic.requests / keys),
    challenges: each(({ keyBackup }) => keyBackup.traffic.challenges),
    tokens: each(({ keyBackup }) => keyBackup.traffic.tokens),
    unchangedRequests: each(({ keyBackup: { unchangedTraffic } }) => {
      const { requests, challenges, tokens } = unchangedTraffic;
      return requests + challenges + tokens;
    }),
  };
}

function spread(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((one, other) => one - other);
  const at = (position: number) => sorted[position] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}
