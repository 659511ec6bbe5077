import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { buildEngine } from "./buildEngine";
import { engineOnPath } from "./engineOnPath";
import { type EngineRecipe, engineRecipe } from "./engineRecipe";
import { executable, isExecutable } from "./findOnPath";
import { placeLauncher } from "./placeLauncher";

export interface Engine {
  /** Folder to put first on PATH. */
  readonly bin: string;
  readonly version: string;
  readonly source: "PATH" | "cache" | "built";
}

const UNFINISHED = ".building-";
const STALE_AFTER_MILLISECONDS = 24 * 60 * 60_000;

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME, HOME } = env;
  // The XDG Base Directory Specification says to ignore relative paths.
  const caches = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(HOME || homedir(), ".cache");
  return join(caches, "pulumi-azure-keyvault-backup");
}

async function isWhole(home: string, recipe: EngineRecipe): Promise<boolean> {
  const found = await Promise.all(recipe.programs.map(({ name }) => isExecutable(join(home, "bin", executable(name)))));
  return !found.includes(false);
}

async function removeStale(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.includes(UNFINISHED)) {
      continue;
    }
    const folder = join(cache, name);
    const changed = await stat(folder).catch(() => undefined);
    if (changed && Date.now() - changed.mtimeMs > STALE_AFTER_MILLISECONDS) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function putInPlace(unfinished: string, home: string, recipe: EngineRecipe): Promise<void> {
  try {
    await rename(unfinished, home);
  } catch {
    // A folder cannot be renamed onto one that has content: either a concurrent build finished first, or an earlier one has lost files.
    if (!(await isWhole(home, recipe))) {
      await rm(home, { recursive: true, force: true });
      await rename(unfinished, home);
    }
  }
}

async function buildIntoCache(
  home: string,
  recipe: EngineRecipe,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  await mkdir(dirname(home), { recursive: true });
  await removeStale(dirname(home));
  const unfinished = await mkdtemp(home + UNFINISHED);
  try {
    const bin = join(unfinished, "bin");
    await mkdir(bin);
    await buildEngine(recipe, bin, env, progress);
    await putInPlace(unfinished, home, recipe);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** A Pulumi engine with its Node.js language host: the one on PATH, or one built from Go modules and cached. */
export async function provideEngine(
  options: { env?: NodeJS.ProcessEnv; progress?: (line: string) => void } = {},
): Promise<Engine> {
  const { env = process.env, progress = () => {} } = options;
  const onPath = await engineOnPath(env);
  if (onPath.usable) {
    return { bin: onPath.bin, version: onPath.version, source: "PATH" };
  }
  const recipe = await engineRecipe();
  const home = join(cacheFolder(env), recipe.name);
  const isCached = await isWhole(home, recipe);
  if (!isCached) {
    progress(`No usable Pulumi CLI: ${onPath.reason}.`);
    await buildIntoCache(home, recipe, env, progress);
  }
  const bin = join(home, "bin");
  await placeLauncher(bin);
  return { bin, version: recipe.version, source: isCached ? "cache" : "built" };
}
