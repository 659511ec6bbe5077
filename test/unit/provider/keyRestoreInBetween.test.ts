import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
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

const failure = () => String((stack.restore.failure as Error | undefined)?.message);
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const recover = "az keyvault key recover --vault-name localhost --name orders";
const recreate = { onNewVersions: "recreate", onDestroy: "purge" } as const;

async function up(): Promise<void> {
  await stack.restore.up(stack.restoring(recreate));
  expect(stack.restore.failure).toBeUndefined();
}

/** A restored key, and a newer backup that holds one version more. */
async function outdated(): Promise<[first: string, second: string]> {
  const first = await stack.backedUp();
  await up();
  const second = await stack.rotated();
  stack.target.clearRequests();
  said.length = 0;
  return [first, second];
}

async function rotatesInTarget(): Promise<string> {
  stack.pass(1_000);
  return (await stack.target.rotateKey("orders")).version;
}

describe("a key that is rotated while it is recreated", () => {
  it("is left soft-deleted with the version, which tells how to recover it, and that leads out", async () => {
    const [first] = await outdated();
    const before = stack.restore.outputs;
    let own = "";
    stack.target.onRequest("delete", async () => {
      own = await rotatesInTarget();
    });
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(failure()).toBe(
      `${keyUri()} is not recreated from the newer backup: while it was deleted it got a version that the backup does not ` +
        `hold. By now it is soft-deleted. Recover it: ${recover}. Then back it up (KeyBackup), or keep it as it is: ` +
        'onNewVersions: "keep".',
    );
    expect([stack.changes, stack.restore.outputs]).toEqual([["delete"], before]);
    expect(stack.asked).not.toContain("purge");
    expect(stack.target.deletedKey("orders")?.versions.map(({ version }) => version)).toEqual([first, own]);
    stack.target.recoverKey("orders");
    await stack.restore.up(stack.restoring({ ...recreate, onNewVersions: "keep" }));
    expect(stack.restore.failure).toBeUndefined();
    expect(stack.target.keyVersions("orders").map(({ version }) => version)).toEqual([first, own]);
  });

  it("is not purged by the update after that either, as long as it is soft-deleted", async () => {
    await outdated();
    stack.target.onRequest("delete", async () => void (await rotatesInTarget()));
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    for (const refresh of [false, true]) {
      expect(await stack.restore.up(stack.restoring(recreate), { refresh })).toBe(false);
      expect(failure()).toContain("a soft-deleted key has its name. Recover that key:");
    }
    expect([stack.changes, stack.target.deletedKey("orders")?.versions.length]).toEqual([["delete"], 2]);
  });
});

it("a recreation whose purge fails says that the key is soft-deleted, and how to recover it", async () => {
  const [first, second] = await outdated();
  stack.target.fail("purge", { kind: "forbidden", reason: "firewall" }, Number.POSITIVE_INFINITY);
  expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
  expect(failure()).toMatch(/^Key Vault refused to purge key "orders" in .*\(ForbiddenByFirewall\)/);
  expect(failure().endsWith(` By now the key is soft-deleted: run again, or recover it: ${recover}.`)).toBe(true);
  stack.target.clearFaults();
  await up();
  expect(stack.target.keyVersions("orders").map(({ version }) => version)).toEqual([first, second]);
});

describe("a key that is rotated after a recreation that was killed once it had restored", () => {
  it("is recorded with the backup's versions as those that are backed up, and stays with onDestroy purge", async () => {
    const [first, second] = await outdated();
    await stack.killed({ after: "restoreKey" }, () => stack.restore.up(stack.restoring(recreate)));
    const own = await rotatesInTarget();
    await up();
    expect(stack.restore.outputs).toMatchObject({
      keyVersions: [own, second, first],
      restoredFrom: { blobSha256: stack.recorded.blobSha256, keyVersions: [second, first] },
      isAdopted: false,
      missingVersions: [],
    });
    stack.target.clearRequests();
    said.length = 0;
    expect(await stack.restore.destroy()).toBe(true);
    expect([stack.changes, stack.target.keyVersions("orders").length]).toEqual([[], 3]);
    expect(said).toEqual([
      `KeyRestore ${keyUri()}: the key is left where it is: it has version ${own}, which the backup is not known to hold and ` +
        "which would be lost for good. Back the key up where it is (KeyBackup).\n",
    ]);
  });
});
