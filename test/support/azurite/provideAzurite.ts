import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { provideFolder } from "../../../engine/cachedFolder";

const run = promisify(execFile);

const INSTALLED_FILES = ["package.json", "package-lock.json", ".npmrc"];
const INSTALL_MILLISECONDS = 10 * 60_000;

async function entryName(): Promise<string> {
  const manifest = await readFile(path.join(__dirname, "package.json"), "utf8");
  const { dependencies } = JSON.parse(manifest) as { dependencies: { azurite: string } };
  const lock = await readFile(path.join(__dirname, "package-lock.json"));
  return `azurite-${dependencies.azurite}-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`;
}

const program = (home: string) => path.join(home, "node_modules", "azurite", "dist", "src", "blob", "main.js");

async function isWhole(home: string): Promise<boolean> {
  // npm writes this lock when everything else is in place.
  const last = path.join(home, "node_modules", ".package-lock.json");
  const found = await Promise.allSettled([access(program(home)), access(last)]);
  return found.every(({ status }) => status === "fulfilled");
}

/** The program of Azurite's blob service, which npm installs once into a cache outside this repository. */
export async function provideAzurite(
  options: { env?: NodeJS.ProcessEnv; progress?: (line: string) => void } = {},
): Promise<string> {
  const { env = process.env, progress = () => {} } = options;
  const name = await entryName();
  const fill = async (folder: string) => {
    progress(`Installing ${name}. This takes a minute, once.`);
    for (const file of INSTALLED_FILES) {
      await copyFile(path.join(__dirname, file), path.join(folder, file));
    }
    await run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: folder,
      env,
      timeout: INSTALL_MILLISECONDS,
      maxBuffer: 16 * 1024 * 1024,
    });
  };
  const { home } = await provideFolder({ name, isWhole, fill }, env);
  return program(home);
}
