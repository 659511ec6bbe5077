import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";
import type { Fault } from "../../../localVault/vaultFault";

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

const failure = () => (stack.restore.failure as Error | undefined)?.message;
const host = () => new URL(stack.target.vaultUri).host;
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const lineOf = (text: string) => `KeyRestore ${keyUri()}: ${text}\n`;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

async function fails(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  return String(failure());
}

async function refreshed(): Promise<Record<string, unknown>> {
  stack.target.clearRequests();
  expect(await stack.restore.refresh()).toBe(true);
  expect(stack.asked.filter((operation) => !["listVersions", "get", "getDeleted"].includes(operation))).toEqual([]);
  return stack.restore.outputs ?? {};
}

describe("a refresh", () => {
  it("sees a key that is there, with one request", async () => {
    await stack.backedUp();
    await up();
    const before = stack.restore.outputs;
    expect(await refreshed()).toEqual(before);
    expect(stack.asked).toEqual(["listVersions"]);
  });

  const gone: [string, () => Promise<void> | void, string, () => string][] = [
    [
      "is missing",
      () => {
        stack.target.deleteKey("orders");
        stack.target.purgeKey("orders");
      },
      "missing",
      () => `key "orders" is not in ${host()}.`,
    ],
    [
      "is soft-deleted",
      () => stack.target.deleteKey("orders"),
      "softDeleted",
      () =>
        `key "orders" in ${host()} is soft-deleted. Recover it: az keyvault key recover --vault-name localhost --name orders.`,
    ],
    [
      "is another one",
      async () => {
        stack.target.deleteKey("orders");
        stack.target.purgeKey("orders");
        await stack.target.createKey("orders");
      },
      "replaced",
      () => "another key has its name: it has none of the versions that were restored.",
    ],
  ];

  describe.each(gone)("of a key that %s", (_, change, keyStatus, reason) => {
    it("says so, changes nothing, and the next preview announces the restore with the reason", async () => {
      await stack.backedUp();
      await up();
      await change();
      expect(await refreshed()).toMatchObject({ keyStatus, keyStatusReason: reason() });
      expect(await stack.restore.preview(stack.restoring())).toEqual({ changes: true });
      expect(said).toContain(lineOf(`the key will be restored again, because ${reason()}`));
      expect(stack.changes).toEqual([]);
    });

    it("leaves that seen while the key cannot be looked up", async () => {
      await stack.backedUp();
      await up();
      await change();
      await refreshed();
      stack.target.fail("any", { kind: "forbidden", reason: "firewall" }, Number.POSITIVE_INFINITY);
      expect(await refreshed()).toMatchObject({ keyStatus, keyStatusReason: reason() });
      stack.target.clearFaults();
      expect(await refreshed()).toMatchObject({ keyStatus });
    });
  });

  const bound: [string, Fault, () => string][] = [
    [
      "the firewall",
      { kind: "forbidden", reason: "firewall" },
      () =>
        `Key Vault refused to read key "orders" in ${host()}: 403 Forbidden (ForbiddenByFirewall). Add this machine's ` +
        "address to the vault's firewall (networkAcls.ipRules), or run where the vault lets in.",
    ],
    [
      "a missing role",
      { kind: "forbidden", reason: "rbac" },
      () =>
        `Key Vault refused to read key "orders" in ${host()}: 403 Forbidden (ForbiddenByRbac). Grant the data action ` +
        "Microsoft.KeyVault/vaults/keys/read, for instance with the role Key Vault Crypto User.",
    ],
    [
      "an access policy without list and get",
      { kind: "forbidden", reason: "accessPolicy" },
      () =>
        `Key Vault refused to read key "orders" in ${host()}: 403 Forbidden (ForbiddenByPolicy). Give the identity the key ` +
        'permission "list" in an access policy of the vault.',
    ],
    [
      "connections that break",
      { kind: "reset" },
      () =>
        `Could not read key "orders" in ${host()}: the connection to ${host()} failed (ECONNRESET). Check the network ` +
        "between this machine and the vault.",
    ],
    [
      "a failing service",
      { kind: "status", status: 503 },
      () =>
        `Key Vault refused to read key "orders" in ${host()}: 503 ServiceUnavailable. The service failed, after retries: ` +
        "run again later.",
    ],
  ];

  it.each(bound)(
    "has the reason, not a missing key, where it meets %s; and sees it again later",
    async (_, fault, reason) => {
      await stack.backedUp();
      await up();
      const before = stack.restore.outputs;
      stack.target.fail("any", fault, Number.POSITIVE_INFINITY);
      expect(await refreshed()).toEqual({ ...before, keyStatus: "unreachable", keyStatusReason: reason() });
      stack.target.clearRequests();
      await up();
      expect([stack.asked, stack.restore.outputs?.keyStatus]).toEqual([[], "unreachable"]);
      stack.target.clearFaults();
      expect(await refreshed()).toEqual(before);
    },
  );

  it("learns a rotation of the restored key", async () => {
    const first = await stack.backedUp();
    await up();
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    expect(await refreshed()).toMatchObject({
      keyVersions: [version, first],
      keyStatus: "present",
      missingVersions: [],
    });
    expect(stack.restore.outputs).toMatchObject({
      keyUriWithVersion: `${keyUri()}/${first}`,
      restoredFrom: { keyVersions: [first] },
    });
    stack.target.clearRequests();
    await up();
    expect(stack.asked).toEqual([]);
  });

  it("forgets no version that it may not list", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    await up();
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    expect(await refreshed()).toMatchObject({ keyVersions: [version, second, first], keyStatus: "present" });
  });
});

describe("a key that a refresh found", () => {
  beforeEach(async () => {
    await stack.backedUp();
    await up();
    stack.pass(60_000);
    stack.target.deleteKey("orders");
  });

  it("missing is restored by the next update", async () => {
    const before = stack.restore.outputs;
    stack.target.purgeKey("orders");
    await refreshed();
    await up();
    const { restoredAt, ...others } = stack.restore.outputs ?? {};
    expect(stack.restore.outputs).toEqual({ ...before, restoredAt });
    expect(Date.parse(String(restoredAt)) - Date.parse(String(before?.restoredAt))).toBeGreaterThanOrEqual(60_000);
    expect(others).toMatchObject({ isAdopted: false, keyStatus: "present" });
    expect(stack.changes).toEqual(["restore"]);
  });

  it("missing is restored by an update that refreshes", async () => {
    stack.target.purgeKey("orders");
    stack.target.clearRequests();
    expect(await stack.restore.up(stack.restoring(), { refresh: true })).toBe(true);
    expect(stack.changes).toEqual(["restore"]);
    expect(stack.restore.outputs).toMatchObject({ keyStatus: "present", isAdopted: false });
  });

  it("soft-deleted is neither restored nor purged by the next update, which tells the ways out", async () => {
    await refreshed();
    expect(await fails()).toContain("a soft-deleted key has its name. Recover that key: az keyvault key recover");
    expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([[], true]);
    stack.target.recoverKey("orders");
    await refreshed();
    stack.target.clearRequests();
    await up();
    expect([stack.asked, stack.restore.outputs?.isAdopted]).toEqual([[], false]);
  });

  it("soft-deleted, and that was recovered since, stays the resource's own, which says so", async () => {
    const inputs = { onDestroy: "delete" };
    await refreshed();
    stack.target.recoverKey("orders");
    said.length = 0;
    await up(inputs);
    expect(said).toContain(lineOf("not restored: the key is there again, with every version that the backup holds."));
    expect(said.join("")).not.toContain("adopted");
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false, keyStatus: "present" });
    expect(await stack.restore.destroy()).toBe(true);
    expect(stack.target.isDeleted("orders")).toBe(true);
  });
});
