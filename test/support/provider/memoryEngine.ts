import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { DynamicProvider } from "../../../src/provider/engine/dynamicProvider";

export type Properties = Readonly<Record<string, unknown>>;

export interface UpOptions {
  /** Whether the resource is refreshed first, as by `pulumi up --refresh`. */
  readonly refresh?: boolean;
  /** Whether the engine is killed after the provider's work and before it writes the state. */
  readonly isKilled?: boolean;
}

class Killed extends Error {}

/**
 * What Pulumi's engine does with one dynamic resource, in this process: a preview and an update, each with a provider of its
 * own; secrets sent back in clear; a state that changes only by what succeeded, or by a failure that carries a record.
 */
export class MemoryEngine {
  readonly #newProvider: () => DynamicProvider;
  #id = "";
  #inputs: Properties = {};
  #outputs: Properties | undefined;
  /** Whether the last create or update failed and left a record: then an update is due whatever the provider says. */
  #isInitialized = true;
  /** Why the last command failed. */
  failure: unknown;

  constructor(newProvider: () => DynamicProvider) {
    this.#newProvider = newProvider;
  }

  /** What the state records of the resource. */
  get outputs(): Properties | undefined {
    return this.#outputs;
  }

  get id(): string {
    return this.#id;
  }

  /** The message of the last failure; empty if the last command succeeded. */
  get failureMessage(): string {
    return this.failure instanceof Error ? this.failure.message : "";
  }

  /** Records something else, as an edited state does. */
  edit(outputs: Properties): void {
    this.#outputs = outputs;
  }

  /** Runs `pulumi up` on a program that declares the resource, or not. Says whether it succeeded. */
  up(declaration: Properties | undefined, { refresh = false, isKilled = false }: UpOptions = {}): Promise<boolean> {
    return this.#succeeds(async () => {
      if (refresh) await this.#refresh(this.#newProvider());
      if (declaration !== undefined) await this.preview(declaration);
      const provider = this.#newProvider();
      if (declaration === undefined) {
        await this.#delete(provider);
      } else {
        await this.#apply(provider, declaration, isKilled);
      }
    });
  }

  refresh(): Promise<boolean> {
    return this.#succeeds(() => this.#refresh(this.#newProvider()));
  }

  destroy(): Promise<boolean> {
    return this.#succeeds(() => this.#delete(this.#newProvider()));
  }

  /** Whether an update is due, as a preview shows it; undefined if the resource is not in the state. */
  async preview(declaration: Properties): Promise<boolean | undefined> {
    const provider = this.#newProvider();
    const inputs = await checked(provider, this.#inputs, declaration);
    return this.#outputs && (await provider.diff(this.#id, this.#outputs, inputs, undefined)).changes;
  }

  async #apply(provider: DynamicProvider, declaration: Properties, isKilled: boolean): Promise<void> {
    const inputs = await checked(provider, this.#inputs, declaration);
    const store = (outputs: Properties) => {
      const stored = sentBack(outputs);
      if (isKilled) throw new Killed();
      this.#outputs = stored;
      this.#inputs = inputs;
      this.#isInitialized = true;
    };
    const recorded = this.#outputs;
    if (recorded === undefined) {
      const created = await this.#keepingRecord(inputs, () => provider.create(inputs, undefined));
      store(created.outs);
      this.#id = created.id;
      return;
    }
    const { changes } = await provider.diff(this.#id, recorded, inputs, undefined);
    if (changes || !this.#isInitialized) {
      store((await this.#keepingRecord(inputs, () => provider.update(this.#id, recorded, inputs, undefined))).outs);
    } else {
      this.#inputs = inputs;
    }
  }

  /** An error with an id carries a record, which the engine stores as that of a resource that failed to initialize. */
  async #keepingRecord<T>(inputs: Properties, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const { id, properties } = error as { id?: string; properties?: Properties };
      if (id !== undefined && properties !== undefined) {
        const { __provider, ...outputs } = properties;
        // Of a failed update the engine keeps the earlier inputs.
        this.#inputs = this.#outputs === undefined ? inputs : this.#inputs;
        this.#outputs = sentBack(outputs);
        this.#id = id;
        this.#isInitialized = false;
      }
      throw error;
    }
  }

  async #refresh(provider: DynamicProvider): Promise<void> {
    if (this.#outputs === undefined) return;
    const { id, props } = await provider.read(this.#id, this.#outputs, undefined);
    // An engine takes a resource without an id for gone, and drops it.
    this.#outputs = id ? sentBack(props) : undefined;
    this.#isInitialized = true;
    if (this.#outputs) await provider.diff(this.#id, this.#outputs, this.#inputs, undefined);
  }

  async #delete(provider: DynamicProvider): Promise<void> {
    if (this.#outputs === undefined) return;
    await provider.delete(this.#id, this.#outputs, undefined);
    this.#outputs = undefined;
    this.#inputs = {};
    this.#isInitialized = true;
  }

  async #succeeds(command: () => Promise<void>): Promise<boolean> {
    this.failure = undefined;
    try {
      await command();
      return true;
    } catch (error) {
      this.failure = error;
      return false;
    }
  }
}

async function checked(provider: DynamicProvider, olds: Properties, news: Properties): Promise<Properties> {
  const { inputs, failures } = await provider.check(olds, news, undefined);
  if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join(" "));
  return inputs;
}

/** As the engine stores outputs and sends them back: JSON, secrets in clear. A blob that comes in clear is a defect. */
function sentBack(outputs: Properties): Properties {
  const text = JSON.stringify(outputs, (name, value) => {
    if (pulumi.runtime.isRpcSecret(value)) return pulumi.runtime.unwrapRpcSecret(value);
    if (name === "blob") throw new Error("The blob is not marked secret.");
    return value;
  });
  const stored = JSON.parse(text) as Properties;
  const isWhole = isDeepStrictEqual(Object.keys(stored).sort(), Object.keys(outputs).sort());
  if (!isWhole) throw new Error("The outputs have members that an engine does not take.");
  return stored;
}
