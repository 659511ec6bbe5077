import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { backupDataActions, drillDataActions } from "../../../src";

const objects = ["keys", "secrets", "certificates"] as const;

/** The data actions without the part that all of them have. */
function short(actions: readonly string[]): string[] {
  return actions.map((action) => action.replace(/^Microsoft\.KeyVault\/vaults\//, ""));
}

describe("the data actions of backups", () => {
  it.each<[string, (typeof objects)[number][], string[]]>([
    ["keys", ["keys"], ["keys/backup/action", "keys/read"]],
    ["secrets", ["secrets"], ["secrets/backup/action", "secrets/readMetadata/action"]],
    ["certificates", ["certificates"], ["certificates/backup/action", "certificates/read"]],
    [
      "keys and secrets",
      ["secrets", "keys"],
      ["keys/backup/action", "keys/read", "secrets/backup/action", "secrets/readMetadata/action"],
    ],
  ])("of %s are those to back up and to list", (_, named, expected) => {
    expect(short(backupDataActions(...named))).toEqual(expected);
  });

  it("allow nothing but to back up and to read what is no secret's value", () => {
    for (const action of backupDataActions(...objects)) {
      expect(action).toMatch(/^Microsoft\.KeyVault\/vaults\/\w+\/(backup\/action|read|readMetadata\/action)$/);
    }
  });
});

describe("the data actions of drills", () => {
  it.each<[string, (typeof objects)[number][], string[]]>([
    [
      "keys",
      ["keys"],
      [
        "keys/decrypt/action",
        "keys/delete",
        "keys/purge/action",
        "keys/read",
        "keys/restore/action",
        "keys/sign/action",
        "keys/unwrap/action",
        "keys/update/action",
      ],
    ],
    [
      "secrets",
      ["secrets"],
      [
        "secrets/delete",
        "secrets/getSecret/action",
        "secrets/purge/action",
        "secrets/readMetadata/action",
        "secrets/restore/action",
        "secrets/update/action",
      ],
    ],
    [
      "certificates, whose keys are used",
      ["certificates"],
      [
        "certificates/delete",
        "certificates/purge/action",
        "certificates/read",
        "certificates/restore/action",
        "certificates/update/action",
        "keys/decrypt/action",
        "keys/read",
        "keys/sign/action",
        "keys/unwrap/action",
      ],
    ],
  ])("of %s are those to restore, prove and remove a copy", (_, named, expected) => {
    expect(short(drillDataActions(...named))).toEqual(expected);
  });

  it("allow no new backup", () => {
    expect(drillDataActions().filter((action) => action.includes("/backup/"))).toEqual([]);
  });
});

describe.each([
  ["backups", backupDataActions],
  ["drills", drillDataActions],
])("the data actions of %s", (_, dataActions) => {
  it("are those of all kinds of objects if none is named", () => {
    expect(dataActions()).toEqual(dataActions(...objects));
    for (const collection of objects) expect(dataActions()).toEqual(expect.arrayContaining(dataActions(collection)));
  });

  it("of several kinds are those of each kind, sorted, each once, however often and in whatever order they are named", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...objects), { minLength: 1 }), (named) => {
        const actions = dataActions(...named);
        const expected = new Set(named.flatMap((one) => dataActions(one)));
        expect(actions).toEqual([...expected].sort());
      }),
    );
  });

  it("are an array of their own each time, which a program may change", () => {
    const first = dataActions("keys");
    first.push("more");
    expect(dataActions("keys")).not.toContain("more");
  });

  it("do not compile with an unknown kind of object", () => {
    // @ts-expect-error there is no such kind
    expect(() => dataActions("storage")).toThrow();
  });
});
