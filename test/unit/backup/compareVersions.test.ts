import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compareVersions } from "../../../src/backup/compareVersions";
import { version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];

describe("an object in a vault, compared with a backup,", () => {
  it.each<[string, held: string[], present: string[]]>([
    ["if it has all versions of the backup", [b, a], [b, a]],
    ["if it has newer versions besides", [a], [b, a]],
    ["if the versions are in another order", [b, a], [a, b]],
    ["if the versions are spelled in another case", [a], [a.toUpperCase()]],
  ])("is the same %s", (_, held, present) => {
    expect(compareVersions(held, present)).toEqual({ kind: "same" });
  });

  it("is an older copy if it lacks versions, and what only it has is told", () => {
    expect(compareVersions([b, a], [c, a.toUpperCase()])).toEqual({
      kind: "olderCopy",
      missing: [b],
      additional: [c],
    });
  });

  it("is another object if it has none of the versions", () => {
    const different = { kind: "different", because: "it has none of the backup's versions" };
    expect(compareVersions([b, a], [c])).toEqual(different);
    expect(compareVersions([b, a], [])).toEqual(different);
  });

  it("cannot be compared if the versions of the backup are unknown", () => {
    expect(compareVersions([], [a])).toEqual({ kind: "unknown" });
    expect(compareVersions([], [])).toEqual({ kind: "unknown" });
  });

  it("loses nothing by a restore if it is the same or has no additional version", () => {
    const versions = fc.subarray([a, b, c, version("d")]);
    fc.assert(
      fc.property(versions, versions, (held, present) => {
        const match = compareVersions(held, present);
        const common = present.filter((one) => held.includes(one));
        switch (match.kind) {
          case "same":
            expect(common).toHaveLength(held.length);
            return;
          case "olderCopy":
            expect([...match.missing, ...common].sort()).toEqual([...held].sort());
            expect([...match.additional, ...common].sort()).toEqual([...present].sort());
            return;
          case "different":
            expect(common).toEqual([]);
            return;
          case "unknown":
            expect(held).toEqual([]);
            return;
          default:
            match satisfies never;
        }
      }),
    );
  });
});
