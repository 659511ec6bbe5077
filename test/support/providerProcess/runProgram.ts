import { execFile } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { ProjectFolder } from "./projectFolder";

export interface ProgramRun {
  readonly registered: readonly { readonly type: string; readonly inputs: Readonly<Record<string, unknown>> }[];
  /** Every file that was loaded for the program. */
  readonly loaded: readonly string[];
}

// Without it Pulumi's own ts-node compiles for ES5, which TypeScript 6 refuses.
const tsconfig = '{ "compilerOptions": { "strict": true, "module": "nodenext", "target": "es2022" } }';

/** Runs a program in the project's folder, in a process of its own, under Pulumi's mocks. */
export async function runProgram(project: ProjectFolder, file: string, text: string): Promise<ProgramRun> {
  const mocks = path.join(project.path, "underMocks.cjs");
  await copyFile(path.join(__dirname, "underMocks.cjs"), mocks);
  await writeFile(path.join(project.path, "tsconfig.json"), tsconfig);
  await writeFile(path.join(project.path, file), text);
  const { stdout } = await promisify(execFile)(process.execPath, ["--require", mocks, path.join(project.path, file)], {
    cwd: project.path,
    env: { PATH: path.dirname(process.execPath) },
    timeout: 60_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as ProgramRun;
}
