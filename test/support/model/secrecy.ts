import { strict as assert } from "node:assert";
import type { Properties } from "../provider/memoryEngine";
import { resourceNames } from "./program";
import type { Snapshot } from "./snapshot";
import type { World } from "./world";

/**
 * Blobs and tokens are long; nothing else that is shown, or that is recorded beside a blob, has such a word. Nor is any value
 * of a secret told, which may be short.
 */
export function nothingSecretIsShown(world: World, before: Snapshot, after: Snapshot): void {
  const { backup, restore, drill } = after.outputs;
  const ids = resourceNames.map((resource) => world.engines[resource].id);
  const facts = JSON.stringify([withoutBlobs(backup), restore, drill]);
  const values = [...world.objects.values].flatMap(linesOf);
  for (const text of [...world.shown.slice(before.shown), ...ids, facts]) {
    assert.doesNotMatch(text, /[\w.+/=-]{300}|[\w-]{100}/, "A secret is shown.");
    assert.ok(!values.some((value) => text.includes(value)), "A secret is shown: a value.");
  }
}

/** No request reads a value but those of drills, and of restores that find the name taken. */
export function valuesAreReadForComparison({ kind, service }: World): void {
  const { sent } = service.process;
  const reads = sent.filter(
    ({ method, path, status }) =>
      method === "GET" && /^\/secrets\/[^/]+(\/(?!versions$)[^/]*)?$/.test(path) && status !== 401,
  );
  for (const { resource, phase } of reads) {
    const isDrill = resource === "drill";
    const isTaken =
      resource === "restore" && sent.some(({ path, status }) => path === "/secrets/restore" && status === 409);
    const isComparison = kind.noun === "secret" && phase === "update" && (isDrill || isTaken);
    assert.ok(isComparison, `A value is read: in the ${phase} of a ${resource} of a ${kind.noun}.`);
  }
}

/** The engine in memory checks that members of the name are marked secret. */
function withoutBlobs(backup: Properties | undefined): Properties | undefined {
  return (
    backup && (JSON.parse(JSON.stringify(backup, (name, value) => (name === "blob" ? undefined : value))) as Properties)
  );
}

/** A value may stand in JSON, which has no lines. */
function linesOf(value: string): string[] {
  return value.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
}
