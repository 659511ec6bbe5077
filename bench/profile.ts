import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import type { BackupSeries } from "./series";
import { type Bench, pulumiCommand, up, withStack } from "./stack";

/**
 * Writes a CPU profile of the provider process in the first update of a new stack.
 *
 * @returns The path of the profile.
 */
export function profile(bench: Bench, series: BackupSeries, keys: number, folder: string): Promise<string> {
  return withStack(bench, { program: series.program, keys }, async ({ project }) => {
    await mkdir(folder, { recursive: true });
    const file = path.resolve(folder, `${series.name}-${keys}.cpuprofile`);
    project.env.NODE_OPTIONS = `--require "${path.join(__dirname, "recordProfile.cjs").replaceAll("\\", "\\\\")}"`;
    project.env.BENCH_PROFILE = file;
    await pulumiCommand(project, up, bench.signal);
    await stat(file);
    return file;
  });
}
