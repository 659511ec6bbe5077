import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type DeclaredDrill, drillDue, type RecordedDrill } from "../../../src/backup/drillDue";

const day = 86_400_000;
const drilledAt = "2026-03-01T00:00:00.000Z";
const now = Date.parse(drilledAt);
const recorded: RecordedDrill = {
  vaultUri: "https://scratch.vault.azure.net/",
  keyName: "orders",
  blobSha256: "11",
  triggers: [{ one: 1, two: [2] }],
  drilledAt,
  outcome: "verified",
  hasLeftover: false,
};
const declared: DeclaredDrill = {
  vaultUri: "https://scratch.vault.azure.net/",
  keyName: "orders",
  blobSha256: "11",
  triggers: [{ one: 1, two: [2] }],
  onFailure: "fail",
  unknown: [],
};
const run = (because: unknown) => ({ kind: "run", because });

describe("no drill is due", () => {
  it("where one has proved this backup, however long ago", () => {
    expect(drillDue(recorded, declared, now + 10_000 * day)).toEqual({ kind: "none" });
    expect(drillDue({ ...recorded, outcome: "partly" }, declared, now)).toEqual({ kind: "none" });
  });

  it("for another spelling of the name, or another order of the members of triggers", () => {
    const spelled = { ...declared, keyName: "Orders", triggers: [{ two: [2], one: 1 }] };
    expect(drillDue(recorded, spelled, now)).toEqual({ kind: "none" });
  });

  it("until it is older than maxAgeDays", () => {
    expect(drillDue(recorded, { ...declared, maxAgeDays: 30 }, now + 30 * day)).toEqual({ kind: "none" });
  });

  it("after one that failed, where failures are only recorded", () => {
    const failed = { ...recorded, outcome: "failed" } as const;
    expect(drillDue(failed, { ...declared, onFailure: "record" }, now)).toEqual({ kind: "none" });
  });
});

describe("a drill is due", () => {
  it("for another backup", () => {
    expect(drillDue(recorded, { ...declared, blobSha256: "22" }, now)).toEqual(run("there is another backup"));
  });

  it.each([[[{ one: 1, two: [3] }]], [[]], [[{ one: 1, two: [2] }, null]]])("for changed triggers %j", (triggers) => {
    expect(drillDue(recorded, { ...declared, triggers }, now)).toEqual(run("triggers changed"));
  });

  it("once it is older than maxAgeDays, whole or a fraction, with the time of the last one", () => {
    expect(drillDue(recorded, { ...declared, maxAgeDays: 30 }, now + 30 * day + 1)).toEqual(
      run(`the last one ran at ${drilledAt}, longer ago than maxAgeDays (30)`),
    );
    expect(drillDue(recorded, { ...declared, maxAgeDays: 0.5 }, now + day / 2 + 1).kind).toBe("run");
  });

  it.each(["", "yesterday"])("where the age of the last one is not known (%j), if there is a limit", (time) => {
    const damaged = { ...recorded, drilledAt: time };
    expect(drillDue(damaged, { ...declared, maxAgeDays: 30 }, now).kind).toBe("run");
    expect(drillDue(damaged, declared, now)).toEqual({ kind: "none" });
  });

  it("for a reason without a gap where the time of the last one is not recorded", () => {
    const due = drillDue({ ...recorded, drilledAt: "" }, { ...declared, maxAgeDays: 30 }, now);
    expect(due).toEqual(run(expect.not.stringContaining("ran at ,")));
  });

  it("where the last one left a copy behind, whatever it found", () => {
    const because = "the last one left a copy of the key behind";
    const leftover = { ...recorded, hasLeftover: true };
    expect(drillDue(leftover, declared, now)).toEqual(run(because));
    expect(drillDue({ ...leftover, outcome: "failed" }, { ...declared, onFailure: "record" }, now)).toEqual(
      run(because),
    );
  });

  it("where the last one failed, and failures fail the update", () => {
    expect(drillDue({ ...recorded, outcome: "failed" }, declared, now)).toEqual(run("the last one failed"));
  });
});

describe("the resource is replaced", () => {
  it.each([
    ["scratch vault", { vaultUri: "https://other.vault.azure.net/" }, ["vaultUri"]],
    ["key", { keyName: "invoices" }, ["backup"]],
    ["vault and key", { vaultUri: "https://other.vault.azure.net/", keyName: "invoices" }, ["vaultUri", "backup"]],
  ] as const)("for another %s, also where more is not known yet", (_, change, properties) => {
    for (const unknown of [[], ["triggers"]]) {
      expect(drillDue(recorded, { ...declared, ...change, unknown }, now)).toEqual({ kind: "otherKey", properties });
    }
  });
});

it("whether one is due is not known while an input is not, whatever else speaks for one", () => {
  const failed = { ...recorded, outcome: "failed", hasLeftover: true } as const;
  const unknown = { ...declared, blobSha256: undefined, unknown: ["backup", "triggers"] };
  expect(drillDue(failed, unknown, now)).toEqual({ kind: "unknown", names: ["backup", "triggers"] });
  expect(drillDue(failed, { ...declared, unknown: ["maxAgeDays"] }, now)).toEqual({
    kind: "unknown",
    names: ["maxAgeDays"],
  });
});

describe("for any record and any declaration", () => {
  const text = fc.oneof(fc.constantFrom("one", "two", "ONE"), fc.string());
  const optional = fc.option(text, { nil: undefined });
  const records = fc.record({
    vaultUri: text,
    keyName: text,
    blobSha256: text,
    triggers: fc.array(fc.jsonValue()),
    drilledAt: fc.oneof(
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    ),
    outcome: fc.constantFrom("verified", "partly", "failed"),
    hasLeftover: fc.boolean(),
  });
  const declarations = fc.record({
    vaultUri: optional,
    keyName: optional,
    blobSha256: optional,
    triggers: fc.array(fc.jsonValue()),
    maxAgeDays: fc.option(fc.double(), { nil: undefined }),
    onFailure: fc.constantFrom("fail", "record"),
    unknown: fc.array(fc.string()),
  });

  it("there is an answer, at any time, and a drill that is due has a reason", () => {
    fc.assert(
      fc.property(records, declarations, fc.double(), (record, declaration, time) => {
        const due = drillDue(record, declaration, time);
        expect(["none", "run", "unknown", "otherKey"]).toContain(due.kind);
        if (due.kind === "run") expect(due.because).not.toBe("");
        if (declaration.unknown.length > 0) expect(["unknown", "otherKey"]).toContain(due.kind);
      }),
    );
  });

  it("none is due right after one that proved what is declared", () => {
    fc.assert(
      fc.property(declarations, fc.constantFrom("verified", "partly"), (declaration, outcome) => {
        const { vaultUri = "one", keyName = "one", blobSha256 = "one" } = declaration;
        const [triggers, recordedTriggers] = [0, 1].map(() => JSON.parse(JSON.stringify(declaration.triggers)));
        const known = { ...declaration, vaultUri, keyName, blobSha256, triggers, maxAgeDays: 0.001, unknown: [] };
        const record: RecordedDrill = {
          vaultUri,
          keyName,
          blobSha256,
          triggers: recordedTriggers,
          drilledAt,
          outcome,
          hasLeftover: false,
        };
        expect(drillDue(record, known, now)).toEqual({ kind: "none" });
      }),
    );
  });
});
