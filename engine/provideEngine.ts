import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildEngine } from "./buildEngine";
import { type CachedFolder, provideFolder } from "./cachedFolder";
import { engineOnPath } from "./engineOnPath";
import { engineRecipe } from "./engineRecipe";
import { executable, isExecutable } from "./findOnPath";
import { placeLauncher } from "./placeLauncher";

export interface Engine {
  /** Folder to put first on PATH. */
  readonly bin: string;
  readonly version: string;
  readonly source: "PATH" | "cache" | "built";
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
  const folder: CachedFolder = {
    name: recipe.name,
    async isWhole(home) {
      const programs = recipe.programs.map(({ name }) => isExecutable(join(home, "bin", executable(name))));
      return !(await Promise.all(programs)).includes(false);
    },
    async fill(home) {
      progress(`No usable Pulumi CLI: ${onPath.reason}.`);
      await mkdir(join(home, "bin"));
      await buildEngine(recipe, join(home, "bin"), env, progress);
    },
  };
  const { home, wasThere } = await provideFolder(folder, env);
  const bin = join(home, "bin");
  await placeLauncher(bin);
  return { bin, version: recipe.version, source: wasThere ? "cache" : "built" };
}
