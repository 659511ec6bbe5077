import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { command, copyUri, createAnew, forbid, isEmpty, once, passed, record, tagAsCopy } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

/** The last request that proves a copy of one version. */
const lastProofOf = { key: "sign", secret: "get", certificate: "sign" } as const;

/** The drill fails, and touches nothing. */
async function refused(): Promise<Record<string, unknown>> {
  const { copies } = stack;
  const state = () => [copies.versions("orders"), copies.deleted("orders")];
  const before = state();
  stack.target.clearRequests();
  expect(await stack.drill.up(stack.drilling())).toBe(false);
  expect(state()).toEqual(before);
  expect(stack.changes).toEqual([]);
  return { ...stack.drill.outputs };
}

/** An object that was not tagged: what a process that died left, or what an operator restored. */
const restoreUntagged = () => stack.copies.restore(String(stack.backupRef.blob));

const states = ["in use", "soft-deleted"] as const;

describe.each(objectKinds.flatMap((kind) => states.map((state) => ({ kind, noun: kind.noun, state }))))(
  "a $noun $state that has the name in the scratch vault",
  ({ kind, state }) => {
    beforeEach(async () => {
      stack = await service.stackOf(kind);
    });

    const settle = () => {
      if (state === "soft-deleted") stack.copies.delete("orders");
    };

    it("is never touched if no drill made it", async () => {
      await stack.backedUp();
      await stack.copies.create("orders", { tags: { team: "orders" } });
      settle();
      const { failure, leftover } = await refused();
      expect(failure).toContain(
        `a ${state === "in use" ? "" : "soft-deleted "}${kind.noun} "orders" that is not known to be`,
      );
      expect(leftover).toBeUndefined();
    });

    it("is not touched if it has versions of the backup and no tag, and is recorded with the command that removes it", async () => {
      const { version } = await stack.backedUp();
      await restoreUntagged();
      settle();
      const { failure, leftover } = await refused();
      expect(failure).toContain(
        "with versions of the backup, which an interrupted drill may have left. It was not touched",
      );
      const isSoftDeleted = state === "soft-deleted";
      expect(leftover).toMatchObject({
        uri: copyUri(stack),
        version,
        isSoftDeleted,
        command: isSoftDeleted ? command(stack, "purge") : `${command(stack, "delete")} && ${command(stack, "purge")}`,
      });
      expect(stack.drill.failureMessage).toContain(String((leftover as { command: string }).command));
      if (!isSoftDeleted) stack.copies.delete("orders");
      stack.copies.purge("orders");
      await up();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(stack.drill.outputs).not.toHaveProperty("leftover");
    });

    it("is recognised as a possible copy of an older backup", async () => {
      await stack.backedUp();
      await restoreUntagged();
      settle();
      if (state === "in use") await stack.rotated();
      expect(await refused()).toMatchObject({ leftover: { uri: copyUri(stack) } });
    });

    it("is not touched if it is the copy of another resource, which the message names", async () => {
      await stack.backedUp();
      await restoreUntagged();
      tagAsCopy(stack, "prod");
      settle();
      const { failure, leftover } = await refused();
      expect(failure).toContain("a copy of another drill (organization/project/prod/orders)");
      expect(failure).toContain("Give each stack its own scratch vault");
      expect(leftover).toBeUndefined();
    });

    it("is removed first if it is the tagged copy of an interrupted drill of this resource", async () => {
      await stack.backedUp();
      await restoreUntagged();
      tagAsCopy(stack);
      settle();
      await up();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(stack.changes).toEqual([...(state === "in use" ? ["delete"] : []), "purge", ...once]);
      expect(isEmpty(stack.target)).toBe(true);
    });
  },
);

describe.each(objectKinds)("a drill of a $noun whose process dies", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

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
      expect(isEmpty(stack.target)).toBe(true);
    },
  );

  it.each([false, true])(
    "between the restore and the tag leaves a copy that the next drill records (an earlier drill is recorded: %s)",
    async (isRecorded) => {
      const { version } = await stack.backedUp();
      if (isRecorded) await up();
      await stack.backUp();
      await die("restore");
      expect(stack.copies.versions("orders")).toMatchObject([{ version, tags: {} }]);
      const { leftover } = await refused();
      expect(leftover).toMatchObject({ uri: copyUri(stack), version, command: expect.stringContaining("delete") });
      expect(await stack.drill.preview(stack.drilling(record))).toBe(true);
    },
  );
});

describe.each(objectKinds)("a restore of a $noun whose answer is lost", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it.each([1, 7])("%d times still has its copy tagged, proved and removed", async (times) => {
    await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" }, times);
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", checks: [passed(kind)] });
    expect(stack.changes).toEqual(expect.arrayContaining(["update", "delete", "purge"]));
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("has its copy removed if several versions are of one second, too", async () => {
    await manyVersionsOfOneSecond();
    stack.target.fail("restore", { kind: "lostAnswer" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty(stack.target)).toBe(true);
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
      leftover: { uri: copyUri(stack), version, isSoftDeleted: false, command: expect.stringContaining("purge") },
    });
  });

  it("does not make the copy of another resource look like its copy", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await restoreUntagged();
      tagAsCopy(stack, "prod");
    });
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.changes).toEqual([]);
  });

  it("does not make a foreign object that took the name look like its copy", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await stack.copies.create("orders");
    });
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.changes).toEqual([]);
    expect(stack.copies.versions("orders")).toMatchObject([{ tags: {} }]);
  });
});

describe.each(objectKinds)("a lost answer in a drill of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it.each(["update", "delete", "purge"] as const)("to the %s changes nothing about the drill", async (operation) => {
    await stack.backedUp();
    stack.target.fail(operation, { kind: "lostAnswer" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty(stack.target)).toBe(true);
  });
});

async function manyVersionsOfOneSecond(): Promise<void> {
  await stack.objects.create("orders");
  // A vault lists versions by their ids: the newest one is not to be the first.
  for (;;) {
    const { version: newest } = await stack.objects.rotate("orders");
    const ids = stack.objects.versions("orders").map(({ version }) => version);
    if (ids.length > 2 && ids.toSorted()[0] !== newest) break;
  }
  await stack.backUp();
}

describe.each(objectKinds)(
  "versions of a $noun that the vault lists in another order than that of their creation",
  (kind) => {
    beforeEach(async () => {
      stack = await service.stackOf(kind);
    });

    it("do not keep the copy from being removed", async () => {
      await manyVersionsOfOneSecond();
      await up();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(stack.drill.outputs).not.toHaveProperty("leftover");
      expect(isEmpty(stack.target)).toBe(true);
    });

    it("do not keep the copy of an interrupted drill from being recognised", async () => {
      await manyVersionsOfOneSecond();
      await stack.killedAfter("update", () => stack.drill.up(stack.drilling(record), { isKilled: true }));
      await up();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(isEmpty(stack.target)).toBe(true);
    });

    it("do not keep a copy that could not be tagged from being removed", async () => {
      await manyVersionsOfOneSecond();
      forbid(stack, "update");
      expect(await stack.drill.up(stack.drilling())).toBe(false);
      expect(isEmpty(stack.target)).toBe(true);
    });
  },
);

describe.each(objectKinds)("a foreign $noun is never touched", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it("if it takes the name between the look and the restore", async () => {
    await stack.backedUp();
    stack.target.onRequest("restore", async () => {
      await stack.copies.create("orders");
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
    expect(stack.copies.versions("orders")).toMatchObject([{ tags: {} }]);
  });

  it("if it takes the place of the copy before the copy is deleted", async () => {
    await stack.backedUp();
    stack.target.afterRequest(lastProofOf[kind.noun], async () => {
      await createAnew(stack);
    });
    await up();
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore", "update"]);
    expect(stack.drill.outputs).toMatchObject({ leftover: { uri: copyUri(stack), isSoftDeleted: false } });
  });

  it("if it takes the place of the copy before the copy is purged", async () => {
    await stack.backedUp();
    stack.target.afterRequest("delete", async () => {
      stack.copies.purge("orders");
      await stack.copies.create("orders");
      stack.copies.delete("orders");
    });
    await up();
    expect(stack.copies.isDeleted("orders")).toBe(true);
    expect(stack.changes).not.toContain("purge");
  });

  it("if another resource tagged the copy that could not be tagged", async () => {
    await stack.backedUp();
    stack.target.fail("update", { kind: "forbidden", reason: "rbac" });
    stack.target.afterRequest("restore", () => {
      tagAsCopy(stack, "prod");
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore"]);
  });

  it("if it takes the place of a copy that could not be tagged", async () => {
    await stack.backedUp();
    stack.target.onRequest("update", async () => {
      await createAnew(stack);
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.changes).toEqual(["restore"]);
  });
});
