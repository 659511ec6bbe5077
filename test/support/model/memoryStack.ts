import { createKeyBackupProvider } from "../../../src/provider/keyBackup";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../trustLocalCertificate";
import { impatientVault } from "./impatientVault";
import { MemoryEngine } from "./memoryEngine";
import { type HeldBackup, heldBackups } from "./stackEngine";

export const day = 86_400_000;

/** Local vaults whose clock, with that of the provider, can be set. */
export class MemoryService {
  readonly service: LocalKeyVault;
  readonly #clock: { ahead: number };

  private constructor(service: LocalKeyVault, clock: { ahead: number }) {
    this.service = service;
    this.#clock = clock;
  }

  static async start(): Promise<MemoryService> {
    const clock = { ahead: 0 };
    const service = await LocalKeyVault.start({ now: () => Date.now() + clock.ahead });
    service.identity.tokenLifetimeSeconds = 100 * 365 * 86_400;
    trustLocalCertificate(service.certificatePem);
    return new MemoryService(service, clock);
  }

  /** A stack whose program backs up the key "orders" of a new vault. */
  async newStack(): Promise<MemoryStack> {
    return new MemoryStack(this.service, await this.service.createVault(), this.#clock);
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

export class MemoryStack {
  readonly vault: LocalVault;
  readonly engine: MemoryEngine;
  readonly #clock: { ahead: number };

  constructor(service: LocalKeyVault, vault: LocalVault, clock: { ahead: number }) {
    this.vault = vault;
    this.#clock = clock;
    const opened = impatientVault(service, vault, { lookUp: 1_000 });
    this.engine = new MemoryEngine(() =>
      createKeyBackupProvider(
        () => Date.now() + clock.ahead,
        () => opened,
      ),
    );
  }

  get outputs(): Readonly<Record<string, unknown>> {
    return this.engine.outputs ?? {};
  }

  get previous(): HeldBackup[] {
    return heldBackups(this.outputs).slice(1);
  }

  get failure(): string {
    return String(this.engine.failure);
  }

  /** What the vault was asked since time last passed. */
  get asked(): string[] {
    return this.vault.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
  }

  declaring(inputs: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const key = "keyUri" in inputs ? {} : { vaultUri: this.vault.vaultUri, keyName: "orders" };
    return { ...key, ...inputs };
  }

  up(inputs: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    return this.engine.up(this.declaring(inputs));
  }

  /** Whether a preview announces a change. */
  async announces(inputs: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    return (await this.engine.preview(this.declaring(inputs)))?.changes === true;
  }

  /** Creates the key and backs it up, a moment ago; its version. */
  async backedUp(inputs: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { version } = await this.vault.createKey("orders", { tags: { team: "orders" } });
    if (!(await this.up(inputs))) throw new Error(this.failure);
    this.pass();
    return version;
  }

  lose(): void {
    this.vault.deleteKey("orders");
    this.vault.purgeKey("orders");
  }

  async createAnew(): Promise<string> {
    this.lose();
    return (await this.vault.createKey("orders")).version;
  }

  /** Lets time pass, and forgets what the vault was asked. */
  pass(milliseconds = 2_000): void {
    this.#clock.ahead += milliseconds;
    this.vault.clearRequests();
  }
}
