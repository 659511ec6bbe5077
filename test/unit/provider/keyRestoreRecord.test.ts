import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

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
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    if (String(text).startsWith("KeyRestore")) said.push(String(text));
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.restore.failure as Error | undefined)?.message;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

/** A key that was restored with this `onDestroy`. */
async function restored(onDestroy: string, inputs: Record<string, unknown> = {}): Promise<string> {
  const version = await stack.backedUp();
  await up({ onDestroy, ...inputs });
  stack.target.clearRequests();
  return version;
}

async function destroys(): Promise<void> {
  await stack.restore.destroy();
  expect(failure()).toBeUndefined();
  expect(stack.restore.outputs).toBeUndefined();
}

describe("a record that was edited", () => {
  const nonsense: [string, Record<string, unknown>][] = [
    ["restoredFrom is missing", { restoredFrom: undefined }],
    ["restoredFrom is a text", { restoredFrom: "orders" }],
    ["restoredFrom names no versions", { restoredFrom: { blobSha256: "", keyVersions: [] } }],
    ["restoredFrom names versions that are none", { restoredFrom: { keyVersions: [1, null, {}] } }],
    ["restoredFrom names other versions", { restoredFrom: { keyVersions: ["0".repeat(32)] } }],
    ["isAdopted is missing", { isAdopted: undefined }],
    ["isAdopted is a text", { isAdopted: "false" }],
    ["onDestroy is missing", { onDestroy: undefined }],
    ["onDestroy is none that there is", { onDestroy: "PURGE" }],
    ["keyName is missing", { keyName: undefined }],
    ["vaultUri is missing", { vaultUri: undefined }],
    ["vaultUri is none", { vaultUri: "orders" }],
  ];

  describe.each(["delete", "purge"])("with onDestroy %s", (onDestroy) => {
    it.each(nonsense)("leads to no deletion where %s", async (_, edited) => {
      await restored(onDestroy);
      stack.restore.edit({ ...stack.restore.outputs, ...edited });
      await stack.restore.destroy();
      expect([stack.changes, stack.target.hasKey("orders")]).toEqual([[], true]);
    });
  });

  it("leads to no deletion, and to no failure without a sentence, whatever it is", async () => {
    await restored("purge");
    const whole = stack.restore.outputs ?? {};
    const names = ["keyVersions", "restoredFrom", "isAdopted", "missingVersions", "keyStatus", "keyUri", "restoredAt"];
    const edits = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.oneof(fc.jsonValue(), fc.constant(undefined))])),
      { requiredKeys: ["restoredFrom"] },
    );
    await fc.assert(
      fc.asyncProperty(edits, fc.constantFrom("delete", "purge"), async (edited, onDestroy) => {
        stack.restore.edit({ ...whole, ...edited, onDestroy });
        const isDeleted = await stack.restore.destroy();
        expect(isDeleted || String(failure()).includes(" is not deleted with its KeyRestore: ")).toBe(true);
        expect([stack.changes, stack.target.hasKey("orders")]).toEqual([[], true]);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ["vaultUri is missing", { vaultUri: undefined }],
    ["vaultUri is none", { vaultUri: "orders" }],
    ["keyName is missing", { keyName: undefined }],
    ["everything is missing", undefined],
  ])("is told in a sentence by a refresh where %s", async (_, edited) => {
    await restored("purge");
    stack.restore.edit(edited === undefined ? {} : { ...stack.restore.outputs, ...edited });
    expect(await stack.restore.refresh()).toBe(false);
    expect(failure()).toMatch(/KeyRestore/);
    expect(stack.restore.failure).toHaveProperty("stack", "");
  });

  it.each([
    ["vaultUri is missing", { vaultUri: undefined }],
    ["vaultUri is none", { vaultUri: "orders" }],
    ["keyName is missing", { keyName: undefined }],
  ])("is told in a sentence when its resource is deleted where %s", async (_, edited) => {
    await restored("purge");
    stack.restore.edit({ ...stack.restore.outputs, ...edited });
    await stack.restore.destroy();
    expect(failure() ?? said.join("")).toMatch(/KeyRestore/);
    expect(stack.target.hasKey("orders")).toBe(true);
  });

  it("is given up without a request where everything is missing", async () => {
    await restored("purge");
    stack.restore.edit({});
    await destroys();
    expect(stack.asked).toEqual([]);
  });
});
