import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { DynamicProvider } from "../../../src/provider/dynamicProvider";
import { type Declaration, type HeldRecord, heldRecord, type StackEngine, type UpOptions } from "./stackEngine";

type Properties = Readonly<Record<string, unknown>>;

class Killed extends Error {}

/**
 * What Pulumi's engine does with one dynamic resource, in this process: a preview and an update by a provider of its own
 * each, secrets sent back in clear, a state that changes only by what succeeded, and a replaced resource that is deleted
 * last and stays to be deleted where that fails.
 */
export class MemoryEngine implements StackEngine {
  readonly #newProvider: () => DynamicProvider;
  #inputs: Properties = {};
  #outputs: Properties | undefined;
  #pendingDeletes: Properties[] = [];
  /** Whether the last create or update failed and left a record, so that an update is due whatever the provider says. */
  #isInitialized = true;
  /** Why the last command failed. */
  failure: unknown;

  constructor(newProvider: () => DynamicProvider) {
    this.#newProvider = newProvider;
  }

  /** What is recorded of the resource that the program declares. */
  get outputs(): Properties | undefined {
    return this.#outputs;
  }

  /** Records something else, as an edited state would. */
  edit(outputs: Properties): void {
    this.#outputs = outputs;
  }

  up(declaration: Declaration, { refresh = false, isKilled = false }: UpOptions = {}): Promise<boolean> {
    return this.#succeeds(async () => {
      const provider = this.#newProvider();
      if (refresh) await this.#refresh(provider);
      if (declaration === undefined) {
        await this.#deleteCurrent(provider);
      } else {
        await this.preview(declaration);
        await this.#apply(provider, declaration, isKilled);
      }
      await this.#deletePending(provider);
    });
  }

  refresh(): Promise<boolean> {
    return this.#succeeds(() => this.#refresh(this.#newProvider()));
  }

  destroy(): Promise<boolean> {
    return this.#succeeds(async () => {
      const provider = this.#newProvider();
      await this.#deleteCurrent(provider);
      await this.#deletePending(provider);
    });
  }

  async preview(declaration: Properties): Promise<pulumi.dynamic.DiffResult | undefined> {
    const provider = this.#newProvider();
    const inputs = await checked(provider, this.#inputs, declaration);
    return this.#outputs && provider.diff("id", this.#outputs, inputs, undefined);
  }

  async records(): Promise<HeldRecord[]> {
    const records = this.#pendingDeletes.map((outputs) => heldRecord(outputs, true));
    return this.#outputs ? [heldRecord(this.#outputs, false), ...records] : records;
  }

  async #apply(provider: DynamicProvider, declaration: Properties, isKilled: boolean): Promise<void> {
    const store = (outputs: Properties, inputs: Properties) => {
      const stored = sentBack(outputs);
      if (isKilled) throw new Killed();
      this.#outputs = stored;
      this.#inputs = inputs;
    };
    const replaced = this.#outputs;
    const inputs = await checked(provider, this.#inputs, declaration);
    if (replaced === undefined) {
      return store((await this.#keepingRecord(inputs, () => provider.create(inputs, undefined))).outs, inputs);
    }
    const { changes = false, replaces = [] } = await provider.diff("id", replaced, inputs, undefined);
    if (replaces.length > 0) {
      const anew = await checked(provider, {}, declaration);
      store((await provider.create(anew, undefined)).outs, anew);
      this.#pendingDeletes.push(replaced);
    } else if (changes || !this.#isInitialized) {
      store((await this.#keepingRecord(inputs, () => provider.update("id", replaced, inputs, undefined))).outs, inputs);
    } else {
      this.#inputs = inputs;
    }
  }

  /** An error with an id carries a record, which the engine stores as that of a resource that failed to initialize. */
  async #keepingRecord<T>(inputs: Properties, act: () => Promise<T>): Promise<T> {
    try {
      const done = await act();
      this.#isInitialized = true;
      return done;
    } catch (error) {
      const { id, properties } = error as { id?: string; properties?: Properties };
      if (id !== undefined && properties !== undefined) {
        const { __provider, ...outputs } = properties;
        this.#outputs = sentBack(outputs);
        this.#inputs = inputs;
        this.#isInitialized = false;
      }
      throw error;
    }
  }

  async #refresh(provider: DynamicProvider): Promise<void> {
    if (this.#outputs === undefined) return;
    const { id, props } = await provider.read("id", this.#outputs, undefined);
    // An engine takes a resource without an id for gone, and drops it.
    this.#outputs = id ? sentBack(props ?? {}) : undefined;
    if (this.#outputs) await provider.diff("id", this.#outputs, this.#inputs, undefined);
  }

  async #deleteCurrent(provider: DynamicProvider): Promise<void> {
    if (this.#outputs === undefined) return;
    await provider.delete("id", this.#outputs, undefined);
    this.#outputs = undefined;
    this.#inputs = {};
  }

  async #deletePending(provider: DynamicProvider): Promise<void> {
    for (const outputs of [...this.#pendingDeletes]) {
      await provider.delete("id", outputs, undefined);
      this.#pendingDeletes = this.#pendingDeletes.filter((it) => it !== outputs);
    }
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
  const { inputs, failures = [] } = await provider.check(olds, news, undefined);
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
