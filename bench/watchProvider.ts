import { readdirSync } from "node:fs";
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProviderUsage {
  readonly peakBytes: number;
  readonly cpuMilliseconds: number;
}

const everyMilliseconds = 50;
// The kernel counts in this unit to all programs, whatever its own clock.
const millisecondsPerTick = 10;

/**
 * Watches the process of the dynamic providers that is about to start in the folder.
 *
 * @returns what ends the watch and tells what the process has used; undefined where there is no /proc.
 */
export function watchProvider(folder: string): () => Promise<ProviderUsage | undefined> {
  const earlier = new Set(processes());
  let [usage, isOver]: [ProviderUsage | undefined, boolean] = [undefined, false];
  const watching = (async () => {
    const cwd = await realpath(folder);
    let id: string | undefined;
    while (!isOver && earlier.size > 0) {
      id ??= await findProvider(cwd, earlier);
      usage = (id === undefined ? undefined : await usageOf(id)) ?? usage;
      await sleep(everyMilliseconds);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return usage;
  };
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

async function findProvider(cwd: string, earlier: ReadonlySet<string>): Promise<string | undefined> {
  for (const id of await readdir("/proc")) {
    if (/^\d+$/.test(id) && !earlier.has(id)) {
      const [command, folder] = await Promise.all([
        readFile(`/proc/${id}/cmdline`, "utf8").catch(() => ""),
        readlink(`/proc/${id}/cwd`).catch(() => ""),
      ]);
      // The launcher first asks a `node -e` for the path of the provider's program.
      const isProvider = command.includes("cmd/dynamic-provider") && !command.includes("require.resolve");
      if (isProvider && folder === cwd) {
        return id;
      }
    }
  }
  return undefined;
}

async function usageOf(id: string): Promise<ProviderUsage | undefined> {
  const [status, stat] = await Promise.all(
    ["status", "stat"].map((file) => readFile(`/proc/${id}/${file}`, "utf8").catch(() => "")),
  );
  const peak = /^VmHWM:\s*(\d+) kB$/m.exec(status ?? "")?.[1];
  // proc(5): the command, second field, may hold spaces and parentheses; utime and stime are the 14th and the 15th.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  // A process that has ended has no memory, and its times are gone.
  return peak === undefined || Number.isNaN(ticks)
    ? undefined
    : { peakBytes: Number(peak) * 1024, cpuMilliseconds: ticks * millisecondsPerTick };
}
