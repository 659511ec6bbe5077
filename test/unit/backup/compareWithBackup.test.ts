import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compareWithBackup } from "../../../src/backup/compareWithBackup";
import { version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];
const facts = (versions: string[], thumbprints: Record<string, string> = {}) => ({ versions, thumbprints });

describe("an object in a vault, compared with a backup,", () => {
  it.each<[string, Parameters<typeof compareWithBackup>[0], Parameters<typeof compareWithBackup>[1]]>([
    ["if it has all versions of the backup", facts([b, a]), facts([b, a])],
    ["if it has newer versions besides", facts([a]), facts([b, a])],
    [
      "if the versions are spelled in another case",
      facts([a], { [a]: "t" }),
      facts([a.toUpperCase()], { [a.toUpperCase()]: "t" }),
    ],
    ["if the public keys that both know are equal", facts([b, a], { [b]: "t", [a]: "u" }), facts([b, a], { [b]: "t" })],
    ["if the backup knows no public keys", facts([a]), facts([a], { [a]: "t" })],
  ])("is the same %s", (_, backup, present) => {
    expect(compareWithBackup(backup, present)).toEqual({ kind: "same" });
  });

  it("is an older copy if it lacks versions, and what only it has is told", () => {
    expect(compareWithBackup(facts([b, a]), facts([c, a.toUpperCase()]))).toEqual({
      kind: "olderCopy",
      missing: [b],
      additional: [c],
    });
  });

  it("is another object if it has none of the versions", () => {
    expect(compareWithBackup(facts([b, a]), facts([c]))).toEqual({ kind: "different", because: expect.any(String) });
    expect(compareWithBackup(facts([b, a]), facts([]))).toEqual({ kind: "different", because: expect.any(String) });
  });

  it("is another object if a public key differs, and the version is told", () => {
    const backup = facts([b, a], { [a]: "t", [b.toUpperCase()]: "u" });
    expect(compareWithBackup(backup, facts([b, a], { [a]: "t", [b]: "x" }))).toEqual({
      kind: "different",
      because: expect.stringContaining(b.toUpperCase()),
    });
  });

  it("is another object if a public key differs, even if it lacks versions too", () => {
    expect(compareWithBackup(facts([b, a], { [a]: "t" }), facts([a], { [a]: "x" })).kind).toBe("different");
  });

  it("cannot be compared if the versions of the backup are unknown", () => {
    expect(compareWithBackup(facts([]), facts([a]))).toEqual({ kind: "unknown" });
    expect(compareWithBackup(facts([], { [a]: "t" }), facts([a], { [a]: "x" }))).toEqual({ kind: "unknown" });
  });

  it("loses nothing by a restore if it is the same or has no additional version", () => {
    const versions = fc.subarray([a, b, c, version("d")]);
    fc.assert(
      fc.property(versions, versions, (backup, present) => {
        const match = compareWithBackup(facts(backup), facts(present));
        const common = present.filter((one) => backup.includes(one));
        switch (match.kind) {
          case "same":
            expect(common).toHaveLength(backup.length);
            return;
          case "olderCopy":
            expect([...match.missing, ...common].sort()).toEqual([...backup].sort());
            expect([...match.additional, ...common].sort()).toEqual([...present].sort());
            return;
          case "different":
            expect(common).toEqual([]);
            return;
          case "unknown":
            expect(backup).toEqual([]);
            return;
          default:
            match satisfies never;
        }
      }),
    );
  });
});
