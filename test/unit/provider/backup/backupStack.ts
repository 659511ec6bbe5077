import dns from "node:dns";
import { afterEach, expect, jest } from "@jest/globals";
import type { CreatedObject, LocalVault, RecordedRequest } from "../../../../localVault/localVault";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { backupFamily } from "../../../../src/provider/backup/family";
import { defineProvider, type Environment } from "../../../../src/provider/engine/defineProvider";
import type { DynamicProvider } from "../../../../src/provider/engine/dynamicProvider";
import type { MemoryEngine, Properties } from "../../../support/provider/memoryEngine";
import type { TestService, TestStack } from "../../../support/provider/testStack";

export const day = 86_400_000;

const started: BackupStack[] = [];

// No test of a backup may read the value of a secret.
afterEach(() => {
  const stacks = started.splice(0);
  expect(stacks.flatMap(({ requestsForValues }) => requestsForValues)).toEqual([]);
});

/** A stack with a backup of the object "orders", unless the program names another object. */
export class BackupStack {
  readonly stack: TestStack;
  readonly kind: ObjectKind;
  readonly vault: LocalVault;
  readonly engine: MemoryEngine;
  readonly #forgotten: RecordedRequest[] = [];

  private constructor(stack: TestStack) {
    this.stack = stack;
    this.kind = stack.kind;
    this.vault = stack.source;
    this.engine = stack.backup;
    started.push(this);
  }

  static async start(service: TestService, kind: ObjectKind, waits: Partial<Waits> = {}): Promise<BackupStack> {
    return new BackupStack(await service.stackOf(kind, {}, waits));
  }

  /** The objects of the kind in the source vault. */
  get objects(): TestStack["objects"] {
    return this.stack.objects;
  }

  /** The resource's class name. */
  get resource(): string {
    return this.stack.resource("Backup");
  }

  get uri(): string {
    return this.uriOf("orders");
  }

  uriOf(name: string): string {
    return `${this.vault.vaultUri}${this.kind.collection}/${name}`;
  }

  /** The requests of one backup. */
  get newBackup(): string[] {
    return ["listVersions", "backup", this.kind === key ? "get" : "listVersions"];
  }

  /** Another provider, which may see a part of the world differently. */
  newProvider(different: Partial<Environment> = {}): DynamicProvider {
    return defineProvider(backupFamily(this.resource, this.kind), { ...this.stack.environment(), ...different });
  }

  /** The input that names an object of the vault. */
  named(name: unknown): Properties {
    return { [this.kind.properties.name]: name };
  }

  /** The input that names an object by its URI. */
  at(uri: unknown): Properties {
    return { [this.kind.properties.uri]: uri };
  }

  /** What the program declares. */
  declaring(inputs: Properties = {}): Properties {
    const { uri } = this.kind.properties;
    return uri in inputs ? inputs : { vaultUri: this.vault.vaultUri, ...this.named("orders"), ...inputs };
  }

  up(inputs?: Properties): Promise<boolean> {
    return this.engine.up(this.declaring(inputs));
  }

  preview(inputs?: Properties): Promise<boolean | undefined> {
    return this.engine.preview(this.declaring(inputs));
  }

  /** Creates the object and backs it up. Returns the version. */
  async backedUp(inputs?: Properties): Promise<string> {
    const { version } = await this.create("orders");
    await this.mustUp(inputs);
    this.pass(1_000);
    return version;
  }

  async mustUp(inputs?: Properties): Promise<void> {
    if (!(await this.up(inputs))) throw this.engine.failure;
  }

  create(name: string): Promise<CreatedObject> {
    return this.objects.create(name);
  }

  rotate(): Promise<CreatedObject> {
    return this.objects.rotate("orders");
  }

  purge(): void {
    this.objects.delete("orders");
    this.objects.purge("orders");
  }

  /** Purges the object and creates another one of the same name. Returns the version. */
  async createAnew(): Promise<string> {
    this.purge();
    this.pass(1_000);
    return (await this.create("orders")).version;
  }

  /** Lets time pass, and forgets what was asked and printed. */
  pass(milliseconds: number): void {
    this.stack.pass(milliseconds);
    this.forgetRequests();
    this.stack.printed.length = 0;
  }

  forgetRequests(): void {
    this.#forgotten.push(...this.vault.requests);
    this.vault.clearRequests();
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

  /** The paths of all requests that the service answers with the value of a secret. */
  get requestsForValues(): string[] {
    return [...this.#forgotten, ...this.vault.requests, ...this.stack.target.requests]
      .filter(({ operation, collection }) => operation === "get" && collection === "secrets")
      .map(({ path }) => path);
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
