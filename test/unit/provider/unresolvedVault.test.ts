import dns from "node:dns";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { removeCopy } from "../../../src/provider/drillCopy";
import { impatientVault } from "../../support/model/impatientVault";
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
  version = await stack.backedUp();
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const vaultUri = "https://kv-gone.example/";
const keyUri = `${vaultUri}keys/orders`;
const because =
  'Could not read key "orders" in kv-gone.example: the name kv-gone.example does not resolve (ENOTFOUND). Check the ' +
  "vault's name and cloud; a vault behind a private endpoint resolves only in its network.";

/** Lets no name resolve while this is done. */
async function unresolved<T>(act: () => Promise<T>): Promise<T> {
  const lookup = (name: string, _: object, done: (error: Error) => void) =>
    done(Object.assign(new Error(name), { code: "ENOTFOUND" }));
  const resolver = jest.spyOn(dns, "lookup").mockImplementation(lookup as typeof dns.lookup);
  try {
    return await act();
  } finally {
    resolver.mockRestore();
  }
}

describe("a restored key whose vault's name does not resolve", () => {
  /** Of a key that was restored into such a vault. */
  async function restored(onDestroy: string): Promise<Record<string, unknown>> {
    expect(await stack.restore.up(stack.restoring({ onDestroy }))).toBe(true);
    stack.restore.edit({ ...stack.restore.outputs, vaultUri, keyUri });
    return { ...stack.restore.outputs };
  }

  it("is unreachable, and not missing, to a refresh, so that no restore is due", async () => {
    const before = await restored("keep");
    expect(await unresolved(() => stack.restore.refresh())).toBe(true);
    expect(stack.restore.outputs).toEqual({ ...before, keyStatus: "unreachable", keyStatusReason: because });
    expect(await stack.restore.preview(stack.restoring({ vaultUri, onDestroy: "keep" }))).toEqual({ changes: false });
  });

  it.each(["delete", "purge"])("is not taken for deleted: the deletion fails (onDestroy %s)", async (onDestroy) => {
    const before = await restored(onDestroy);
    expect(await unresolved(() => stack.restore.destroy())).toBe(false);
    expect((stack.restore.failure as Error).message).toBe(
      `${keyUri} is not deleted with its KeyRestore: whether it is there could not be learnt: ${because} Run again when it can.`,
    );
    expect(stack.restore.outputs).toEqual(before);
  });

  it("stays with onDestroy keep, which needs no vault", async () => {
    await restored("keep");
    expect(await unresolved(() => stack.restore.destroy())).toBe(true);
  });

  it("is not recreated", async () => {
    await restored("keep");
    await stack.rotated();
    const inputs = { vaultUri, onNewVersions: "recreate" };
    expect(await unresolved(() => stack.restore.up(stack.restoring(inputs)))).toBe(false);
    expect((stack.restore.failure as Error).message).toBe(
      `${keyUri} is not recreated from the newer backup, and nothing was changed: whether the key is there could not be ` +
        `learnt: ${because} Or keep the key as it is: onNewVersions: "keep".`,
    );
  });
});

describe("a drill in a vault whose name does not resolve", () => {
  const leftover = () => ({
    keyUri,
    keyName: "orders",
    version,
    isSoftDeleted: false,
    isMarked: true,
    because,
    command:
      "az keyvault key delete --vault-name kv-gone --name orders && az keyvault key purge --vault-name kv-gone --name orders",
  });

  it("fails, since it cannot learn whether the name of the key is free", async () => {
    const inputs = { vaultUri, allowSoftDeletedCopies: true };
    expect(await unresolved(() => stack.drill.up(stack.drilling(inputs)))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", failure: because, restoredVersions: [] });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
  });

  it("leaves its copy on record, where it resolves no more by the time that the copy is removed", async () => {
    const scratch = impatientVault(stack.service, { vaultUri });
    const copy = { vaultUri, keyName: "orders", version, isPurgeable: true, isMarked: true };
    const left = await unresolved(() => removeCopy(scratch, copy, "run"));
    expect(left).toMatchObject({ keyUri, version, isSoftDeleted: false, isMarked: true, because });
    expect(left?.command).toContain("az keyvault key delete ");
  });

  it("keeps the copy of the last one on record, and its resource", async () => {
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    stack.drill.edit({ ...stack.drill.outputs, vaultUri, leftover: leftover() });
    const inputs = { vaultUri, allowSoftDeletedCopies: true };
    expect(await unresolved(() => stack.drill.up(stack.drilling(inputs)))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", leftover: leftover() });
    expect(await unresolved(() => stack.drill.destroy())).toBe(false);
    expect((stack.drill.failure as Error).message).toContain(
      `The copy ${keyUri}, which a drill left behind, could not be removed: ${because} Remove it: `,
    );
    expect(stack.drill.outputs).toBeDefined();
  });
});
