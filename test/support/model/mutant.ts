import type { ObjectKind } from "../../../src/objects/objectKind";
import type { ResourceName } from "./program";
import type { Step } from "./steps";
import type { AnyClient, ChangedClient, Mutation } from "./world";

/** A defect, what catches it, and steps in which it shows. */
export interface Mutant {
  /** Completes "a provider that …". */
  readonly title: string;
  /** The kinds of objects with which it shows. @default all */
  readonly nouns?: readonly ObjectKind["noun"][];
  /** Whether thousands of sequences may miss it. @default false */
  readonly isRare?: boolean;
  readonly caught: RegExp;
  readonly mutation: Mutation;
  readonly steps: readonly Step[];
}

type Outputs = Record<string, unknown>;

/** Changes what an operation that the engine records returns. */
export function recording(
  resource: ResourceName,
  change: (outs: Outputs, olds: Outputs, news: Outputs) => Outputs,
): Mutation {
  return {
    provider: ({ create, update }, name) =>
      name !== resource
        ? {}
        : {
            create: async (inputs, config) => {
              const { id, outs } = await create(inputs, config);
              return { id, outs: change(outs, {}, { ...inputs }) };
            },
            update: async (id, olds, news, config) => {
              const { outs } = await update(id, olds, news, config);
              return { outs: change(outs, { ...olds }, { ...news }) };
            },
          },
  };
}

/** Changes the clients of a resource. */
export function client(
  resource: ResourceName,
  change: (client: AnyClient, vaultUri: string) => ChangedClient,
): Mutation {
  return { client: (used) => (used.resource === resource ? change(used.client, used.vaultUri) : {}) };
}
