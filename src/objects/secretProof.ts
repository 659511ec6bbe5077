import { timingSafeEqual } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { CheckResult } from "../backup/drillEvidence";
import { type Evidence, mapConcurrently, type ObjectKind, type ObjectVersion, type ProofTools } from "./objectKind";
import type { SecretObjectClient } from "./secretClient";

/** Compares the attributes, the tags and the value of each version with the source's. No value leaves this function. */
export async function compareSecret(kind: ObjectKind<SecretObjectClient>, tools: ProofTools): Promise<Evidence> {
  const { name, versions, copy, source } = tools;
  const listed = await source?.(kind, "list", (client, signal) => client.listVersions(name, signal));
  const results = await mapConcurrently(versions, async (restored) => {
    const { version } = restored;
    const getValue = (client: SecretObjectClient, signal: AbortSignal) => client.getValue(name, version, signal);
    const value = await copy(kind, "get", getValue);
    // Without a value to compare it with, the source's is not read.
    const original = "value" in value ? await source?.(kind, "get", getValue) : undefined;
    const attributes = compareAttributes(restored, listed);
    return [version, { attributes, ...compareValues(value, original) }] as const;
  });
  return new Map(results);
}

type Outcome<T> = { readonly value: T } | { readonly because: string };

function compareAttributes(restored: ObjectVersion, listed: Outcome<ObjectVersion[]> | undefined): CheckResult {
  if (listed === undefined) {
    return "not run: the source is unknown";
  }
  if ("because" in listed) {
    return `not run: the source cannot be listed: ${listed.because}`;
  }
  const original = listed.value.find(({ version }) => version === restored.version);
  if (original === undefined) {
    return "not run: the source does not have the version";
  }
  if (original.createdAt !== restored.createdAt) {
    return "failed: the version was created at another time than the source's";
  }
  if (original.updatedAt !== restored.updatedAt) {
    return "not run: attributes or tags changed after the backup";
  }
  const names = Object.keys(original.attributes).filter(
    (name) => original.attributes[name] !== restored.attributes[name],
  );
  const differing = [...names, ...(isDeepStrictEqual(original.tags, restored.tags) ? [] : ["tags"])];
  return differing.length === 0 ? "passed" : `failed: different from the source's: ${differing.join(", ")}`;
}

/** A value that can be read is proved as far as the source does not contradict it. `valueCompared` tells how far that is. */
function compareValues(
  copy: Outcome<string | undefined>,
  original: Outcome<string | undefined> | undefined,
): { readonly value: CheckResult; readonly valueCompared: string } {
  if ("because" in copy) {
    return { value: `not run: ${copy.because}`, valueCompared: "no: the value was not read" };
  }
  if (copy.value === undefined) {
    return { value: "failed: it has no value", valueCompared: "no: there is no value" };
  }
  if (original === undefined) {
    return { value: "passed", valueCompared: "no: the source is unknown" };
  }
  if ("because" in original) {
    return { value: "passed", valueCompared: `no: the source cannot be read: ${original.because}` };
  }
  const isSame = isEqual(copy.value, original.value ?? "");
  return { value: isSame ? "passed" : "failed: it differs from the source's", valueCompared: "yes" };
}

// In a time that depends on nothing but the lengths.
function isEqual(one: string, other: string): boolean {
  const [bytes, others] = [Buffer.from(one), Buffer.from(other)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}
