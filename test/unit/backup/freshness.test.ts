import { describe, expect, it } from "@jest/globals";
import type { BackupRecord, LookedUpSource, SourceVersion } from "../../../src/backup/backup";
import { compareWithSource } from "../../../src/backup/freshness";
import { backupRecord, version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];
const updatedAt = Date.parse("2026-02-28T12:00:00Z");
const record = backupRecord({ versions: [b, a], updatedAt: "2026-02-28T12:00:00.000Z", tags: { team: "sales" } });
const source = (...versions: (string | Partial<SourceVersion>)[]): LookedUpSource => ({
  kind: "found",
  versions: versions.map((one) => ({
    version: typeof one === "string" ? one : b,
    updatedAt,
    tags: { team: "sales" },
    ...(typeof one === "string" ? {} : one),
  })),
});

const compare = (found: LookedUpSource, recorded: Partial<BackupRecord> = {}) =>
  compareWithSource({ ...record, ...recorded }, found);

describe("a backup is current", () => {
  it.each<[string, LookedUpSource, Partial<BackupRecord>]>([
    ["if the object has the same versions, attributes and tags", source(b, a), {}],
    ["if the vault lists versions in another order or case", source(a, b.toUpperCase()), {}],
    ["if older versions have other tags", source(b, { version: a, tags: {} }), {}],
    ["if no time is recorded and nothing changed since the backup", source(b, a), { updatedAt: undefined }],
    ["if no tags are recorded", source(b, a), { tags: undefined }],
    [
      "if the object was seen changed and is as it was again",
      source(b, a),
      { sourceStatus: "changed", sourceStatusReason: "tags changed" },
    ],
  ])("%s", (_, found, recorded) => {
    expect(compare(found, recorded)).toEqual({ sourceStatus: "current" });
  });
});

describe("an object has changed", () => {
  it.each<[string, LookedUpSource, Partial<BackupRecord>, string | RegExp]>([
    ["if it has a new version", source(c, b, a), {}, `version ${c}`],
    ["if it has several new versions", source(c, version("d"), b, a), {}, /versions c+, d+/],
    ["if it lacks a version of the backup", source(b), {}, `no longer has version ${a}`],
    ["if it was created anew", source(c), {}, "created anew"],
    [
      "if an attribute or a tag of any version changed later",
      source(b, { version: a, updatedAt: updatedAt + 1000 }),
      {},
      "2026-02-28T12:00:01.000Z",
    ],
    [
      "if it changed after the backup and no time is recorded",
      source(b, { version: a, updatedAt: Date.parse("2026-03-01T00:00:01Z") }),
      { updatedAt: undefined },
      "attributes or tags",
    ],
    [
      "if the tags of the newest version changed within the recorded second",
      source({ tags: { team: "hr" } }, a),
      {},
      "tags changed",
    ],
    ["if the newest version lost its tags", source({ tags: {} }, a), {}, "tags changed"],
    [
      "if its versions can be listed, and could not be when the backup was made",
      source(b, a),
      { versions: [], updatedAt: undefined },
      "can be listed now",
    ],
  ])("%s", (_, found, recorded, because) => {
    const reason = typeof because === "string" ? expect.stringContaining(because) : expect.stringMatching(because);
    expect(compare(found, recorded)).toEqual({ sourceStatus: "changed", sourceStatusReason: reason });
  });
});

describe("an object that was not found", () => {
  const unreachable: LookedUpSource = { kind: "unreachable", because: "no route" };
  const missing: LookedUpSource = { kind: "missing", because: "it is not there" };

  it("is missing, or cannot be reached, with the reason", () => {
    expect(compare(missing)).toEqual({ sourceStatus: "missing", sourceStatusReason: "it is not there" });
    expect(compare(unreachable)).toEqual({ sourceStatus: "unreachable", sourceStatusReason: "no route" });
  });

  it.each(["changed", "missing"] as const)("stays %s while it cannot be reached", (sourceStatus) => {
    const seen = { sourceStatus, sourceStatusReason: "it was seen" };
    expect(compare(unreachable, seen)).toEqual(seen);
  });

  it.each(["current", "unreachable", undefined] as const)(
    "that was %s before cannot be reached now",
    (sourceStatus) => {
      expect(compare(unreachable, { sourceStatus, sourceStatusReason: "before" })).toEqual({
        sourceStatus: "unreachable",
        sourceStatusReason: "no route",
      });
    },
  );

  it("is missing even if it was seen changed before", () => {
    expect(compare(missing, { sourceStatus: "changed", sourceStatusReason: "before" }).sourceStatus).toBe("missing");
  });
});
