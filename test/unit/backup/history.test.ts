import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { sha256OfBlob } from "../../../src/backup/blob";
import { type Backup, keptBeside, onlyCopies, type Source } from "../../../src/backup/history";

/** A backup whose blob is its name. */
const backup = (blob: string, keyVersions: readonly string[]): Backup => ({
  blob,
  blobSha256: sha256OfBlob(blob),
  keyVersions,
  backedUpAt: "2026-03-01T00:00:00Z",
});
const names = (backups: readonly Backup[]) => backups.map(({ blob }) => blob);

describe("an earlier backup is", () => {
  it("dropped once a newer one is known to hold all of its versions, whatever the case of their spelling", () => {
    expect(keptBeside({ keyVersions: ["B", "A"] }, [backup("old", ["a"])], 0)).toEqual([]);
  });

  it("kept where the newer one lacks a version of it, and the reason names the version", () => {
    expect(keptBeside({ keyVersions: ["c"] }, [backup("old", ["b", "a"])], 0)).toEqual([
      { ...backup("old", ["b", "a"]), keptBecause: "no newer backup is known to hold versions b, a" },
    ]);
  });

  it("kept where its versions, or those of the newer one, are not known", () => {
    const [blind] = keptBeside({ keyVersions: ["a"] }, [backup("old", [])], 0);
    expect(blind?.keptBecause).toBe("which versions it holds is not known");
    const [kept] = keptBeside({ keyVersions: [] }, [backup("old", ["a"])], 0);
    expect(kept?.keptBecause).toBe("which versions the newer backup holds is not known");
  });

  it("dropped once a newer one that is kept holds all of its versions", () => {
    const earlier = [backup("second", ["b", "a"]), backup("first", ["a"])];
    expect(names(keptBeside({ keyVersions: ["c"] }, earlier, 0))).toEqual(["second"]);
  });

  it("kept although superseded, up to the number of `retain`, the newest first, beside all that are not", () => {
    const earlier = [backup("4", ["d"]), backup("3", ["x"]), backup("2", ["d"]), backup("1", ["d"])];
    const kept = keptBeside({ keyVersions: ["d"] }, earlier, 2);
    expect(names(kept)).toEqual(["4", "3", "2"]);
    expect(kept[0]?.keptBecause).toBe("retain: a newer backup holds all of its versions");
  });

  it("kept by `retain` only where its blob is whole", () => {
    const earlier = [{ ...backup("3", ["d"]), blobSha256: "another" }, backup("2", ["d"]), backup("1", ["d"])];
    expect(names(keptBeside({ keyVersions: ["d"] }, earlier, 1))).toEqual(["2"]);
  });

  it("never lost with a version that no other holds, and never more are kept than that and `retain` need", () => {
    const keyVersions = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 });
    const backups = fc.array(keyVersions).map((all) => all.map((versions, index) => backup(`${index}`, versions)));
    fc.assert(
      fc.property(keyVersions, backups, fc.nat({ max: 3 }), (newest, earlier, retain) => {
        const kept = keptBeside({ keyVersions: newest }, earlier, retain);
        const held = new Set([newest, ...kept.map((it) => it.keyVersions)].flat());
        expect(earlier.flatMap((it) => it.keyVersions).filter((version) => !held.has(version))).toEqual([]);
        const blind = earlier.filter((it) => it.keyVersions.length === 0);
        expect(names(kept)).toEqual(expect.arrayContaining(names(blind)));
        expect(kept.filter((it) => it.keptBecause.startsWith("retain")).length).toBeLessThanOrEqual(retain);
        kept.forEach(({ keyVersions: own, keptBecause }, index) => {
          const newer = [newest, ...kept.slice(0, index).map((it) => it.keyVersions)];
          const isSuperseded = own.length > 0 && newer.some((it) => own.every((version) => it.includes(version)));
          expect(keptBecause.startsWith("retain")).toBe(isSuperseded);
        });
      }),
    );
  });
});

describe("the only copies are", () => {
  const source = (versions: readonly string[], isComplete = true): Source => ({
    versions: versions.map((version) => ({ version })),
    isComplete,
  });

  it("the backups with a version that the key lacks", () => {
    const backups = [backup("new", ["b"]), backup("old", ["a"])];
    expect(names(onlyCopies(backups, source(["B"])))).toEqual(["old"]);
    expect(onlyCopies(backups, source(["b", "a"]))).toEqual([]);
  });

  it("of a key that may not be listed, those whose newest version it lacks", () => {
    const partial = source(["c", "b"], false);
    expect(names(onlyCopies([backup("new", ["b", "a"]), backup("old", ["x", "a"])], partial))).toEqual(["old"]);
  });

  it("those of unknown versions, whatever the key has", () => {
    expect(names(onlyCopies([backup("blind", [])], source(["b", "a"])))).toEqual(["blind"]);
  });
});
