import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Engine, provideEngine } from "../../../engine/provideEngine";

const LAUNCHER = "pulumi-resource-pulumi-nodejs";

const goMod = readFileSync(join(__dirname, "../../../engine/pulumi/go.mod"), "utf8");
const PINNED = /pulumi\/pkg\/v3 v(\S+)/.exec(goMod)?.[1] ?? "";

let machine: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), "provide-engine-"));
  await mkdir(join(machine, "path"));
  env = { HOME: machine, PATH: join(machine, "path"), XDG_CACHE_HOME: join(machine, "cache") };
});

afterEach(async () => {
  await rm(machine, { recursive: true, force: true });
});

async function install(name: string, script: string, folder = "path"): Promise<void> {
  await mkdir(join(machine, folder), { recursive: true });
  const file = join(machine, folder, name);
  await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  await chmod(file, 0o755);
}

async function installCli(version: string, folder = "path"): Promise<void> {
  await install("pulumi", `[ "$1" = version ] && echo ${version}`, folder);
}

async function installPlugins(folder = "path"): Promise<void> {
  await install("pulumi-language-nodejs", "", folder);
  await install(LAUNCHER, "", folder);
}

/** A `go` that records each build and runs the given lines instead of a compiler; `$program` is the file to write. */
async function installGo(
  compile = 'echo built > "$program"; chmod +x "$program"',
  version = "go1.26.3",
): Promise<void> {
  await install(
    "go",
    `[ "$1" = env ] && { echo ${version}; exit; }
while [ $# -gt 0 ]; do
  [ "$1" = -o ] && out=$2
  last=$1
  shift
done
program=$out\${last##*/}
echo "\${last##*/}" >> "$HOME/builds"
${compile}`,
  );
}

function builds(): string[] {
  const file = join(machine, "builds");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

async function cacheEntries(): Promise<string[]> {
  return readdir(join(machine, "cache", "pulumi-azure-keyvault-backup"));
}

async function rejection(promise: Promise<Engine>): Promise<Error> {
  const outcome = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) {
    throw new Error(`Expected an Error, got ${String(outcome)}`);
  }
  return outcome;
}

describe("an engine on PATH", () => {
  it("is used if it is new enough", async () => {
    await installCli("v3.240.0");
    await installPlugins();
    expect(await provideEngine({ env })).toEqual({ bin: join(machine, "path"), version: "3.240.0", source: "PATH" });
  });

  it("is used if its plugins are next to the binary that a link on PATH points to", async () => {
    await installCli("v3.300.1", "opt/pulumi");
    await installPlugins("opt/pulumi");
    await symlink(join(machine, "opt/pulumi/pulumi"), join(machine, "path/pulumi"));
    expect(await provideEngine({ env })).toMatchObject({ bin: join(machine, "path"), source: "PATH" });
  });

  it.each([
    ["is older than the minimum", "v3.239.9"],
    ["is a pre-release of the minimum", "v3.240.0-alpha.1"],
    ["is of an older major version", "v2.999.0"],
    ["does not print a version", "hello"],
  ])("is ignored if it %s", async (_, version) => {
    await installCli(version);
    await installPlugins();
    await installGo();
    expect((await provideEngine({ env })).source).toBe("built");
  });

  it.each(["pulumi-language-nodejs", LAUNCHER])("is ignored if %s is missing", async (plugin) => {
    await installCli("v3.259.0");
    await installPlugins();
    await unlink(join(machine, "path", plugin));
    await installGo();
    expect((await provideEngine({ env })).source).toBe("built");
  });

  it("is ignored if it fails", async () => {
    await install("pulumi", "echo v3.259.0; exit 3");
    await installPlugins();
    await installGo();
    expect((await provideEngine({ env })).source).toBe("built");
  });
});

describe("without an engine on PATH", () => {
  it("builds the engine and its language host into the cache", async () => {
    await installGo();
    const lines: string[] = [];
    const engine = await provideEngine({ env, progress: (line) => lines.push(line) });
    expect(engine).toMatchObject({ version: PINNED, source: "built" });
    expect(builds()).toEqual(["pulumi", "pulumi-language-nodejs"]);
    expect((await readdir(engine.bin)).sort()).toEqual(["pulumi", "pulumi-language-nodejs", LAUNCHER]);
    const [entry, ...others] = await cacheEntries();
    expect(entry?.replace(/[0-9a-f]{12}$/, "<hash>")).toBe(
      `engine-v${PINNED}-${process.platform}-${process.arch}-<hash>`,
    );
    expect(others).toEqual([]);
    expect(lines[0]).toContain("pulumi was not found on PATH");
    expect(lines[1]).toContain(`Building the Pulumi engine v${PINNED} and its Node.js language host with `);
    expect(lines[1]).toContain("This takes several minutes, once.");
  });

  it("keeps the cache under the home folder by default", async () => {
    await installGo();
    const { bin } = await provideEngine({ env: { ...env, XDG_CACHE_HOME: "" } });
    expect(dirname(dirname(bin))).toBe(join(machine, ".cache", "pulumi-azure-keyvault-backup"));
  });

  it("does not build twice", async () => {
    await installGo();
    const { bin } = await provideEngine({ env });
    expect(await provideEngine({ env })).toEqual({ bin, version: PINNED, source: "cache" });
    expect(builds()).toHaveLength(2);
  });

  it("copies the launcher of the installed SDK, and replaces one that differs", async () => {
    await installGo();
    const { bin } = await provideEngine({ env });
    const shipped = await readFile(require.resolve(`@pulumi/pulumi/${LAUNCHER}`), "utf8");
    expect(await readFile(join(bin, LAUNCHER), "utf8")).toBe(shipped);

    await writeFile(join(bin, LAUNCHER), "of another version");
    expect((await provideEngine({ env })).source).toBe("cache");
    expect(await readFile(join(bin, LAUNCHER), "utf8")).toBe(shipped);
    expect(await readdir(bin)).toHaveLength(3);
  });

  it("builds again if a program is missing from the cache", async () => {
    await installGo();
    const { bin } = await provideEngine({ env });
    await unlink(join(bin, "pulumi"));
    expect(await provideEngine({ env })).toMatchObject({ bin, source: "built" });
    expect(await readdir(bin)).toContain("pulumi");
  });

  it("allows two builds at the same time", async () => {
    await installGo('sleep 0.2; echo built > "$program"; chmod +x "$program"');
    const [one, other] = await Promise.all([provideEngine({ env }), provideEngine({ env })]);
    expect(one.bin).toBe(other.bin);
    expect(builds()).toHaveLength(4);
    expect((await readdir(one.bin)).sort()).toEqual(["pulumi", "pulumi-language-nodejs", LAUNCHER]);
    expect(await cacheEntries()).toHaveLength(1);
  });

  it("removes unfinished builds older than a day and keeps newer ones", async () => {
    const cache = join(machine, "cache", "pulumi-azure-keyvault-backup");
    const [stale, recent] = ["engine-v3.1.0-x.unfinished-old", "engine-v3.1.0-x.unfinished-new"];
    await mkdir(join(cache, stale, "bin"), { recursive: true });
    await mkdir(join(cache, recent, "bin"), { recursive: true });
    const twoDaysAgo = new Date(Date.now() - 2 * 24 * 60 * 60_000);
    await utimes(join(cache, stale), twoDaysAgo, twoDaysAgo);
    await installGo();
    await provideEngine({ env });
    expect(await cacheEntries()).toContain(recent);
    expect(await cacheEntries()).not.toContain(stale);
  });
});

describe("a build that fails", () => {
  it("leaves nothing in the cache if it is killed", async () => {
    await installGo('echo half > "$program"; chmod +x "$program"; kill -9 $$');
    expect((await rejection(provideEngine({ env }))).message).toContain("was killed by SIGKILL");
    expect(await cacheEntries()).toEqual([]);

    await installGo();
    expect((await provideEngine({ env })).source).toBe("built");
  });

  it("reports the last lines of the compiler and the remedy", async () => {
    await installGo("seq 40 >&2; echo 'go: downloading example.org/module v1.0.0' >&2; exit 7");
    const { message } = await rejection(provideEngine({ env }));
    expect(message).toMatch(
      /Building pulumi with .*go failed with exit code 7\. Install the Pulumi CLI, or Go 1\.26 or newer/,
    );
    expect(message).toMatch(/\n39\n40$/);
    expect(message).not.toContain("\n25\n");
    expect(await cacheEntries()).toEqual([]);
  });

  it("fails if the language host fails after the engine", async () => {
    await installGo('case $program in *nodejs) exit 1;; esac; echo built > "$program"; chmod +x "$program"');
    expect((await rejection(provideEngine({ env }))).message).toContain("Building pulumi-language-nodejs");
    expect(await cacheEntries()).toEqual([]);
  });

  it("asks for Go if none is installed", async () => {
    expect((await rejection(provideEngine({ env }))).message).toBe(
      "go was not found on PATH. Install the Pulumi CLI, or Go 1.26 or newer to build the engine.",
    );
  });

  it.each(["go1.25.9", "go1.26rc1", "go1.4"])("asks for a newer Go than %s", async (version) => {
    await installGo("", version);
    const { message } = await rejection(provideEngine({ env }));
    expect(message).toContain(`is version ${version}, older than 1.26. Install the Pulumi CLI`);
    expect(builds()).toEqual([]);
  });

  it("reports what Go prints if it cannot download the toolchain", async () => {
    await install("go", "echo 'go: go.mod requires go >= 1.26.0 (running go 1.21.0; GOTOOLCHAIN=local)' >&2; exit 1");
    const { message } = await rejection(provideEngine({ env }));
    expect(message).toContain(
      '"go env GOVERSION" failed with exit code 1. Install the Pulumi CLI, or Go 1.26 or newer',
    );
    expect(message).toContain("running go 1.21.0");
  });
});
