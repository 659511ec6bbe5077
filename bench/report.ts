import { allSeries, type BySeries } from "./measure";
import type { StateSize } from "./stateSize";
import type { Spread, Summary } from "./summarize";

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  /** Undefined if it was not measured. */
  readonly isMet: boolean | undefined;
}

/** Compares the figures with the goals of the package. */
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
      goal: "At most 3 requests per key (list, backup, get), 1 challenge and 1 token",
      measured: `${requests}, ${challenges}, ${tokens}`,
      isMet: requests <= 3 && challenges <= 1 && tokens <= 1,
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

/** The figures and the goals as plain text. */
export function report(summaries: readonly Summary[], size: StateSize, goals: readonly Goal[]): string {
  const titles = allSeries.map(({ title }) => title);
  const rows = (cells: (summary: Summary) => string[]) =>
    summaries.map((summary) => [String(summary.keys), ...cells(summary)]);
  const seconds = (figures: BySeries<Spread>) => allSeries.map(({ name }) => (figures[name].median / 1000).toFixed(1));
  const ratios = ["ratio to no-op", "ratio to no-op + blob"];
  return [
    "First pulumi up: median seconds, and the median (least-most) of the ratios of each round",
    ...table([
      ["resources", "rounds", ...titles, ...ratios],
      ...rows(({ rounds, upMilliseconds, ratioToNoop, ratioToNoopWithBlob }) => [
        String(rounds),
        ...seconds(upMilliseconds),
        ratio(ratioToNoop),
        ratio(ratioToNoopWithBlob),
      ]),
    ]),
    "  A no-op + blob resource returns a secret of the length of a blob. The engine writes the whole state at each step.",
    "",
    "Unchanged pulumi up: median seconds",
    ...table([["resources", ...titles], ...rows(({ unchangedMilliseconds }) => seconds(unchangedMilliseconds))]),
    "Requests of KeyBackup in the first pulumi up, and of all kinds in an unchanged one",
    ...table([
      ["resources", "requests per key", "challenges", "tokens", "unchanged"],
      ...rows(({ requestsPerKey, challenges, tokens, unchangedRequests }) =>
        [requestsPerKey, challenges, tokens, unchangedRequests].map(count),
      ),
    ]),
    "State: median bytes per resource",
    ...table([
      ["resources", ...titles],
      ...rows(({ stateBytesPerResource }) => allSeries.map(({ name }) => grouped(stateBytesPerResource[name].median))),
    ]),
    ...stateOf(size),
    "",
    "Provider process in the first pulumi up: median peak memory in MB, median CPU time in seconds",
    ...table([
      ["resources", ...titles.flatMap((title) => [title, "CPU"])],
      ...rows(({ peakBytes, cpuMilliseconds }) =>
        allSeries.flatMap(({ name }) => [
          known(peakBytes[name].median / 1e6, 0),
          known(cpuMilliseconds[name].median / 1000, 1),
        ]),
      ),
    ]),
    "Goals",
    ...goals.map(({ goal, measured, isMet }) => {
      const verdict = isMet === undefined ? "-" : isMet ? "met" : "NOT MET";
      return `  ${verdict.padEnd(8)} ${goal}: ${measured}`;
    }),
    "",
  ].join("\n");
}

function stateOf({ blobLength, bytesPerCharacter, fixedBytes, parts }: StateSize): string[] {
  const bytes = bytesPerCharacter * blobLength + fixedBytes;
  return [
    `  A KeyBackup adds ${bytesPerCharacter.toFixed(3)} × the length of its blob + ${grouped(fixedBytes)} bytes: ` +
      `${grouped(bytes)} for a blob of ${grouped(blobLength)} characters, which is 1.4 × the length + ` +
      `${grouped(bytes - 1.4 * blobLength)}.`,
    `  Of these, the encrypted blob takes ${grouped(parts.ciphertext)}, __provider ${grouped(parts.providerInInputs)} in the ` +
      `inputs and ${grouped(parts.providerInOutputs)} in the outputs, and the rest ${grouped(parts.rest)}.`,
  ];
}

/** Lines with columns aligned at the right, and an empty line. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ");
  return [...rows.map((row) => `  ${line(row)}`), ""];
}

function ratio({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})`;
}

function count({ least, most }: Spread): string {
  return least === most ? String(least) : `${least}-${most}`;
}

function known(figure: number, digits: number): string {
  return Number.isNaN(figure) ? "-" : figure.toFixed(digits);
}

/** A whole number with a comma between its thousands. */
function grouped(figure: number): string {
  return Math.round(figure).toLocaleString("en-US");
}
