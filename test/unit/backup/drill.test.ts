import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type CheckResult,
  checksText,
  compareRestored,
  type DrillCheck,
  type DrillEvidence,
  notRun,
  outcomeOf,
} from "../../../src/backup/drill";

const [v1, v2, v3] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
const untried = "not run: it was not tried";

/** What there is to compare, with thumbprints by version. */
function evidence({
  source = { [v1]: "one", [v2]: "two" },
  target = source,
  ...others
}: Partial<DrillEvidence> & {
  readonly source?: Readonly<Record<string, string>>;
  readonly target?: Readonly<Record<string, string>>;
} = {}): DrillEvidence {
  const thumbprintIn = (thumbprints: Readonly<Record<string, string>>, where: string) => (version: string) => {
    const thumbprint = thumbprints[version];
    return thumbprint === undefined ? { because: `${where} has none` } : { thumbprint };
  };
  return {
    expected: [v2, v1],
    restored: [v2, v1],
    isComplete: true,
    sourceThumbprint: thumbprintIn(source, "the source"),
    restoredThumbprint: thumbprintIn(target, "the copy"),
    ...others,
  };
}

const check = (
  versionId: CheckResult,
  publicKey: CheckResult,
  privateKey: CheckResult,
  version: string = v1,
): DrillCheck => ({ version, versionId, publicKey, privateKey });

describe("a version of a restored key", () => {
  it("passes by its id and its public key, and has its private key still to be proved", () => {
    expect(compareRestored(evidence())).toEqual([
      check("passed", "passed", untried, v2),
      check("passed", "passed", untried, v1),
    ]);
  });

  it("passes whatever the case in which the backup spells it", () => {
    const checks = compareRestored(evidence({ expected: [v2.toUpperCase(), v1.toUpperCase()] }));
    expect(checks.map(({ version, versionId }) => [version, versionId])).toEqual([
      [v2, "passed"],
      [v1, "passed"],
    ]);
  });

  it("fails by another public key, with both thumbprints, and its private key is not tried", () => {
    const [first] = compareRestored(evidence({ target: { [v1]: "one", [v2]: "another" } }));
    expect(first).toMatchObject({
      version: v2,
      versionId: "passed",
      publicKey: "failed: its thumbprint is another, and the source's two",
      privateKey: expect.stringMatching(/^not run: the source's public key/),
    });
  });

  it("fails where the backup holds it and the restored key lacks it", () => {
    expect(compareRestored(evidence({ expected: [v3, v2, v1] }))[2]).toEqual(
      check(
        "failed: the restored key has no such version",
        "not run: the restored key has no such version",
        "not run: the restored key has no such version",
        v3,
      ),
    );
  });

  it("is compared by its public key alone where the backup does not say what it holds", () => {
    const because = "not run: the backup does not say whether it holds it";
    expect(compareRestored(evidence({ expected: [], restored: [v1] }))).toEqual([check(because, "passed", untried)]);
  });

  it("is not compared with a public key that nobody knows", () => {
    const [newest, oldest] = compareRestored(evidence({ source: { [v1]: "one" }, target: { [v2]: "two" } }));
    expect(newest).toMatchObject({ versionId: "passed", publicKey: "not run: the source has none" });
    expect(oldest).toMatchObject({ versionId: "passed", publicKey: "not run: the copy has none" });
  });
});

describe("the outcome of a drill is", () => {
  const passed = check("passed", "passed", "passed");

  it("verified where every check of every version passed", () => {
    expect(outcomeOf([passed, passed])).toBe("verified");
  });

  it.each([
    ["version id", check("failed: no", "passed", "passed")],
    ["public key", check("passed", "failed: no", "passed")],
    ["private key", check("passed", "passed", "failed: no")],
  ])("failed where one %s failed, whatever the others did", (_, failed) => {
    expect(outcomeOf([passed, failed])).toBe("failed");
    expect(outcomeOf([failed, notRun(v2, "it is so")])).toBe("failed");
  });

  it("partly where none failed and one was not run", () => {
    expect(outcomeOf([passed, check("passed", "passed", "not run: the version is disabled")])).toBe("partly");
    expect(outcomeOf([notRun(v1, "it is so")])).toBe("partly");
  });

  it("failed where nothing was checked", () => {
    expect(outcomeOf([])).toBe("failed");
  });

  it("that of the results, in every combination and in any order", () => {
    const result = fc.constantFrom<CheckResult>("passed", "failed: no", "not run: it is so");
    const checks = fc.array(fc.tuple(result, result, result), { minLength: 1 });
    fc.assert(
      fc.property(checks, (results) => {
        const all = results.flat();
        const isVerified = all.every((it) => it === "passed");
        const expected = all.includes("failed: no") ? "failed" : isVerified ? "verified" : "partly";
        expect(outcomeOf(results.map((it) => check(...it)))).toBe(expected);
        expect(outcomeOf(results.reverse().map((it) => check(...it)))).toBe(expected);
      }),
    );
  });
});

describe("for any evidence", () => {
  it("each version is checked once, and only a matching public key lets its private key be tried", () => {
    const versions = fc.uniqueArray(fc.constantFrom(v1, v2, v3));
    const thumbprints = fc.dictionary(fc.constantFrom(v1, v2, v3), fc.constantFrom("one", "two"));
    const cases = fc.record({
      expected: versions,
      restored: versions,
      isComplete: fc.boolean(),
      source: thumbprints,
      target: thumbprints,
    });
    fc.assert(
      fc.property(cases, (known) => {
        const checks = compareRestored(evidence(known));
        const checked = checks.map(({ version }) => version);
        expect(checked.sort()).toEqual([...new Set([...known.expected, ...known.restored])].sort());
        for (const { version, publicKey, privateKey } of checks) {
          const { [version]: own } = known.target;
          const isSame = known.restored.includes(version) && own !== undefined && own === known.source[version];
          expect([publicKey === "passed", privateKey === untried]).toEqual([isSame, isSame]);
        }
        expect(outcomeOf(checks)).not.toBe("verified");
      }),
    );
  });
});

describe("the checks in words", () => {
  it("are a sentence for each version", () => {
    expect(checksText([check("passed", "passed", "not run: the version is disabled")])).toBe(
      `Version ${v1}: version id passed; public key passed; private key not run: the version is disabled.`,
    );
    expect(checksText([])).toBe("");
  });

  it("begin with those that failed, in the order in which they were checked", () => {
    const text = checksText([
      check("passed", "passed", "passed", "v4"),
      check("passed", "passed", "failed: no", "v3"),
      check("passed", "passed", "passed", "v2"),
      check("failed: no", "passed", "passed", "v1"),
    ]);
    expect(text.match(/v\d/g)).toEqual(["v3", "v1", "v4", "v2"]);
  });

  const many = (count: number) => Array.from({ length: count }, (_, nth) => notRun(`v${nth}`, "it is so"));

  it("name a few of many versions, and count the others", () => {
    expect(checksText(many(5)).match(/Version/g)?.length).toBe(5);
    expect(checksText(many(5))).not.toContain("more");
    expect(checksText(many(405)).match(/Version/g)?.length).toBe(5);
    expect(checksText(many(405))).toMatch(/ And 400 more versions\.$/);
  });

  it("count one other version as one", () => {
    expect(checksText(many(6))).toMatch(/ And 1 more version\.$/);
  });

  it("end each sentence with one stop, also after a reason that has one of its own", () => {
    const refused =
      "not run: Key Vault refused to sign. Grant the data action, for instance with the role Crypto User.";
    expect(checksText([check("passed", "passed", refused as CheckResult)])).not.toContain("..");
  });
});
