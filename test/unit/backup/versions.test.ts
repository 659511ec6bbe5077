import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isSameName, versionsNotIn, versionsText } from "../../../src/backup/versions";

const version = fc.stringMatching(/^[0-9a-fA-F]{1,2}$/);

describe("the versions that are missing from others", () => {
  it("are those that no other equals without regard to case, in their own order and spelling", () => {
    fc.assert(
      fc.property(fc.array(version), fc.array(version), (others, versions) => {
        const missing = versionsNotIn(others, versions);
        const names = others.map((other) => other.toLowerCase());
        expect(missing).toEqual(versions.filter((one) => !names.includes(one.toLowerCase())));
      }),
    );
  });
});

describe("two names", () => {
  it("are the same without regard to case", () => {
    expect(isSameName("Orders", "oRDERS")).toBe(true);
    expect(isSameName("orders", "order")).toBe(false);
    expect(isSameName("orders", undefined)).toBe(false);
    expect(isSameName(undefined, undefined)).toBe(true);
  });
});

describe("versions in a sentence", () => {
  it("are named up to the third, and counted from there", () => {
    expect(versionsText(["a"])).toBe("version a");
    expect(versionsText(["a", "b", "c"])).toBe("versions a, b, c");
    expect(versionsText(["a", "b", "c", "d"])).toBe("versions a, b, c and 1 more");
    expect(versionsText(["a", "b", "c", "d", "e"])).toBe("versions a, b, c and 2 more");
  });
});
