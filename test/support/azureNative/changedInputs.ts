import { isDeepStrictEqual } from "node:util";
import type { Properties } from "./resourceType";

function at(properties: Properties, path: string): unknown {
  return path.split(".").reduce<unknown>((value, member) => (value as Properties | undefined)?.[member], properties);
}

/** Which of the paths hold another value than before. */
export function changedAt(paths: readonly string[], olds: Properties, news: Properties): string[] {
  return paths.filter((path) => !isDeepStrictEqual(at(olds, path), at(news, path)));
}

/** Which top-level inputs hold another value than before. */
export function changedInputs(olds: Properties, news: Properties): string[] {
  return changedAt([...new Set([...Object.keys(olds), ...Object.keys(news)])], olds, news);
}
