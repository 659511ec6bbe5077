import { randomUUID } from "node:crypto";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The script that starts dynamic providers. The npm package of the SDK contains it. */
export const LAUNCHER =
  process.platform === "win32" ? "pulumi-resource-pulumi-nodejs.cmd" : "pulumi-resource-pulumi-nodejs";

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Copies the launcher of the installed SDK into the folder, unless the same text is already there. */
export async function placeLauncher(bin: string): Promise<void> {
  const text = await readFile(join(dirname(require.resolve("@pulumi/pulumi/package.json")), LAUNCHER), "utf8");
  const placed = join(bin, LAUNCHER);
  if ((await textOf(placed)) === text) {
    return;
  }
  const fresh = `${placed}.${randomUUID()}`;
  await writeFile(fresh, text);
  await chmod(fresh, 0o755);
  await rename(fresh, placed);
}
