import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Goal } from "./report";
import type { StateSize } from "./stateSize";
import type { Round, Summary } from "./summarize";

/** What one run of the bench measured. */
export interface Results {
  /** RFC 3339. */
  readonly startedAt: string;
  /** Version of the package. */
  readonly package: string;
  readonly engine: string;
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  readonly goals: readonly Goal[];
  readonly summaries: readonly Summary[];
  readonly stateSize: StateSize;
  readonly rounds: readonly Round[];
}

export const resultsFolder = path.join(__dirname, "results");

/** @returns The path of the file, from the root of the repository. */
export async function keepResults(results: Results): Promise<string> {
  await mkdir(resultsFolder, { recursive: true });
  const name = results.startedAt.slice(0, 19).replaceAll(":", "-");
  const file = path.join(resultsFolder, `${name}.json`);
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return path.relative(path.join(__dirname, ".."), file);
}

export async function readResults(file: string): Promise<Results> {
  return JSON.parse(await readFile(file, "utf8")) as Results;
}
