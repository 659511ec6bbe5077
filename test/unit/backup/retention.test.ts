import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Backup } from "../../../src/backup/backup";
import { damageOf, sha256OfBlob } from "../../../src/backup/blob";
import { selectRetained, whyIrreplaceable, withoutForgotten } from "../../../src/backup/retention";
import { versionsNotIn } from "../../../src/backup/versions";
import { backup, sourceUri, vaultUri, version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];
const invoices = `${vaultUri}keys/invoices`;
const damaged = { blob: "BBBB", blobSha256: sha256OfBlob("AAAA") };
const copy = { uri: "file:///a", writtenAt: "2026-03-01T00:00:00Z", contentMd5: "bWQ1", status: "verified" } as const;
const shas = (backups: readonly Backup[]) => backups.map(({ blobSha256 }) => blobSha256);

const anyBackup = fc
  .record({
    sourceUri: fc.constantFrom(sourceUri, sourceUri.toUpperCase(), invoices),
    versions: fc.uniqueArray(fc.constantFrom(..."abcdef").map(version), { maxLength: 4 }),
    blob: fc.base64String({ minLength: 8, maxLength: 8 }).map((text) => text.replace(/\W/g, "A")),
    isDamaged: fc.boolean(),
    isElsewhere: fc.boolean(),
  })
  .map(({ isDamaged, isElsewhere, blob, ...rest }): Backup => {
    const made = backup({ ...rest, blob });
    const blobSha256 = isDamaged ? sha256OfBlob(`${blob}AAAA`) : made.blobSha256;
    return isElsewhere ? { ...made, blobSha256, blob: undefined, copies: [copy] } : { ...made, blobSha256, blob };
  });

const object = ({ sourceUri: uri }: Backup) => uri.toLowerCase();

describe("the earlier backups that are kept", () => {
  it("leave no version of the object without an undamaged backup that held it before", () => {
    fc.assert(
      fc.property(anyBackup, fc.array(anyBackup, { maxLength: 8 }), fc.nat(3), (newest, earlier, retain) => {
        const kept = selectRetained(newest, earlier, retain);
        for (const one of earlier.filter((candidate) => damageOf(candidate) === undefined)) {
          const holders = [newest, ...kept.filter((candidate) => damageOf(candidate) === undefined)];
          const ofSameObject = holders.filter((holder) => object(holder) === object(one));
          for (const held of one.versions) {
            expect(ofSameObject.some(({ versions }) => versions.includes(held))).toBe(true);
          }
        }
      }),
    );
  });

  it("lack a backup only if one newer backup of the same object holds all of its versions", () => {
    fc.assert(
      fc.property(anyBackup, fc.array(anyBackup, { maxLength: 8 }), fc.nat(3), (newest, earlier, retain) => {
        const kept = selectRetained(newest, earlier, retain);
        const keptTwice = selectRetained(newest, kept, retain);
        expect(shas(keptTwice)).toEqual(shas(kept));
        const dropped = earlier.filter((one) => !shas(kept).includes(one.blobSha256));
        for (const one of dropped) {
          expect(one.versions.length).toBeGreaterThan(0);
          const newer = [newest, ...earlier.slice(0, earlier.indexOf(one))].filter(
            (holder) => object(holder) === object(one),
          );
          expect(newer.some((holder) => versionsNotIn(holder.versions, one.versions).length === 0)).toBe(true);
        }
      }),
    );
  });

  it("are at least as many as are to be retained, if there are so many undamaged ones", () => {
    fc.assert(
      fc.property(anyBackup, fc.array(anyBackup, { maxLength: 8 }), fc.nat(10), (newest, earlier, retain) => {
        const undamaged = earlier.filter((one) => damageOf(one) === undefined);
        const kept = selectRetained(newest, earlier, retain).filter((one) => damageOf(one) === undefined);
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(retain, undamaged.length));
      }),
    );
  });

  it("stay in their order, unchanged but for the reason", () => {
    const first = backup({ versions: [a], blob: "AAAA" });
    const second = backup({ versions: [b], blob: "AAAB" });
    const kept = selectRetained(backup({ versions: [c] }), [second, first], 0);
    expect(kept.map(({ keptBecause, ...rest }) => rest)).toEqual([second, first]);
  });

  it("do not carry along what is recorded of the newest backup only", () => {
    const former = { ...backup({ versions: [b] }), vaultUri, thumbprints: {}, keptBecause: "an old reason" };
    const [kept] = selectRetained(backup(), [former], 0);
    expect(Object.keys(kept ?? {}).sort()).toEqual(
      ["backedUpAt", "blob", "blobBytes", "blobSha256", "copies", "keptBecause", "sourceUri", "versions"].sort(),
    );
    expect(kept?.keptBecause).not.toBe("an old reason");
  });
});

describe("an earlier backup is kept", () => {
  it.each<[string, Partial<Backup>, Partial<Backup>, string]>([
    [
      "if it alone holds a version",
      { versions: [b] },
      { versions: [a, b] },
      `no newer backup is known to hold version ${a}`,
    ],
    ["if its own versions are unknown", { versions: [a] }, { versions: [] }, "the versions that it holds are unknown"],
    [
      "if the newest one's versions are unknown",
      { versions: [] },
      { versions: [a] },
      "the versions that the newer backup holds are unknown",
    ],
    ["if it is of another object", { versions: [a] }, { sourceUri: invoices }, `it is a backup of ${invoices}`],
    ["even if it is damaged", { versions: [b] }, damaged, "the blob is damaged: its SHA-256 is"],
  ])("%s", (_, newest, earlier, because) => {
    const [kept, ...others] = selectRetained(backup(newest), [backup(earlier)], 0);
    expect(kept).toMatchObject({ keptBecause: expect.stringContaining(because) });
    expect(others).toEqual([]);
  });

  it("if `retain` asks for it, and the newest ones first", () => {
    const earlier = ["AAAA", "AAAB", "AAAC"].map((blob) => backup({ blob }));
    expect(shas(selectRetained(backup(), earlier, 2))).toEqual(shas(earlier.slice(0, 2)));
    expect(selectRetained(backup(), earlier, 2)[0]?.keptBecause).toContain("retain");
    expect(selectRetained(backup(), earlier, 0)).toEqual([]);
  });

  it("with its own reason if it alone holds a version, and does not use up what `retain` asks for", () => {
    const earlier = [backup({ blob: "AAAA", versions: [b] }), backup({ blob: "AAAB" })];
    expect(shas(selectRetained(backup({ blob: "AAAC" }), earlier, 1))).toEqual(shas(earlier));
  });
});

describe("an earlier backup is dropped", () => {
  it("if the newest backup of the object holds all of its versions, whatever their case", () => {
    const newest = backup({ versions: [b, a.toUpperCase()], sourceUri: sourceUri.toUpperCase() });
    expect(selectRetained(newest, [backup({ versions: [a] })], 0)).toEqual([]);
  });

  it("if a kept backup between it and the newest holds all of its versions", () => {
    const between = backup({ versions: [b, a], blob: "AAAB" });
    expect(shas(selectRetained(backup({ versions: [c] }), [between, backup({ versions: [a] })], 0))).toEqual([
      between.blobSha256,
    ]);
  });

  it("if a newer backup of the same other object holds all of its versions", () => {
    const newer = backup({ sourceUri: invoices, versions: [b, a], blob: "AAAB" });
    const older = backup({ sourceUri: invoices, versions: [a] });
    expect(shas(selectRetained(backup(), [newer, older], 0))).toEqual([newer.blobSha256]);
  });

  it("if it is damaged and a newer backup holds all of its versions, even within `retain`", () => {
    expect(selectRetained(backup(), [backup(damaged)], 5)).toEqual([]);
  });

  it("if nothing has its blob any more and a newer backup holds all of its versions, even within `retain`", () => {
    const lost: Backup = { ...backup(), blob: undefined, copies: [{ ...copy, status: "missing" }] };
    const whole = backup({ blob: "AAAC" });
    expect(shas(selectRetained(backup({ blob: "AAAD" }), [lost, whole], 1))).toEqual([whole.blobSha256]);
  });

  it("never because of a damaged backup", () => {
    const between = backup({ versions: [b, a], ...damaged });
    const older = backup({ versions: [a] });
    expect(selectRetained(backup({ versions: [c] }), [between, older], 0)).toHaveLength(2);
  });

  it("never because of two newer backups that hold its versions only together", () => {
    const newer = backup({ versions: [a], blob: "AAAB" });
    const older = backup({ versions: [b, a], blob: "AAAC" });
    expect(shas(selectRetained(backup({ versions: [b] }), [newer, older], 0))).toEqual(shas([newer, older]));
  });
});

describe("a backup may be the only copy", () => {
  const found = (...versions: string[]) => ({
    kind: "found" as const,
    versions: versions.map((one) => ({ version: one, updatedAt: 0, tags: {} })),
  });

  it("unless the source is known to have all of its versions", () => {
    expect(whyIrreplaceable({ versions: [b, a] }, found(c, a.toUpperCase(), b))).toBeUndefined();
    expect(whyIrreplaceable({ versions: [b, a] }, found(b))).toContain(a);
    expect(whyIrreplaceable({ versions: [b, a] }, found(b))).not.toContain(b);
  });

  it("if its versions are unknown", () => {
    expect(whyIrreplaceable({ versions: [] }, found(a))).toContain("unknown");
  });

  it.each(["missing", "unreachable"] as const)("if the source is %s, for the reason that was found", (kind) => {
    expect(whyIrreplaceable({ versions: [a] }, { kind, because: "The vault is gone." })).toBe("The vault is gone.");
  });
});

describe("the backups that the program forgets", () => {
  it("are named by their SHA-256, and the others stay", () => {
    const [one, other] = [backup({ blob: "AAAA" }), backup({ blob: "AAAB" })];
    expect(withoutForgotten([one, other], [other.blobSha256, "another"])).toEqual([one]);
    expect(withoutForgotten([one, other], [])).toEqual([one, other]);
  });
});
