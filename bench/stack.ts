import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { descendantsOf } from "../engine/descendantsOf";
import { finished, PulumiProject } from "../engine/pulumiProject";
import type { LocalKeyVault } from "../localVault/localKeyVault";
import type { LocalVault } from "../localVault/localVault";
import type { VaultOptions } from "../localVault/vaultOptions";
import { resultsFolder } from "./results";

/** What all measurements share. */
export interface Bench {
  readonly service: LocalKeyVault;
  readonly engine: string;
  /** The folder whose `node_modules` holds the package. */
  readonly installed: string;
  /** Ends the command that runs. */
  readonly signal: AbortSignal;
}

export interface StackOptions {
  /** The text of index.js. */
  readonly program: string;
  /** How many keys the vault has. The program declares one resource for each. */
  readonly keys: number;
  /** How long the blob of a resource is that makes one up. */
  readonly blobLength?: number;
  readonly vault?: VaultOptions;
}

export interface Stack {
  readonly vault: LocalVault;
  readonly project: PulumiProject;
  /** The directory for copies. */
  readonly copies: string;
}

/** A first update of a stack, without a preview. */
export const up = ["up", "--yes", "--skip-preview"];

const limitMilliseconds = 200_000;

/** Creates a vault with keys, an empty directory and a stack without resources, and removes all of them after use. */
export async function withStack<T>(
  { service, engine, installed, signal }: Bench,
  { program, keys, blobLength = 0, vault: options }: StackOptions,
  use: (stack: Stack) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const vault = await service.createVault(undefined, options);
  const copies = await createDirectory();
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
        "keys.json": JSON.stringify({ keys: declared, blobLength, copyTo: pathToFileURL(copies).href }),
      },
      env: service.environment(),
      config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true" },
    });
    return await use({ vault, project, copies });
  } finally {
    await project?.remove();
    await rm(copies, { recursive: true, force: true });
    await service.deleteVault(vault.name);
  }
}

// The folder for temporary files may be in memory. The repository is on a disk.
async function createDirectory(): Promise<string> {
  await mkdir(resultsFolder, { recursive: true });
  return mkdtemp(path.join(resultsFolder, "copies-"));
}

async function createKeys(vault: LocalVault, count: number) {
  const names = Array.from({ length: count }, (_, index) => `key-${index + 1}`);
  return Promise.all(
    names.map(async (keyName) => {
      const { uri: keyUri, uriWithVersion: keyUriWithVersion, version } = await vault.keys.create(keyName);
      return { vaultUri: vault.vaultUri, keyName, keyUri, keyUriWithVersion, version };
    }),
  );
}

/** Runs a command that must succeed. If the signal comes or the time is up, ends it with all the processes it started. */
export async function pulumiCommand(
  project: PulumiProject,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly milliseconds: number }> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const child = project.start(args);
  const ended = AbortSignal.any([signal, AbortSignal.timeout(limitMilliseconds)]);
  const end = () => endAll(child.pid);
  ended.addEventListener("abort", end, { once: true });
  try {
    const { code, output } = await finished(child);
    const milliseconds = performance.now() - startedAt;
    ended.throwIfAborted();
    if (code !== 0) {
      throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    }
    return { milliseconds };
  } finally {
    ended.removeEventListener("abort", end);
  }
}

function endAll(id: number | undefined): void {
  if (id === undefined) {
    return;
  }
  for (const each of [...descendantsOf(id).map((descendant) => descendant.id), id]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // The process has ended already.
    }
  }
}
