import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { whyTooOld } from "../../../src/backup/age";

const millisecondsPerDay = 24 * 60 * 60 * 1000;
const now = Date.parse("2026-03-08T12:00:00Z");

describe("an age limit in days", () => {
  it("is exceeded from the first millisecond after it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_650 }),
        fc.integer({ min: -3, max: 3 }),
        fc.date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true }),
        (days, extra, made) => {
          const after = made.getTime() + days * millisecondsPerDay + extra;
          const because = whyTooOld("the backup", made.toISOString(), days, after);
          expect(because !== undefined).toBe(extra > 0);
        },
      ),
    );
  });

  it("may be a fraction of a day", () => {
    expect(whyTooOld("the backup", "2026-03-08T05:59:59Z", 0.25, now)).toBeDefined();
    expect(whyTooOld("the backup", "2026-03-08T06:00:00Z", 0.25, now)).toBeUndefined();
  });

  it("is told with what is too old, when it was made, and the limit", () => {
    const because = whyTooOld("the last drill", "2026-02-01T00:00:00Z", 7, now);
    expect(because).toMatch(/^the last drill of 2026-02-01T00:00:00Z is older than .*7/);
  });

  it("is exceeded by something without a readable date", () => {
    for (const time of [undefined, "", "yesterday"]) {
      expect(whyTooOld("the backup", time, 7, now)).toContain("the date of the backup is not recorded");
    }
  });

  it("does not exist unless the program sets it", () => {
    expect(whyTooOld("the backup", "1990-01-01T00:00:00Z", undefined, now)).toBeUndefined();
    expect(whyTooOld("the backup", undefined, undefined, now)).toBeUndefined();
  });

  it("is not exceeded by a date in the future, as of a machine whose clock is wrong", () => {
    expect(whyTooOld("the backup", "2030-01-01T00:00:00Z", 1, now)).toBeUndefined();
  });
});
