import { readdir } from "node:fs/promises";
import type { LocalVault } from "../localVault/localVault";
import type { Series } from "./series";
import { type Bench, pulumiCommand, up, withStack } from "./stack";
import { type ProviderUsage, watchProvider } from "./watchProvider";

export interface Traffic {
  /** Requests with a token. */
  readonly requests: number;
  /** Requests without a token, which the vault refuses with the place where tokens come from. */
  readonly challenges: number;
  readonly tokens: number;
}

export interface Measurement {
  readonly upMilliseconds: number;
  readonly unchangedMilliseconds: number;
  readonly traffic: Traffic;
  readonly unchangedTraffic: Traffic;
  readonly stateBytes: number;
  /** Files in the directory for copies. */
  readonly files: number;
  readonly provider: ProviderUsage | undefined;
}

/** Measures the first update of a new stack, and an update that has nothing to do. */
export function measure(bench: Bench, series: Series, keys: number, blobLength: number): Promise<Measurement> {
  return withStack(bench, { program: series.program, keys, blobLength }, async ({ vault, project, copies }) => {
    const usage = watchProvider(project.folder);
    const before = traffic(bench, vault);
    const first = await pulumiCommand(project, up, bench.signal).finally(usage);
    const provider = await usage();
    const between = traffic(bench, vault);
    const stateBytes = Buffer.byteLength(await project.stateText());
    const unchanged = await pulumiCommand(project, [...up, "--expect-no-changes"], bench.signal);
    return {
      upMilliseconds: first.milliseconds,
      unchangedMilliseconds: unchanged.milliseconds,
      traffic: difference(between, before),
      unchangedTraffic: difference(traffic(bench, vault), between),
      stateBytes,
      files: await countFiles(copies),
      provider,
    };
  });
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

function traffic({ service }: Bench, { requests }: LocalVault): Traffic {
  const withToken = requests.filter(({ hasToken }) => hasToken).length;
  return {
    requests: withToken,
    challenges: requests.length - withToken,
    tokens: service.identity.tokensIssued.length,
  };
}

function difference(later: Traffic, earlier: Traffic): Traffic {
  return {
    requests: later.requests - earlier.requests,
    challenges: later.challenges - earlier.challenges,
    tokens: later.tokens - earlier.tokens,
  };
}
