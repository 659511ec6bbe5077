import { setTimeout as sleep } from "node:timers/promises";
import type { LocalVault } from "../../../localVault/localVault";
import { descendantsOf } from "../../../engine/descendantsOf";
import { finished, type PulumiProject } from "../../../engine/pulumiProject";
import { type Declaration, type HeldRecord, heldRecord, type StackEngine, type UpOptions } from "./stackEngine";

interface ExportedResource {
  readonly type: string;
  readonly delete?: boolean;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Pulumi's own engine, on a JavaScript program that declares one `KeyBackup`. */
export class PulumiEngine implements StackEngine {
  readonly #project: PulumiProject;
  readonly #vault: LocalVault;
  #known: { readonly stateText: string; readonly records: HeldRecord[] } | undefined;

  constructor(project: PulumiProject, vault: LocalVault) {
    this.#project = project;
    this.#vault = vault;
  }

  async up(declaration: Declaration, { refresh = false, isKilled = false }: UpOptions = {}): Promise<boolean> {
    const resource = declaration === undefined ? "" : `new KeyBackup("orders", ${JSON.stringify(declaration)});`;
    await this.#project.write(
      "index.js",
      `const { KeyBackup } = require("pulumi-azure-keyvault-backup");\n${resource}\n`,
    );
    const args = ["--skip-preview", ...(refresh ? ["--refresh"] : [])];
    return isKilled ? this.#killedUp(args) : this.#succeeds(this.#project.up(...args));
  }

  refresh(): Promise<boolean> {
    return this.#succeeds(this.#project.refresh("--skip-preview"));
  }

  destroy(): Promise<boolean> {
    return this.#succeeds(this.#project.destroy("--skip-preview"));
  }

  async records(): Promise<HeldRecord[]> {
    const stateText = await this.#project.stateText();
    if (this.#known?.stateText !== stateText) {
      const { stdout } = await finished(this.#project.start(["stack", "export", "--show-secrets"]));
      const { deployment } = JSON.parse(stdout) as { deployment: { resources?: ExportedResource[] } };
      const backups = (deployment.resources ?? []).filter(({ type }) => type.endsWith(":KeyBackup"));
      const records = backups.map((it) => heldRecord(inClear(it.outputs) as typeof it.outputs, it.delete === true));
      this.#known = { stateText, records };
    }
    return this.#known.records;
  }

  async #succeeds(command: Promise<{ code: number | null }>): Promise<boolean> {
    return (await command).code === 0;
  }

  /** Kills the engine, and what it started, while the vault is busy with the backup, if it is asked for one. */
  async #killedUp(args: readonly string[]): Promise<boolean> {
    this.#vault.clearRequests();
    this.#vault.fail("backup", { kind: "delay", milliseconds: 3_000 });
    const command = this.#project.start(["up", "--yes", ...args]);
    let isRunning = true;
    const result = finished(command).finally(() => {
      isRunning = false;
    });
    while (isRunning && this.#vault.count("backup") === 0) {
      await sleep(20);
    }
    if (isRunning) {
      const plugins = descendantsOf(Number(command.pid));
      command.kill("SIGKILL");
      for (const { id } of plugins) killIfRunning(id);
    }
    const { code } = await result;
    this.#vault.clearFaults();
    await this.#project.run(["cancel", "--yes"]);
    return code === 0;
  }
}

function killIfRunning(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended with its engine.
  }
}

/** What `pulumi stack export --show-secrets` wraps secrets in, taken off. */
function inClear(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inClear);
  if ("plaintext" in value) return JSON.parse(String(value.plaintext));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inClear(member)]));
}
