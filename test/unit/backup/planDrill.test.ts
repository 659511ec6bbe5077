import { describe, expect, it } from "@jest/globals";
import { type DeclaredDrill, type Leftover, planDrill, type RecordedDrill } from "../../../src/backup/planDrill";
import { version } from "../../support/keyVault/backups";

const now = Date.parse("2026-03-08T00:00:00Z");
const scratch = "https://kv-scratch.vault.azure.net/";
const copyUri = `${scratch}keys/orders`;
const inOtherVault = "https://other.vault.azure.net/keys/orders";
const record: RecordedDrill = {
  copyUri,
  blobSha256: "1111",
  triggers: ["a"],
  drilledAt: "2026-03-01T00:00:00Z",
  outcome: "verified",
};
const declared: DeclaredDrill = {
  copyUri,
  blobSha256: "1111",
  triggers: ["a"],
  onFailure: "fail",
  unknown: [],
};
const leftover: Leftover = {
  uri: copyUri,
  version: version("a"),
  isSoftDeleted: true,
  because: "the scratch vault has purge protection",
};
const blockedUntil = "2026-03-09T00:00:00.000Z";

const plan = (recorded: Partial<RecordedDrill> = {}, change: Partial<DeclaredDrill> = {}, at = now) =>
  planDrill({ ...record, ...recorded }, { ...declared, ...change }, at);

describe("no drill is due", () => {
  it.each<[string, Partial<RecordedDrill>, Partial<DeclaredDrill>]>([
    ["if the last one drilled the declared backup", {}, {}],
    ["if the copy's URI is spelled in another case", {}, { copyUri: `${scratch}keys/ORDERS` }],
    ["if the copy's URI is not known, but nothing else changed", {}, { copyUri: undefined }],
    ["if it proved a part", { outcome: "partly" }, {}],
    ["if it failed and failures are only recorded", { outcome: "failed" }, { onFailure: "record" }],
    ["if it is younger than maxAgeDays", {}, { maxAgeDays: 7 }],
    ["if its copy blocks the name, and nothing changed", { leftover: { ...leftover, blockedUntil } }, {}],
    [
      "if its copy blocked the name until now, and nothing changed",
      { leftover: { ...leftover, blockedUntil: "2026-03-02T00:00:00Z" } },
      {},
    ],
  ])("%s", (_, recorded, change) => {
    expect(plan(recorded, change)).toEqual({ kind: "unchanged" });
  });

  it("while a soft-deleted copy blocks the name, whatever changed, and the note says until when", () => {
    const blocked = { leftover: { ...leftover, blockedUntil } };
    for (const change of [{ blobSha256: "2222" }, { triggers: [] }, { maxAgeDays: 1 }]) {
      expect(plan(blocked, change)).toEqual({ kind: "unchanged", note: expect.stringContaining(blockedUntil) });
    }
  });
});

describe("a drill is due", () => {
  it.each<[string, Partial<RecordedDrill>, Partial<DeclaredDrill>, string]>([
    ["in another scratch vault", {}, { copyUri: inOtherVault }, "another scratch vault"],
    ["of another object", {}, { copyUri: `${scratch}keys/invoices` }, "another object"],
    ["of an object of another kind with the same name", {}, { copyUri: `${scratch}secrets/orders` }, "another object"],
    [
      "in another vault, even if the copy blocks the name in the last one",
      { leftover: { ...leftover, blockedUntil } },
      { copyUri: inOtherVault },
      "another",
    ],
    [
      "in another vault, even if the backup is not known yet",
      {},
      { copyUri: inOtherVault, unknown: ["backup"] },
      "another",
    ],
    ["of a newer backup", {}, { blobSha256: "2222" }, "the backup changed"],
    ["for changed triggers", {}, { triggers: ["b"] }, "triggers changed"],
    ["once the last one is too old", {}, { maxAgeDays: 6 }, "the last drill of 2026-03-01T00:00:00Z is older"],
    ["if the last one left a copy that can be removed", { leftover }, {}, "left a copy behind"],
    ["if the last one failed", { outcome: "failed" }, {}, "the last drill failed"],
  ])("%s", (_, recorded, change, because) => {
    expect(plan(recorded, change)).toEqual({ kind: "run", because: expect.stringContaining(because) });
  });

  it("from the very moment when the vault purges the copy that blocked the name", () => {
    const blocked = { leftover: { ...leftover, blockedUntil } };
    const newer = { blobSha256: "2222" };
    expect(plan(blocked, newer, Date.parse(blockedUntil) - 1).kind).toBe("unchanged");
    expect(plan(blocked, newer, Date.parse(blockedUntil)).kind).toBe("run");
  });
});

describe("whether a drill is due", () => {
  it("is unknown as long as inputs are unknown", () => {
    const unknown = ["backup", "triggers"];
    expect(plan({ outcome: "failed" }, { unknown, blobSha256: undefined })).toEqual({
      kind: "unknown",
      inputs: unknown,
    });
    expect(plan({}, { unknown, copyUri: undefined }).kind).toBe("unknown");
  });
});
