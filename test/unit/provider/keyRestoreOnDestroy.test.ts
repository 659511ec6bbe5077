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

const failure = () => (stack.restore.failure as Error | undefined)?.message;
const host = () => new URL(stack.target.vaultUri).host;
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const left = (because: string) => `KeyRestore ${keyUri()}: the key is left where it is: ${because}\n`;

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

const keysOfTarget = () => [stack.target.keyVersions("orders"), stack.target.deletedKey("orders")];

/** The message of a deletion that fails, and leaves the vault and the state as they are. */
async function isRefused(): Promise<string> {
  const before = [keysOfTarget(), stack.restore.outputs];
  stack.target.clearRequests();
  expect(await stack.restore.destroy()).toBe(false);
  expect([keysOfTarget(), stack.restore.outputs]).toEqual(before);
  expect(stack.changes).toEqual([]);
  expect(stack.restore.failure).toHaveProperty("stack", "");
  return String(failure());
}

const recover = "az keyvault key recover --vault-name localhost --name orders";

describe("a restored key, when its resource is deleted,", () => {
  it("stays with onDestroy keep, without a request", async () => {
    await restored("keep");
    await destroys();
    expect([stack.asked, stack.target.hasKey("orders"), said]).toEqual([[], true, []]);
  });

  it("stays where onDestroy is not given", async () => {
    await restored("keep", { onDestroy: undefined });
    await destroys();
    expect([stack.asked, stack.target.hasKey("orders")]).toEqual([[], true]);
  });

  it("is soft-deleted with onDestroy delete", async () => {
    const version = await restored("delete");
    await destroys();
    expect(stack.changes).toEqual(["delete"]);
    expect(stack.target.deletedKey("orders")).toMatchObject({ versions: [{ version }] });
  });

  it("is soft-deleted by the time that the deletion ends", async () => {
    stack.target.deletionMilliseconds = 300;
    await restored("delete");
    await destroys();
    expect(stack.target.requestsOf("getDeleted").at(-1)?.status).toBe(200);
  });

  it("is soft-deleted with onDestroy delete in a vault with purge protection, and with versions made since", async () => {
    stack.target.purgeProtection = true;
    await restored("delete");
    await stack.target.rotateKey("orders");
    await destroys();
    expect(stack.target.deletedKey("orders")?.versions.length).toBe(2);
  });

  it("is purged with onDestroy purge, once its deletion is done", async () => {
    stack.target.deletionMilliseconds = 300;
    await restored("purge");
    await destroys();
    expect(stack.changes).toEqual(["delete", "purge"]);
    expect([stack.target.hasKey("orders"), stack.target.isDeleted("orders")]).toEqual([false, false]);
  });

  it("is purged where it came of a blob alone, whose versions were learnt when it was restored", async () => {
    await stack.backedUp();
    await stack.rotated();
    await up({ onDestroy: "purge", backup: { blob: stack.recorded.blob } });
    await destroys();
    expect(stack.changes).toEqual(["restore", "delete", "purge"]);
  });

  it.each([
    ["an update whose program does not declare it any more", () => stack.restore.up(undefined)],
    ["such an update that refreshes first", () => stack.restore.up(undefined, { refresh: true })],
  ])("is soft-deleted by %s", async (_, command) => {
    await restored("delete");
    await command();
    expect([failure(), stack.restore.outputs, stack.changes]).toEqual([undefined, undefined, ["delete"]]);
  });

  it("is dealt with as the last update recorded, whatever the program said since", async () => {
    await restored("purge");
    await stack.restore.preview(stack.restoring({ onDestroy: "keep" }));
    await up({ onDestroy: "delete" });
    await stack.restore.preview(stack.restoring({ onDestroy: "purge" }));
    await destroys();
    expect(stack.changes).toEqual(["delete"]);
  });
});

describe("nothing is done to a key, and the deletion goes on, where", () => {
  it.each(["delete", "purge"])("it is not there any more (onDestroy %s)", async (onDestroy) => {
    await restored(onDestroy);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await destroys();
    expect(stack.changes).toEqual([]);
  });

  it("it is soft-deleted already (onDestroy delete)", async () => {
    await restored("delete");
    stack.target.deleteKey("orders");
    await destroys();
    expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([[], true]);
  });

  it.each(["delete", "purge"])("another key has its name by now, which is said (onDestroy %s)", async (onDestroy) => {
    await restored(onDestroy);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    const { version } = await stack.target.createKey("orders");
    await destroys();
    expect(stack.changes).toEqual([]);
    expect(stack.target.keyVersions("orders")).toMatchObject([{ version }]);
    expect(said).toEqual([left("another key has its name by now.")]);
  });

  it("another key that has its name is soft-deleted (onDestroy purge)", async () => {
    await restored("purge");
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    stack.target.deleteKey("orders");
    await destroys();
    expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([[], true]);
  });
});

it("a soft-deleted key is purged with onDestroy purge, if it is the restored one", async () => {
  await restored("purge");
  stack.target.deleteKey("orders");
  await destroys();
  expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([["purge"], false]);
});

it("a soft-deleted key is not purged where it has a version that the backup is not known to hold, which is told", async () => {
  await restored("purge");
  stack.pass(1_000);
  const { version } = await stack.target.rotateKey("orders");
  expect(await stack.restore.refresh()).toBe(true);
  stack.target.deleteKey("orders");
  await stack.restore.destroy();
  expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([[], true]);
  expect(failure() ?? said.join("")).toContain(version);
});

describe("a key is left where it is with onDestroy purge, which is said, and the deletion goes on, where it", () => {
  it.each([false, true])("was rotated since (refreshed: %s)", async (isRefreshed) => {
    const first = await restored("purge");
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    if (isRefreshed) expect(await stack.restore.refresh()).toBe(true);
    await destroys();
    expect(stack.changes).toEqual([]);
    expect(stack.target.keyVersions("orders")).toMatchObject([{ version: first }, { version }]);
    expect(said).toEqual([
      left(
        `it has version ${version}, which the backup is not known to hold and which would be lost for good. Back the key up ` +
          "where it is (KeyBackup).",
      ),
    ]);
  });

  it("may have versions that cannot be listed", async () => {
    const version = await restored("purge");
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
    await destroys();
    expect([stack.changes, stack.target.keyVersions("orders")]).toMatchObject([[], [{ version }]]);
    expect(said).toEqual([left('which versions it has is not known: grant the permission to list keys ("list").')]);
  });

  it("was rotated in a vault with purge protection", async () => {
    stack.target.purgeProtection = true;
    await restored("purge");
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    await destroys();
    expect([stack.changes, stack.target.hasKey("orders")]).toEqual([[], true]);
    expect(said).toEqual([expect.stringContaining(`it has version ${version}, which the backup is not known to hold`)]);
  });
});

describe("a key is soft-deleted with onDestroy purge, and not purged, which is said, where", () => {
  it("its vault has purge protection", async () => {
    stack.target.purgeProtection = true;
    const version = await restored("purge");
    await destroys();
    expect(stack.changes).toEqual(["delete"]);
    expect(stack.asked).not.toContain("purge");
    expect(stack.target.deletedKey("orders")).toMatchObject({ versions: [{ version }] });
    expect(said).toEqual([
      `KeyRestore ${keyUri()}: the key is deleted, and not purged: its vault has purge protection, so that its name stays ` +
        "taken until the retention period is over.\n",
    ]);
  });

  it("it is rotated before it is deleted, after it was looked up", async () => {
    const first = await restored("purge");
    let second = "";
    stack.target.onRequest("delete", async () => {
      stack.pass(1_000);
      second = (await stack.target.rotateKey("orders")).version;
    });
    await destroys();
    expect(stack.changes).toEqual(["delete"]);
    expect(stack.asked).not.toContain("purge");
    expect(stack.target.deletedKey("orders")?.versions.map(({ version }) => version)).toEqual([first, second]);
    expect(said).toEqual([
      `KeyRestore ${keyUri()}: the key is left soft-deleted: it has version ${second}, which the backup is not known to hold. ` +
        `To recover it: ${recover}.\n`,
    ]);
  });
});

it("a replaced key that may not be purged does not stay to be deleted by every later update", async () => {
  stack.target.purgeProtection = true;
  await restored("purge");
  const another = await stack.service.createVault();
  await up({ vaultUri: another.vaultUri, onDestroy: "purge" });
  expect(stack.target.isDeleted("orders")).toBe(true);
  stack.target.clearRequests();
  await up({ vaultUri: another.vaultUri, onDestroy: "purge" });
  expect(stack.asked).toEqual([]);
});

describe("the deletion is refused, and nothing is changed, where the key", () => {
  it.each(["delete", "purge"])("cannot be looked up (onDestroy %s)", async (onDestroy) => {
    await restored(onDestroy);
    for (const fault of [
      { kind: "forbidden", reason: "firewall" },
      { kind: "forbidden", reason: "rbac" },
      { kind: "html", status: 403 },
      { kind: "status", status: 500 },
      { kind: "reset" },
    ] as const) {
      stack.target.fail("any", fault, Number.POSITIVE_INFINITY);
      expect(await isRefused()).toContain(
        `${keyUri()} is not deleted with its KeyRestore: whether it is there could not be learnt: `,
      );
      expect(failure()).toContain(`key "orders" in ${host()}`);
      stack.target.clearFaults();
    }
    await destroys();
    expect(stack.target.hasKey("orders")).toBe(false);
  });

  it.each(["delete", "purge"] as const)("may not be removed by the identity (%s)", async (permission) => {
    stack = await service.newStack({}, { notReady: [60_000] });
    await restored("purge");
    stack.target.permissions.delete(permission);
    expect(await stack.restore.destroy()).toBe(false);
    expect(failure()).toContain(
      `Key Vault refused to ${permission} key "orders" in ${host()}: 403 Forbidden (ForbiddenByRbac)`,
    );
    expect(stack.restore.outputs).toBeDefined();
    const isDeleted = permission === "purge";
    expect(stack.target.isDeleted("orders")).toBe(isDeleted);
    const told = ` By now the key is soft-deleted: run again, or recover it: ${recover}.`;
    expect(String(failure()).endsWith(told)).toBe(isDeleted);
    stack.target.permissions.add(permission);
    await destroys();
    expect([stack.target.hasKey("orders"), stack.target.isDeleted("orders")]).toEqual([false, false]);
  });
});

it.each(["lookUpKey", "deleteKey", "purgeKey"] as const)(
  "a deletion that is killed after %s is completed by the next",
  async (after) => {
    await restored("purge");
    await stack.killed({ after }, () => stack.restore.destroy());
    expect(stack.restore.outputs).toBeDefined();
    await destroys();
    expect([stack.target.hasKey("orders"), stack.target.isDeleted("orders")]).toEqual([false, false]);
  },
);

it("an identity that may get and not list deletes the key that it restored", async () => {
  stack.target.authorization = "accessPolicy";
  stack.target.permissions.delete("list");
  await stack.backedUp();
  await stack.rotated();
  await up({ onDestroy: "delete" });
  await destroys();
  expect(stack.target.deletedKey("orders")?.versions.length).toBe(2);
});
