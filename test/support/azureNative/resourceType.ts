import { runtime } from "@pulumi/pulumi";

export type Properties = Readonly<Record<string, unknown>>;

/** What a property is at preview when only Azure can tell it. */
export const UNKNOWN = runtime.unknownValue;

/** What the stand-in does for one type of resource, in the place of Azure. */
export interface ResourceType {
  /** Inputs whose change makes another resource, as `vaultName` or `properties.kty`. */
  readonly replaceOn: readonly string[];
  /** Inputs with the defaults filled in; `previous` are those of the resource when it exists. */
  check(inputs: Properties, previous: Properties, logicalName: string): Properties;
  /** Outputs while nothing is done. */
  preview(inputs: Properties): Properties;
  create(inputs: Properties): Promise<{ readonly id: string; readonly outputs: Properties }>;
  /** Undefined when the resource is gone. */
  read(id: string, outputs: Properties): Promise<Properties | undefined>;
  update(id: string, inputs: Properties, outputs: Properties): Promise<Properties>;
  delete(id: string): Promise<void>;
}
