import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isOlderThan } from "../../../src/backup/age";

const day = 86_400_000;
const time = "2026-03-01T00:00:00.000Z";
const at = Date.parse(time);

describe("what was made at a time is", () => {
  it("older than an age in days from the first millisecond after it, and not before", () => {
    expect(isOlderThan(time, 30, at + 30 * day)).toBe(false);
    expect(isOlderThan(time, 30, at + 30 * day + 1)).toBe(true);
  });

  it("older than a fraction of a day", () => {
    expect(isOlderThan(time, 0.5, at + day / 2)).toBe(false);
    expect(isOlderThan(time, 0.5, at + day / 2 + 1)).toBe(true);
  });

  it("no older than any age where it lies in the future, as with a clock that was set back", () => {
    expect(isOlderThan(time, 0.001, at - 7 * day)).toBe(false);
  });

  it("as old in another time zone", () => {
    expect(isOlderThan("2026-03-01T01:00:00+01:00", 1, at + day)).toBe(false);
    expect(isOlderThan("2026-03-01T01:00:00+01:00", 1, at + day + 1)).toBe(true);
  });

  it.each([undefined, "", "yesterday", "2026-13-01T00:00:00Z"])(
    "neither older nor younger where the time is %j",
    (it) => {
      expect(isOlderThan(it, 1, at)).toBeUndefined();
    },
  );

  it("older exactly where more milliseconds have passed than the days have", () => {
    const times = fc.date({ min: new Date(0), max: new Date("2100-01-01T00:00:00Z"), noInvalidDate: true });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 1_000 }), fc.maxSafeInteger(), (made, days, passed) => {
        const isOlder = isOlderThan(made.toISOString(), days, made.getTime() + passed);
        expect(isOlder).toBe(made.getTime() + passed - made.getTime() > days * day);
      }),
    );
  });
});
