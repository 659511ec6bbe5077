import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type PulumiEnvironmentOptions, pulumiEnvironment } from "./pulumiEnvironment";

export interface ProjectOptions extends Pick<PulumiEnvironmentOptions, "engine" | "plugins" | "env"> {
  /** The folder whose `node_modules` holds the package, as a user's repository has it. */
  readonly installed: string;
  /** The text of each file, by file name. A Pulumi.yaml without `main` is added unless given. */
  readonly files: Readonly<Record<string, string>>;
  /** Stack configuration: plain values, `azure-native:tenantId` and the like. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number | null;
  /** All that was printed, on either stream. */
  readonly output: string;
  readonly stdout: string;
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  /** Replaced, and still to be deleted. */
  readonly delete?: boolean;
}

const stack = "dev";
const backupType = /^pulumi-nodejs:dynamic\/keyvault:\w+Backup$/;

/** A Pulumi project in a temporary folder, as a user would have it, with its own backend and CLI home. */
export class PulumiProject {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** What all commands have printed so far. */
  printed = "";
  readonly #running = new Set<ChildProcess>();

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.env = env;
  }

  static async create(options: ProjectOptions): Promise<PulumiProject> {
    const folder = await mkdtemp(path.join(tmpdir(), "pulumi-project-"));
    const [home, backend, temporary] = [".home", ".backend", ".temporary"].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    await Promise.all([mkdir(home), mkdir(backend), mkdir(temporary)]);
    await symlink(path.join(options.installed, "node_modules"), path.join(folder, "node_modules"), "dir");
    const files = { "Pulumi.yaml": "name: infrastructure\nruntime: nodejs\n", ...options.files };
    for (const [file, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    const project = new PulumiProject(folder, pulumiEnvironment({ ...options, home, backend, temporary }));
    await project.#mustRun(["stack", "init", stack]);
    await project.configure(options.config ?? {});
    return project;
  }

  async configure(values: Readonly<Record<string, string>>, secret = false): Promise<void> {
    for (const [key, value] of Object.entries(values)) {
      await this.#mustRun(["config", "set", secret ? "--secret" : "--plaintext", key, value]);
    }
  }

  /** Runs a command of the Pulumi CLI, for three minutes at most. */
  async run(args: readonly string[]): Promise<CommandResult> {
    return finished(this.start(args)).then((result) => {
      this.printed += result.output;
      return result;
    });
  }

  /** Starts a command without waiting for its end. */
  start(args: readonly string[]): ChildProcess {
    const child = spawn("pulumi", [...args, "--non-interactive", "--color=never"], {
      cwd: this.folder,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 180_000,
    });
    this.#running.add(child);
    child.once("close", () => this.#running.delete(child));
    return child;
  }

  /** Runs a command that must succeed, and returns what it printed. */
  async succeeds(command: "up" | "preview" | "refresh" | "destroy", ...args: string[]): Promise<string> {
    const { code, output } = await this[command](...args);
    if (code !== 0) {
      throw new Error(`pulumi ${command} ended with ${code}:\n${output}`);
    }
    return output;
  }

  up(...args: string[]): Promise<CommandResult> {
    return this.run(["up", "--yes", ...args]);
  }

  preview(...args: string[]): Promise<CommandResult> {
    return this.run(["preview", ...args]);
  }

  refresh(...args: string[]): Promise<CommandResult> {
    return this.run(["refresh", "--yes", ...args]);
  }

  destroy(...args: string[]): Promise<CommandResult> {
    return this.run(["destroy", "--yes", ...args]);
  }

  /** The outputs of the stack, secrets in clear. */
  async outputs(): Promise<Record<string, unknown>> {
    // Not added to `printed`, which must hold no secrets.
    const { stdout } = await finished(this.start(["stack", "output", "--json", "--show-secrets"]));
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(path.join(this.folder, file), text);
  }

  read(file: string): Promise<string> {
    return readFile(path.join(this.folder, file), "utf8");
  }

  /** The text of the state file. */
  async stateText(): Promise<string> {
    const [, name] = /^name: (\S+)/m.exec(await this.read("Pulumi.yaml")) ?? [];
    return this.read(`.backend/.pulumi/stacks/${name}/${stack}.json`);
  }

  /** All files of the backend, with the history and the backups of the state, in one text. */
  stateHistory(): Promise<string> {
    return textsIn(path.join(this.folder, ".backend"));
  }

  /** All files that commands wrote or may have written: states, their history, temporary files, configuration. */
  files(): Promise<string> {
    return textsIn(this.folder);
  }

  async resources(): Promise<StateResource[]> {
    const state = JSON.parse(await this.stateText()) as {
      checkpoint: { latest: { resources?: StateResource[] } | null };
    };
    return state.checkpoint.latest?.resources ?? [];
  }

  /** The recorded backups. */
  async backups(): Promise<StateResource[]> {
    return (await this.resources()).filter(({ type }) => backupType.test(type));
  }

  /** The outputs of the backups, without ciphertexts, which differ each time the engine writes the state. */
  async records(): Promise<Record<string, unknown>[]> {
    const records = (await this.backups()).map(({ outputs = {} }) => outputs);
    return JSON.parse(JSON.stringify(records, (name, value) => (name === "ciphertext" ? "" : value)));
  }

  /** Every blob in the state, decrypted. */
  async blobs(): Promise<string[]> {
    const { stdout } = await finished(this.start(["stack", "export", "--show-secrets"]));
    return [...new Set(stdout.match(/(JkF6dXJlS2V5VmF1bHRLZXl|KUF6dXJlS2V5VmF1bHRTZWNyZXR)CYWNrdXBW[\w-]+/g))];
  }

  /** Edits the outputs of the only backup, by exporting the state with its secrets decrypted and importing it. */
  async editRecord(edit: (outputs: Record<string, unknown>) => void): Promise<void> {
    const { stdout } = await finished(this.start(["stack", "export", "--show-secrets"]));
    const exported = JSON.parse(stdout) as { deployment: { resources: StateResource[] } };
    const backup = exported.deployment.resources.find(({ type }) => backupType.test(type));
    edit(backup?.outputs ?? {});
    await this.write("exported.json", JSON.stringify(exported));
    await this.#mustRun(["stack", "import", "--file", "exported.json"]);
    await rm(path.join(this.folder, "exported.json"));
  }

  async remove(): Promise<void> {
    for (const child of this.#running) {
      child.kill("SIGKILL");
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #mustRun(args: readonly string[]): Promise<void> {
    const { code, output } = await this.run(args);
    if (code !== 0) {
      throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    }
  }
}

/** All files in a folder, in one text. Does not follow links. */
async function textsIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "latin1")))).join("\n");
}

/** What a command printed, once it has ended. */
export async function finished(child: ChildProcess): Promise<CommandResult> {
  let [output, stdout] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
    output += chunk;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output, stdout }));
  });
}

/** The lines of the summary of errors and warnings at the end of a command, all of which are also printed before. */
export function diagnosticsIn(output: string): string[] {
  return output.split("\nDiagnostics:\n").slice(1).join("\n").split("\n");
}
