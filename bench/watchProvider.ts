import { readdirSync } from "node:fs";
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProviderUsage {
  readonly peakBytes: number;
  readonly cpuMilliseconds: number;
}

const everyMilliseconds = 50;
// proc(5): the kernel reports times in ticks of 1/100 second, whatever its own clock.
const millisecondsPerTick = 10;

/**
 * Watches for the process of the dynamic providers of a project, until the returned function is called. That function returns
 * what the process used, or undefined on a system without /proc.
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
      // The launcher first runs `node -e` to find the path of the provider's program.
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
  // proc(5): the second field, the command, may contain spaces and parentheses. utime and stime are fields 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  // A process that has ended has no memory and no times.
  return peak === undefined || Number.isNaN(ticks)
    ? undefined
    : { peakBytes: Number(peak) * 1024, cpuMilliseconds: ticks * millisecondsPerTick };
}
