import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type DeclaredRestore, missingVersions, planOf, type RecordedRestore } from "../../../src/backup/restoration";

const [v1, v2, v3] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
const recorded: RecordedRestore = {
  vaultUri: "https://dr.vault.azure.net/",
  keyName: "orders",
  keyVersions: [v1],
  blobSha256: "11",
  missingVersions: [],
  keyStatus: "present",
  isAdopted: false,
  onDestroy: "keep",
};
const declared: DeclaredRestore = {
  vaultUri: "https://dr.vault.azure.net/",
  keyName: "orders",
  blobSha256: "11",
  keyVersions: [v1],
  onNewVersions: "keep",
  onDestroy: "keep",
  unknown: [],
};
const newer: DeclaredRestore = { ...declared, blobSha256: "22", keyVersions: [v3, v2, v1] };
const lackingKey: RecordedRestore = { ...recorded, missingVersions: [v3, v2] };

describe("nothing is due", () => {
  it("where the restored key is the declared one", () => {
    expect(planOf(recorded, declared)).toEqual({ kind: "inPlace" });
  });

  it("where the name, or a version, is spelled in another case", () => {
    const shouted = { ...declared, keyName: "ORDERS", keyVersions: [v1.toUpperCase()] };
    expect(planOf(recorded, shouted)).toEqual({ kind: "inPlace" });
  });

  it("for another backup of the same key that holds nothing new", () => {
    expect(planOf(recorded, { ...declared, blobSha256: "22" })).toEqual({ kind: "inPlace" });
  });

  it("while the key cannot be reached, or its status is not recorded", () => {
    expect(planOf({ ...recorded, keyStatus: "unreachable" }, declared)).toEqual({ kind: "inPlace" });
    expect(planOf({ ...recorded, keyStatus: undefined }, declared)).toEqual({ kind: "inPlace" });
  });

  it("for missing versions that are recorded as missing already", () => {
    expect(planOf(lackingKey, newer)).toEqual({ kind: "inPlace" });
  });

  it("for a restored key that has newer versions than the backup", () => {
    expect(planOf({ ...recorded, keyVersions: [v2, v1] }, declared)).toEqual({ kind: "inPlace" });
  });

  it("for the blob alone, as long as it is the same", () => {
    expect(planOf(recorded, { ...declared, keyName: undefined, keyVersions: [] })).toEqual({ kind: "inPlace" });
  });
});

describe("the key is restored again", () => {
  it.each(["missing", "softDeleted", "replaced"] as const)("where it is %s, for the reason recorded", (keyStatus) => {
    const gone = { ...recorded, keyStatus, keyStatusReason: "it is so." };
    expect(planOf(gone, declared)).toEqual({ kind: "restore", because: "it is so." });
  });

  it("not by itself where it is soft-deleted and was to be recreated, which is what an interrupted recreation leaves", () => {
    const softDeleted = { ...recorded, keyStatus: "softDeleted" } as const;
    const newer = { ...declared, keyVersions: [v2, v1], onNewVersions: "recreate" } as const;
    expect(planOf(softDeleted, newer)).toEqual({ kind: "recreate", missing: [v2] });
    expect(planOf({ ...softDeleted, isAdopted: true }, newer).kind).toBe("restore");
  });

  it("where it is missing without a reason, which an edited state may lack", () => {
    expect(planOf({ ...recorded, keyStatus: "missing" }, declared)).toEqual({
      kind: "restore",
      because: expect.stringContaining("the key is not there"),
    });
  });

  it("rather than recreated or amended, where it is missing and lacks versions too", () => {
    const gone: RecordedRestore = { ...lackingKey, keyStatus: "missing", onDestroy: "purge" };
    expect(planOf(gone, { ...newer, onNewVersions: "recreate" }).kind).toBe("restore");
  });

  it("although it was adopted, as nothing has to be deleted for that", () => {
    const gone: RecordedRestore = { ...recorded, keyStatus: "missing", isAdopted: true };
    expect(planOf(gone, { ...newer, onNewVersions: "recreate" }).kind).toBe("restore");
  });
});

describe("versions that the restored key lacks are", () => {
  it("recorded, and the key kept", () => {
    expect(planOf(recorded, newer)).toEqual({
      kind: "amend",
      because: `the backup holds versions ${v3}, ${v2}, which the restored key lacks`,
    });
  });

  it("no longer recorded once it has them, or the backup does not hold them", () => {
    const because = "the restored key lacks no version of the backup";
    expect(planOf({ ...lackingKey, keyVersions: [v3, v2, v1] }, newer)).toEqual({ kind: "amend", because });
    expect(planOf(lackingKey, declared)).toEqual({ kind: "amend", because });
  });

  it("not said to be none where the key lacks one still", () => {
    const plan = planOf(lackingKey, { ...declared, keyVersions: [v2, v1] });
    expect(plan.kind).toBe("amend");
    expect(plan).not.toHaveProperty("because", "the restored key lacks no version of the backup");
  });

  it("a reason to recreate the key where the program says so, be they recorded or not", () => {
    const recreating = { ...newer, onNewVersions: "recreate" } as const;
    expect(planOf(recorded, recreating)).toEqual({ kind: "recreate", missing: [v3, v2] });
    expect(planOf(lackingKey, recreating)).toEqual({ kind: "recreate", missing: [v3, v2] });
  });

  it("only recorded for a key that was adopted, whatever the program says", () => {
    const adopted = { ...recorded, isAdopted: true };
    expect(planOf(adopted, { ...newer, onNewVersions: "recreate" }).kind).toBe("amend");
    expect(planOf({ ...adopted, missingVersions: [v3, v2] }, { ...newer, onNewVersions: "recreate" })).toEqual({
      kind: "inPlace",
    });
  });

  it("those of the backup that are not the key's, in the order of the backup and in any spelling", () => {
    expect(missingVersions({ keyVersions: [v2.toUpperCase()] }, newer)).toEqual([v3, v1]);
    expect(missingVersions({ keyVersions: [] }, { keyVersions: [] })).toEqual([]);
  });
});

it("another onDestroy is recorded, without anything else", () => {
  expect(planOf(recorded, { ...declared, onDestroy: "purge" })).toEqual({
    kind: "amend",
    because: "onDestroy changed",
  });
});

describe("the resource is replaced", () => {
  it.each([
    ["vault", { vaultUri: "https://other.vault.azure.net/" }, ["vaultUri"]],
    ["name", { keyName: "invoices" }, ["backup"]],
    ["vault and name", { vaultUri: "https://other.vault.azure.net/", keyName: "invoices" }, ["vaultUri", "backup"]],
    ["blob of which nothing else is known", { keyName: undefined, blobSha256: "22", keyVersions: [] }, ["backup"]],
  ] as const)("for another %s", (_, change, properties) => {
    expect(planOf(recorded, { ...declared, ...change })).toEqual({ kind: "otherKey", properties });
  });

  it("for another vault although the backup is not known yet", () => {
    const moved = { ...declared, vaultUri: "https://other.vault.azure.net/", unknown: ["backup"] };
    expect(planOf(recorded, moved)).toEqual({ kind: "otherKey", properties: ["vaultUri"] });
  });

  it("rather than restored, where the key of the first declaration is missing", () => {
    const gone: RecordedRestore = { ...recorded, keyStatus: "missing" };
    expect(planOf(gone, { ...declared, keyName: "invoices" }).kind).toBe("otherKey");
  });
});

describe("what is due is not known", () => {
  it("while an input is not, even of a missing key", () => {
    const unknown = { ...declared, keyName: undefined, blobSha256: undefined, keyVersions: [], unknown: ["backup"] };
    expect(planOf(recorded, unknown)).toEqual({ kind: "unknown", names: ["backup"] });
    expect(planOf({ ...recorded, keyStatus: "missing" }, unknown).kind).toBe("unknown");
    expect(planOf(recorded, { ...declared, vaultUri: undefined, unknown: ["vaultUri"] })).toEqual({
      kind: "unknown",
      names: ["vaultUri"],
    });
  });

  it("while a blob is not known of which nothing else is, so that it is not taken for another key's", () => {
    expect(planOf(recorded, { ...declared, keyName: undefined, blobSha256: "22", unknown: ["backup"] }).kind).toBe(
      "unknown",
    );
  });
});

describe("for any record and any declaration", () => {
  const text = fc.constantFrom("one", "two", "ONE");
  const optional = fc.option(text, { nil: undefined });
  const versions = fc.uniqueArray(fc.constantFrom("a", "b", "c", "A"));
  const records = fc.record({
    vaultUri: optional,
    keyName: optional,
    keyVersions: versions,
    blobSha256: optional,
    missingVersions: versions,
    keyStatus: fc.option(fc.constantFrom("present", "missing", "softDeleted", "replaced", "unreachable"), {
      nil: undefined,
    }),
    keyStatusReason: optional,
    isAdopted: fc.boolean(),
    onDestroy: optional,
  });
  const declarations = fc.record({
    vaultUri: optional,
    keyName: optional,
    blobSha256: optional,
    keyVersions: versions,
    onNewVersions: fc.constantFrom("keep", "recreate"),
    onDestroy: text,
    unknown: fc.uniqueArray(fc.constantFrom("vaultUri", "backup", "onNewVersions")),
  });

  it("there is a plan, and it recreates no adopted key, no missing one, and none unless the program says so", () => {
    fc.assert(
      fc.property(records, declarations, (record, declaration) => {
        const { kind } = planOf(record, declaration);
        expect(["inPlace", "restore", "recreate", "amend", "unknown", "otherKey"]).toContain(kind);
        if (kind === "recreate") {
          expect([record.isAdopted, declaration.onNewVersions, declaration.unknown]).toEqual([false, "recreate", []]);
          expect(["missing", "replaced"]).not.toContain(record.keyStatus);
          expect(missingVersions(record, declaration).length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("no adopted key is recreated", () => {
    const adopted = records.map((record) => ({ ...record, isAdopted: true }));
    const recreating = declarations.map((it) => ({ ...it, onNewVersions: "recreate" as const }));
    fc.assert(fc.property(adopted, recreating, (record, it) => planOf(record, it).kind !== "recreate"));
  });

  it("nothing is due any more once what was due of a key that is kept is recorded", () => {
    const same = { vaultUri: "one", keyName: "one" };
    const kept = records.map((record) => ({ ...record, ...same, keyStatus: "present" as const }));
    const keeping = declarations.map((it) => ({ ...it, ...same, onNewVersions: "keep" as const, unknown: [] }));
    fc.assert(
      fc.property(kept, keeping, (record, declaration) => {
        const { onDestroy } = declaration;
        const amended = { ...record, missingVersions: missingVersions(record, declaration), onDestroy };
        expect(["amend", "inPlace"]).toContain(planOf(record, declaration).kind);
        expect(planOf(amended, declaration)).toEqual({ kind: "inPlace" });
      }),
    );
  });
});
