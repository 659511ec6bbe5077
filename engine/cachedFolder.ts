import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

const UNFINISHED = ".unfinished-";
const STALE_AFTER_MILLISECONDS = 24 * 60 * 60_000;

export interface CachedFolder {
  readonly name: string;
  isWhole(folder: string): Promise<boolean>;
  fill(folder: string): Promise<void>;
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME, HOME } = env;
  // The XDG Base Directory Specification says to ignore relative paths.
  const caches = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(HOME || homedir(), ".cache");
  return join(caches, "pulumi-azure-keyvault-backup");
}

async function removeStale(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    const changed = name.includes(UNFINISHED) ? await stat(folder).catch(() => undefined) : undefined;
    if (changed && Date.now() - changed.mtimeMs > STALE_AFTER_MILLISECONDS) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function putInPlace(unfinished: string, home: string, isWhole: CachedFolder["isWhole"]): Promise<void> {
  try {
    await rename(unfinished, home);
  } catch {
    // A folder cannot be renamed onto one that has content: either another process was first, or an earlier folder has lost files.
    if (!(await isWhole(home))) {
      await rm(home, { recursive: true, force: true });
      await rename(unfinished, home);
    }
  }
}

/**
 * A folder in a cache outside this repository. It is filled once, under another name until it is whole; two processes may fill it at
 * the same time.
 */
export async function provideFolder(
  { name, isWhole, fill }: CachedFolder,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly home: string; readonly wasThere: boolean }> {
  const home = join(cacheFolder(env), name);
  if (await isWhole(home)) {
    return { home, wasThere: true };
  }
  await mkdir(dirname(home), { recursive: true });
  await removeStale(dirname(home));
  const unfinished = await mkdtemp(home + UNFINISHED);
  try {
    await fill(unfinished);
    await putInPlace(unfinished, home, isWhole);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return { home, wasThere: false };
}
