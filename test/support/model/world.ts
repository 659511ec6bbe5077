import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import type { LocalVault } from "../../../localVault/localVault";
import { backupFamily } from "../../../src/provider/backup/family";
import { drillFamily } from "../../../src/provider/drill/family";
import {
  type AnyPlan,
  defineProvider,
  type Environment,
  type Family,
} from "../../../src/provider/engine/defineProvider";
import type { DynamicProvider } from "../../../src/provider/engine/dynamicProvider";
import { restoreFamily } from "../../../src/provider/restore/family";
import { MemoryEngine, type Properties } from "../provider/memoryEngine";
import {
  type KeyPort,
  type ModelService,
  ProcessKilled,
  retentionDays,
  type VaultRole,
  vaultRoles,
} from "./modelService";
import { classNames, type Program, type ResourceName, resourceNames } from "./program";

/** A defect to put into the provider, by what it is made of. */
export interface Mutation {
  readonly client?: (client: KeyPort, resource: ResourceName, vaultUri: string) => Partial<KeyPort>;
  readonly environment?: (environment: Environment, resource: ResourceName) => Partial<Environment>;
  readonly family?: <Plan extends AnyPlan>(family: Family<Plan>, resource: ResourceName) => Partial<Family<Plan>>;
  readonly provider?: (provider: DynamicProvider, resource: ResourceName) => Partial<DynamicProvider>;
}

/** When the provider process is killed. */
export type Kill =
  /** After the vaults carried out so many of its requests. */
  | { readonly afterRequests: number }
  /** After the resource's operation succeeded, and before the engine wrote that down. */
  | { readonly beforeWriting: ResourceName };

/** A key as a vault has it. */
export interface SeenKey {
  readonly state: "active" | "deleted" | "absent";
  readonly versions: readonly string[];
  /** Tags and attributes of each version. */
  readonly details: string;
}

/** What a command came to. */
export interface Outcome {
  readonly failedAt: ResourceName | undefined;
  readonly isKilled: boolean;
}

/** One stack with a backup, a restore and a drill, the vaults around it, and the user. */
export class World {
  readonly service: ModelService;
  readonly keyNames: readonly [string, string];
  readonly engines: Readonly<Record<ResourceName, MemoryEngine>>;
  /** Everything that the user read: lines and error messages. */
  readonly shown: string[] = [];
  program: Program;
  /** The backup that the program held last. */
  #heldRef: Properties | undefined;
  /** The keys that are the user's, as the user knows them, by vault and name. */
  readonly #owned = new Map<string, SeenKey>();
  readonly #deletedAt = new Map<string, number>();
  #killsBeforeWriting: ResourceName | undefined;
  #ids = 0;

  private constructor(service: ModelService, mutation: Mutation) {
    service.sequences += 1;
    this.service = service;
    this.keyNames = [`orders-${service.sequences}`, `invoices-${service.sequences}`];
    const environment = (resource: ResourceName): Environment => {
      const usual: Environment = {
        now: service.clock.now,
        connect: service.connect,
        print: (line) => this.shown.push(line),
        newId: () => {
          this.#ids += 1;
          return `id-${this.#ids}`;
        },
      };
      return { ...usual, ...mutation.environment?.(usual, resource) };
    };
    const engine = <Plan extends AnyPlan>(
      resource: ResourceName,
      familyOf: (name: string, kind: ReturnType<ModelService["newKind"]>) => Family<Plan>,
    ) => {
      const kind = service.newKind((client, vaultUri) => ({
        ...client,
        ...mutation.client?.(client, resource, vaultUri),
      }));
      const usual = familyOf(classNames[resource], kind);
      const family = { ...usual, ...mutation.family?.(usual, resource) };
      return new MemoryEngine(() => {
        const provider = defineProvider(family, environment(resource));
        return this.#killable({ ...provider, ...mutation.provider?.(provider, resource) }, resource);
      });
    };
    this.engines = {
      backup: engine("backup", backupFamily),
      restore: engine("restore", restoreFamily),
      drill: engine("drill", drillFamily),
    };
    this.program = {
      backup: { vault: "source", name: this.keyNames[0], inputs: {} },
      restore: { vault: "target", isBare: false, inputs: {} },
      drill: { vault: "scratch", isMisnamed: false, inputs: {} },
    };
  }

  static async start(service: ModelService, mutation: Mutation = {}): Promise<World> {
    const world = new World(service, mutation);
    service.disconnect();
    world.setAllWell();
    service.clock.pass(86_400_000);
    for (const role of ["source", "otherSource"] as const) {
      for (const name of world.keyNames) {
        await service.vaults[role].keys.create(name, { tags: { team: "orders" } });
        world.userChanged(role, name);
      }
    }
    return world;
  }

  vault(role: VaultRole): LocalVault {
    return this.service.vaults[role];
  }

  /** Nothing is in the way of the provider. */
  setAllWell(): void {
    for (const role of vaultRoles) {
      const vault = this.vault(role);
      for (const permission of permissions) {
        vault.keys.permissions.add(permission);
      }
      vault.authorization = "rbac";
      vault.deletionMilliseconds = 0;
      vault.purgeMilliseconds = 0;
    }
    this.clearSurprises();
    this.service.unreachable.clear();
    this.service.clock.pass(60_000);
  }

  /** Forgets the faults and the user's actions that no request met. */
  clearSurprises(): void {
    for (const role of vaultRoles) {
      this.vault(role).clearFaults();
      this.vault(role).clearHandlers();
    }
  }

  /** Lets time pass. A vault with purge protection purges what it kept for long enough. */
  pass(milliseconds: number): void {
    this.service.clock.pass(milliseconds);
    const now = this.service.clock.now();
    const vault = this.vault("protectedScratch");
    for (const name of this.keyNames) {
      const deletedAt = vault.keys.isDeleted(name) ? (this.#deletedAt.get(name) ?? now) : undefined;
      if (deletedAt === undefined) {
        this.#deletedAt.delete(name);
      } else if (now - deletedAt > retentionDays * 86_400_000) {
        vault.keys.purge(name);
        this.userChanged("protectedScratch", name);
      } else {
        this.#deletedAt.set(name, deletedAt);
      }
    }
  }

  see(role: VaultRole, name: string): SeenKey {
    const vault = this.vault(role);
    const active = vault.keys.versions(name);
    const versions = active.length > 0 ? active : (vault.keys.deleted(name)?.versions ?? []);
    return {
      state: active.length > 0 ? "active" : versions.length > 0 ? "deleted" : "absent",
      versions: versions.map(({ version }) => version),
      details: JSON.stringify(versions.map(({ version, enabled, tags }) => [version, enabled, tags])),
    };
  }

  /** The key as the user left it; undefined if it is not the user's. */
  owned(role: VaultRole, name: string): SeenKey | undefined {
    return this.#owned.get(`${role}/${name}`);
  }

  /** Everything that the user has. */
  get ownedKeys(): { readonly role: VaultRole; readonly name: string; readonly seen: SeenKey }[] {
    return [...this.#owned].map(([place, seen]) => {
      const [role, name] = place.split("/") as [VaultRole, string];
      return { role, name, seen };
    });
  }

  /** The key is the user's from now on, as it is. */
  userChanged(role: VaultRole, name: string): void {
    const seen = this.see(role, name);
    if (seen.state === "absent") {
      this.#owned.delete(`${role}/${name}`);
    } else {
      this.#owned.set(`${role}/${name}`, seen);
    }
  }

  change<Name extends ResourceName>(resource: Name, change: Partial<NonNullable<Program[Name]>>): void {
    const declared = this.program[resource];
    if (declared !== undefined) {
      this.program = { ...this.program, [resource]: { ...declared, ...change } };
    }
  }

  declare(resource: ResourceName, inputs: Properties): void {
    const declared = this.program[resource];
    if (declared !== undefined) {
      const program = { ...declared, inputs: { ...declared.inputs, ...inputs } };
      this.program = { ...this.program, [resource]: program };
    }
  }

  /** The backup that the program hands over to the restore and to the drill. */
  get backupRef(): Properties | undefined {
    const outputs = this.program.backup && this.engines.backup.outputs;
    if (outputs !== undefined) {
      const { blob, blobSha256, keyName, keyUri, versions, thumbprints, backedUpAt } = outputs;
      this.#heldRef = { blob, blobSha256, keyName, keyUri, versions, thumbprints, backedUpAt };
    }
    return this.#heldRef;
  }

  /** What the program declares of the resource, as the engine hands it over. */
  declaration(resource: ResourceName): Properties | undefined {
    const { backup, restore, drill } = this.program;
    const ref = this.backupRef;
    if (resource === "backup") {
      if (backup === undefined) {
        return undefined;
      }
      const { vaultUri } = this.vault(backup.vault);
      const { name, version, inputs } = backup;
      return version === undefined
        ? { vaultUri, keyName: name, ...inputs }
        : { keyUri: `${vaultUri}keys/${name}/${version}`, ...inputs };
    }
    if (ref === undefined) {
      return undefined;
    }
    if (resource === "restore") {
      const handed = restore?.isBare === true ? { blob: ref.blob } : ref;
      return restore && { vaultUri: this.vault(restore.vault).vaultUri, backup: handed, ...restore.inputs };
    }
    const other = this.keyNames.find((name) => name !== ref.keyName);
    const handed = drill?.isMisnamed === true ? { ...ref, keyUri: undefined, keyName: other } : ref;
    const owner = `contoso/shop/dev/${this.keyNames[0]}`;
    return drill && { vaultUri: this.vault(drill.vault).vaultUri, backup: handed, owner, ...drill.inputs };
  }

  async up({ refresh = false, kill }: { refresh?: boolean; kill?: Kill | undefined } = {}): Promise<Outcome> {
    this.#begin(kill);
    if (refresh) {
      const refreshed = await this.#refreshAll();
      if (refreshed.failedAt !== undefined) {
        return refreshed;
      }
    }
    await this.#previewAll();
    for (const resource of resourceNames) {
      const declaration = this.declaration(resource);
      if (declaration !== undefined && !(await this.#run(resource, (engine) => engine.up(declaration)))) {
        return this.#outcome(resource);
      }
    }
    const undeclared = resourceNames.filter((resource) => this.declaration(resource) === undefined);
    return this.#deleteAll(undeclared);
  }

  refresh(): Promise<Outcome> {
    this.#begin(undefined);
    return this.#refreshAll();
  }

  destroy(): Promise<Outcome> {
    this.#begin(undefined);
    return this.#deleteAll(resourceNames);
  }

  #begin(kill: Kill | undefined): void {
    const requestsLeft = kill !== undefined && "afterRequests" in kill ? kill.afterRequests : Number.POSITIVE_INFINITY;
    this.service.process = { requestsLeft, isKilled: false, requests: 0 };
    this.service.clock.clearDeadlines();
    this.#killsBeforeWriting = kill !== undefined && "beforeWriting" in kill ? kill.beforeWriting : undefined;
  }

  async #refreshAll(): Promise<Outcome> {
    for (const resource of resourceNames) {
      if (!(await this.#run(resource, (engine) => engine.refresh()))) {
        return this.#outcome(resource);
      }
    }
    return this.#outcome(undefined);
  }

  /** In a preview, the outputs of a backup that is due are unknown. */
  async #previewAll(): Promise<void> {
    const { requests } = this.service.process;
    const backup = this.declaration("backup");
    const isDue = backup !== undefined && (await this.#previewed("backup", backup)) !== false;
    for (const resource of ["restore", "drill"] as const) {
      const declaration = this.declaration(resource);
      if (declaration !== undefined) {
        const unknown = Object.fromEntries(
          Object.keys(refOf(declaration)).map((name) => [name, pulumi.runtime.unknownValue]),
        );
        await this.#previewed(resource, isDue ? { ...declaration, backup: unknown } : declaration);
      }
    }
    assert.equal(this.service.process.requests, requests, "A preview makes a request.");
  }

  async #previewed(resource: ResourceName, declaration: Properties): Promise<boolean | undefined> {
    try {
      return await this.engines[resource].preview(declaration);
    } catch {
      // Inputs that are wrong are told by the update too.
      return undefined;
    }
  }

  async #deleteAll(resources: readonly ResourceName[]): Promise<Outcome> {
    for (const resource of resources.toReversed()) {
      if (!(await this.#run(resource, (engine) => engine.destroy()))) {
        return this.#outcome(resource);
      }
    }
    return this.#outcome(undefined);
  }

  async #run(resource: ResourceName, command: (engine: MemoryEngine) => Promise<boolean>): Promise<boolean> {
    const engine = this.engines[resource];
    const succeeded = await command(engine);
    if (!succeeded && !this.service.process.isKilled) {
      this.shown.push(engine.failureMessage);
    }
    return succeeded;
  }

  #outcome(failedAt: ResourceName | undefined): Outcome {
    const { isKilled } = this.service.process;
    if (isKilled) {
      this.service.disconnect();
    }
    return { failedAt, isKilled };
  }

  /** Of a killed process the engine hears nothing more. */
  #killable(provider: DynamicProvider, resource: ResourceName): DynamicProvider {
    const { process } = this.service;
    const alive = async <T>(call: () => Promise<T>, isWritten: boolean): Promise<T> => {
      let result: { readonly value: T } | { readonly error: unknown };
      try {
        result = { value: await call() };
      } catch (error) {
        result = { error };
      }
      process.isKilled ||= isWritten && "value" in result && this.#killsBeforeWriting === resource;
      if (process.isKilled) {
        throw new ProcessKilled();
      }
      if ("error" in result) {
        throw result.error;
      }
      return result.value;
    };
    return {
      check: (...args) => alive(() => provider.check(...args), false),
      diff: (...args) => alive(() => provider.diff(...args), false),
      create: (...args) => alive(() => provider.create(...args), true),
      read: (...args) => alive(() => provider.read(...args), false),
      update: (...args) => alive(() => provider.update(...args), true),
      delete: (...args) => alive(() => provider.delete(...args), true),
    };
  }
}

export const permissions = ["list", "get", "backup", "restore", "update", "delete", "purge", "sign"] as const;

function refOf({ backup }: Properties): Properties {
  return backup as Properties;
}
