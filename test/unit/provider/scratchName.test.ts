import { describe, expect, it } from "@jest/globals";
import type { LookedUpKey } from "../../../src/keyVault/lookUpKey";
import { tagsOf } from "../../../src/provider/drillCopy";
import { awaitName, DrillRefused } from "../../../src/provider/scratchName";

const version = "a".repeat(32);
const owner = "organization/project/dev/orders";
const name = { vaultUri: "https://kv.example/", keyName: "orders", keyVersions: [version], owner, leftover: undefined };
const tags = tagsOf({ owner, run: "an earlier one", until: 0 });
const times = { createdAt: 0, updatedAt: 0 };
const found: LookedUpKey = {
  kind: "found",
  isComplete: true,
  versions: [{ version, tags, isPurgeable: true, ...times }],
};
const softDeleted: LookedUpKey = {
  kind: "missing",
  because: "it is soft-deleted.",
  deleted: { version, tags, isPurgeable: true, purgedAt: undefined },
};
const gone: LookedUpKey = { kind: "missing", because: "it is not there." };

/** A vault that shows these, one at each look, and the last one for ever, whatever is removed. */
function vaultThatShows(...looks: [...LookedUpKey[], LookedUpKey]) {
  const done: string[] = [];
  let last = looks[looks.length - 1] ?? gone;
  const scratch = {
    lookUpKey: async () => {
      last = looks.shift() ?? last;
      return last;
    },
    deleteKey: async () => void done.push("delete"),
    purgeKey: async () => void done.push("purge"),
  };
  return { scratch, done };
}

function clock() {
  const time = {
    passed: 0,
    now: () => 1_000_000 + time.passed,
    async sleep(milliseconds: number) {
      time.passed += milliseconds;
    },
  };
  return time;
}

describe("an earlier drill's copy that is still seen after it was removed", () => {
  it.each([
    ["in use", found, "delete"],
    ["soft-deleted", softDeleted, "purge"],
  ] as const)("as %s is waited for no longer than the patience of the drill", async (_, look, removal) => {
    const { scratch, done } = vaultThatShows(look);
    const time = clock();
    await expect(awaitName(scratch, name, time, 5_000)).rejects.toThrow(
      "The copy of an earlier drill is still seen there, though it was removed. Run again later.",
    );
    expect(time.passed).toBe(5_000);
    expect(done.filter((it) => it === removal).length).toBeLessThanOrEqual(6);
  });

  it("is removed once, and then told, where there is no patience", async () => {
    const { scratch, done } = vaultThatShows(found);
    const time = clock();
    const failure = await awaitName(scratch, name, time, 0).catch((error: unknown) => error);
    expect(failure).toHaveProperty("message", expect.stringContaining("is still seen there, though it was removed"));
    expect(failure).not.toBeInstanceOf(DrillRefused);
    expect([done, time.passed]).toEqual([["delete", "purge"], 0]);
  });

  it("does no harm once it is seen no more", async () => {
    const { scratch, done } = vaultThatShows(found, softDeleted, gone);
    const time = clock();
    await awaitName(scratch, name, time, 5_000);
    expect(done).toEqual(["delete", "purge", "purge"]);
    expect(time.passed).toBeLessThanOrEqual(1_000);
  });
});
