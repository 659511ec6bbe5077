import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { coverageOf, type DeclaredBackup, type RecordedBackup } from "../../../src/backup/coverage";

const now = Date.parse("2026-03-01T00:00:00Z");
const [v1, v2] = ["a".repeat(32), "b".repeat(32)];
const recorded: RecordedBackup = {
  vaultUri: "https://kv.vault.azure.net/",
  keyName: "orders",
  keyVersions: [v1],
  triggers: [{ one: 1, two: [2] }],
};
const declared: DeclaredBackup = { ...recorded, keyVersion: undefined, unknown: [] };

describe("a recorded backup", () => {
  it("covers the key that it was made from", () => {
    expect(coverageOf(recorded, declared, now)).toEqual({ kind: "covered" });
  });

  it("covers each version that it holds, whatever the case of its spelling", () => {
    expect(coverageOf(recorded, { ...declared, keyVersion: v1.toUpperCase() }, now)).toEqual({ kind: "covered" });
  });

  it("covers the key whatever the case of its name", () => {
    expect(coverageOf(recorded, { ...declared, keyName: "ORDERS" }, now)).toEqual({ kind: "covered" });
  });

  it("is renewed for a version that it does not hold", () => {
    expect(coverageOf(recorded, { ...declared, keyVersion: v2 }, now)).toEqual({
      kind: "renew",
      because: `the recorded backup does not hold version ${v2}`,
    });
  });

  it("is renewed for changed triggers, and not for another order of their members", () => {
    expect(coverageOf(recorded, { ...declared, triggers: [{ two: [2], one: 1 }] }, now)).toEqual({ kind: "covered" });
    expect(coverageOf(recorded, { ...declared, triggers: [{ two: [3], one: 1 }] }, now)).toEqual({
      kind: "renew",
      because: "triggers changed",
    });
  });

  it("takes no triggers and an empty array of them for the same", () => {
    expect(coverageOf({ ...recorded, triggers: undefined }, { ...declared, triggers: [] }, now)).toEqual({
      kind: "covered",
    });
  });

  it("is renewed all the same where only what is kept beside it is not known yet", () => {
    const undecided = { ...declared, unknown: ["forget", "forceDelete"] };
    expect(coverageOf(recorded, undecided, now)).toEqual({ kind: "unknown", names: undecided.unknown });
    expect(coverageOf(recorded, { ...undecided, triggers: [] }, now).kind).toBe("renew");
  });

  it("has no verdict yet where inputs are not known, and says which", () => {
    expect(coverageOf(recorded, { unknown: ["keyUri", "triggers"] }, now)).toEqual({
      kind: "unknown",
      names: ["keyUri", "triggers"],
    });
  });

  it.each([
    ["another vault", { vaultUri: "https://other.vault.azure.net/" }, ["vaultUri"]],
    ["another key", { keyName: "invoices" }, ["keyName"]],
    ["another key whose version is not known yet", { keyName: "invoices", unknown: ["triggers"] }, ["keyName"]],
    ["both", { vaultUri: "https://other.vault.azure.net/", keyName: "x" }, ["vaultUri", "keyName"]],
  ])("is not one of %s", (_, change, properties) => {
    expect(coverageOf(recorded, { ...declared, ...change }, now)).toEqual({ kind: "otherKey", properties });
  });

  it("that could not learn its versions covers the version that was named when it was made, and no other", () => {
    const blind = { ...recorded, keyVersions: [], keyVersion: v1 };
    expect(coverageOf(blind, { ...declared, keyVersion: v1 }, now)).toEqual({ kind: "covered" });
    expect(coverageOf(blind, { ...declared, keyVersion: v2 }, now).kind).toBe("renew");
  });

  it("that could not learn its versions is not renewed at every update", () => {
    expect(coverageOf({ ...recorded, keyVersions: [] }, declared, now)).toEqual({ kind: "covered" });
  });

  it.each(["the key has newer version x", undefined])("is renewed for a key that was seen changed", (reason) => {
    const seen = { ...recorded, sourceStatus: "changed", sourceStatusReason: reason } as const;
    expect(coverageOf(seen, declared, now)).toEqual({ kind: "renew", because: reason ?? "the key changed" });
  });

  it.each(["current", "missing", "unreachable"] as const)("covers a key that was seen %s", (sourceStatus) => {
    expect(coverageOf({ ...recorded, sourceStatus }, declared, now)).toEqual({ kind: "covered" });
  });

  it("is renewed for a blob that is not the one that was recorded", () => {
    expect(coverageOf({ ...recorded, damage: "it is another" }, declared, now)).toEqual({
      kind: "renew",
      because: "the recorded blob is damaged: it is another",
    });
  });

  it("is renewed once it is older than maxAgeDays, and not before", () => {
    const made = { ...recorded, backedUpAt: "2026-02-22T00:00:00.000Z" };
    expect(coverageOf(made, { ...declared, maxAgeDays: 7 }, now)).toEqual({ kind: "covered" });
    expect(coverageOf(made, { ...declared, maxAgeDays: 7 }, now + 1)).toEqual({
      kind: "renew",
      because: "the recorded backup was made at 2026-02-22T00:00:00.000Z, longer ago than maxAgeDays (7)",
    });
    expect(coverageOf(made, { ...declared, maxAgeDays: 0.5 }, now).kind).toBe("renew");
  });

  it("is renewed where maxAgeDays is set and its age is not known", () => {
    expect(coverageOf(recorded, { ...declared, maxAgeDays: 7 }, now).kind).toBe("renew");
  });

  it("is overdue, and not renewed, while its key is missing; where it is unreachable, the backup is tried", () => {
    const made = { ...recorded, backedUpAt: "2020-01-01T00:00:00Z" };
    const old = { ...declared, maxAgeDays: 7 };
    expect(coverageOf({ ...made, sourceStatus: "missing" }, old, now).kind).toBe("overdue");
    expect(coverageOf({ ...made, sourceStatus: "unreachable" }, old, now).kind).toBe("renew");
  });

  it("is amended, without a new backup, for an earlier one to forget and for forceDelete", () => {
    const kept = { ...recorded, previous: ["sha-1", "sha-2"] };
    expect(coverageOf(kept, { ...declared, forget: ["sha-2", "another"] }, now)).toEqual({
      kind: "amend",
      because: "forget names sha-2, which will be dropped",
    });
    expect(coverageOf(kept, { ...declared, forget: ["another"] }, now)).toEqual({ kind: "covered" });
    expect(coverageOf(kept, { ...declared, forget: ["sha-2"], triggers: [] }, now)).toEqual({
      kind: "renew",
      because: "triggers changed; forget names sha-2, which will be dropped",
    });
    const newest = { ...declared, forget: ["sha-0"] };
    expect(coverageOf({ ...kept, blobSha256: "sha-0" }, newest, now)).toEqual({ kind: "covered" });
    expect(coverageOf(recorded, { ...declared, forceDelete: true }, now).kind).toBe("amend");
    expect(coverageOf({ ...recorded, forceDelete: true }, { ...declared, forceDelete: true }, now).kind).toBe(
      "covered",
    );
    expect(coverageOf({ ...recorded, forceDelete: true }, declared, now).kind).toBe("amend");
  });

  it("has a verdict for every record and every declaration", () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const triggers = fc.option(fc.array(fc.jsonValue()), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ vaultUri: text, keyName: text, keyVersions: fc.array(fc.string()), keyVersion: text, triggers }),
        fc.record({ vaultUri: text, keyName: text, keyVersion: text, triggers, unknown: fc.array(fc.string()) }),
        (record, declaration) => {
          const { kind } = coverageOf(record, declaration, now);
          expect(["covered", "renew", "amend", "overdue", "unknown", "otherKey"]).toContain(kind);
        },
      ),
    );
  });

  it("covers what it was just made for, so that the next update makes no backup", () => {
    const name = fc.stringMatching(/^[0-9a-zA-Z-]{1,20}$/);
    fc.assert(
      fc.property(
        name,
        fc.array(fc.stringMatching(/^[0-9a-f]{32}$/), { minLength: 1 }),
        fc.array(fc.jsonValue()),
        (keyName, keyVersions, triggers) => {
          const made = { vaultUri: "https://kv.vault.azure.net/", keyName, keyVersions, triggers };
          for (const keyVersion of keyVersions) {
            expect(coverageOf(made, { ...made, keyVersion, unknown: [] }, now)).toEqual({ kind: "covered" });
          }
        },
      ),
    );
  });
});
