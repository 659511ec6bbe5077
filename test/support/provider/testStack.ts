import { randomUUID } from "node:crypto";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { CreatedObject, LocalVault } from "../../../localVault/localVault";
import type { Operation } from "../../../localVault/operation";
import type { VaultOptions } from "../../../localVault/vaultOptions";
import type { Copies } from "../../../src/copies/copies";
import type { Waits } from "../../../src/keyVault/connection/waits";
import { capitalized } from "../../../src/keyVault/vaultUri";
import { key } from "../../../src/objects/key";
import type { ObjectKind } from "../../../src/objects/objectKind";
import { backupFamily } from "../../../src/provider/backup/family";
import { drillFamily } from "../../../src/provider/drill/family";
import { defineProvider, type Environment } from "../../../src/provider/engine/defineProvider";
import { restoreFamily } from "../../../src/provider/restore/family";
import { trustLocalCertificate } from "../trustLocalCertificate";
import { connectLocally, copiesLocally } from "./connectLocally";
import { MemoryEngine, type Properties } from "./memoryEngine";

const changing = ["create", "delete", "purge", "recover", "restore", "rotate", "update"];

/** Local vaults whose clock can be set, for stacks that back up, restore and drill. */
export class TestService {
  readonly service: LocalKeyVault;
  readonly clock: { ahead: number };

  private constructor(service: LocalKeyVault, clock: { ahead: number }) {
    this.service = service;
    this.clock = clock;
  }

  static async start(): Promise<TestService> {
    const clock = { ahead: 0 };
    const service = await LocalKeyVault.start({ now: () => Date.now() + clock.ahead });
    service.identity.tokenLifetimeSeconds = 100 * 365 * 86_400;
    trustLocalCertificate(service.certificatePem);
    return new TestService(service, clock);
  }

  /** A stack for a key, with a source vault, and another vault to restore into. */
  newStack(target: VaultOptions = {}, waits: Partial<Waits> = {}): Promise<TestStack> {
    return this.stackOf(key, target, waits);
  }

  /** A stack for an object of the kind, with a source vault, and another vault to restore into. */
  async stackOf(kind: ObjectKind, target: VaultOptions = {}, waits: Partial<Waits> = {}): Promise<TestStack> {
    const source = await this.service.createVault();
    return new TestStack(this, kind, source, await this.service.createVault(undefined, target), waits);
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

type Objects = ReturnType<LocalVault["collection"]>;

/** One stack with a backup of the object "orders", a restore of it and a drill, on engines in this process. */
export class TestStack {
  readonly kind: ObjectKind;
  readonly source: LocalVault;
  readonly target: LocalVault;
  readonly backup: MemoryEngine;
  readonly restore: MemoryEngine;
  readonly drill: MemoryEngine;
  /** Every line that the providers showed to the user. */
  readonly printed: string[] = [];
  readonly #service: TestService;
  readonly #waits: Partial<Waits>;

  constructor(service: TestService, kind: ObjectKind, source: LocalVault, target: LocalVault, waits: Partial<Waits>) {
    this.#service = service;
    this.kind = kind;
    this.#waits = waits;
    this.source = source;
    this.target = target;
    this.backup = this.newBackup();
    this.restore = this.newRestore();
    this.drill = this.newDrill();
  }

  /** What the providers see of the world: each call is a process of its own. */
  environment(): Environment {
    return {
      now: () => this.now(),
      connect: connectLocally(this.#service.service, this.#waits, { print: (line) => this.printed.push(line) }),
      reachCopies: () => this.copiesOutside(),
      print: (line) => this.printed.push(line),
      newId: randomUUID,
    };
  }

  /** Copies outside the state, as the provider reaches them. */
  copiesOutside(waits: Partial<Waits> = {}): Copies {
    return copiesLocally(
      this.#service.service,
      { ...this.#waits, ...waits },
      { print: (line) => this.printed.push(line) },
    );
  }

  /** The name of a resource: `KeyBackup`. */
  resource(family: "Backup" | "Restore"): string {
    return `${capitalized(this.kind.noun)}${family}`;
  }

  /** The objects of the kind in the source vault. */
  get objects(): Objects {
    return this.source.collection(this.kind.collection);
  }

  /** The objects of the kind in the target vault. */
  get copies(): Objects {
    return this.target.collection(this.kind.collection);
  }

  newBackup(): MemoryEngine {
    return new MemoryEngine(() => defineProvider(backupFamily(this.resource("Backup"), this.kind), this.environment()));
  }

  /** Another restore resource, of a provider that may see a part of the world differently. */
  newRestore(different: Partial<Environment> = {}): MemoryEngine {
    const environment = () => ({ ...this.environment(), ...different });
    return new MemoryEngine(() => defineProvider(restoreFamily(this.resource("Restore"), this.kind), environment()));
  }

  /** Another drill resource, of a provider that may see a part of the world differently. */
  newDrill(different: Partial<Environment> = {}): MemoryEngine {
    const environment = () => ({ ...this.environment(), ...different });
    return new MemoryEngine(() => defineProvider(drillFamily("RestoreDrill"), environment()));
  }

  /** Runs a command whose process dies once the target has carried the operation out: it makes no request after that. */
  async killedAfter(operation: Operation, command: () => Promise<unknown>): Promise<void> {
    const dies = () => this.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY, { withoutToken: true });
    this.target.afterRequest(operation, dies);
    await command();
    this.target.clearHandlers();
    this.target.clearFaults();
  }

  now(): number {
    return Date.now() + this.#service.clock.ahead;
  }

  /** Lets time pass for the vaults and the providers. */
  pass(milliseconds: number): void {
    this.#service.clock.ahead += milliseconds;
  }

  /** Creates the object, and backs it up. */
  async backedUp(options: Parameters<Objects["create"]>[1] = {}): Promise<CreatedObject> {
    const created = await this.objects.create("orders", options);
    await this.backUp();
    return created;
  }

  /** Rotates the object, and backs it up anew. */
  async rotated(): Promise<string> {
    this.pass(1_000);
    const { version } = await this.objects.rotate("orders");
    await this.backUp();
    return version;
  }

  async backUp(inputs: Properties = {}): Promise<void> {
    const triggers = [randomUUID()];
    const object = { vaultUri: this.source.vaultUri, [this.kind.properties.name]: "orders" };
    if (!(await this.backup.up({ ...object, triggers, ...inputs }))) {
      throw this.backup.failure;
    }
  }

  /** The backup as a program hands it over. */
  get backupRef(): Properties {
    const { name, uri } = this.kind.properties;
    const members = ["blob", "blobUri", "blobSha256", name, uri, "versions", "thumbprints", "backedUpAt"];
    const outputs = this.backup.outputs ?? {};
    return Object.fromEntries(members.filter((member) => member in outputs).map((member) => [member, outputs[member]]));
  }

  /** What the program declares of a KeyRestore. */
  restoring(inputs: Properties = {}): Properties {
    return { vaultUri: this.target.vaultUri, backup: this.backupRef, ...inputs };
  }

  /** What the program declares of a RestoreDrill. */
  drilling(inputs: Properties = {}): Properties {
    const owner = "organization/project/dev/orders";
    return { vaultUri: this.target.vaultUri, backup: this.backupRef, owner, ...inputs };
  }

  /** What the user sees of restores and drills. Preview and update show the same lines: each is here once. */
  get lines(): string[] {
    return [...new Set(this.printed.filter((line) => !line.startsWith(`${this.resource("Backup")} `)))];
  }

  /** What the target was asked with a token. */
  get requests(): string[] {
    return this.target.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
  }

  /** What the target was asked, and carried out, that changes its objects. */
  get changes(): string[] {
    return this.target.requests
      .filter(({ operation, status = 500 }) => changing.includes(operation) && status < 300)
      .map(({ operation }) => operation);
  }
}
