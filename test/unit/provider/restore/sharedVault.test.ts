import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import { TestService, type TestStack } from "../../../support/provider/testStack";

const owner = "organization/project/dev/orders";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  await stack.backedUp();
});

const versionsIn = () => stack.target.keys.versions("orders").map(({ version }) => version);

describe("a KeyRestore and a RestoreDrill of one key in one vault", () => {
  it("take turns, so that the drill does not remove what the restore adopted", async () => {
    let restored: Promise<boolean> | undefined;
    stack.target.afterRequest("restore", () => {
      restored = stack.restore.up(stack.restoring());
    });
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(await restored).toBe(true);
    expect(versionsIn()).toEqual(stack.backupRef.versions);
  });

  it("do not mistake each other's key: a restore adopts no copy of a drill", async () => {
    await stack.target.keys.restore(String(stack.backupRef.blob));
    stack.target.keys.update("orders", undefined, {
      tags: drillTag(stack.target.vaultUri, "organization/other/dev/orders"),
    });
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("the copy of a restore drill has its name");
  });
});

describe("a drill", () => {
  it("does not take a key for its copy whose tag was made for another vault", async () => {
    await stack.target.keys.restore(String(stack.backupRef.blob));
    stack.target.keys.update("orders", undefined, { tags: drillTag(stack.source.vaultUri, owner) });
    await stack.drill.up(stack.drilling({ onFailure: "record" }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(stack.target.keys.has("orders")).toBe(true);
  });

  it("does not remove a copy that got a version of its own", async () => {
    await stack.target.keys.restore(String(stack.backupRef.blob));
    stack.target.keys.update("orders", undefined, { tags: drillTag(stack.target.vaultUri, owner) });
    stack.pass(1_000);
    await stack.target.keys.rotate("orders");
    await stack.drill.up(stack.drilling({ onFailure: "record" }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", leftover: { isSoftDeleted: false } });
    expect(versionsIn()).toHaveLength(2);
  });

  it("still knows its copy after the stack was renamed", async () => {
    stack.target.keys.permissions.delete("delete");
    await stack.drill.up(stack.drilling({ onFailure: "record" }));
    expect(stack.drill.outputs?.leftover).toMatchObject({ keyName: "orders" });
    stack.target.keys.permissions.add("delete");
    await stack.drill.up(stack.drilling({ onFailure: "record", owner: "organization/project/production/orders" }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.target.keys.has("orders")).toBe(false);
  });

  it("prints no command that removes the key if the vault may be the source's own", async () => {
    const { keyUri: _, ...backup } = stack.backupRef;
    await stack.drill.up({ ...stack.drilling({ backup, onFailure: "record" }), vaultUri: stack.source.vaultUri });
    expect(JSON.stringify(stack.drill.outputs)).not.toContain("az keyvault key delete");
    expect(stack.source.keys.has("orders")).toBe(true);
  });

  it("prints no such command either when it is deleted", async () => {
    const { keyUri: _, ...backup } = stack.backupRef;
    await stack.drill.up({ ...stack.drilling({ backup, onFailure: "record" }), vaultUri: stack.source.vaultUri });
    stack.printed.length = 0;
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.printed.join()).toContain("not touched");
    expect(stack.printed.join()).not.toMatch(/az keyvault|undefined/);
    expect(stack.source.keys.has("orders")).toBe(true);
  });
});

it("A restore whose answer was lost does not say that it changed nothing", async () => {
  const { versions: _, ...backup } = stack.backupRef;
  stack.target.fail("restore", { kind: "lostAnswer" });
  expect(await stack.restore.up(stack.restoring({ backup }))).toBe(false);
  expect(stack.restore.failureMessage).toContain("may have restored");
  expect(stack.restore.failureMessage).not.toContain("changed nothing");
});
