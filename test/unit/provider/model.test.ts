import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ObjectKind } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";
import { secret } from "../../../src/objects/secret";
import { ModelService } from "../../support/model/modelService";
import { mutants } from "../../support/model/mutants";
import { theStateRestores } from "../../support/model/restoredObjects";
import { onceFailed, type Step, sequences, take } from "../../support/model/steps";
import { type Mutation, World } from "../../support/model/world";

let service: ModelService;

beforeAll(async () => {
  service = await ModelService.start();
});
afterAll(() => service.stop());

const isLong = process.env.LONG !== undefined;
const seed = Number(process.env.MODEL_SEED ?? (isLong ? Date.now() % 2 ** 31 : 2026));
const numRuns = Number(process.env.MODEL_RUNS ?? (isLong ? 3_000 : 1_000));
const hours = 3 * 3_600_000;
// A slow machine makes fewer runs.
const interruptAfterTimeLimit = isLong ? hours : 8_000;

async function run(kind: ObjectKind, steps: readonly Step[], mutation?: Mutation): Promise<void> {
  const world = await World.start(service, kind, mutation);
  try {
    for (const step of steps) {
      await take(world, step);
    }
    await theStateRestores(world);
  } finally {
    world.end();
  }
}

/** A secret of the user's takes the place of a replica, and nobody can read which version it has. */
const unreadable: Record<string, readonly Step[]> = {
  "is disabled": [
    ["onNewVersions changes", 1],
    ["pulumi up", 1],
    ["the object is rotated", 1],
    ["the user replaces the object that is deleted to be recreated, and disables the new one", 0],
    ["pulumi up, with all asked for anew", 1],
  ],
  "may not be read": [
    ["onNewVersions changes", 1],
    ["pulumi up", 1],
    ["the object is rotated", 1],
    ["a permission is lost", 6],
    ["the user replaces the object that is deleted to be recreated", 0],
    ["pulumi up, with all asked for anew", 1],
  ],
};

it.each(Object.entries(unreadable))(
  "a recreation does not purge a secret that the user deleted meanwhile and that %s",
  (_because, steps) => run(secret, steps),
);

describe.each(objectKinds)("for a $noun", (kind) => {
  it(
    "no sequence of programs, failures and kills loses a version, touches an object of the user's or hides a copy",
    async () => {
      if (isLong) {
        process.stderr.write(`The seed of the model is ${seed}: MODEL_SEED=${seed} repeats its sequences.\n`);
      }
      const known = service.contents.count;
      let last: Promise<void> | undefined;
      const property = fc.asyncProperty(sequences, (steps) => {
        last = run(kind, steps);
        return last;
      });
      const examples = onceFailed.map((steps): [Step[]] => [steps]);
      await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit, examples });
      // The time limit leaves a run in its middle, which would go on beside the next test.
      await last;
      expect(service.contents.count).toBeGreaterThan(known);
    },
    hours,
  );

  const ofKind = mutants.filter(({ nouns }) => nouns?.includes(kind.noun) ?? true);
  describe.each(ofKind)("a provider that $title", ({ caught, mutation, steps, isRare = false }) => {
    it("is caught by steps that the provider itself passes", async () => {
      await run(kind, steps);
      await expect(run(kind, steps, mutation)).rejects.toThrow(caught);
    }, 60_000);

    if (isLong && !isRare) {
      it(
        "is caught by chance",
        async () => {
          const property = fc.asyncProperty(sequences, (random) => run(kind, random, mutation));
          const { failed } = await fc.check(property, { numRuns: 5_000, seed, endOnFailure: true });
          expect(failed).toBe(true);
        },
        hours,
      );
    }
  });
});
