import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { elapsed } from "../engine/elapsed";
import { installPackage } from "../engine/installPackage";
import { provideEngine } from "../engine/provideEngine";
import { LocalKeyVault } from "../localVault/localKeyVault";
import { version as packageVersion } from "../package.json";
import { type Measurement, measure } from "./measure";
import { plot } from "./plot";
import { profile } from "./profile";
import { goalsOf, report } from "./report";
import { keepResults, type Results, readResults } from "./results";
import { allSeries, type BySeries, backupSeries } from "./series";
import type { Bench } from "./stack";
import { measureStateSize } from "./stateSize";
import { type Round, summarize } from "./summarize";

const usage = `Usage: npm run bench [-- --counts 1,10,100,300] [--rounds 5] [--plot file.svg]
       npm run bench -- --from bench/results/file.json --plot file.svg
       npm run bench -- --counts 100 --profile folder

Compares pulumi up with these numbers of KeyBackups, with the blob in the state or in a directory, and of resources that do
nothing.

  --counts   numbers of resources
  --rounds   how often each number is measured; unless given, 5 times, and 3 times if it is above 100
  --plot     draws the figures as SVG
  --from     draws the figures of an earlier run, and measures nothing
  --profile  measures nothing, and writes CPU profiles of the provider process, which Chrome and VS Code open`;
const most = 300;
const startedAt = new Date();

interface Plan {
  readonly counts: readonly number[];
  readonly roundsOf: (keys: number) => number;
}

/** Runs an engine on a local vault until the process is interrupted. */
async function withBench<T>(use: (bench: Bench, engineVersion: string) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupted.abort(new Error(`Interrupted by ${signal}.`)));
  }
  const { bin, version } = await provideEngine({ progress });
  const installed = await mkdtemp(path.join(tmpdir(), "key-backup-bench-"));
  const service = await LocalKeyVault.start();
  try {
    await installPackage(installed);
    return await use({ service, engine: bin, installed, signal: interrupted.signal }, version);
  } finally {
    await service.stop();
    await rm(installed, { recursive: true, force: true });
  }
}

async function compare(bench: Bench, { counts, roundsOf }: Plan, engineVersion: string): Promise<Results> {
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
  return {
    startedAt: startedAt.toISOString(),
    package: packageVersion,
    engine: engineVersion,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    goals: goalsOf(summaries, stateSize),
    summaries,
    stateSize,
    rounds,
  };
}

function progress(line: string): void {
  process.stderr.write(`${elapsed(Date.now() - startedAt.getTime())} ${line}\n`);
}

function planOf(countsText: string, roundsText: string | undefined): Plan {
  const counts = countsText.split(",").map(Number);
  const rounds = Number(roundsText ?? 1);
  if (!counts.every((count) => Number.isInteger(count) && count >= 1 && count <= most)) {
    throw new Error(`--counts takes whole numbers from 1 to ${most}, separated by commas.\n\n${usage}`);
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds takes a whole number from 1 on.\n\n${usage}`);
  }
  return { counts, roundsOf: (keys) => (roundsText !== undefined ? rounds : keys > 100 ? 3 : 5) };
}

async function profileAll(bench: Bench, counts: readonly number[], folder: string): Promise<void> {
  for (const keys of counts) {
    for (const series of backupSeries) {
      progress(`${keys} of ${series.title}`);
      progress(`The profile is in ${await profile(bench, series, keys, folder)}.`);
    }
  }
}

async function measureAll(plan: Plan): Promise<Results> {
  const results = await withBench((bench, version) => compare(bench, plan, version));
  process.stdout.write(report(results));
  progress(`The figures of all rounds are in ${await keepResults(results)}.`);
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      counts: { type: "string", default: "1,10,100,300" },
      rounds: { type: "string" },
      plot: { type: "string" },
      from: { type: "string" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const plan = planOf(values.counts, values.rounds);
  if (values.from !== undefined && values.plot === undefined) {
    throw new Error(`--from needs --plot.\n\n${usage}`);
  }
  const { profile: folder } = values;
  if (folder !== undefined) {
    await withBench((bench) => profileAll(bench, plan.counts, folder));
    return;
  }
  const results = values.from === undefined ? await measureAll(plan) : await readResults(values.from);
  if (values.plot !== undefined) {
    await writeFile(values.plot, plot(results));
    progress(`The figures are drawn in ${values.plot}.`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
