import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Vault } from "../../../src/keyVault/vault";
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
const lineOf = (text: string) => `KeyRestore ${keyUri()}: ${text}\n`;
const recreate = { onNewVersions: "recreate" } as const;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

/** A restored key, and a newer backup that holds one version more. */
async function outdated(inputs: Record<string, unknown> = {}): Promise<[first: string, second: string]> {
  const first = await stack.backedUp();
  await up(inputs);
  const second = await stack.rotated();
  stack.target.clearRequests();
  return [first, second];
}

const versions = () => stack.target.keyVersions("orders").map(({ version }) => version);

/** What was asked, without the repetitions of what waits. */
const asked = () => stack.asked.filter((operation, index, all) => operation !== all[index - 1]);

describe("a newer backup, with onNewVersions keep", () => {
  it("leaves the key as it is, without a request, and lists what it lacks", async () => {
    const [first, second] = await outdated();
    const before = stack.restore.outputs;
    expect(await stack.restore.preview(stack.restoring())).toEqual({ changes: true });
    const because = `because the backup holds version ${second}, which the restored key lacks.`;
    expect(said).toEqual([lineOf(`the key stays as it is, and its record is updated, ${because}`)]);
    await up();
    expect(stack.restore.outputs).toEqual({ ...before, missingVersions: [second] });
    expect(await stack.restore.preview(stack.restoring())).toEqual({ changes: false });
    expect([stack.asked, versions()]).toEqual([[], [first]]);
  });

  it("is followed by one that lists the version too, until the key has it", async () => {
    const [first, second] = await outdated();
    await up();
    const third = await stack.rotated();
    await up();
    expect(stack.restore.outputs).toMatchObject({ missingVersions: [third, second] });
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    expect(await stack.restore.up(stack.restoring(), { refresh: true })).toBe(true);
    expect(stack.restore.outputs).toMatchObject({ missingVersions: [], keyVersions: [third, second, first] });
  });

  it("lists no version any more once the program goes back to the first backup", async () => {
    await stack.backedUp();
    const backup = stack.recorded;
    await up();
    await stack.rotated();
    await up();
    await up({ backup });
    expect(said).toContain(
      lineOf(
        "the key stays as it is, and its record is updated, because the restored key lacks no version of the backup.",
      ),
    );
    expect(stack.restore.outputs).toMatchObject({ missingVersions: [] });
  });
});

describe("a newer backup, with onNewVersions recreate", () => {
  it.each(["RSA", "EC"] as const)(
    "is restored, after the %s key was deleted and purged, in this order",
    async (kty) => {
      const first = await stack.backedUp({ kty });
      await up(recreate);
      const { restoredAt } = stack.restore.outputs ?? {};
      const second = await stack.rotated();
      stack.target.clearRequests();
      expect(await stack.restore.preview(stack.restoring(recreate))).toEqual({ changes: true });
      expect(stack.asked).toEqual([]);
      await up(recreate);
      const saved = ["listVersions", "get", "backup", "listVersions"];
      const deletion = ["delete", "getDeleted", "listVersions", "getDeleted"];
      expect(asked()).toEqual([...saved, ...deletion, "purge", "restore", "listVersions"]);
      expect(stack.changes).toEqual(["delete", "purge", "restore"]);
      expect(said).toEqual([
        lineOf(
          'the key will be deleted, purged and restored again (onNewVersions: "recreate"), because it lacks version ' +
            `${second} of the backup.`,
        ),
        lineOf("deleted and purged, to be restored from the newer backup: until then it is not there."),
      ]);
      expect(stack.restore.outputs).toMatchObject({
        keyVersions: [second, first],
        keyUriWithVersion: `${keyUri()}/${second}`,
        restoredFrom: { blobSha256: stack.recorded.blobSha256, keyVersions: [second, first] },
        isAdopted: false,
        missingVersions: [],
        keyStatus: "present",
      });
      expect(stack.restore.outputs?.restoredAt).not.toBe(restoredAt);
      for (const version of [first, second]) {
        expect(stack.target.publicJwk("orders", version)).toEqual(stack.source.publicJwk("orders", version));
      }
      stack.target.clearRequests();
      await up(recreate);
      expect(stack.asked).toEqual([]);
    },
  );

  it("waits for the deletion and for the name", async () => {
    stack.target.deletionMilliseconds = 300;
    stack.target.purgeMilliseconds = 300;
    const [first, second] = await outdated(recreate);
    await up(recreate);
    expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    expect(versions()).toEqual([first, second]);
    expect(stack.target.count("restore")).toBeGreaterThan(1);
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second, first], isAdopted: false });
  });

  it("is restored by the update that first says recreate, where an earlier one kept the key", async () => {
    const [first, second] = await outdated();
    await up();
    await up(recreate);
    expect([versions(), stack.restore.outputs?.missingVersions]).toEqual([[first, second], []]);
  });

  it("is not needed where the key has the versions by now, which is learnt before anything is deleted", async () => {
    const [first, second] = await outdated(recreate);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.restoreKey(String(stack.recorded.blob));
    await up(recreate);
    expect(stack.changes).toEqual([]);
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second, first], missingVersions: [] });
  });

  it("restores a key that is not there any more, of which no refresh has told", async () => {
    const [first, second] = await outdated(recreate);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await up(recreate);
    expect([stack.changes, versions()]).toEqual([["restore"], [first, second]]);
  });

  it("keeps an adopted key, without a request, and lists what it lacks", async () => {
    await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    await up(recreate);
    const second = await stack.rotated();
    stack.target.clearRequests();
    await up(recreate);
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, missingVersions: [second] });
    expect(stack.asked).toEqual([]);
  });
});

describe("a key is not recreated, and nothing is changed,", () => {
  const refused = (because: string) =>
    `${keyUri()} is not recreated from the newer backup, and nothing was changed: ${because} Or keep the key as it is: ` +
    'onNewVersions: "keep".';

  async function isRefused(): Promise<string> {
    const before = [versions(), stack.target.deletedKey("orders"), stack.restore.outputs];
    stack.target.clearRequests();
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect([versions(), stack.target.deletedKey("orders"), stack.restore.outputs]).toEqual(before);
    expect(stack.changes).toEqual([]);
    for (const operation of ["delete", "purge", "restore"]) expect(stack.asked).not.toContain(operation);
    const message = String(failure());
    await up();
    return message;
  }

  it("where the vault has purge protection", async () => {
    stack.target.purgeProtection = true;
    await outdated(recreate);
    expect(await isRefused()).toBe(
      refused("its vault has purge protection, so that its name stays taken until the retention period is over."),
    );
  });

  it.each([false, true])("where it was rotated where it is (refreshed: %s)", async (isRefreshed) => {
    await outdated(recreate);
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    if (isRefreshed) expect(await stack.restore.refresh()).toBe(true);
    expect(await isRefused()).toBe(
      refused(
        `it has version ${version}, which the backup is not known to hold and which would be lost for good. Back the key up ` +
          "where it is (KeyBackup).",
      ),
    );
  });

  it("where another key has its name by now", async () => {
    await outdated(recreate);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    expect(await isRefused()).toBe(refused("another key has its name by now."));
  });

  it("where its versions may not be listed, and others may be there", async () => {
    await outdated(recreate);
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
    expect(await isRefused()).toBe(
      refused('which versions it has is not known: grant the permission to list keys ("list").'),
    );
  });

  it("where it may not be read", async () => {
    await outdated(recreate);
    stack.target.permissions.delete("list");
    expect(await isRefused()).toBe(
      refused(
        `whether the key is there could not be learnt: Key Vault refused to read key "orders" in ${host()}: 403 Forbidden ` +
          "(ForbiddenByRbac). Grant the data action Microsoft.KeyVault/vaults/keys/read, for instance with the role Key " +
          "Vault Crypto User.",
      ),
    );
  });

  it("where the vault is out of reach", async () => {
    await outdated(recreate);
    stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await isRefused()).toContain("whether the key is there could not be learnt: Could not read key");
  });

  it("where the key is soft-deleted with a version that the backup is not known to hold", async () => {
    await outdated(recreate);
    stack.pass(1_000);
    await stack.target.rotateKey("orders");
    expect(await stack.restore.refresh()).toBe(true);
    stack.target.deleteKey("orders");
    stack.target.clearRequests();
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect([stack.changes, stack.target.deletedKey("orders")?.versions.length]).toEqual([[], 2]);
  });

  it("where the name is that of another key that is soft-deleted", async () => {
    await outdated(recreate);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    stack.target.deleteKey("orders");
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(failure()).toContain("a soft-deleted key has its name. Recover that key:");
    expect([stack.changes, stack.target.isDeleted("orders")]).toEqual([[], true]);
  });
});

describe("a recreation that breaks off", () => {
  const steps = ["lookUpKey", "deleteKey", "purgeKey", "restoreKey"] as const satisfies (keyof Vault)[];

  it.each(steps)("because the process is killed after %s is completed by the next update", async (after) => {
    const [first, second] = await outdated(recreate);
    const before = stack.restore.outputs;
    await stack.killed({ after }, () => stack.restore.up(stack.restoring(recreate)));
    expect(stack.restore.outputs).toEqual(before);
    await up(recreate);
    expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    expect(versions()).toEqual([first, second]);
    expect(stack.restore.outputs).toMatchObject({
      keyVersions: [second, first],
      missingVersions: [],
      keyStatus: "present",
    });
    stack.target.clearRequests();
    await up(recreate);
    expect(stack.asked).toEqual([]);
  });

  it.each(steps)("after %s ends with a record of the backup that the key has come from", async (after) => {
    const [first, second] = await outdated(recreate);
    await stack.killed({ after }, () => stack.restore.up(stack.restoring(recreate)));
    await up(recreate);
    expect(stack.restore.outputs).toMatchObject({
      keyUriWithVersion: `${keyUri()}/${second}`,
      restoredFrom: { blobSha256: stack.recorded.blobSha256, keyVersions: [second, first] },
    });
  });

  it.each(steps)("after %s ends with a key that onDestroy purge removes, which the backup holds", async (after) => {
    const inputs = { ...recreate, onDestroy: "purge" };
    await outdated(inputs);
    await stack.killed({ after }, () => stack.restore.up(stack.restoring(inputs)));
    await up(inputs);
    await stack.restore.destroy();
    expect([failure(), versions()]).toEqual([undefined, []]);
  });

  it.each(steps)("after %s is completed by an update that refreshes", async (after) => {
    const [first, second] = await outdated(recreate);
    await stack.killed({ after }, () => stack.restore.up(stack.restoring(recreate)));
    await stack.restore.up(stack.restoring(recreate), { refresh: true });
    expect([failure(), versions()]).toEqual([undefined, [first, second]]);
  });

  it.each(["delete", "purge", "restore"] as const)(
    "because %s is refused is completed by the next update",
    async (step) => {
      const [first, second] = await outdated(recreate);
      stack.target.fail(step, { kind: "status", status: 503 }, Number.POSITIVE_INFINITY);
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      expect(failure()).toContain(`Key Vault refused to ${step} key "orders" in`);
      stack.target.clearFaults();
      await up(recreate);
      expect([stack.changes, versions()]).toEqual([
        ["delete", "purge", "restore"],
        [first, second],
      ]);
    },
  );

  it("because another key takes the name after the purge tells that, and leaves it", async () => {
    await outdated(recreate);
    stack.target.onRequest("restore", async () => {
      await stack.target.createKey("orders");
    });
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(failure()).toContain("another key has its name; it has none of the versions that the backup holds.");
    expect(stack.changes).toEqual(["delete", "purge"]);
  });
});
