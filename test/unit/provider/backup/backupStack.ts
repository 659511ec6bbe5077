import dns from "node:dns";
import { jest } from "@jest/globals";
import type { LocalVault } from "../../../../localVault/localVault";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import type { MemoryEngine, Properties } from "../../../support/provider/memoryEngine";
import type { TestService, TestStack } from "../../../support/provider/testStack";

export const day = 86_400_000;

/** The requests of one backup. */
export const newBackup = ["listVersions", "backup", "get"];

/** A stack with a KeyBackup of the key "orders", unless the program names another key. */
export class BackupStack {
  readonly stack: TestStack;
  readonly vault: LocalVault;
  readonly engine: MemoryEngine;

  private constructor(stack: TestStack) {
    this.stack = stack;
    this.vault = stack.source;
    this.engine = stack.backup;
  }

  static async start(service: TestService, waits: Partial<Waits> = {}): Promise<BackupStack> {
    return new BackupStack(await service.newStack({}, waits));
  }

  get keyUri(): string {
    return `${this.vault.vaultUri}keys/orders`;
  }

  /** What the program declares. */
  declaring(inputs: Properties = {}): Properties {
    return "keyUri" in inputs ? inputs : { vaultUri: this.vault.vaultUri, keyName: "orders", ...inputs };
  }

  up(inputs?: Properties): Promise<boolean> {
    return this.engine.up(this.declaring(inputs));
  }

  preview(inputs?: Properties): Promise<boolean | undefined> {
    return this.engine.preview(this.declaring(inputs));
  }

  /** Creates the key and backs it up. Returns the version. */
  async backedUp(inputs?: Properties): Promise<string> {
    const { version } = await this.vault.keys.create("orders");
    await this.mustUp(inputs);
    this.pass(1_000);
    return version;
  }

  async mustUp(inputs?: Properties): Promise<void> {
    if (!(await this.up(inputs))) throw this.engine.failure;
  }

  /** Purges the key and creates another one of the same name. Returns the version. */
  async createAnew(): Promise<string> {
    this.vault.keys.delete("orders");
    this.vault.keys.purge("orders");
    this.pass(1_000);
    return (await this.vault.keys.create("orders")).version;
  }

  /** Lets time pass, and forgets what was asked and printed. */
  pass(milliseconds: number): void {
    this.stack.pass(milliseconds);
    this.vault.clearRequests();
    this.stack.printed.length = 0;
  }

  get outputs(): Properties {
    return this.engine.outputs ?? {};
  }

  /** Earlier backups in the state, oldest first: the order in which they were made. */
  get previous(): Properties[] {
    const previous = Object.values((this.outputs.previous ?? {}) as Record<string, Properties>);
    return previous.sort((one, other) => String(one.backedUpAt).localeCompare(String(other.backedUpAt)));
  }

  /** Operations that the vault was asked for with a token. */
  get asked(): string[] {
    return this.vault.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
  }

  get printed(): string {
    return this.stack.printed.join("\n");
  }
}

/** Runs the function while no host name resolves. */
export async function whileNothingResolves<T>(act: () => Promise<T>): Promise<T> {
  const lookup = (name: string, _: object, done: (error: Error) => void) =>
    done(Object.assign(new Error(name), { code: "ENOTFOUND" }));
  const spy = jest.spyOn(dns, "lookup").mockImplementation(lookup as typeof dns.lookup);
  try {
    return await act();
  } finally {
    spy.mockRestore();
  }
}
