import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  checkRecreation,
  type DeclaredRestore,
  type LookedUpCopy,
  missingVersions,
  planRestore,
  type RestoreRecord,
  recordSeen,
} from "../../../src/backup/planRestore";
import { sourceUri, vaultUri as sourceVaultUri, version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];
const vaultUri = "https://kv-replica.vault.azure.net/";
const record: RestoreRecord = {
  vaultUri,
  name: "orders",
  uri: `${vaultUri}keys/orders`,
  versions: [a],
  restoredAt: "2026-03-01T00:00:00Z",
  restoredFrom: { blobSha256: "1111", versions: [a] },
  missingVersions: [],
  status: "present",
};
const declared: DeclaredRestore = {
  vaultUri,
  name: "orders",
  blobSha256: "1111",
  sourceUri,
  versions: [a],
  onNewVersions: "keep",
  unknown: [],
};
const newer: Partial<DeclaredRestore> = { blobSha256: "2222", versions: [c, b, a] };
const recreate: Partial<DeclaredRestore> = { ...newer, onNewVersions: "recreate" };

const plan = (recorded: Partial<RestoreRecord> = {}, change: Partial<DeclaredRestore> = {}) =>
  planRestore({ ...record, ...recorded }, { ...declared, ...change });

describe("a restored object needs nothing", () => {
  it.each<[string, Partial<RestoreRecord>, Partial<DeclaredRestore>]>([
    ["if it is the declared one", {}, {}],
    [
      "if names and versions are spelled in another case",
      {},
      { vaultUri: vaultUri.toUpperCase(), name: "ORDERS", versions: [a.toUpperCase()] },
    ],
    ["if another backup holds nothing more", {}, { blobSha256: "2222" }],
    ["if it has newer versions than the backup", { versions: [b, a] }, {}],
    ["if it cannot be reached", { status: "unreachable" }, {}],
    ["if the versions that it lacks are recorded", { missingVersions: [c, b] }, newer],
    ["if only the blob is known, and it is the same", {}, { name: undefined, versions: [] }],
    ["if only an unknown blob tells the name", {}, { name: undefined, blobSha256: undefined }],
    ["if the backup was made from this very object", {}, { ...recreate, sourceUri: record.uri.toUpperCase() }],
  ])("%s", (_, recorded, change) => {
    expect(plan(recorded, change)).toEqual({ kind: "unchanged" });
  });
});

describe("an object is restored", () => {
  it.each<[string, Partial<RestoreRecord>, Partial<DeclaredRestore>, string]>([
    ["into another vault", {}, { vaultUri: "https://other.vault.azure.net/" }, "vaultUri changed"],
    [
      "into another vault, even if the backup is not known yet",
      {},
      { vaultUri: "https://other.vault.azure.net/", unknown: ["backup"] },
      "vaultUri changed",
    ],
    ["under another name", {}, { name: "invoices" }, "another object"],
    [
      "from another blob, if only the blob tells the name",
      {},
      { name: undefined, blobSha256: "2222" },
      "the backup changed",
    ],
    [
      "if it is missing, with the recorded reason",
      { status: "missing", statusReason: "it is gone." },
      {},
      "it is gone.",
    ],
    ["if it is soft-deleted", { status: "softDeleted" }, {}, "the object is softDeleted"],
    ["if another object has its name", { status: "replaced" }, {}, "the object is replaced"],
    ["rather than recreated if it is missing", { status: "missing" }, recreate, "the object is missing"],
    [
      "rather than recreated if another object has its name, which is not deleted",
      { status: "replaced" },
      recreate,
      "the object is replaced",
    ],
  ])("%s", (_, recorded, change, because) => {
    expect(plan(recorded, change)).toEqual({ kind: "restore", because: expect.stringContaining(because) });
  });
});

describe("an object is recreated", () => {
  it.each<[string, Partial<RestoreRecord>]>([
    ["if it lacks versions of the backup and the program asks for it", {}],
    ["if the versions that it lacks are recorded already", { missingVersions: [c, b] }],
    ["if it is soft-deleted, as an interrupted recreation leaves it", { status: "softDeleted" }],
    ["if it could not be reached at the last refresh", { status: "unreachable" }],
  ])("%s", (_, recorded) => {
    expect(plan(recorded, recreate)).toEqual({
      kind: "recreate",
      because: expect.stringContaining(`versions ${c}, ${b}`),
    });
  });

  it("only if it lacks versions", () => {
    expect(plan({}, { onNewVersions: "recreate" }).kind).toBe("unchanged");
  });
});

describe("only the record of an object changes", () => {
  it("if it lacks versions of the backup and the program keeps it", () => {
    expect(plan({}, newer)).toEqual({ kind: "updateRecord", because: expect.stringMatching(/are missing/) });
    expect(plan({}, { ...newer, versions: [b, a] })).toEqual({
      kind: "updateRecord",
      because: expect.stringMatching(/is missing/),
    });
    expect(plan({ missingVersions: [b] }, newer).kind).toBe("updateRecord");
  });

  it("if it lacks fewer versions than are recorded", () => {
    const lacking = { missingVersions: [c, b] };
    expect(plan(lacking, {})).toEqual({ kind: "updateRecord", because: "missingVersions changed" });
    expect(plan(lacking, { ...newer, versions: [b, a] }).kind).toBe("updateRecord");
  });
});

describe("what is due for a restored object", () => {
  it("is unknown as long as inputs are unknown", () => {
    const unknown = ["backup"];
    expect(plan({ status: "missing" }, { unknown, blobSha256: undefined })).toEqual({
      kind: "unknown",
      inputs: unknown,
    });
    expect(plan({}, { unknown, vaultUri: undefined, name: undefined }).kind).toBe("unknown");
  });

  it("is unknown, and not another restore, if only the blob tells the name and the backup is not known yet", () => {
    expect(plan({}, { name: undefined, blobSha256: "2222", unknown: ["backup"] }).kind).toBe("unknown");
  });

  it("is decided for each record and each declaration, with a reason for each act", () => {
    const versions = fc.subarray([a, b, c]);
    fc.assert(
      fc.property(
        fc.record({
          versions,
          missingVersions: versions,
          status: fc.constantFrom("present", "missing", "softDeleted", "replaced", "unreachable"),
        }),
        fc.record({
          versions,
          onNewVersions: fc.constantFrom("keep", "recreate"),
          name: fc.constantFrom("orders", undefined),
          unknown: fc.subarray(["backup"]),
        }),
        (recorded, change) => {
          const made = plan(recorded as Partial<RestoreRecord>, change as Partial<DeclaredRestore>);
          switch (made.kind) {
            case "unchanged":
              expect(missingVersions({ ...record, ...recorded }, { ...declared, ...change }).sort()).toEqual(
                [...recorded.missingVersions].sort(),
              );
              return;
            case "recreate":
              expect(change.onNewVersions).toBe("recreate");
              return;
            case "restore":
            case "updateRecord":
              expect(made.because).not.toBe("");
              return;
            case "unknown":
              expect(made.inputs).toEqual(change.unknown);
              return;
            default:
              made satisfies never;
          }
        },
      ),
    );
  });
});

describe("the versions that a restored object lacks", () => {
  it("are those of the backup that it has not, in the order of the backup", () => {
    expect(missingVersions({ ...record, versions: [b.toUpperCase()] }, { ...declared, versions: [c, b, a] })).toEqual([
      c,
      a,
    ]);
  });

  it("are none if the backup was made from the object itself", () => {
    expect(missingVersions(record, { sourceUri: record.uri, versions: [c, b, a] })).toEqual([]);
  });
});

describe("the record of a restored object after a refresh", () => {
  const found = (...versions: string[]): LookedUpCopy => ({
    kind: "found",
    versions: versions.map((one) => ({ version: one })),
  });

  it("has the versions that are there, and lacks those no more", () => {
    expect(recordSeen({ ...record, missingVersions: [c, b] }, found(b, a))).toEqual({
      ...record,
      versions: [b, a],
      missingVersions: [c],
      status: "present",
      statusReason: undefined,
    });
  });

  it("is present again, without a reason, once the object is found", () => {
    const gone = { ...record, status: "missing", statusReason: "it was gone" } as const;
    expect(recordSeen(gone, found(a))).toMatchObject({ status: "present", statusReason: undefined });
  });

  it("says that another object has its name if none of its versions is there, and keeps its own versions", () => {
    expect(recordSeen(record, found(c, b))).toMatchObject({
      status: "replaced",
      versions: [a],
      statusReason: expect.stringContaining("another object has its name"),
    });
    expect(recordSeen({ ...record, versions: [b, a] }, found(b)).status).toBe("present");
  });

  it("tells a missing object from a soft-deleted one", () => {
    const missing = { kind: "missing", because: "not there" } as const;
    expect(recordSeen(record, missing)).toMatchObject({ status: "missing", statusReason: "not there" });
    expect(recordSeen(record, { ...missing, deleted: {} })).toMatchObject({
      status: "softDeleted",
      statusReason: "not there",
    });
  });

  it("says that the object cannot be reached, with the reason of this refresh", () => {
    for (const status of ["present", "unreachable"] as const) {
      const seen = recordSeen(
        { ...record, status, statusReason: "before" },
        { kind: "unreachable", because: "no route" },
      );
      expect(seen).toMatchObject({ status: "unreachable", statusReason: "no route", versions: [a] });
    }
  });

  it.each(["missing", "softDeleted", "replaced"] as const)(
    "still says that it was seen %s while it cannot be reached",
    (status) => {
      const seen = { ...record, status, statusReason: "it was seen" };
      expect(recordSeen(seen, { kind: "unreachable", because: "no route" })).toEqual(seen);
    },
  );
});

describe("a recreation", () => {
  const copy = { vaultUri, versions: [a], isPurgeable: true };
  const backup = { sourceVaultUri, versions: [b, a] };

  it("is allowed for a replica in another vault, all of whose versions are in the backup", () => {
    expect(checkRecreation(copy, backup)).toEqual({ kind: "allowed" });
    expect(checkRecreation({ ...copy, versions: [a.toUpperCase()] }, backup)).toEqual({ kind: "allowed" });
    expect(checkRecreation({ ...copy, versions: [] }, backup)).toEqual({ kind: "allowed" });
  });

  it.each<[string, Partial<typeof copy>, { sourceVaultUri?: string; versions?: string[] }, string]>([
    ["in the vault of the source", {}, { sourceVaultUri: vaultUri.toUpperCase() }, "the source's own vault"],
    ["of a version that the backup does not hold", { versions: [c, a] }, {}, `does not hold version ${c}`],
    ["of any version if the backup's versions are unknown", {}, { versions: [] }, `does not hold version ${a}`],
    ["in a vault that does not purge", { isPurgeable: false }, {}, "purge protection"],
  ])("is refused %s", (_, changedCopy, changedBackup, because) => {
    const check = checkRecreation({ ...copy, ...changedCopy }, { ...backup, ...changedBackup });
    expect(check).toEqual({ kind: "refused", because: expect.stringContaining(because) });
  });

  it("is refused if the vault of the source is unknown", () => {
    expect(checkRecreation(copy, { versions: [b, a] }).kind).toBe("refused");
  });
});
