import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { elapsed } from "./elapsed";
import type { EngineRecipe, Program } from "./engineRecipe";
import { executable, findOnPath } from "./findOnPath";
import { isAtLeast } from "./isAtLeast";

const MINIMUM_GO_VERSION = "1.26";
const PROGRESS_EVERY_MILLISECONDS = 20_000;
const BUILD_WITHIN_MILLISECONDS = 30 * 60_000;
const TAIL_LINES = 15;
const MAXIMUM_OUTPUT_BYTES = 64 * 1024 * 1024;

export const REMEDY = `Install the Pulumi CLI, or Go ${MINIMUM_GO_VERSION} or newer to build the engine.`;

interface Failure {
  readonly how: string;
  readonly tail: string;
}

function describeFailure(error: unknown): Failure {
  const { code, signal, killed, stdout, stderr } = error as {
    code?: unknown;
    signal?: unknown;
    killed?: unknown;
    stdout?: unknown;
    stderr?: unknown;
  };
  const lines = `${stdout ?? ""}\n${stderr ?? ""}`
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("go: downloading "));
  const tail = lines.slice(-TAIL_LINES).join("\n");
  const minutes = BUILD_WITHIN_MILLISECONDS / 60_000;
  if (killed === true) {
    return { how: `did not finish within ${minutes} minutes`, tail };
  }
  return {
    how: signal ? `was killed by ${signal}` : `failed with ${typeof code === "number" ? "exit code " : ""}${code}`,
    tail,
  };
}

function withTail(sentence: string, tail: string): string {
  return tail === "" ? sentence : `${sentence} The last lines of output:\n${tail}`;
}

async function run(
  go: string,
  args: readonly string[],
  module: string,
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<string> {
  const { stdout } = await promisify(execFile)(go, args, {
    cwd: module,
    // A go.work file in a parent folder would override the pinned versions.
    env: { ...env, GOWORK: "off" },
    timeout,
    killSignal: "SIGKILL",
    maxBuffer: MAXIMUM_OUTPUT_BYTES,
  });
  return stdout.trim();
}

async function findGo(module: string, env: NodeJS.ProcessEnv): Promise<string> {
  const go = await findOnPath(executable("go"), env);
  if (go === undefined) {
    throw new Error(`go was not found on PATH. ${REMEDY}`);
  }
  // Inside the module, Go 1.21 and newer report the toolchain that go.mod selects, and download it if needed.
  const version = await run(go, ["env", "GOVERSION"], module, env, BUILD_WITHIN_MILLISECONDS).catch(
    (error: unknown) => {
      const { how, tail } = describeFailure(error);
      throw new Error(withTail(`${go} cannot be used: "go env GOVERSION" ${how}. ${REMEDY}`, tail), { cause: error });
    },
  );
  if (!isAtLeast(version, MINIMUM_GO_VERSION)) {
    throw new Error(`${go} is version ${version}, older than ${MINIMUM_GO_VERSION}. ${REMEDY}`);
  }
  return go;
}

async function buildProgram(
  go: string,
  program: Program,
  bin: string,
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<void> {
  try {
    const args = ["build", ...program.flags, "-o", join(bin, "/"), program.package];
    // A timeout of 0 would mean no timeout.
    await run(go, args, program.module, env, Math.max(1, timeout));
  } catch (error) {
    const { how, tail } = describeFailure(error);
    throw new Error(withTail(`Building ${program.name} with ${go} ${how}. ${REMEDY}`, tail), { cause: error });
  }
}

/** Builds the engine and its language host into the folder. */
export async function buildEngine(
  recipe: EngineRecipe,
  bin: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  const go = await findGo(recipe.programs[0].module, env);
  progress(
    `Building the Pulumi engine v${recipe.version} and its Node.js language host with ${go}. This takes several minutes, once.`,
  );

  const started = Date.now();
  for (const [index, program] of recipe.programs.entries()) {
    const step = `step ${index + 1} of ${recipe.programs.length}: ${program.name}`;
    const timer = setInterval(() => progress(`${elapsed(Date.now() - started)} ${step}`), PROGRESS_EVERY_MILLISECONDS);
    try {
      await buildProgram(go, program, bin, env, BUILD_WITHIN_MILLISECONDS - (Date.now() - started));
    } finally {
      clearInterval(timer);
    }
  }
  progress(`Built in ${elapsed(Date.now() - started)}.`);
}
