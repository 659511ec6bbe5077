import { randomBytes } from "node:crypto";
import type { Properties } from "./resourceType";

const SUFFIX_BYTES = 4;

/** The name given, else the one that the resource already has, else a new one, as azure-native makes it. */
export function autoName(
  property: string,
  inputs: Properties,
  previous: Properties,
  logicalName: string,
  maximumLength: number,
): unknown {
  const stem = logicalName.slice(0, maximumLength - 2 * SUFFIX_BYTES);
  return inputs[property] ?? previous[property] ?? stem + randomBytes(SUFFIX_BYTES).toString("hex");
}
