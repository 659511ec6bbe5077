import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { coverageOf, type DeclaredBackup, type RecordedBackup } from "../../../src/backup/coverage";

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
    expect(coverageOf(recorded, declared)).toEqual({ kind: "covered" });
  });

  it("covers each version that it holds, whatever the case of its spelling", () => {
    expect(coverageOf(recorded, { ...declared, keyVersion: v1.toUpperCase() })).toEqual({ kind: "covered" });
  });

  it("covers the key whatever the case of its name", () => {
    expect(coverageOf(recorded, { ...declared, keyName: "ORDERS" })).toEqual({ kind: "covered" });
  });

  it("is renewed for a version that it does not hold", () => {
    expect(coverageOf(recorded, { ...declared, keyVersion: v2 })).toEqual({
      kind: "renew",
      because: `the recorded backup does not hold version ${v2}`,
    });
  });

  it("is renewed for changed triggers, and not for another order of their members", () => {
    expect(coverageOf(recorded, { ...declared, triggers: [{ two: [2], one: 1 }] })).toEqual({ kind: "covered" });
    expect(coverageOf(recorded, { ...declared, triggers: [{ two: [3], one: 1 }] })).toEqual({
      kind: "renew",
      because: "triggers changed",
    });
  });

  it("takes no triggers and an empty array of them for the same", () => {
    expect(coverageOf({ ...recorded, triggers: undefined }, { ...declared, triggers: [] })).toEqual({
      kind: "covered",
    });
  });

  it("has no verdict yet where inputs are not known, and says which", () => {
    expect(coverageOf(recorded, { unknown: ["keyUri", "triggers"] })).toEqual({
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
    expect(coverageOf(recorded, { ...declared, ...change })).toEqual({ kind: "otherKey", properties });
  });

  it("that could not learn its versions covers the version that was named when it was made, and no other", () => {
    const blind = { ...recorded, keyVersions: [], keyVersion: v1 };
    expect(coverageOf(blind, { ...declared, keyVersion: v1 })).toEqual({ kind: "covered" });
    expect(coverageOf(blind, { ...declared, keyVersion: v2 }).kind).toBe("renew");
  });

  it("that could not learn its versions is not renewed at every update", () => {
    expect(coverageOf({ ...recorded, keyVersions: [] }, declared)).toEqual({ kind: "covered" });
  });

  it("has a verdict for every record and every declaration", () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const triggers = fc.option(fc.array(fc.jsonValue()), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ vaultUri: text, keyName: text, keyVersions: fc.array(fc.string()), keyVersion: text, triggers }),
        fc.record({ vaultUri: text, keyName: text, keyVersion: text, triggers, unknown: fc.array(fc.string()) }),
        (record, declaration) => {
          const { kind } = coverageOf(record, declaration);
          expect(["covered", "renew", "unknown", "otherKey"]).toContain(kind);
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
            expect(coverageOf(made, { ...made, keyVersion, unknown: [] })).toEqual({ kind: "covered" });
          }
        },
      ),
    );
  });
});
