import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
});

const record = { onFailure: "record" } as const;
const once = ["restore", "update", "delete", "purge"];
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const isEmpty = () => !stack.target.keys.has("orders") && !stack.target.keys.isDeleted("orders");

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

/** The drill fails, and touches nothing. */
async function refused(): Promise<Record<string, unknown>> {
  const state = () => [stack.target.keys.versions("orders"), stack.target.keys.deleted("orders")];
  const before = state();
  stack.target.clearRequests();
  expect(await stack.drill.up(stack.drilling())).toBe(false);
  expect(state()).toEqual(before);
  expect(stack.changes).toEqual([]);
  return { ...stack.drill.outputs };
}

/** An object that was not tagged: what a process that died left, or what an operator restored. */
const restoreUntagged = () => stack.target.keys.restore(String(stack.backupRef.blob));

describe.each(["in use", "soft-deleted"])("a key %s that has the name in the scratch vault", (state) => {
  const settle = () => {
    if (state === "soft-deleted") stack.target.keys.delete("orders");
  };

  it("is never touched if no drill made it", async () => {
    await stack.backedUp();
    await stack.target.keys.create("orders", { tags: { team: "orders" } });
    settle();
    const { failure, leftover } = await refused();
    expect(failure).toContain(`a ${state === "in use" ? "" : "soft-deleted "}key "orders" that is not known to be`);
    expect(leftover).toBeUndefined();
  });

  it("is not touched if it has versions of the backup and no tag, and is recorded with the command that removes it", async () => {
    const { version } = await stack.backedUp();
    await restoreUntagged();
    settle();
    const { failure, leftover } = await refused();
    expect(failure).toContain(
      "with versions of the backup, perhaps a copy of an interrupted drill. It was not touched",
    );
    const isSoftDeleted = state === "soft-deleted";
    const command = (action: string) => `az keyvault key ${action} --vault-name localhost --name orders`;
    expect(leftover).toMatchObject({
      keyUri: keyUri(),
      keyName: "orders",
      version,
      isSoftDeleted,
      command: isSoftDeleted ? command("purge") : `${command("delete")} && ${command("purge")}`,
    });
    expect(stack.drill.failureMessage).toContain(String((leftover as { command: string }).command));
    if (!isSoftDeleted) stack.target.keys.delete("orders");
    stack.target.keys.purge("orders");
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
  });

  it("is recognised as a possible copy of an older backup", async () => {
    await stack.backedUp();
    await restoreUntagged();
    settle();
    if (state === "in use") await stack.rotated();
    expect(await refused()).toMatchObject({ leftover: { keyUri: keyUri() } });
  });

  it("is not touched if it is the copy of another resource, which the message names", async () => {
    await stack.backedUp();
    await restoreUntagged();
    stack.target.keys.update("orders", undefined, {
      tags: drillTag(stack.target.vaultUri, "organization/project/prod/orders"),
    });
    settle();
    const { failure, leftover } = await refused();
    expect(failure).toContain("a copy of another drill (organization/project/prod/orders)");
    expect(failure).toContain("Give each stack its own scratch vault");
    expect(leftover).toBeUndefined();
  });

  it("is removed first if it is the tagged copy of an interrupted drill of this resource", async () => {
    await stack.backedUp();
    await restoreUntagged();
    stack.target.keys.update("orders", undefined, {
      tags: drillTag(stack.target.vaultUri, "organization/project/dev/orders"),
    });
    settle();
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.changes).toEqual([...(state === "in use" ? ["delete"] : []), "purge", ...once]);
    expect(isEmpty()).toBe(true);
  });
});

describe("a drill whose process dies", () => {
  const die = (operation: "restore" | "update" | "delete" | "purge") =>
    stack.killedAfter(operation, () => stack.drill.up(stack.drilling(record), { isKilled: true }));

  it.each(["update", "delete", "purge"] as const)(
    "after the %s leaves nothing once the next drill ran",
    async (operation) => {
      await stack.backedUp();
      await die(operation);
      expect(stack.drill.outputs).toBeUndefined();
      await up();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(isEmpty()).toBe(true);
    },
  );

  it.each([false, true])(
    "between the restore and the tag leaves a copy that the next drill records (an earlier drill is recorded: %s)",
    async (isRecorded) => {
      const { version } = await stack.backedUp();
      if (isRecorded) await up();
      await stack.backUp();
      await die("restore");
      expect(stack.target.keys.versions("orders")).toMatchObject([{ version, tags: {} }]);
      const { leftover } = await refused();
      expect(leftover).toMatchObject({ keyUri: keyUri(), version, command: expect.stringContaining("delete") });
      expect(await stack.drill.preview(stack.drilling(record))).toBe(true);
    },
  );
});

describe("a restore whose answer is lost", () => {
  it.each([1, 7])("%d times still has its copy tagged, proved and removed", async (times) => {
    await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" }, times);
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", checks: [{ privateKey: "passed" }] });
    expect(stack.changes).toEqual(expect.arrayContaining(["update", "delete", "purge"]));
    expect(isEmpty()).toBe(true);
  });

  it("has its copy removed if several versions are of one second, too", async () => {
    await manyVersionsOfOneSecond();
    stack.target.fail("restore", { kind: "lostAnswer" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty()).toBe(true);
  });

  it("is recorded as a possible leftover if the vault is unreachable after it", async () => {
    const { version } = await stack.backedUp();
    stack.target.fail("restore", { kind: "truncated" }, 7);
    stack.target.afterRequest("restore", () =>
      stack.target.fail("listVersions", { kind: "reset" }, Number.POSITIVE_INFINITY),
    );
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.outputs).toMatchObject({
      outcome: "failed",
      failure: expect.stringContaining("whether it made a copy is unknown"),
      leftover: { keyUri: keyUri(), version, isSoftDeleted: false, command: expect.stringContaining("purge") },
    });
  });

  it("does not make the copy of another resource look like its copy", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await restoreUntagged();
      stack.target.keys.update("orders", undefined, {
        tags: drillTag(stack.target.vaultUri, "organization/project/prod/orders"),
      });
    });
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.changes).toEqual([]);
  });

  it("does not make a foreign key that took the name look like its copy", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await stack.target.keys.create("orders");
    });
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.changes).toEqual([]);
    expect(stack.target.keys.versions("orders")).toMatchObject([{ tags: {} }]);
  });
});

describe("a lost answer", () => {
  it.each(["update", "delete", "purge"] as const)("to the %s changes nothing about the drill", async (operation) => {
    await stack.backedUp();
    stack.target.fail(operation, { kind: "lostAnswer" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty()).toBe(true);
  });
});

async function manyVersionsOfOneSecond(): Promise<void> {
  await stack.source.keys.create("orders");
  // A vault lists versions by their ids: the newest one is not to be the first.
  for (;;) {
    const { version: newest } = await stack.source.keys.rotate("orders");
    const ids = stack.source.keys.versions("orders").map(({ version }) => version);
    if (ids.length > 2 && ids.toSorted()[0] !== newest) break;
  }
  await stack.backUp();
}

describe("versions that the vault lists in another order than that of their creation", () => {
  it("do not keep the copy from being removed", async () => {
    await manyVersionsOfOneSecond();
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
    expect(isEmpty()).toBe(true);
  });

  it("do not keep the copy of an interrupted drill from being recognised", async () => {
    await manyVersionsOfOneSecond();
    await stack.killedAfter("update", () => stack.drill.up(stack.drilling(record), { isKilled: true }));
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty()).toBe(true);
  });

  it("do not keep a copy that could not be tagged from being removed", async () => {
    await manyVersionsOfOneSecond();
    stack.target.keys.permissions.delete("update");
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(isEmpty()).toBe(true);
  });
});

describe("a foreign key is never touched", () => {
  it("if it takes the name between the look and the restore", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await stack.target.keys.create("orders");
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain("appeared in the scratch vault meanwhile");
    expect(stack.changes).toEqual([]);
  });

  it("if an operator restores the same backup between the look and the restore", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await restoreUntagged();
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain("appeared in the scratch vault meanwhile");
    expect(stack.target.keys.versions("orders")).toMatchObject([{ tags: {} }]);
  });

  it("if it takes the place of the copy before the copy is deleted", async () => {
    await stack.backedUp();
    stack.target.afterRequest("sign", async () => {
      stack.target.keys.delete("orders");
      stack.target.keys.purge("orders");
      await stack.target.keys.create("orders");
    });
    await up();
    expect(stack.target.keys.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore", "update"]);
    expect(stack.drill.outputs).toMatchObject({ leftover: { keyUri: keyUri(), isSoftDeleted: false } });
  });

  it("if it takes the place of the copy before the copy is purged", async () => {
    await stack.backedUp();
    stack.target.afterRequest("delete", async () => {
      stack.target.keys.purge("orders");
      await stack.target.keys.create("orders");
      stack.target.keys.delete("orders");
    });
    await up();
    expect(stack.target.keys.isDeleted("orders")).toBe(true);
    expect(stack.changes).not.toContain("purge");
  });

  it("if another resource tagged the copy that could not be tagged", async () => {
    await stack.backedUp();
    stack.target.fail("update", { kind: "forbidden", reason: "rbac" });
    stack.target.afterRequest("restore", () => {
      stack.target.keys.update("orders", undefined, {
        tags: drillTag(stack.target.vaultUri, "organization/project/prod/orders"),
      });
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.target.keys.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore"]);
  });

  it("if it takes the place of a copy that could not be tagged", async () => {
    await stack.backedUp();
    stack.target.onRequest("update", async () => {
      stack.target.keys.delete("orders");
      stack.target.keys.purge("orders");
      await stack.target.keys.create("orders");
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.target.keys.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore"]);
  });
});
