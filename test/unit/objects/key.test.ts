import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { systemClock } from "../../../src/keyVault/connection/waits";
import { key } from "../../../src/objects/key";
import { isPurgeableBy, mapConcurrently, type ObjectClient, type OperationName } from "../../../src/objects/objectKind";
import { connectTo } from "../../support/keyVault/localConnection";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
});

const request = <T>(call: (client: ObjectClient, signal: AbortSignal) => Promise<T>) =>
  connectTo(service, local, { clock: systemClock }).once(
    { name: "get", kind: key, objectName: "orders" },
    ({ client, signal }) => call(client, signal),
  );

describe("the client for keys", () => {
  it("replaces all tags of the named version", async () => {
    const first = await local.keys.create("orders", { tags: { team: "sales" } });
    await local.keys.rotate("orders");
    await request((client, signal) => client.setTags("orders", first.version, { owner: "me" }, signal));
    expect(local.keys.versions("orders").map(({ tags }) => tags)).toEqual([{ owner: "me" }, { team: "sales" }]);
  });

  it("tells the thumbprint of the named version", async () => {
    const first = await local.keys.create("orders");
    const second = await local.keys.rotate("orders");
    const thumbprint = (version: string) =>
      request((client, signal) => client.getThumbprint("orders", version, signal));
    const { version, thumbprint: newest } = await request((client, signal) => client.getCurrent("orders", signal));
    expect(version).toBe(second.version);
    expect(await thumbprint(second.version)).toBe(newest);
    expect(await thumbprint(first.version)).toMatch(/^[\w-]{43}$/);
    expect(await thumbprint(first.version)).not.toBe(newest);
  });

  it("returns a backup exactly as the service wrote it", async () => {
    await local.keys.create("orders");
    for (const value of ["AAA=", "ÄÖ", 42, null, undefined]) {
      local.fail("backup", { kind: "status", status: 200, body: { value } });
      expect(await request((client, signal) => client.backUp("orders", signal))).toBe(value);
    }
  });

  it("spells versions in lower case", async () => {
    const kid = `${local.vaultUri}keys/orders/${"A".repeat(32)}`;
    local.fail("listVersions", { kind: "status", status: 200, body: { value: [{ kid, attributes: { created: 1 } }] } });
    expect(await request((client, signal) => client.listVersions("orders", signal))).toEqual([
      { version: "a".repeat(32), createdAt: 1_000, updatedAt: 1_000, tags: {}, isPurgeable: undefined },
    ]);
  });

  it.each<[string, (client: ObjectClient, signal: AbortSignal) => Promise<unknown>]>([
    ["a list", (client, signal) => client.listVersions("orders", signal)],
    ["a read", (client, signal) => client.getCurrent("orders", signal)],
    ["a read of a thumbprint", (client, signal) => client.getThumbprint("orders", "a", signal)],
    ["a backup", (client, signal) => client.backUp("orders", signal)],
    ["a restore", (client, signal) => client.restore(Buffer.alloc(1), signal)],
    ["a look at a deleted key", (client, signal) => client.getDeleted("orders", signal)],
    ["a deletion", (client, signal) => client.delete("orders", 1, signal)],
    ["a purge", (client, signal) => client.purge("orders", signal)],
    ["a change of tags", (client, signal) => client.setTags("orders", "a", {}, signal)],
  ])("ends %s when its signal is aborted", async (_, call) => {
    await expect(request((client) => call(client, AbortSignal.abort()))).rejects.toThrow();
    expect(local.requests).toEqual([]);
  });
});

describe("the permissions of keys", () => {
  it("name a data action and a role for each operation, in vaults and in Managed HSMs", () => {
    for (const permission of Object.values(key.permissions)) {
      expect(permission.dataAction).toMatch(/^Microsoft\.KeyVault\/vaults\/keys\/(read|delete|[a-z]+\/action)$/);
      expect(permission.hsmDataAction).toMatch(
        /^Microsoft\.KeyVault\/managedHsm\/(keys|keys\/deletedKeys)\/[a-z]+(\/action)?$/,
      );
      expect(permission.role).toMatch(/^Key Vault Crypto (User|Officer)$/);
      expect(permission.hsmRole).toMatch(/^Managed HSM Crypto (User|Officer)$/);
    }
  });

  // The service's own refusals name what is missing.
  it.each<[OperationName, (client: ObjectClient, signal: AbortSignal) => Promise<unknown>]>([
    ["backup", (client, signal) => client.backUp("orders", signal)],
    ["list", (client, signal) => client.listVersions("orders", signal)],
    ["get", (client, signal) => client.getCurrent("orders", signal)],
    ["restore", (client, signal) => client.restore(Buffer.alloc(1), signal)],
    ["update", (client, signal) => client.setTags("orders", "a", {}, signal)],
    ["delete", (client, signal) => client.delete("orders", 1, signal)],
    ["purge", (client, signal) => client.purge("orders", signal)],
  ])("to %s are those that a vault refuses without", async (operation, call) => {
    const { dataAction, accessPolicy } = key.permissions[operation];
    local.keys.permissions.clear();
    const refusal = await request(call).catch((error) => error.refusal.explanation);
    expect(refusal).toContain(`'${dataAction}'`);
    local.authorization = "accessPolicy";
    expect(await request(call).catch((error) => error.refusal.explanation)).toContain(
      `keys ${accessPolicy} permission`,
    );
  });
});

describe("a recovery level", () => {
  it.each([
    ["Recoverable+Purgeable", true],
    ["CustomizedRecoverable+Purgeable", true],
    ["Purgeable", true],
    ["Recoverable", false],
    ["CustomizedRecoverable+ProtectedSubscription", false],
    [undefined, undefined],
  ])("of %s tells whether a deleted object can be purged: %s", (level, isPurgeable) => {
    expect(isPurgeableBy(level)).toBe(isPurgeable);
  });
});

describe("many requests about one object", () => {
  it("go out eight at a time at most, and their results keep the order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 40 }), async (delays) => {
        let running = 0;
        let most = 0;
        const results = await mapConcurrently(delays, async (delay) => {
          running += 1;
          most = Math.max(most, running);
          for (let turns = 0; turns <= delay; turns += 1) await Promise.resolve();
          running -= 1;
          return delay;
        });
        expect(results).toEqual(delays);
        expect(most).toBe(Math.min(delays.length, 8));
      }),
      { numRuns: 30 },
    );
  });

  it("fail together if one fails", async () => {
    await expect(mapConcurrently([1, 2], (item) => Promise.reject(new Error(`${item}`)))).rejects.toThrow("1");
  });
});
