import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { elapsed } from "../engine/elapsed";
import { installPackage } from "../engine/installPackage";
import { provideEngine } from "../engine/provideEngine";
import { LocalKeyVault } from "../localVault/localKeyVault";
import { version as packageVersion } from "../package.json";
import { allSeries, type BySeries, type Measurement, measure } from "./measure";
import { goalsOf, report } from "./report";
import type { Bench } from "./stack";
import { measureStateSize } from "./stateSize";
import { type Round, summarize } from "./summarize";

const usage = `Usage: npm run bench [-- --counts 1,10,100,300]

Compares pulumi up with these numbers of KeyBackups and of resources that do nothing.`;
const most = 300;
const startedAt = new Date();

async function bench(counts: readonly number[], signal: AbortSignal): Promise<void> {
  const { bin, version } = await provideEngine({ progress });
  const installed = await mkdtemp(path.join(tmpdir(), "key-backup-bench-"));
  const service = await LocalKeyVault.start();
  try {
    await installPackage(installed);
    await compare({ service, engine: bin, installed, signal }, counts, version);
  } finally {
    await service.stop();
    await rm(installed, { recursive: true, force: true });
  }
}

async function compare(bench: Bench, counts: readonly number[], engineVersion: string): Promise<void> {
  progress("size of the state");
  const stateSize = await measureStateSize(bench);
  const rounds: Round[] = [];
  for (const keys of counts) {
    for (let round = 1; round <= roundsOf(keys); round += 1) {
      // The load of the machine changes over time. The series take turns, so that the load is alike for all of them.
      const measured: Partial<Record<keyof BySeries<Measurement>, Measurement>> = {};
      for (const series of allSeries) {
        progress(`${keys} of ${series.title}, round ${round} of ${roundsOf(keys)}`);
        measured[series.name] = await measure(bench, series, keys, stateSize.blobLength);
      }
      rounds.push({ keys, measured: measured as Round["measured"] });
    }
  }
  const summaries = counts.map((keys) =>
    summarize(
      keys,
      rounds.filter((round) => round.keys === keys),
      stateSize,
    ),
  );
  const goals = goalsOf(summaries, stateSize);
  const cores = availableParallelism();
  const environment = {
    package: packageVersion,
    engine: engineVersion,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores,
  };
  process.stdout.write(
    `pulumi-azure-keyvault-backup ${packageVersion}, Pulumi ${engineVersion}, Node.js ${process.version}, ` +
      `${environment.platform}, ${cores} cores.\n` +
      "The local vault runs on the same cores. The figures of KeyBackup include its work, but no network to Azure.\n\n" +
      report(summaries, stateSize, goals),
  );
  await keep({ startedAt, ...environment, goals, summaries, stateSize, rounds });
}

function roundsOf(keys: number): number {
  return keys > 100 ? 3 : 5;
}

async function keep(results: object): Promise<void> {
  const folder = path.join(__dirname, "results");
  await mkdir(folder, { recursive: true });
  const name = startedAt.toISOString().slice(0, 19).replaceAll(":", "-");
  await writeFile(path.join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  progress(`The figures of all rounds are in bench/results/${name}.json.`);
}

function progress(line: string): void {
  process.stderr.write(`${elapsed(Date.now() - startedAt.getTime())} ${line}\n`);
}

function countsOf(text: string): number[] | undefined {
  const counts = text.split(",").map(Number);
  return counts.every((count) => Number.isInteger(count) && count >= 1 && count <= most) ? counts : undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { counts: { type: "string", default: "1,10,100,300" } } });
  const counts = countsOf(values.counts);
  if (counts === undefined) {
    throw new Error(`--counts takes whole numbers from 1 to ${most}, separated by commas.\n\n${usage}`);
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupted.abort(new Error(`Interrupted by ${signal}.`)));
  }
  await bench(counts, interrupted.signal);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
