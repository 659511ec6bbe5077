import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tagsOf } from "../../../src/provider/drillCopy";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

const day = 86_400_000;
const halfAnHour = 1_800_000;

let service: RestoringService;
let stack: RestoringStack;
let said: string[];

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => String((stack.drill.failure as Error | undefined)?.message);
const host = () => new URL(stack.target.vaultUri).host;
const changing = () =>
  stack.asked.filter((asked) => ["create", "update", "restore", "delete", "purge", "recover"].includes(asked));

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failure).toBeUndefined();
}

/** What the scratch vault holds of the key, in use and soft-deleted. */
const held = () => [stack.target.keyVersions("orders"), stack.target.deletedKey("orders")];

/** The drill is refused for this reason; nothing is changed in the vault, and nothing recorded. */
async function isRefused(because: string | RegExp, inputs: Record<string, unknown> = {}): Promise<void> {
  stack.target.clearRequests();
  const { outputs } = stack.drill;
  const before = held();
  expect(await stack.drill.up(stack.drilling(inputs))).toBe(false);
  expect(failure()).toMatch(because);
  expect(failure()).toContain(`No restore drill of key "orders" was run in ${host()}: `);
  expect(changing()).toEqual([]);
  expect(held()).toEqual(before);
  expect(stack.drill.outputs).toEqual(outputs);
}

/** A copy in the scratch vault, as it is there before it is marked, or by the tags of another drill. */
async function copied(tags: Record<string, string> = {}): Promise<void> {
  expect(await stack.target.restoreKey(String(stack.recorded.blob))).toBe(true);
  stack.target.updateKey("orders", undefined, { tags });
}

function removeCopy(): void {
  stack.target.deleteKey("orders");
  stack.target.purgeKey("orders");
}

const now = () => Date.parse(String(stack.recorded.backedUpAt));
const marked = (until = now() + halfAnHour) => tagsOf({ owner: "another/project/prod/orders", run: "a run", until });

describe("the source's own vault is refused", () => {
  it("by its URI in any spelling, before any request", async () => {
    await stack.backedUp();
    stack.source.clearRequests();
    const { vaultUri } = stack.source;
    for (const spelling of [
      vaultUri,
      vaultUri.slice(0, -1),
      vaultUri.replace("https://localhost", "HTTPS://LocalHost"),
    ]) {
      expect(await stack.drill.up(stack.drilling({ vaultUri: spelling }))).toBe(false);
      expect(failure()).toBe(
        "vaultUri names the vault of the key itself, which a drill never touches: give a scratch vault.",
      );
    }
    expect(stack.source.requests).toEqual([]);
    expect(stack.drill.outputs).toBeUndefined();
  });

  it("for the key in it, where the backup does not say which it is", async () => {
    await stack.backedUp({ tags: { team: "orders" } });
    const before = stack.source.keyVersions("orders");
    const backup = { ...stack.recorded, keyUri: undefined };
    stack.source.clearRequests();
    expect(await stack.drill.up(stack.drilling({ backup, vaultUri: stack.source.vaultUri }))).toBe(false);
    expect(failure()).toContain("a key of that name is there already, which no drill is known to have made");
    expect(stack.source.keyVersions("orders")).toEqual(before);
    const asked = stack.source.requests.map(({ operation }) => operation);
    expect(asked.filter((operation) => ["restore", "update", "delete", "purge"].includes(operation))).toEqual([]);
  });
});

describe("a key that no drill made is never touched", () => {
  beforeEach(async () => {
    await stack.backedUp();
  });

  const foreign = `is there already, which no drill is known to have made, so that it was not touched. Give a scratch vault`;

  it("with other versions, in use or soft-deleted", async () => {
    await stack.target.createKey("orders", { tags: { team: "orders" } });
    await isRefused(`a key of that name ${foreign} without a key "orders".`);
    stack.target.deleteKey("orders");
    await isRefused(`a soft-deleted key of that name ${foreign} without a key "orders".`);
    removeForGood();
    await up();
  });

  it("with the versions of the backup, in use or soft-deleted", async () => {
    await copied();
    const comesOf =
      "It has the versions of the backup: if it comes of a drill that was ended in the moment between its";
    await isRefused(`a key of that name ${foreign} without a key "orders". ${comesOf}`);
    stack.target.deleteKey("orders");
    await isRefused(`a soft-deleted key of that name ${foreign} without a key "orders". ${comesOf}`);
    removeForGood();
    await up();
  });

  it("in another spelling of its name", async () => {
    await stack.target.createKey("Orders");
    await isRefused("a key of that name is there already");
  });

  it("whatever the last drill recorded", async () => {
    await up();
    await stack.target.createKey("orders");
    await isRefused("a key of that name is there already", { triggers: [1] });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  });

  it("that comes while the drill looks for one", async () => {
    stack.target.onRequest("restore", () => copied());
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(failure()).toContain('a key "orders" came there in the meantime, so that nothing was restored. Run again.');
    expect(stack.target.keyVersions("orders")).toMatchObject([{ tags: {} }]);
    expect([changing().at(-1), stack.drill.outputs]).toEqual(["restore", undefined]);
  });

  it("and may take the place of the copy during a drill", async () => {
    stack.target.afterRequest("sign", async () => {
      removeCopy();
      await stack.target.createKey("orders");
    });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.target.hasKey("orders")).toBe(true);
    expect(changing().filter((asked) => asked === "delete").length).toBe(1);
  });

  it("and may take the place of the copy during a drill, with the same versions", async () => {
    stack.target.afterRequest("sign", async () => {
      removeCopy();
      await copied();
    });
    await up();
    expect(stack.target.keyVersions("orders")).toMatchObject([{ tags: {} }]);
    expect(changing().filter((asked) => asked === "delete").length).toBe(1);
  });

  function removeForGood(): void {
    stack.target.purgeKey("orders");
  }
});

describe("the copy of another drill", () => {
  beforeEach(async () => {
    await stack.backedUp();
    await stack.target.createKey("keeper");
  });

  it("is waited for while it is there, and the drill is run after it", async () => {
    await copied(marked());
    for (let looks = 0; looks < 3; looks += 1) stack.target.onRequest("listVersions", () => undefined);
    stack.target.onRequest("listVersions", removeCopy);
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.slept).toBe(3_000);
    expect(changing()).toEqual(["restore", "update", "delete", "purge"]);
  });

  it("is waited for while it is soft-deleted, too", async () => {
    await copied(marked());
    stack.target.deleteKey("orders");
    stack.target.onRequest("getDeleted", () => undefined);
    stack.target.onRequest("getDeleted", () => stack.target.purgeKey("orders"));
    await up();
    expect([stack.drill.outputs?.outcome, stack.slept]).toEqual(["verified", 1_000]);
  });

  it("is known as one a few seconds after its restore, when it is marked", async () => {
    await copied();
    for (let looks = 0; looks < 2; looks += 1) stack.target.onRequest("listVersions", () => undefined);
    stack.target.onRequest("listVersions", () => void stack.target.updateKey("orders", undefined, { tags: marked() }));
    for (let looks = 0; looks < 9; looks += 1) stack.target.onRequest("listVersions", () => undefined);
    stack.target.onRequest("listVersions", removeCopy);
    await up();
    expect([stack.drill.outputs?.outcome, stack.slept]).toEqual(["verified", 12_000]);
  });

  it("that stays is not touched, and the drill refused, which says whose it is", async () => {
    const until = now() + 2 * halfAnHour;
    await copied(marked(until));
    await isRefused(
      "another drill of a key of that name, of another/project/prod/orders, is under way there, or was interrupted. Run " +
        `again later, after ${new Date(until).toISOString()} in any case.`,
    );
    expect(stack.slept).toBeLessThanOrEqual(180_000);
    expect(stack.slept).toBeGreaterThan(170_000);
  });

  it.each(["in use", "soft-deleted"])("whose time has passed is removed, be it %s", async (state) => {
    await copied(marked(now() - 1_000));
    if (state === "soft-deleted") stack.target.deleteKey("orders");
    await up();
    expect([stack.drill.outputs?.outcome, stack.slept]).toEqual(["verified", 0]);
    expect(held()).toEqual([[], undefined]);
  });

  it("is left to the one that marked it during a drill", async () => {
    stack.target.onRequest("sign", () => void stack.target.updateKey("orders", undefined, { tags: marked() }));
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
    expect(stack.target.keyVersions("orders")).toMatchObject([{ tags: marked() }]);
    expect(changing()).toEqual(["restore", "update"]);
  });
});

describe("a scratch vault with purge protection", () => {
  const because =
    /it has purge protection, .* Give a scratch vault without it, or accept that: allowSoftDeletedCopies: true/;

  beforeEach(async () => {
    stack = await service.newStack({ purgeProtection: true });
    await stack.backedUp();
  });

  it("is refused, of an empty one by a key that is created and deleted to learn it, which tells from then on", async () => {
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(failure()).toMatch(because);
    expect(changing()).toEqual(["create", "delete"]);
    expect([stack.target.keyNames, stack.target.isDeleted("restore-drill-probe")]).toEqual([[], true]);
    expect(stack.drill.outputs).toBeUndefined();
    await isRefused(because);
  });

  it("is refused, of one with a key by that", async () => {
    await stack.target.createKey("invoices");
    await isRefused(because);
    expect(stack.asked).toEqual(["list"]);
  });

  it("keeps the copy as soft-deleted where that is accepted, and has no room for another drill until it is purged", async () => {
    const accepted = { allowSoftDeletedCopies: true };
    const { keyVersions } = stack.recorded;
    const [version] = keyVersions as string[];
    await up(accepted);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs?.leftover).toEqual({
      keyUri: `${stack.target.vaultUri}keys/orders`,
      keyName: "orders",
      version,
      isSoftDeleted: true,
      isMarked: true,
      because: "the scratch vault has purge protection: it stays until the retention period is over",
    });
    expect(changing()).toEqual(["restore", "update", "delete"]);
    expect(said.join("")).toMatch(
      /warning: The copy .*keys\/orders is still there, soft-deleted: the scratch vault has/,
    );
    expect(await stack.drill.preview(stack.drilling(accepted))).toEqual({ changes: false });
    const until = /the name is taken until (\d{4}-\d\d-\d\dT[\d:.]+Z) by the soft-deleted copy of an earlier drill/;
    await isRefused(until, { ...accepted, triggers: [1] });
    const days =
      (Date.parse(until.exec(failure())?.[1] ?? "") - Date.parse(String(stack.drill.outputs?.drilledAt))) / day;
    expect(Math.round(days * 1_000) / 1_000).toBe(90);
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.target.isDeleted("orders")).toBe(true);
  });
});
