import { jest } from "@jest/globals";
import type { Vault } from "../../src/keyVault/vault";
import type { Waits } from "../../src/keyVault/vaultConnection";
import { createKeyBackupProvider } from "../../src/provider/keyBackup";
import { createKeyRestoreProvider } from "../../src/provider/keyRestore";
import { createRestoreDrillProvider } from "../../src/provider/restoreDrill";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { impatientVault } from "./model/impatientVault";
import { MemoryEngine } from "./model/memoryEngine";
import { trustLocalCertificate } from "./trustLocalCertificate";
import type { VaultOptions } from "../../localVault/vaultOptions";

const waits: Partial<Waits> = { lookUp: 5_000, freeName: 3_000, notReady: [10] };

const changing = ["create", "delete", "purge", "recover", "restore", "rotate", "update"];

/** Local vaults whose clock can be set, for stacks that restore. */
export class RestoringService {
  readonly service: LocalKeyVault;
  readonly #clock: { ahead: number };

  private constructor(service: LocalKeyVault, clock: { ahead: number }) {
    this.service = service;
    this.#clock = clock;
  }

  static async start(): Promise<RestoringService> {
    const clock = { ahead: 0 };
    const service = await LocalKeyVault.start({ now: () => Date.now() + clock.ahead });
    service.identity.tokenLifetimeSeconds = 100 * 365 * 86_400;
    trustLocalCertificate(service.certificatePem);
    return new RestoringService(service, clock);
  }

  /** A stack with a source vault, and another one to restore into. */
  async newStack(options: VaultOptions = {}, otherWaits: Partial<Waits> = {}): Promise<RestoringStack> {
    const source = await this.service.createVault();
    const target = await this.service.createVault(undefined, options);
    return new RestoringStack(this.service, source, target, this.#clock, otherWaits);
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

/** The provider of another process, which knows nothing of what was said and begun in this one. */
export function drillProviderOfAnotherProcess(): typeof createRestoreDrillProvider {
  const path = "../../src/provider/restoreDrill";
  let provider = createRestoreDrillProvider;
  jest.isolateModules(() => {
    provider = jest.requireActual<typeof import("../../src/provider/restoreDrill")>(path).createRestoreDrillProvider;
  });
  return provider;
}

/** Lets the process die once this has been done: what follows in it never happens. */
export interface Death {
  readonly after: keyof Vault;
}

/** One stack with a backup of the key "orders", a restore of it and a drill, on engines in this process. */
export class RestoringStack {
  readonly source: LocalVault;
  readonly target: LocalVault;
  readonly backup: MemoryEngine;
  readonly restore: MemoryEngine;
  readonly drill: MemoryEngine;
  /** Another drill on the same vaults. */
  readonly newDrill: (createProvider?: typeof createRestoreDrillProvider) => MemoryEngine;
  /** How long the provider slept, in milliseconds: its time passes with the clock of the vaults. */
  slept = 0;
  readonly #service: LocalKeyVault;
  readonly #clock: { ahead: number };
  #death: Death | undefined;
  #die: () => void = () => undefined;

  constructor(
    service: LocalKeyVault,
    source: LocalVault,
    target: LocalVault,
    clock: { ahead: number },
    otherWaits: Partial<Waits> = {},
  ) {
    this.#service = service;
    this.source = source;
    this.target = target;
    this.#clock = clock;
    const vaultOf = (vaultUri: string) =>
      this.#mortal(impatientVault(service, { vaultUri }, { ...waits, ...otherWaits }));
    const now = () => Date.now() + clock.ahead;
    const sleep = async (milliseconds: number) => {
      this.slept += milliseconds;
      clock.ahead += milliseconds;
    };
    this.backup = new MemoryEngine(() => createKeyBackupProvider(now, vaultOf));
    this.restore = new MemoryEngine(() => createKeyRestoreProvider(now, vaultOf));
    this.newDrill = (createProvider = createRestoreDrillProvider) =>
      new MemoryEngine(() => createProvider(now, vaultOf, sleep));
    this.drill = this.newDrill();
  }

  /** Creates the key, and backs it up. */
  async backedUp(key: Parameters<LocalVault["createKey"]>[1] = {}): Promise<string> {
    const { version } = await this.source.createKey("orders", key);
    await this.backUp();
    return version;
  }

  /** Rotates the key, and backs it up anew. */
  async rotated(): Promise<string> {
    this.pass(1_000);
    const { version } = await this.source.rotateKey("orders");
    await this.backUp();
    return version;
  }

  async backUp(): Promise<void> {
    const triggers = [Math.random()];
    if (!(await this.backup.up({ vaultUri: this.source.vaultUri, keyName: "orders", triggers }))) {
      throw this.backup.failure;
    }
  }

  /** The backup as a program hands it over. */
  get recorded(): Record<string, unknown> {
    const { blob, blobSha256, keyName, keyUri, keyVersions, keyThumbprints, backedUpAt } = this.backup.outputs ?? {};
    return { blob, blobSha256, keyName, keyUri, keyVersions, keyThumbprints, backedUpAt };
  }

  /** What the program declares of a `KeyRestore`. */
  restoring(inputs: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { vaultUri: this.target.vaultUri, backup: this.recorded, ...inputs };
  }

  /** What the program declares of a `RestoreDrill`. */
  drilling(inputs: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
      vaultUri: this.target.vaultUri,
      backup: this.recorded,
      owner: "organization/project/dev/orders",
      ...inputs,
    };
  }

  /** Runs a command in a process that dies on the way. */
  async killed(death: Death, command: () => Promise<unknown>): Promise<void> {
    const died = new Promise<void>((resolve) => {
      this.#die = resolve;
    });
    this.#death = death;
    const ended = command().then(() => {
      throw new Error(`The command ended without ${death.after}.`);
    });
    await Promise.race([died, ended]);
    this.#death = undefined;
  }

  /** What the target was asked, with a token. */
  get asked(): string[] {
    return this.target.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
  }

  /** What the target was asked, and carried out, that changes its keys. */
  get changes(): string[] {
    return this.target.requests
      .filter(({ operation, status = 500 }) => changing.includes(operation) && status < 300)
      .map(({ operation }) => operation);
  }

  pass(milliseconds: number): void {
    this.#clock.ahead += milliseconds;
  }

  /** The certificate's authority and identities are those of all stacks. */
  get service(): LocalKeyVault {
    return this.#service;
  }

  #mortal(vault: Vault): Vault {
    return new Proxy(vault, {
      get: (of, name: keyof Vault) => {
        const method = (of[name] as (...args: unknown[]) => Promise<unknown>).bind(of);
        return async (...args: unknown[]) => {
          const done = await method(...args);
          if (this.#death?.after !== name) return done;
          this.#die();
          return new Promise(() => undefined);
        };
      },
    });
  }
}
