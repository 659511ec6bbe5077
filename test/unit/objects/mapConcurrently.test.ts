import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { mapConcurrently } from "../../../src/objects/objectKind";

describe("many requests about one object", () => {
  it("go out eight at a time at most, and their results keep the order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 40 }), async (delays) => {
        let running = 0;
        let most = 0;
        const results = await mapConcurrently(delays, async (delay) => {
          running += 1;
          most = Math.max(most, running);
          for (let turns = 0; turns <= delay; turns += 1) await Promise.resolve();
          running -= 1;
          return delay;
        });
        expect(results).toEqual(delays);
        expect(most).toBe(Math.min(delays.length, 8));
      }),
      { numRuns: 30 },
    );
  });

  it("fail together if one fails", async () => {
    await expect(mapConcurrently([1, 2], (item) => Promise.reject(new Error(`${item}`)))).rejects.toThrow("1");
  });
});
