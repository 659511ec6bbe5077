import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(__dirname, "..");

/**
 * Packs the package as npm would publish it and installs it into `folder/node_modules`. Its dependencies, and the packages
 * that its users install beside it, are links to the copies in this repository.
 *
 * @returns the path of the tarball.
 */
export async function installPackage(folder: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
  });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  const tarball = path.join(folder, packed?.filename ?? "");
  const modules = path.join(folder, "node_modules");
  const target = path.join(modules, "pulumi-azure-keyvault-backup");
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  const { dependencies } = JSON.parse(await readFile(path.join(target, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const beside = ["@pulumi/pulumi", "@pulumi/azure-native", "typescript", "@types/node"];
  for (const name of [...Object.keys(dependencies), ...beside]) {
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
    await symlink(path.join(root, "node_modules", name), path.join(modules, name), "dir");
  }
  return tarball;
}
