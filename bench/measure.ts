import type { LocalKeyVault } from "../localVault/localKeyVault";
import type { LocalVault } from "../localVault/localVault";
import { PulumiProject } from "../engine/pulumiProject";
import type { VaultOptions } from "../localVault/vaultOptions";
import { pulumiCommand } from "./pulumiCommand";
import type { Series } from "./series";
import { type ProviderUsage, watchProvider } from "./watchProvider";

export interface Bench {
  readonly service: LocalKeyVault;
  readonly engine: string;
  readonly installed: string;
  /** Ends the run that is under way. */
  readonly signal: AbortSignal;
}

export interface Traffic {
  /** With a token. */
  readonly requests: number;
  /** Requests without a token, which the vault answers by telling where tokens come from. */
  readonly challenges: number;
  readonly tokens: number;
}

export interface Measurement {
  readonly upMilliseconds: number;
  readonly unchangedMilliseconds: number;
  readonly traffic: Traffic;
  readonly unchangedTraffic: Traffic;
  readonly stateBytes: number;
  readonly provider: ProviderUsage | undefined;
}

export interface Stack {
  readonly vault: LocalVault;
  readonly project: PulumiProject;
}

const up = ["up", "--yes", "--skip-preview"];

/** A new stack whose program declares a resource for each of as many new keys in one vault, and then the same again. */
export function measure(bench: Bench, series: Series, keys: number, blobLength: number): Promise<Measurement> {
  return withStack(bench, series, { keys, blobLength }, async ({ vault, project }) => {
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
      provider,
    };
  });
}

/** Runs `pulumi up` once in a new stack, which then is looked at and thrown away. */
export function withFirstUp<T>(
  bench: Bench,
  series: Series,
  options: { keys: number; blobLength?: number; vault?: VaultOptions },
  look: (stack: Stack) => Promise<T>,
): Promise<T> {
  return withStack(bench, series, options, async (stack) => {
    await pulumiCommand(stack.project, up, bench.signal);
    return look(stack);
  });
}

async function withStack<T>(
  { service, engine, installed, signal }: Bench,
  { program }: Series,
  { keys, blobLength = 0, vault: options }: { keys: number; blobLength?: number; vault?: VaultOptions },
  use: (stack: Stack) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const vault = await service.createVault(undefined, options);
  let project: PulumiProject | undefined;
  try {
    const declared = await createKeys(vault, keys);
    project = await PulumiProject.create({
      engine,
      installed,
      files: {
        "Pulumi.yaml": "name: infrastructure\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n",
        "package.json": '{ "name": "infrastructure", "main": "index.js" }',
        "index.js": program,
        "keys.json": JSON.stringify({ keys: declared, blobLength }),
      },
      env: service.environment(),
      config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true" },
    });
    return await use({ vault, project });
  } finally {
    await project?.remove();
    await service.deleteVault(vault.name);
  }
}

async function createKeys(vault: LocalVault, count: number) {
  const names = Array.from({ length: count }, (_, index) => `key-${index + 1}`);
  return Promise.all(
    names.map(async (keyName) => {
      const { keyUri, keyUriWithVersion, version } = await vault.createKey(keyName);
      return { vaultUri: vault.vaultUri, keyName, keyUri, keyUriWithVersion, keyVersion: version };
    }),
  );
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
