import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";

// The first resource of a process loads TypeScript, to make the provider's text.
jest.setTimeout(30_000);

// A resource is registered after its constructor has returned: no test ends before.
afterEach(() => pulumi.runtime.disconnect());

const specialSigKey = pulumi.runtime.specialSigKey;

export interface MockedEngine {
  /** Outputs that the engine gives each resource, beside its inputs, by the resource's type. */
  readonly state?: Readonly<Record<string, object>>;
  readonly isPreview?: boolean;
}

/** What was registered, by the resource's name. */
export const registered = new Map<string, pulumi.runtime.MockResourceArgs>();

/** Lets this process's program run without an engine. */
export function mockEngine({ state = {}, isPreview = false }: MockedEngine = {}): Promise<void> {
  registered.clear();
  const mocks: pulumi.runtime.Mocks = {
    newResource: (args) => {
      registered.set(args.name, args);
      return { id: `id of ${args.name}`, state: { ...args.inputs, ...state[args.type.replace(/^.*:/, "")] } };
    },
    call: () => ({}),
  };
  return pulumi.runtime.setMocks(mocks, "shop", "dev", isPreview, "acme");
}

/** The value of an output. */
export function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** What the resource of that name was registered with, without the provider's text. */
export async function inputsOf(resource: pulumi.Resource, name: string): Promise<Record<string, unknown>> {
  await known(resource.urn);
  const { __provider, ...inputs } = registered.get(name)?.inputs ?? {};
  return inputs;
}

/** A secret as mocks see it, and also an object that has one. */
export function secret(value: unknown): Record<string, unknown> {
  return { [specialSigKey]: pulumi.runtime.specialSecretSig, value };
}

/** Names of the outputs that a resource's file documents, and the file of its base class. */
export function documentedOutputs(file: string): string[] {
  const text = readFileSync(path.resolve(__dirname, "../../../src/resources", file), "utf8");
  const own = [...text.matchAll(/^ {2}declare readonly (\w+): pulumi\.Output</gm)].map(([, name = ""]) => name);
  const base = /^export class \w+ extends Object(\w+)/m.exec(text)?.[1];
  return base === undefined ? own : [...documentedOutputs(`object${base}.ts`), ...own];
}
