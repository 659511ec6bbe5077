import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type BackupRecord, backupsOf } from "../../../src/backup/backup";
import { sha256OfBlob } from "../../../src/backup/blob";
import { type BackupCopy, copyUri } from "../../../src/backup/copies";
import { type DeclaredBackup, planBackup } from "../../../src/backup/planBackup";
import { backup, backupRecord, vaultUri, version } from "../../support/keyVault/backups";

const now = Date.parse("2026-03-08T00:00:00Z");
const [a, b] = [version("a"), version("b")];
const earlier = { ...backup({ blob: "AAAB" }), keptBecause: "retain keeps it" };
const record = backupRecord({ previous: [earlier], triggers: [{ one: 1, two: [2] }] });
const declared: DeclaredBackup = {
  vaultUri,
  name: "orders",
  triggers: [{ one: 1, two: [2] }],
  forget: [],
  forceDelete: false,
  copyTo: [],
  keepBlobInState: true,
  unknown: [],
};

const [first, second] = ["file:///first", "https://account.blob.core.windows.net/second"] as const;
const copy = { uri: "", writtenAt: "2026-03-07T00:00:00Z", contentMd5: "bWQ1", status: "verified" } as const;

const plan = (recorded: Partial<BackupRecord> = {}, change: Partial<DeclaredBackup> = {}, at = now) =>
  planBackup({ ...record, ...recorded }, { ...declared, ...change }, at);

describe("a recorded backup needs nothing", () => {
  it.each<[string, Partial<BackupRecord>, Partial<DeclaredBackup>]>([
    ["if it is the declared one", {}, {}],
    [
      "if the program spells the vault and the name in another case",
      {},
      { vaultUri: vaultUri.toUpperCase(), name: "ORDERS" },
    ],
    ["if it holds the version that the program names", { versions: [b, a] }, { version: a.toUpperCase() }],
    ["if the members of a trigger are in another order", {}, { triggers: [{ two: [2], one: 1 }] }],
    ["if there are no triggers, and none are recorded", { triggers: undefined }, { triggers: [] }],
    ["if its versions are unknown", { versions: [] }, {}],
    [
      "if its versions are unknown and the program named the same version before",
      { versions: [], declaredVersion: a },
      { version: a.toUpperCase() },
    ],
    ["if the source was seen unchanged", { sourceStatus: "current" }, {}],
    ["if the source was missing", { sourceStatus: "missing", sourceStatusReason: "gone" }, {}],
    ["if the source was unreachable", { sourceStatus: "unreachable", sourceStatusReason: "no route" }, {}],
    ["if it is younger than maxAgeDays", {}, { maxAgeDays: 7 }],
    ["if `forget` names no backup that is kept", {}, { forget: ["another"] }],
    ["if `forget` names the newest backup, which can only be superseded", {}, { forget: [record.blobSha256] }],
    ["if forceDelete is recorded already", { forceDelete: true }, { forceDelete: true }],
    ["if only `retain` is not known yet, which takes effect with the next backup", {}, { unknown: ["retain"] }],
  ])("%s", (_, recorded, change) => {
    expect(plan(recorded, change)).toEqual({ kind: "unchanged" });
  });

  it("if it is too old and the source is missing, which is told", () => {
    expect(plan({ sourceStatus: "missing" }, { maxAgeDays: 1 })).toEqual({
      kind: "unchanged",
      note: expect.stringMatching(/older than maxAgeDays \(1\).*missing/),
    });
  });
});

describe("a new backup is made", () => {
  it.each<[string, Partial<BackupRecord>, Partial<DeclaredBackup>, string]>([
    ["of an object in another vault", {}, { vaultUri: "https://other.vault.azure.net/" }, "no longer names"],
    ["of an object with another name", {}, { name: "invoices" }, "no longer names"],
    [
      "of another object, even if other inputs are not known yet",
      {},
      { name: "invoices", unknown: ["triggers"] },
      "no longer names",
    ],
    ["for a version that is not held", {}, { version: b }, `version ${b}`],
    [
      "for another version if the versions are unknown",
      { versions: [], declaredVersion: a },
      { version: b },
      `version ${b}`,
    ],
    ["for a version if nothing is known of the versions", { versions: [] }, { version: a }, `version ${a}`],
    ["for changed triggers", {}, { triggers: [{ one: 1, two: [3] }] }, "triggers changed"],
    ["for triggers in another order", { triggers: [1, 2] }, { triggers: [2, 1] }, "triggers changed"],
    ["for a damaged blob", { blobSha256: sha256OfBlob("BBBB") }, {}, "damaged"],
    [
      "for a source that changed, with the recorded reason",
      { sourceStatus: "changed", sourceStatusReason: "tags changed" },
      {},
      "tags changed",
    ],
    ["for a source that changed without a recorded reason", { sourceStatus: "changed" }, {}, "the source changed"],
    ["once the backup is too old", {}, { maxAgeDays: 6.9 }, "older than maxAgeDays (6.9)"],
    [
      "once the backup is too old, even if the source was unreachable",
      { sourceStatus: "unreachable" },
      { maxAgeDays: 1 },
      "older than maxAgeDays",
    ],
    [
      "for a changed trigger, even if the source was missing",
      { sourceStatus: "missing" },
      { triggers: [] },
      "triggers changed",
    ],
    [
      "for changed triggers, even if `forget` and `retain` are not known yet",
      {},
      { triggers: [], unknown: ["forget", "forceDelete", "retain"] },
      "triggers changed",
    ],
  ])("%s", (_, recorded, change, because) => {
    expect(plan(recorded, change)).toEqual({ kind: "backUp", because: expect.stringContaining(because) });
  });

  it("together with what `forget` drops, which is told", () => {
    const { kind, because } = plan({}, { triggers: [], forget: [earlier.blobSha256] }) as {
      kind: string;
      because: string;
    };
    expect(kind).toBe("backUp");
    expect(because).toMatch(new RegExp(`^triggers changed; .*${earlier.blobSha256}`));
  });

  it("and may drop the backup that was the newest so far", () => {
    expect(plan({}, { triggers: [], forget: [record.blobSha256] })).toMatchObject({
      because: expect.stringContaining(record.blobSha256),
    });
  });
});

describe("only the record changes", () => {
  it("if `forget` names earlier backups", () => {
    const third = { ...earlier, blobSha256: "3333" };
    const because = plan({ previous: [earlier, third] }, { forget: ["3333", earlier.blobSha256] });
    expect(because).toEqual({ kind: "updateRecord", because: `forget drops ${earlier.blobSha256}, 3333` });
  });

  it("if forceDelete is set or taken back", () => {
    expect(plan({}, { forceDelete: true }).kind).toBe("updateRecord");
    expect(plan({ forceDelete: true }, {}).kind).toBe("updateRecord");
    expect(plan({ forceDelete: false }, {}).kind).toBe("unchanged");
  });
});

describe("copies outside the state", () => {
  const at = (place: string, status: BackupCopy["status"] = "verified") => ({
    ...copy,
    uri: copyUri(place, record),
    status,
  });
  const alone = { previous: [] };

  it.each<[string, Partial<BackupRecord>, Partial<DeclaredBackup>]>([
    ["are whole where the program wants them", { copies: [at(first), at(second)] }, { copyTo: [first, second] }],
    ["cannot be reached", { copies: [at(first, "unreachable")] }, { copyTo: [first] }],
    [
      "cannot be reached, and the state has no blob",
      { blob: undefined, copies: [at(first, "unreachable")] },
      { copyTo: [first], keepBlobInState: false },
    ],
    [
      "have other content, although the blob should leave the state, and the source is missing",
      { copies: [at(first, "different")], sourceStatus: "missing" },
      { copyTo: [first], keepBlobInState: false },
    ],
  ])("need nothing if they %s", (_, recorded, change) => {
    expect(plan({ ...alone, ...recorded }, change).kind).toBe("unchanged");
  });

  it.each<[string, Partial<BackupRecord>, Partial<DeclaredBackup>, string]>([
    ["a place has none", {}, { copyTo: [first] }, `the copy ${copyUri(first, record)} is not written yet`],
    [
      "one is missing",
      { copies: [at(first, "missing")] },
      { copyTo: [first] },
      `the copy ${copyUri(first, record)} is missing`,
    ],
    [
      "an earlier backup has none",
      { copies: [at(first)], previous: [earlier] },
      { copyTo: [first] },
      `the copy ${copyUri(first, earlier)} is not written yet`,
    ],
    [
      "the program no longer names a place",
      { copies: [at(first)] },
      {},
      `copyTo no longer names the place of ${copyUri(first, record)}`,
    ],
    [
      "the blob is to leave the state",
      { copies: [at(first)] },
      { copyTo: [first], keepBlobInState: false },
      "keepBlobInState changed",
    ],
    [
      "the blob is to be in the state",
      { blob: undefined, copies: [at(first)] },
      { copyTo: [first] },
      "keepBlobInState changed",
    ],
  ])("change the record without a new backup if %s", (_, recorded, change, because) => {
    expect(plan({ ...alone, ...recorded }, change)).toEqual({ kind: "updateRecord", because });
  });

  it.each<[string, Partial<BackupRecord>, string]>([
    [
      "none is left, and the state has no blob",
      { blob: undefined, copies: [at(first, "missing")] },
      "the state has no blob, and no copy of the backup is left",
    ],
    [
      "the state has neither a blob nor a copy",
      { blob: undefined },
      "the state has no blob, and no copy of the backup is left",
    ],
    [
      "one has other content",
      { copies: [at(first, "different")] },
      `the copy ${copyUri(first, record)} has other content`,
    ],
  ])("make a new backup due if %s", (_, recorded, because) => {
    expect(plan({ ...alone, ...recorded }, { copyTo: [first] })).toEqual({ kind: "backUp", because });
  });

  it("do not make up for a damaged blob while they cannot be reached", () => {
    const damagedBlob = { ...alone, blob: "BBBB", copies: [at(first, "unreachable")] };
    expect(plan(damagedBlob, { copyTo: [first] })).toMatchObject({
      kind: "backUp",
      because: expect.stringContaining("the blob in the state is damaged"),
    });
  });

  it("of an earlier backup are not mended if nothing has the blob", () => {
    const lost = { ...earlier, blob: undefined, copies: [{ ...at(first, "missing"), uri: copyUri(first, earlier) }] };
    expect(plan({ copies: [at(first)], previous: [lost] }, { copyTo: [first] }).kind).toBe("unchanged");
  });
});

describe("what is due is unknown", () => {
  it("as long as an input that decides about a new backup is unknown, even if a reason is known", () => {
    const unknown = ["triggers", "retain"];
    expect(plan({ sourceStatus: "changed" }, { unknown })).toEqual({ kind: "unknown", inputs: unknown });
  });

  it("if the object itself is unknown", () => {
    const change = { vaultUri: undefined, name: undefined, unknown: ["keyUri"] };
    expect(plan({}, change)).toEqual({ kind: "unknown", inputs: ["keyUri"] });
  });

  it("if only `forget` or forceDelete is unknown and no backup is due, without `retain`", () => {
    expect(plan({}, { unknown: ["forget", "retain", "forceDelete"] })).toEqual({
      kind: "unknown",
      inputs: ["forget", "forceDelete"],
    });
  });
});

describe("every record and declaration", () => {
  it("has a plan, and a plan that acts has a reason", () => {
    fc.assert(
      fc.property(
        fc.record({
          versions: fc.subarray([a, b]),
          sourceStatus: fc.constantFrom("current", "changed", "missing", "unreachable", undefined),
          backedUpAt: fc.constantFrom("2026-03-01T00:00:00Z", "", "2026-03-07T23:00:00Z"),
          blob: fc.constantFrom("AAAA", "BBBB", undefined),
          copies: fc.subarray(
            (["verified", "missing", "different", "unreachable"] as const).map((status) => ({
              ...copy,
              uri: copyUri(status === "missing" ? second : first, record),
              status,
            })),
          ),
        }),
        fc.record({
          version: fc.constantFrom(a, b, undefined),
          triggers: fc.array(fc.jsonValue(), { maxLength: 1 }),
          maxAgeDays: fc.constantFrom(undefined, 1),
          forget: fc.subarray([record.blobSha256, earlier.blobSha256]),
          forceDelete: fc.boolean(),
          copyTo: fc.subarray([first, second]),
          keepBlobInState: fc.boolean(),
          unknown: fc.subarray(["retain", "forget", "triggers"]),
        }),
        (recorded, change) => {
          const made = plan(recorded as Partial<BackupRecord>, change);
          switch (made.kind) {
            case "unchanged":
              return;
            case "unknown":
              expect(change.unknown).toEqual(expect.arrayContaining([...made.inputs]));
              expect(made.inputs.length).toBeGreaterThan(0);
              return;
            case "backUp":
            case "updateRecord":
              expect(made.because).not.toBe("");
              return;
            default:
              made satisfies never;
          }
        },
      ),
    );
  });
});

describe("all backups of a record", () => {
  it("are the newest one and those before it", () => {
    expect(backupsOf(record).map(({ blobSha256 }) => blobSha256)).toEqual([record.blobSha256, earlier.blobSha256]);
  });
});
