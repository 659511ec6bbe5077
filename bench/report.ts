import type { Goal } from "./goals";
import { grouped } from "./grouped";
import { allSeries, type Series } from "./series";
import type { StateSize } from "./stateSize";
import type { Spread, Summary } from "./summarize";

type BySeries = Readonly<Record<Series["name"], Spread>>;

/** The figures as plain text. */
export function report(summaries: readonly Summary[], size: StateSize, goals: readonly Goal[]): string {
  const titles = allSeries.map(({ title }) => title);
  const rows = (cells: (summary: Summary) => string[]) =>
    summaries.map((summary) => [String(summary.keys), ...cells(summary)]);
  const seconds = (figures: BySeries) => allSeries.map(({ name }) => (figures[name].median / 1000).toFixed(1));
  const ratios = ["ratio to no-op", "ratio to no-op + blob"];
  return [
    "First pulumi up, seconds (medians; of the ratios within the rounds, the least and the most too)",
    ...table([
      ["resources", "rounds", ...titles, ...ratios],
      ...rows(({ rounds, upMilliseconds, ratioToNoop, ratioToNoopWithBlob }) => [
        String(rounds),
        ...seconds(upMilliseconds),
        ratio(ratioToNoop),
        ratio(ratioToNoopWithBlob),
      ]),
    ]),
    "  The no-op + blob resources return a secret of a blob's length: the engine writes the whole state at each step.",
    "",
    "Unchanged pulumi up, seconds",
    ...table([["resources", ...titles], ...rows(({ unchangedMilliseconds }) => seconds(unchangedMilliseconds))]),
    "Requests of KeyBackup",
    ...table([
      ["resources", "requests per key", "challenges", "tokens", "all, unchanged up"],
      ...rows(({ requestsPerKey, challenges, tokens, unchangedRequests }) =>
        [requestsPerKey, challenges, tokens, unchangedRequests].map(count),
      ),
    ]),
    "State, bytes per resource",
    ...table([
      ["resources", ...titles],
      ...rows(({ stateBytesPerResource }) => allSeries.map(({ name }) => grouped(stateBytesPerResource[name].median))),
    ]),
    ...stateOf(size),
    "",
    "Process of the provider in the first pulumi up: peak memory in MB, CPU in seconds",
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
    `  A KeyBackup takes ${bytesPerCharacter.toFixed(3)} × the length of its blob + ${grouped(fixedBytes)} bytes: with one of ` +
      `${grouped(blobLength)} characters ${grouped(bytes)}, ${grouped(bytes - 1.4 * blobLength)} beyond 1.4 × its length.`,
    `  Of these the blob's ciphertext ${grouped(parts.ciphertext)}, __provider in the inputs ` +
      `${grouped(parts.providerInInputs)} and in the outputs ${grouped(parts.providerInOutputs)}, all else ${grouped(parts.rest)}.`,
  ];
}

/** Columns set right, with a line to spare below. */
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
