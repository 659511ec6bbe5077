import type * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./configuration";
import type { Properties } from "./shapes";

/** What the text in a state calls of each resource, with these arguments in this order: never changed. */
export interface DynamicProvider {
  check(olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.CheckResult>;
  diff(id: string, olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.DiffResult>;
  create(inputs: Properties, config: StackConfig): Promise<pulumi.dynamic.CreateResult>;
  read(id: string, props: Properties, config: StackConfig): Promise<pulumi.dynamic.ReadResult>;
  update(id: string, olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.UpdateResult>;
  delete(id: string, props: Properties, config: StackConfig): Promise<void>;
}
