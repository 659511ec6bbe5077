import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from "@jest/globals";
import type { DynamicProvider } from "../../../src/provider/dynamicProvider";
import { createKeyRestoreProvider } from "../../../src/provider/keyRestore";
import { impatientVault } from "../../support/model/impatientVault";
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

type Properties = Readonly<Record<string, unknown>>;

const versions = () => stack.target.keyVersions("orders").map(({ version }) => version);
const left = () =>
  `KeyRestore ${stack.target.vaultUri}keys/orders: the key is left where it is: another KeyRestore of the program declares it.\n`;

/** The provider of one update. */
const provider = () => createKeyRestoreProvider(Date.now, (vaultUri) => impatientVault(stack.service, { vaultUri }));

async function checked(by: DynamicProvider, declaration: Properties): Promise<Properties> {
  const { inputs, failures } = await by.check({}, declaration, undefined);
  expect(failures).toEqual([]);
  return inputs;
}

/** What is recorded of a key that was restored. */
async function restored(onDestroy: string, backup?: Properties): Promise<Properties> {
  await stack.restore.up(stack.restoring({ onDestroy, backup: backup ?? stack.recorded }));
  expect(stack.restore.failure).toBeUndefined();
  return stack.restore.outputs ?? {};
}

it.each(["delete", "purge"])(
  "a key that the program declares in another case is not deleted (onDestroy %s)",
  async (onDestroy) => {
    const version = await stack.backedUp();
    const record = await restored(onDestroy);
    stack.target.clearRequests();
    const update = provider();
    await checked(update, stack.restoring({ backup: { ...stack.recorded, keyName: "ORDERS" } }));
    await update.delete("id", record, undefined);
    expect([versions(), stack.asked, said]).toEqual([[version], [], [left()]]);
  },
);

it("a key is deleted where the program declares another one", async () => {
  await stack.backedUp();
  const record = await restored("delete");
  const update = provider();
  await checked(update, stack.restoring({ backup: { ...stack.recorded, keyName: "ORDERS-2", keyUri: undefined } }));
  await update.delete("id", record, undefined);
  expect(stack.target.isDeleted("orders")).toBe(true);
});

it.each(["delete", "purge"])(
  "a key that a replacement without its name has adopted stays, also where the deletion comes in the next update " +
    "(onDestroy %s)",
  async (onDestroy) => {
    const version = await stack.backedUp();
    const backup = () => ({ blob: stack.recorded.blob, keyVersions: [version] });
    const replaced = await restored(onDestroy, backup());
    await stack.backUp();
    const declaration = stack.restoring({ backup: backup(), onDestroy });

    const first = provider();
    const inputs = await checked(first, declaration);
    expect(await first.diff("id", replaced, inputs, undefined)).toMatchObject({ replaces: ["backup"] });
    const { outs = {} } = await first.create(inputs, undefined);
    expect(outs).toMatchObject({ isAdopted: true });
    stack.target.clearRequests();

    for (const isNext of [false, true]) {
      const update = isNext ? provider() : first;
      if (isNext) {
        const again = await checked(update, declaration);
        expect(await update.diff("id", outs, again, undefined)).toEqual({ changes: false });
      }
      await update.delete("id", replaced, undefined);
      expect([versions(), stack.asked]).toEqual([[version], []]);
      // One process says the same line once.
      expect(said.filter((line) => line.includes("left where it is"))).toEqual([left()]);
    }
  },
);

it("a key whose backup tells no name is deleted where the program does not declare it any more", async () => {
  const version = await stack.backedUp();
  const record = await restored("delete", { blob: stack.recorded.blob, keyVersions: [version] });
  const update = provider();
  // A refresh compares with the last inputs, which were not checked.
  await update.diff("id", record, stack.restoring({ backup: { blob: stack.recorded.blob } }), undefined);
  await update.delete("id", record, undefined);
  expect(stack.target.isDeleted("orders")).toBe(true);
});
