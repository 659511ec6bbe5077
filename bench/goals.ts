import { grouped } from "./grouped";
import type { StateSize } from "./stateSize";
import type { Spread, Summary } from "./summarize";

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  /** Undefined where it was not measured. */
  readonly isMet: boolean | undefined;
}

/** What the package is held to, beside what was measured. */
export function goalsOf(summaries: readonly Summary[], { blobLength, ...size }: StateSize): Goal[] {
  const hundred = summaries.find(({ keys }) => keys === 100);
  const most = (figure: (summary: Summary) => Spread) => Math.max(...summaries.map((summary) => figure(summary).most));
  const [requests, challenges, tokens, unchanged] = [
    most(({ requestsPerKey }) => requestsPerKey),
    most((summary) => summary.challenges),
    most((summary) => summary.tokens),
    most(({ unchangedRequests }) => unchangedRequests),
  ];
  const bytes = size.bytesPerCharacter * blobLength + size.fixedBytes;
  const beyond = bytes - 1.4 * blobLength;
  return [
    {
      goal: "100 KeyBackups take at most 1.10 times as long as 100 no-op resources",
      measured: hundred === undefined ? "not measured" : hundred.ratioToNoop.median.toFixed(2),
      isMet: hundred && hundred.ratioToNoop.median <= 1.1,
    },
    {
      goal: "At most four requests per key, one challenge per vault and one token",
      measured: `${requests}, ${challenges}, ${tokens}`,
      isMet: requests <= 4 && challenges <= 1 && tokens <= 1,
    },
    {
      goal: "No request in an unchanged update",
      measured: `${unchanged}`,
      isMet: unchanged === 0,
    },
    {
      goal: "At most 1.4 × the length of the blob + 3,000 bytes of state per resource",
      measured: `1.4 × ${grouped(blobLength)} + ${grouped(beyond)}`,
      isMet: beyond <= 3_000,
    },
  ];
}
