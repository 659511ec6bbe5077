import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tagsOf } from "../../../src/provider/drillCopy";
import { leaksIn } from "../../support/leaks";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let said: string[];
let version: string;

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
  version = await stack.backedUp();
  await stack.target.createKey("keeper");
});
afterEach(() => {
  jest.restoreAllMocks();
});

const forbidden = { kind: "forbidden", reason: "firewall" } as const;
const always = Number.POSITIVE_INFINITY;
const failure = () => String((stack.drill.failure as Error | undefined)?.message);
const leftover = () => stack.drill.outputs?.leftover as Record<string, unknown> | undefined;
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const purgeCommand = "az keyvault key purge --vault-name localhost --name orders";
const deleteCommand = "az keyvault key delete --vault-name localhost --name orders";

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failure).toBeUndefined();
  expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
}

async function fails(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.drill.up(stack.drilling(inputs))).toBe(false);
  expect(leaksIn(`${failure()}${said.join("")}`, { blob: String(stack.recorded.blob) })).toEqual([]);
  return failure();
}

function nothingIsLeft(name = "orders"): void {
  expect([stack.target.hasKey(name), stack.target.isDeleted(name)]).toEqual([false, false]);
}

/** A drill whose copy cannot be deleted, or not be purged, and that succeeds all the same. */
async function leavesItsCopy(operation: "delete" | "purge" = "purge"): Promise<void> {
  stack.target.fail(operation, forbidden, always);
  await up();
  stack.target.clearFaults();
  expect(leftover()).toBeDefined();
}

/** The copy that is left is purged, and one of the same versions restored and marked by another drill; its tags. */
async function anotherDrillBegins(): Promise<Record<string, string>> {
  await leavesItsCopy();
  stack.target.purgeKey("orders");
  await stack.target.restoreKey(String(stack.recorded.blob));
  const until = Date.parse(String(stack.drill.outputs?.drilledAt)) + 3_600_000;
  const tags = tagsOf({ owner: "another", run: "another run", until });
  stack.target.updateKey("orders", undefined, { tags });
  stack.target.clearRequests();
  return tags;
}

/** The copy that is left is purged by hand, and the same key restored, as an operator would. */
async function operatorRestores(): Promise<void> {
  await leavesItsCopy();
  stack.target.purgeKey("orders");
  await stack.target.restoreKey(String(stack.recorded.blob));
  stack.target.clearRequests();
}

/** A drill that fails, as its copy can neither be marked nor deleted. */
async function leavesUnmarkedCopy(): Promise<void> {
  stack.target.fail("update", forbidden);
  stack.target.fail("delete", forbidden);
  await fails();
  expect(leftover()).toMatchObject({ version, isMarked: false });
}

async function leavesTheCopyOfAnotherKey(): Promise<void> {
  await stack.source.createKey("invoices");
  const blob = await stack.source.backUpKey("invoices");
  stack.target.fail("purge", forbidden);
  await fails({ backup: { ...stack.recorded, blob, blobSha256: undefined } });
  expect(leftover()).toMatchObject({
    keyUri: `${stack.target.vaultUri}keys/invoices`,
    command: "az keyvault key purge --vault-name localhost --name invoices",
  });
}

describe("a copy that cannot be removed", () => {
  it.each([
    ["deleted", "delete", false, `${deleteCommand} && ${purgeCommand}`],
    ["purged", "purge", true, purgeCommand],
  ] as const)(
    "as it cannot be %s is told with the command, and recorded",
    async (_, operation, isSoftDeleted, command) => {
      await leavesItsCopy(operation);
      const because = expect.stringMatching(
        new RegExp(
          `^Key Vault refused to ${operation} key "orders" in .*: 403 Forbidden \\(ForbiddenByFirewall\\): .*networkAcls`,
        ),
      );
      const copy = { keyUri: keyUri(), keyName: "orders", version, isMarked: true };
      expect(leftover()).toEqual({ ...copy, isSoftDeleted, because, command });
      const lines = said.filter((line) => line.includes("warning"));
      const state = isSoftDeleted ? ", soft-deleted" : "";
      expect(lines).toEqual([
        expect.stringContaining(
          `RestoreDrill ${keyUri()}: warning: The copy ${keyUri()} is still there${state}: Key Vault`,
        ),
      ]);
      expect(lines[0]).toMatch(new RegExp(` Remove it: ${command}\\.\n$`));
      expect([stack.target.hasKey("orders"), stack.target.isDeleted("orders")]).toEqual([
        !isSoftDeleted,
        isSoftDeleted,
      ]);
      await up();
      expect(leftover()).toBeUndefined();
      nothingIsLeft();
    },
  );

  it("as the identity may not purge, is told with what to grant", async () => {
    stack = await service.newStack({}, { operation: 1_000 });
    await stack.backedUp();
    await stack.target.createKey("keeper");
    stack.target.permissions.delete("purge");
    await up();
    expect(leftover()?.because).toContain("Grant the data action Microsoft.KeyVault/vaults/keys/purge/action");
  });

  it("as it cannot be looked up, is told too", async () => {
    stack.target.afterRequest("sign", () => stack.target.fail("listVersions", forbidden));
    await up();
    expect(leftover()).toMatchObject({ isSoftDeleted: false, because: expect.stringContaining("refused to read") });
    expect(stack.target.hasKey("orders")).toBe(true);
  });

  it("is told with the failure of a drill that fails", async () => {
    stack.target.fail("sign", { kind: "value", value: "AAAA" });
    stack.target.fail("purge", forbidden);
    const text = await fails();
    expect(text).toMatch(/private key failed: .* The copy .* is still there, soft-deleted: Key Vault refused to purge/);
    expect(text).toContain(` Remove it: ${purgeCommand}.`);
    expect(leftover()).toMatchObject({ isSoftDeleted: true, command: purgeCommand });
    await up();
    nothingIsLeft();
  });

  it("was never marked, and is removed by the record all the same", async () => {
    stack.target.fail("update", forbidden);
    stack.target.fail("delete", forbidden);
    expect(await fails()).toContain("refused to tag key");
    expect(stack.target.keyVersions("orders")).toMatchObject([{ tags: {} }]);
    expect(leftover()).toMatchObject({ version, isMarked: false, isSoftDeleted: false });
    await up();
    nothingIsLeft();
  });

  it("was marked and removed by hand, so that a key of its versions that has the name by now is not touched", async () => {
    await operatorRestores();
    const before = stack.target.keyVersions("orders");
    expect(await fails()).toContain("a key of that name is there already, which no drill is known to have made");
    expect([stack.changes, stack.target.keyVersions("orders")]).toEqual([[], before]);
  });

  it("was never marked, and is no other key that has the name by now", async () => {
    await leavesUnmarkedCopy();
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    stack.target.clearRequests();
    expect(await fails()).toContain("which no drill is known to have made");
    expect(await stack.drill.destroy()).toBe(true);
    expect([stack.target.hasKey("orders"), stack.changes]).toEqual([true, []]);
  });

  it("stays on record as long as it is there, whatever the next drills come to", async () => {
    stack.target.fail("update", forbidden);
    stack.target.fail("delete", forbidden, always);
    await fails();
    const left = leftover();
    expect(left).toBeDefined();
    expect(await fails()).toContain("refused to delete");
    expect(leftover()).toMatchObject({ version, command: left?.command });
    stack.target.clearFaults();
    await up();
    nothingIsLeft();
  });

  it("stays on record where the next blob is damaged", async () => {
    await leavesItsCopy();
    const cut = String(stack.recorded.blob).slice(0, 400);
    await fails({ backup: { ...stack.recorded, blob: cut, blobSha256: undefined } });
    expect(leftover()).toMatchObject({ version, command: purgeCommand });
  });

  it("was removed by hand, which does no harm", async () => {
    await leavesItsCopy();
    stack.target.purgeKey("orders");
    await up();
    expect(leftover()).toBeUndefined();
  });

  it("is not mistaken for the copy of another drill that is under way with the same versions", async () => {
    const tags = await anotherDrillBegins();
    await stack.drill.up(stack.drilling());
    expect(stack.changes).toEqual([]);
    expect(stack.target.keyVersions("orders")).toMatchObject([{ version, tags }]);
  });

  it("of another key than the record names, is removed by the next drill", async () => {
    await leavesTheCopyOfAnotherKey();
    await up();
    nothingIsLeft("invoices");
  });
});

describe("the deletion of the resource", () => {
  it.each(["delete", "purge"] as const)("removes a copy whose %s failed", async (operation) => {
    await leavesItsCopy(operation);
    expect(await stack.drill.destroy()).toBe(true);
    nothingIsLeft();
    expect(stack.drill.outputs).toBeUndefined();
  });

  it("removes the copy of another key than the record names", async () => {
    await leavesTheCopyOfAnotherKey();
    expect(await stack.drill.destroy()).toBe(true);
    nothingIsLeft("invoices");
  });

  it("says what to do where the copy cannot be removed, without a stack, and may be tried again", async () => {
    await leavesItsCopy();
    stack.target.fail("purge", forbidden, always);
    expect(await stack.drill.destroy()).toBe(false);
    expect(failure()).toMatch(
      new RegExp(
        `^The copy ${keyUri()}, which a drill left behind, could not be removed: Key Vault refused to purge key "orders" .* ` +
          `Remove it: ${purgeCommand}\\. Then pulumi destroy, or pulumi state delete <urn>\\.$`,
      ),
    );
    expect(stack.drill.failure).toHaveProperty("stack", "");
    expect(leftover()).toBeDefined();
    stack.target.clearFaults();
    stack.target.purgeKey("orders");
    expect(await stack.drill.destroy()).toBe(true);
  });

  it("touches no other key that has the name by now", async () => {
    await leavesItsCopy();
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    stack.target.clearRequests();
    expect(await stack.drill.destroy()).toBe(true);
    expect([stack.target.hasKey("orders"), stack.changes]).toEqual([true, []]);
  });

  it("touches no key of the copy's versions that an operator has restored since", async () => {
    await operatorRestores();
    const before = stack.target.keyVersions("orders");
    expect(await stack.drill.destroy()).toBe(true);
    expect([stack.target.keyVersions("orders"), stack.changes]).toEqual([before, []]);
  });

  it("removes a copy that was never marked", async () => {
    await leavesUnmarkedCopy();
    expect(await stack.drill.destroy()).toBe(true);
    nothingIsLeft();
  });

  it("touches no copy of another drill that is under way with the same versions", async () => {
    await anotherDrillBegins();
    expect(await stack.drill.destroy()).toBe(true);
    expect([stack.target.hasKey("orders"), stack.changes]).toEqual([true, []]);
  });

  it("that a replacement brings removes the copy from the scratch vault before", async () => {
    await leavesItsCopy();
    const another = await stack.service.createVault();
    await up({ vaultUri: another.vaultUri });
    nothingIsLeft();
    expect(stack.drill.outputs).toMatchObject({ vaultUri: another.vaultUri });
  });
});
