import { describe, expect, it } from "@jest/globals";
import {
  checkVersionIds,
  type DrillCheck,
  describeChecks,
  failuresIn,
  notRun,
  outcomeOf,
} from "../../../src/backup/drillEvidence";
import { version } from "../../support/keyVault/backups";

const [a, b, c] = [version("a"), version("b"), version("c")];
const passed = (of: string): DrillCheck => ({ version: of, versionId: "passed", publicKey: "passed" });
const failed = (of: string): DrillCheck => ({ version: of, versionId: "passed", publicKey: "failed: it is another" });
const open = (of: string): DrillCheck => notRun(of, ["publicKey"], "it was not read");

describe("the versions of a restored copy", () => {
  it("pass if the backup holds them, in any case", () => {
    expect(checkVersionIds([b, a], [b.toUpperCase(), a])).toEqual([
      { version: b.toUpperCase(), versionId: "passed" },
      { version: a, versionId: "passed" },
    ]);
  });

  it("fail if the copy lacks them, after those that it has", () => {
    expect(checkVersionIds([b, a], [a])).toEqual([
      { version: a, versionId: "passed" },
      { version: b, versionId: expect.stringMatching(/^failed: /) },
    ]);
  });

  it("are not judged if the backup does not tell of them", () => {
    expect(checkVersionIds([a], [c, a])[0]).toEqual({ version: c, versionId: expect.stringMatching(/^not run: /) });
    expect(checkVersionIds([], [a])).toEqual([{ version: a, versionId: expect.stringMatching(/^not run: /) }]);
  });
});

describe("checks that could not be run", () => {
  it("say why, each by its name", () => {
    expect(notRun(a, ["publicKey", "privateKey"], "the drill ended before")).toEqual({
      version: a,
      versionId: "not run: the drill ended before",
      publicKey: "not run: the drill ended before",
      privateKey: "not run: the drill ended before",
    });
  });
});

describe("a drill", () => {
  it.each<[string, DrillCheck[], string]>([
    ["verified a backup if every check passed", [passed(b), passed(a)], "verified"],
    ["proved a part of a backup if a check could not be run", [passed(b), open(a)], "partly"],
    ["proved a part of a backup if no check could be run", [open(a)], "partly"],
    ["failed if one check failed", [passed(c), open(b), failed(a)], "failed"],
    ["failed if nothing was restored", [], "failed"],
  ])("%s", (_, checks, outcome) => {
    expect(outcomeOf(checks)).toBe(outcome);
  });

  it.each(["2027-01-01T00:00:00.000Z", "passed away", "", "not a result"])(
    "is not judged by a fact beside the results: %j",
    (expiresAt) => {
      expect(outcomeOf([{ ...passed(a), expiresAt }])).toBe("verified");
      expect(outcomeOf([{ ...open(a), expiresAt }])).toBe("partly");
      expect(outcomeOf([{ ...failed(a), expiresAt }])).toBe("failed");
    },
  );

  it("has proved nothing by a fact alone", () => {
    const fact: Partial<DrillCheck> = { version: a, expiresAt: "2027-01-01T00:00:00.000Z" };
    expect(outcomeOf([fact as DrillCheck])).toBe("failed");
  });

  it("does not take the name of a version for a result", () => {
    expect(outcomeOf([{ ...passed(a), version: "failed: not a result" }])).toBe("verified");
  });
});

describe("a description of checks", () => {
  it("tells failures before what could not be run, and nothing that passed", () => {
    const text = describeChecks([passed(c), open(b), failed(a)]);
    expect(text).toMatch(new RegExp(`^version ${a}: publicKey failed: it is another; version ${b}: versionId not run`));
    expect(text).not.toContain(c);
  });

  it("tells every check of a version that did not pass", () => {
    expect(describeChecks([open(a)])).toBe(
      `version ${a}: versionId not run: it was not read, publicKey not run: it was not read`,
    );
  });

  it("has no facts, only results", () => {
    const expiresAt = "2027-01-01T00:00:00.000Z";
    expect(describeChecks([{ ...failed(a), expiresAt }])).toBe(`version ${a}: publicKey failed: it is another`);
    expect(describeChecks([{ ...passed(a), expiresAt }])).toBe("");
  });

  it("names two versions and counts the others", () => {
    expect(describeChecks([failed(a), failed(b)])).not.toContain("more");
    const text = describeChecks([open(a), open(b), failed(c), failed(version("d"))]);
    expect(text).toContain(`version ${c}`);
    expect(text).toContain(`version ${version("d")}`);
    expect(text).not.toContain(a);
    expect(text).toMatch(/; 2 more/);
    expect(describeChecks([failed(a), failed(b), failed(c)])).toMatch(/; 1 more/);
  });

  it("is empty if every check passed", () => {
    expect(describeChecks([passed(a)])).toBe("");
    expect(describeChecks([])).toBe("");
  });
});

describe("what contradicts the source", () => {
  it("is each failed check of each version, in a clause of its own", () => {
    const evidence = new Map([
      [a, { x5t: "failed: it is another", publicKey: "passed", privateKey: "failed: it does not fit" }],
      [b, { attributes: "failed: a tag differs" }],
    ]);
    expect(failuresIn(evidence)).toEqual([
      `version ${a}, x5t: it is another`,
      `version ${a}, privateKey: it does not fit`,
      `version ${b}, attributes: a tag differs`,
    ]);
  });

  it("is nothing that passed, could not be run or is only a fact", () => {
    const evidence = new Map([
      [a, { x5t: "passed", value: "not run: failed: it was refused", expiresAt: "2027-01-01T00:00:00.000Z" }],
      [b, {}],
    ]);
    expect(failuresIn(evidence)).toEqual([]);
    expect(failuresIn(new Map())).toEqual([]);
  });
});
