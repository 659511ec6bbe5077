import type { StackConfig } from "./configuration";
import type { Properties } from "./values";

/**
 * What the text in a state calls of each resource, with these arguments in this order: never changed. The engine's own types
 * of the results are in `pulumi.dynamic`.
 */
export interface DynamicProvider {
  check(olds: Properties, news: Properties, config: StackConfig | undefined): Promise<CheckResult>;
  diff(id: string, olds: Properties, news: Properties, config: StackConfig | undefined): Promise<DiffResult>;
  create(inputs: Properties, config: StackConfig | undefined): Promise<CreateResult>;
  read(id: string, props: Properties, config: StackConfig | undefined): Promise<ReadResult>;
  update(id: string, olds: Properties, news: Properties, config: StackConfig | undefined): Promise<UpdateResult>;
  delete(id: string, props: Properties, config: StackConfig | undefined): Promise<void>;
}

export interface CheckResult {
  inputs: Record<string, unknown>;
  failures: { property: string; reason: string }[];
}

export interface DiffResult {
  changes: boolean;
}

export interface CreateResult {
  id: string;
  outs: Record<string, unknown>;
}

export interface ReadResult {
  id: string;
  props: Record<string, unknown>;
}

export interface UpdateResult {
  outs: Record<string, unknown>;
}
