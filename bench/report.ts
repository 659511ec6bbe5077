import { grouped } from "./grouped";
import type { Results } from "./results";
import { allSeries, type BackupSeries, type BySeries, backupSeries } from "./series";
import type { StateSize } from "./stateSize";
import type { BackupSummary, Spread, Summary } from "./summarize";

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  /** Undefined if it was not measured. */
  readonly isMet: boolean | undefined;
}

/** Compares the figures with the goals of the package. */
export function goalsOf(summaries: readonly Summary[], { blobLength, backups }: StateSize): Goal[] {
  const hundred = summaries.find(({ keys }) => keys === 100);
  const most = (figure: (summary: BackupSummary) => Spread) =>
    Math.max(...summaries.flatMap((summary) => backupSeries.map(({ name }) => figure(summary.backups[name]).most)));
  const [requests, challenges, tokens, unchanged] = [
    most(({ requestsPerKey }) => requestsPerKey),
    most((summary) => summary.challenges),
    most((summary) => summary.tokens),
    most(({ unchangedRequests }) => unchangedRequests),
  ];
  const { bytesPerCharacter, fixedBytes } = backups.keyBackup;
  const beyond = bytesPerCharacter * blobLength + fixedBytes - 1.4 * blobLength;
  return [
    ...backupSeries.map(({ name, plural }) => {
      const ratioToNoop = hundred?.backups[name].ratioToNoop.median;
      return {
        goal: `100 ${plural} take at most 1.10 times as long as 100 no-op resources`,
        measured: ratioToNoop === undefined ? "not measured" : ratioToNoop.toFixed(2),
        isMet: ratioToNoop === undefined ? undefined : ratioToNoop <= 1.1,
      };
    }),
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
      goal: "At most 1.4 × the length of the blob + 3,000 bytes of state per KeyBackup",
      measured: `1.4 × ${grouped(blobLength)} + ${grouped(beyond)}`,
      isMet: beyond <= 3_000,
    },
  ];
}

/** The figures and the goals as plain text. */
export function report({ summaries, stateSize, goals, ...environment }: Results): string {
  const titles = allSeries.map(({ title }) => title);
  const rows = (cells: (summary: Summary) => string[]) =>
    summaries.map((summary) => [String(summary.keys), ...cells(summary)]);
  const seconds = (figures: BySeries<Spread>) => allSeries.map(({ name }) => (figures[name].median / 1000).toFixed(1));
  const backupRows = (cells: (summary: BackupSummary) => string[]) =>
    summaries.flatMap(({ keys, backups }) =>
      backupSeries.map(({ name, title }) => [String(keys), title, ...cells(backups[name])]),
    );
  return [
    `pulumi-azure-keyvault-backup ${environment.package}, Pulumi ${environment.engine}, Node.js ${environment.node}, ` +
      `${environment.platform}, ${environment.cores} cores.`,
    "The local vault runs on the same cores. The figures of KeyBackup include its work, but no network to Azure.",
    "",
    "First pulumi up: median seconds",
    ...table([
      ["resources", "rounds", ...titles],
      ...rows(({ rounds, upMilliseconds }) => [String(rounds), ...seconds(upMilliseconds)]),
    ]),
    "First pulumi up: median (least-most) of the ratios of each round",
    ...table([
      ["resources", "", "ratio to no-op", "ratio to no-op + blob"],
      ...backupRows(({ ratioToNoop, ratioToNoopWithBlob }) => [ratio(ratioToNoop), ratio(ratioToNoopWithBlob)]),
    ]),
    "  A KeyBackup to file has a directory as copyTo, and keepBlobInState: false.",
    "  A no-op + blob resource returns a secret of the length of a blob. The engine writes the whole state at each step.",
    "",
    "Unchanged pulumi up: median seconds",
    ...table([["resources", ...titles], ...rows(({ unchangedMilliseconds }) => seconds(unchangedMilliseconds))]),
    "Requests and files in the first pulumi up, and requests of all kinds in an unchanged one",
    ...table([
      ["resources", "", "requests per key", "challenges", "tokens", "unchanged", "files per key"],
      ...backupRows(({ requestsPerKey, challenges, tokens, unchangedRequests, filesPerKey }) =>
        [requestsPerKey, challenges, tokens, unchangedRequests, filesPerKey].map(count),
      ),
    ]),
    "State: median bytes per resource",
    ...table([
      ["resources", ...titles],
      ...rows(({ stateBytesPerResource }) => allSeries.map(({ name }) => grouped(stateBytesPerResource[name].median))),
    ]),
    ...backupSeries.flatMap((series) => stateOf(series, stateSize)),
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

function stateOf({ name, title }: BackupSeries, { blobLength, backups }: StateSize): string[] {
  const { bytesPerCharacter, fixedBytes, parts } = backups[name];
  return [
    `  A ${title} adds ${bytesPerCharacter.toFixed(3)} × the length of its blob + ${grouped(fixedBytes)} bytes: ` +
      `${grouped(bytesPerCharacter * blobLength + fixedBytes)} for a blob of ${grouped(blobLength)} characters.`,
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
