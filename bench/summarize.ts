import type { Measurement } from "./measure";
import { type ByBackup, type BySeries, byBackup, bySeries } from "./series";
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
  readonly backups: ByBackup<BackupSummary>;
}

export interface BackupSummary {
  /** Time of the first update, divided by the time of the no-op in the same round. */
  readonly ratioToNoop: Spread;
  readonly ratioToNoopWithBlob: Spread;
  readonly requestsPerKey: Spread;
  readonly challenges: Spread;
  readonly tokens: Spread;
  /** Requests, challenges and tokens in an unchanged update. */
  readonly unchangedRequests: Spread;
  readonly filesPerKey: Spread;
}

/** Summarizes the rounds with the same number of keys. */
export function summarize(keys: number, rounds: readonly Round[], { emptyBytes }: StateSize): Summary {
  const each = (figure: (measured: Round["measured"]) => number) =>
    spread(rounds.map(({ measured }) => figure(measured)));
  const eachSeries = (figure: (measurement: Measurement) => number) =>
    bySeries((name) => each((measured) => figure(measured[name])));
  return {
    keys,
    rounds: rounds.length,
    upMilliseconds: eachSeries(({ upMilliseconds }) => upMilliseconds),
    unchangedMilliseconds: eachSeries(({ unchangedMilliseconds }) => unchangedMilliseconds),
    peakBytes: eachSeries(({ provider }) => provider?.peakBytes ?? Number.NaN),
    cpuMilliseconds: eachSeries(({ provider }) => provider?.cpuMilliseconds ?? Number.NaN),
    stateBytesPerResource: eachSeries(({ stateBytes }) => (stateBytes - emptyBytes) / keys),
    backups: byBackup((name) => ({
      ratioToNoop: each(({ [name]: backup, noop }) => backup.upMilliseconds / noop.upMilliseconds),
      ratioToNoopWithBlob: each(
        ({ [name]: backup, noopWithBlob }) => backup.upMilliseconds / noopWithBlob.upMilliseconds,
      ),
      requestsPerKey: each(({ [name]: { traffic } }) => traffic.requests / keys),
      challenges: each(({ [name]: { traffic } }) => traffic.challenges),
      tokens: each(({ [name]: { traffic } }) => traffic.tokens),
      unchangedRequests: each(({ [name]: { unchangedTraffic } }) => {
        const { requests, challenges, tokens } = unchangedTraffic;
        return requests + challenges + tokens;
      }),
      filesPerKey: each(({ [name]: { files } }) => files / keys),
    })),
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
