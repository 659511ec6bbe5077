import * as pulumi from "@pulumi/pulumi";

/** Whether the value, or a part of it, will be known only during the update. */
export function isUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(isUnknown);
  }
  return value === pulumi.runtime.unknownValue;
}
