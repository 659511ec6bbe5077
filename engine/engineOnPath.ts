import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { executable, findOnPath, isExecutable } from "./findOnPath";
import { isAtLeast } from "./isAtLeast";
import { LAUNCHER } from "./placeLauncher";

// The CLI and the SDK share releases but are installed separately: a CLI slightly older than the oldest SDK that we support (3.249) works.
export const MINIMUM_CLI_VERSION = "3.240.0";

const ANSWER_WITHIN_MILLISECONDS = 30_000;

export type EngineOnPath =
  | { readonly usable: true; readonly bin: string; readonly version: string }
  | { readonly usable: false; readonly reason: string };

async function askVersion(pulumi: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(pulumi, ["version"], {
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeout: ANSWER_WITHIN_MILLISECONDS,
      killSignal: "SIGKILL",
    });
    return stdout.trim().replace(/^v/, "");
  } catch {
    return undefined;
  }
}

async function isBesideOrOnPath(fileName: string, pulumi: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  // The engine looks for its bundled plugins next to its binary, with symbolic links resolved.
  const beside = join(dirname(await realpath(pulumi)), fileName);
  return (await isExecutable(beside)) || (await findOnPath(fileName, env)) !== undefined;
}

/** The Pulumi CLI on PATH, or why it cannot be used. */
export async function engineOnPath(env: NodeJS.ProcessEnv): Promise<EngineOnPath> {
  const pulumi = await findOnPath(executable("pulumi"), env);
  if (pulumi === undefined) {
    return { usable: false, reason: "pulumi was not found on PATH" };
  }
  const version = await askVersion(pulumi, env);
  if (version === undefined) {
    return { usable: false, reason: `"${pulumi} version" failed` };
  }
  if (!isAtLeast(version, MINIMUM_CLI_VERSION)) {
    return { usable: false, reason: `${pulumi} is version ${version}, older than ${MINIMUM_CLI_VERSION}` };
  }
  for (const plugin of [executable("pulumi-language-nodejs"), LAUNCHER]) {
    if (!(await isBesideOrOnPath(plugin, pulumi, env))) {
      return { usable: false, reason: `${plugin} is missing, next to ${pulumi} and on PATH` };
    }
  }
  return { usable: true, bin: dirname(pulumi), version };
}
