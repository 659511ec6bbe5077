import { describe, expect, it } from "@jest/globals";
import { freshnessOf, type LookedUpSource, type RecordedKey } from "../../../src/backup/freshness";

const [v1, v2, v3] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
const time = (text: string) => Date.parse(text);
const recorded: RecordedKey = {
  keyVersions: [v2, v1],
  keyUpdatedAt: "2026-03-01T12:00:00.000Z",
  keyTags: { team: "orders" },
  backedUpAt: "2026-03-01T12:00:05.000Z",
};
const second = {
  version: v2,
  createdAt: time("2026-03-01T12:00:00Z"),
  updatedAt: time("2026-03-01T12:00:00Z"),
  tags: { team: "orders" },
};
const first = {
  version: v1,
  createdAt: time("2026-01-01T00:00:00Z"),
  updatedAt: time("2026-01-01T00:00:00Z"),
  tags: {},
};
const found = (...versions: (typeof second | typeof first)[]): LookedUpSource => ({
  kind: "found",
  versions,
  isComplete: true,
});
const changed = (sourceStatusReason: string) => ({ sourceStatus: "changed", sourceStatusReason });

describe("a key is", () => {
  it("current where it has the versions, times and tags that were recorded, whatever the case of their spelling", () => {
    expect(freshnessOf(recorded, found(second, first))).toEqual({ sourceStatus: "current" });
    const shouted = { ...recorded, keyVersions: [v2.toUpperCase(), v1.toUpperCase()] };
    expect(freshnessOf(shouted, found(second, first))).toEqual({ sourceStatus: "current" });
  });

  it("changed by a newer version, which the reason names", () => {
    const third = { ...second, version: v3, createdAt: time("2026-04-01T00:00:00Z") };
    expect(freshnessOf(recorded, found(third, second, first))).toEqual(changed(`the key has newer version ${v3}`));
  });

  it.each([
    ["the newest version", [{ ...second, updatedAt: time("2026-04-01T00:00:00Z") }, first]],
    ["an older version", [second, { ...first, updatedAt: time("2026-04-01T00:00:00Z") }]],
  ])("changed by an attribute or a tag of %s", (_, versions) => {
    expect(freshnessOf(recorded, found(...versions))).toEqual(
      changed("attributes or tags of the key changed at 2026-04-01T00:00:00.000Z"),
    );
  });

  it("changed by other tags within the same second", () => {
    expect(freshnessOf(recorded, found({ ...second, tags: { team: "sales" } }, first))).toEqual(
      changed("tags of the key changed"),
    );
  });

  it("changed where it lacks a recorded version, as it was created anew", () => {
    const anew = { ...first, version: v3 };
    expect(freshnessOf(recorded, found(anew))).toEqual(
      changed(`the key was created anew or restored: it lacks versions ${v2}, ${v1} of the backup`),
    );
  });

  it("changed by no older version that may not be listed", () => {
    const partly: LookedUpSource = { kind: "found", versions: [second], isComplete: false };
    expect(freshnessOf(recorded, partly)).toEqual({ sourceStatus: "current" });
    expect(freshnessOf(recorded, { ...partly, versions: [first] })).toEqual(
      changed(`the key was created anew or restored: it lacks version ${v2} of the backup`),
    );
  });

  it("changed where the record knows no versions, by what is younger than the backup", () => {
    const blind: RecordedKey = { keyVersions: [], backedUpAt: "2026-02-01T00:00:00Z" };
    expect(freshnessOf(blind, found(first))).toEqual({ sourceStatus: "current" });
    expect(freshnessOf(blind, found(second, first))).toEqual(changed(`the key has newer version ${v2}`));
    const touched = { ...first, updatedAt: time("2026-02-02T00:00:00Z") };
    expect(freshnessOf(blind, found(touched)).sourceStatus).toBe("changed");
  });

  it("changed by no older version that the record could not list", () => {
    expect(freshnessOf({ ...recorded, keyVersions: [v2] }, found(second, first))).toEqual({ sourceStatus: "current" });
  });

  it("still changed while a change that was seen cannot be looked at again", () => {
    const seen = { ...recorded, ...changed("it did") } as RecordedKey;
    expect(freshnessOf(seen, { kind: "unreachable", because: "no answer" })).toEqual(changed("it did"));
    expect(freshnessOf(seen, { kind: "missing", because: "gone" }).sourceStatus).toBe("missing");
    expect(freshnessOf(seen, found(second, first)).sourceStatus).toBe("current");
  });

  it.each(["missing", "unreachable"] as const)("%s for the reason that the look-up gave", (kind) => {
    expect(freshnessOf(recorded, { kind, because: "it is so." })).toEqual({
      sourceStatus: kind,
      sourceStatusReason: "it is so.",
    });
  });
});

it("a reason names the first of many versions, and counts the others", () => {
  const keyVersions = Array.from({ length: 400 }, (_, index) => `v${index}`);
  const { sourceStatusReason } = freshnessOf({ ...recorded, keyVersions }, found(first));
  expect(sourceStatusReason).toContain("it lacks versions v0, v1, v2, v3, v4 and 395 more of the backup");
});
