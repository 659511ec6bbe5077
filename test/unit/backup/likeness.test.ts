import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type HeldVersions, likenessOf, type PresentKey } from "../../../src/backup/likeness";

const [v1, v2, v3] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
const backup: HeldVersions = { keyVersions: [v2, v1], keyThumbprints: { [v1]: "one", [v2]: "two" } };
const noneOfThem = "it has none of the versions that the backup holds";
const otherPublicKey = `its version ${v1} has another public key than the one in the backup`;

describe("a key that is there is", () => {
  it("the same where it has every version of the backup, with the same public keys", () => {
    expect(likenessOf(backup, backup)).toEqual({ kind: "same" });
  });

  it("the same where it has newer versions too, in any order and spelling", () => {
    const key: PresentKey = { ...backup, keyVersions: [v1.toUpperCase(), v3, v2.toUpperCase()] };
    expect(likenessOf(backup, key)).toEqual({ kind: "same" });
  });

  it("the same as far as public keys are known on both sides", () => {
    expect(likenessOf(backup, { ...backup, keyThumbprints: {} })).toEqual({ kind: "same" });
    expect(likenessOf({ ...backup, keyThumbprints: {} }, backup)).toEqual({ kind: "same" });
    const half = { keyVersions: [v2, v1], keyThumbprints: { [v2]: "two" } };
    expect(likenessOf(half, { ...backup, keyThumbprints: { [v1]: "another" } })).toEqual({ kind: "same" });
  });

  it("an older copy where it lacks some versions of the backup, which are named", () => {
    expect(likenessOf(backup, { keyVersions: [v1], keyThumbprints: { [v1]: "one" } })).toEqual({
      kind: "older",
      lacks: [v2],
      own: [],
    });
  });

  it("an older copy although it has versions that the backup lacks, which are named", () => {
    expect(likenessOf(backup, { keyVersions: [v3, v1.toUpperCase()], keyThumbprints: {} })).toEqual({
      kind: "older",
      lacks: [v2],
      own: [v3],
    });
  });

  it("another key where it has none of the versions", () => {
    const other = { kind: "other", because: noneOfThem };
    expect(likenessOf(backup, { keyVersions: [v3], keyThumbprints: {} })).toEqual(other);
    expect(likenessOf(backup, { keyVersions: [], keyThumbprints: {} })).toEqual(other);
  });

  it("another key where a version has another public key, be the versions complete or not", () => {
    const other = { kind: "other", because: otherPublicKey };
    const keyThumbprints = { [v1]: "another", [v2]: "two" };
    expect(likenessOf(backup, { ...backup, keyThumbprints })).toEqual(other);
    expect(likenessOf(backup, { keyVersions: [v1], keyThumbprints })).toEqual(other);
  });

  it("another key by its public key, whatever the case in which the backup spells the version", () => {
    const spelled = { keyVersions: [v1], keyThumbprints: { [v1.toUpperCase()]: "one" } };
    const key = { keyVersions: [v1], keyThumbprints: { [v1]: "another" } };
    expect(likenessOf(spelled, key)).toMatchObject({ kind: "other" });
  });

  it("neither where the versions of the backup are not known, whatever it has", () => {
    const blind = { keyVersions: [], keyThumbprints: {} };
    expect(likenessOf(blind, backup)).toEqual({ kind: "unknown" });
    expect(likenessOf(blind, blind)).toEqual({ kind: "unknown" });
  });
});

describe("for any backup and any key", () => {
  const version = fc.constantFrom("a", "b", "c", "d", "A");
  const versions = fc.uniqueArray(version, { selector: (it) => it.toLowerCase() });
  const thumbprints = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"));
  const held = fc.record({ keyVersions: versions, keyThumbprints: thumbprints });
  const spelled = (names: readonly string[]) => names.map((name) => name.toLowerCase());

  it("there is one answer, and it is the same only where nothing known speaks against it", () => {
    fc.assert(
      fc.property(held, held, (backedUp, present) => {
        const { kind } = likenessOf(backedUp, present);
        const has = new Set(spelled(present.keyVersions));
        const lacked = spelled(backedUp.keyVersions).filter((name) => !has.has(name));
        const differs = Object.entries(backedUp.keyThumbprints).some(
          ([name, thumbprint]) => (present.keyThumbprints[name] ?? thumbprint) !== thumbprint,
        );
        const isOther = lacked.length === backedUp.keyVersions.length || differs;
        const known = isOther ? "other" : lacked.length > 0 ? "older" : "same";
        expect(kind).toBe(backedUp.keyVersions.length === 0 ? "unknown" : known);
      }),
    );
  });

  it("there is one answer, whatever an edited state has made of the names", () => {
    const texts = fc.record({
      keyVersions: fc.array(fc.string()),
      keyThumbprints: fc.dictionary(
        fc.string().map((name) => name.toLowerCase()),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(texts, texts, (backedUp, present) => {
        expect(["same", "older", "other", "unknown"]).toContain(likenessOf(backedUp, present).kind);
        expect(likenessOf(backedUp, backedUp).kind).toBe(backedUp.keyVersions.length === 0 ? "unknown" : "same");
      }),
    );
  });
});
