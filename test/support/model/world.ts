import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import type { LocalVault } from "../../../localVault/localVault";
import { allPermissions } from "../../../localVault/permission";
import { objectUri } from "../../../src/keyVault/vaultUri";
import type { ObjectClient, ObjectKind } from "../../../src/objects/objectKind";
import type { SecretObjectClient } from "../../../src/objects/secretClient";
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
import { CopyPlaces } from "./copyPlaces";
import { type Collection, ModelObjects } from "./modelObjects";
import { type ModelService, newProcess, type Phase, ProcessKilled, type VaultRole, vaultRoles } from "./modelService";
import { classNames, type Program, type ResourceName, resourceNames } from "./program";

/** Every operation that a client may have. */
export type AnyClient = ObjectClient & Partial<Pick<SecretObjectClient, "getValue">>;

/** Operations that differ, or are absent. */
export type ChangedClient = { readonly [Name in keyof AnyClient]?: AnyClient[Name] | undefined };

/** A client to change, and whose it is. */
export interface UsedClient {
  readonly client: AnyClient;
  readonly resource: ResourceName;
  readonly kind: ObjectKind;
  readonly vaultUri: string;
}

/** A defect to put into the provider, by what it is made of. */
export interface Mutation {
  readonly client?: (used: UsedClient) => ChangedClient;
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

/** What a command came to. */
export interface Outcome {
  readonly failedAt: ResourceName | undefined;
  readonly isKilled: boolean;
}

/** One stack with a backup, a restore and a drill of objects of one kind, the vaults around it, and the user. */
export class World {
  readonly service: ModelService;
  readonly kind: ObjectKind;
  readonly names: readonly [string, string];
  readonly objects: ModelObjects;
  readonly places = new CopyPlaces();
  readonly engines: Readonly<Record<ResourceName, MemoryEngine>>;
  /** Everything that the user read: lines and error messages. */
  readonly shown: string[] = [];
  program: Program;
  /** Whether something may stand in the way of the provider. */
  isHindered = false;
  /** The backup that the program held last. */
  #heldRef: Properties | undefined;
  #killsBeforeWriting: ResourceName | undefined;
  #ids = 0;

  private constructor(service: ModelService, kind: ObjectKind, mutation: Mutation) {
    service.sequences += 1;
    this.service = service;
    this.kind = kind;
    this.names = [`orders-${service.sequences}`, `invoices-${service.sequences}`];
    this.objects = new ModelObjects(service, kind, this.names);
    const environment = (resource: ResourceName): Environment => {
      const usual: Environment = {
        now: service.clock.now,
        connect: service.connectAs(resource, (client, ofKind, vaultUri) => ({
          ...client,
          ...mutation.client?.({ client, resource, kind: ofKind, vaultUri }),
        })),
        reachCopies: () => service.copiesAs(resource),
        print: (line) => this.shown.push(line),
        newId: () => {
          this.#ids += 1;
          return `id-${this.#ids}`;
        },
      };
      return { ...usual, ...mutation.environment?.(usual, resource) };
    };
    const engine = <Plan extends AnyPlan>(resource: ResourceName, usual: Family<Plan>) => {
      const family = { ...usual, ...mutation.family?.(usual, resource) };
      const ownEnvironment = environment(resource);
      return new MemoryEngine(() => {
        const provider = defineProvider(family, ownEnvironment);
        return this.#killable({ ...provider, ...mutation.provider?.(provider, resource) }, resource);
      });
    };
    const classes = classNames(kind);
    this.engines = {
      backup: engine("backup", backupFamily(classes.backup, kind)),
      restore: engine("restore", restoreFamily(classes.restore, kind)),
      drill: engine("drill", drillFamily(classes.drill)),
    };
    this.program = {
      backup: { vault: "source", name: this.names[0], inputs: {} },
      restore: { vault: "target", isBare: false, inputs: {} },
      drill: { vault: "scratch", isMisnamed: false, inputs: {} },
    };
  }

  static async start(service: ModelService, kind: ObjectKind, mutation: Mutation = {}): Promise<World> {
    const world = new World(service, kind, mutation);
    service.disconnect();
    world.setAllWell();
    service.clock.pass(86_400_000);
    for (const role of ["source", "otherSource"] as const) {
      for (const name of world.names) {
        await world.objects.in(role).create(name, { tags: { team: "orders" } });
        world.objects.userChanged(role, name);
      }
    }
    return world;
  }

  /** Removes everything, so that vaults and lists stay small. */
  end(): void {
    this.objects.removeAll();
    this.places.end();
    this.service.endSequence();
  }

  vault(role: VaultRole): LocalVault {
    return this.service.vaults[role];
  }

  /** Nothing is in the way of the provider. */
  setAllWell(): void {
    this.grantAll();
    for (const role of vaultRoles) {
      const vault = this.vault(role);
      vault.authorization = "rbac";
      vault.deletionMilliseconds = 0;
      vault.purgeMilliseconds = 0;
    }
    this.clearSurprises();
    this.reachAll();
    this.service.clock.pass(60_000);
    this.isHindered = false;
  }

  reachAll(): void {
    this.service.unreachable.clear();
    this.places.setReachable(0, true);
    this.places.setReachable(1, true);
  }

  grantAll(): void {
    for (const role of vaultRoles) {
      for (const [collection, permissions] of Object.entries(allPermissions)) {
        for (const permission of permissions) {
          this.vault(role)
            .collection(collection as Collection)
            .permissions.add(permission);
        }
      }
    }
  }

  /** Forgets the faults and the user's actions that no request met. */
  clearSurprises(): void {
    for (const role of vaultRoles) {
      this.vault(role).clearFaults();
      this.vault(role).clearHandlers();
    }
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    this.service.clock.pass(milliseconds);
    this.objects.purgeExpired();
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
      const { name, uri } = this.kind.properties;
      const members = ["blob", "blobUri", "blobSha256", name, uri, "versions", "thumbprints", "backedUpAt"];
      this.#heldRef = Object.fromEntries(members.map((member) => [member, outputs[member]]));
    }
    return this.#heldRef;
  }

  /** What the program declares of the resource, as the engine hands it over. */
  declaration(resource: ResourceName): Properties | undefined {
    const { backup, restore, drill } = this.program;
    const { properties } = this.kind;
    const ref = this.backupRef;
    if (resource === "backup") {
      if (backup === undefined) {
        return undefined;
      }
      const { vaultUri } = this.vault(backup.vault);
      const { name, version, inputs } = backup;
      return version === undefined
        ? { vaultUri, [properties.name]: name, ...inputs }
        : { [properties.uri]: `${objectUri(this.kind, vaultUri, name)}/${version}`, ...inputs };
    }
    if (ref === undefined) {
      return undefined;
    }
    if (resource === "restore") {
      const handed = restore?.isBare === true && ref.blob !== undefined ? { blob: ref.blob } : ref;
      return restore && { vaultUri: this.vault(restore.vault).vaultUri, backup: handed, ...restore.inputs };
    }
    const other = this.names.find((name) => name !== ref[properties.name]);
    const misnamed = { ...ref, [properties.uri]: undefined, [properties.name]: other };
    const handed = drill?.isMisnamed === true ? misnamed : ref;
    const owner = `contoso/shop/dev/${this.names[0]}`;
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
      if (declaration !== undefined && !(await this.#run(resource, "update", (engine) => engine.up(declaration)))) {
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
    this.service.process = newProcess(requestsLeft);
    this.service.clock.clearDeadlines();
    this.#killsBeforeWriting = kill !== undefined && "beforeWriting" in kill ? kill.beforeWriting : undefined;
  }

  async #refreshAll(): Promise<Outcome> {
    for (const resource of resourceNames) {
      if (!(await this.#run(resource, "refresh", (engine) => engine.refresh()))) {
        return this.#outcome(resource);
      }
    }
    return this.#outcome(undefined);
  }

  /** In a preview, the outputs of a backup that is due are unknown. */
  async #previewAll(): Promise<void> {
    const { process } = this.service;
    process.phase = "preview";
    const before = [...process.sent];
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
    assert.deepEqual(process.sent, before, "A preview makes a request.");
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
      if (!(await this.#run(resource, "delete", (engine) => engine.destroy()))) {
        return this.#outcome(resource);
      }
    }
    return this.#outcome(undefined);
  }

  async #run(
    resource: ResourceName,
    phase: Phase,
    command: (engine: MemoryEngine) => Promise<boolean>,
  ): Promise<boolean> {
    const engine = this.engines[resource];
    this.service.process.phase = phase;
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

function refOf({ backup }: Properties): Properties {
  return backup as Properties;
}
