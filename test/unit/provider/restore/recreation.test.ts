import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { contentOf } from "./contentOf";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const recreate = { onNewVersions: "recreate" } as const;
const versions = () => stack.copies.versions("orders").map(({ version }) => version);
const deletedVersions = () => stack.copies.deleted("orders")?.versions.map(({ version }) => version);

async function up(inputs: Record<string, unknown> = recreate): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

/** A restored object, and a newer backup that holds one version more. */
async function outdated(): Promise<[first: string, second: string]> {
  const { version: first } = await stack.backedUp();
  await up();
  const second = await stack.rotated();
  stack.target.clearRequests();
  return [first, second];
}

async function addVersion(): Promise<string> {
  stack.pass(1_000);
  return (await stack.copies.rotate("orders")).version;
}

/** The object has both versions, and nothing more is due. */
async function isWhole([first, second]: [string, string]): Promise<void> {
  expect(versions()).toEqual([first, second]);
  expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [], status: "present" });
  stack.target.clearRequests();
  await up();
  expect(stack.target.requests).toEqual([]);
}

describe.each(objectKinds)("the recreation of a $noun:", (kind) => {
  const { noun, collection, properties } = kind;

  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  describe("an object whose backup has newer versions", () => {
    it("is deleted, purged and restored from the newer backup, after a line that says so", async () => {
      const [first, second] = await outdated();
      const { restoredAt } = stack.restore.outputs ?? {};
      expect(await stack.restore.preview(stack.restoring(recreate))).toBe(true);
      expect(stack.target.requests).toEqual([]);
      await up();
      const uri = `${stack.target.vaultUri}${collection}/orders`;
      expect(stack.lines).toEqual([
        `${stack.resource("Restore")} ${uri}: it will be deleted, purged and restored from the newer backup, because version ${second} of the ` +
          "backup is missing from the restored object.",
        `${stack.resource("Restore")} ${uri}: deleting, purging and restoring it from the newer backup; the ${noun} is unavailable until this ` +
          "completes.",
      ]);
      expect(stack.changes).toEqual(["delete", "purge", "restore"]);
      expect(stack.restore.outputs).toMatchObject({
        versions: [second, first],
        missingVersions: [],
        status: "present",
        restoredFrom: { blobSha256: stack.backupRef.blobSha256, versions: [second, first] },
      });
      expect(stack.restore.outputs?.restoredAt).not.toBe(restoredAt);
      for (const version of [first, second]) {
        expect(contentOf(stack.target, kind, version)).toEqual(contentOf(stack.source, kind, version));
      }
      stack.target.clearRequests();
      await up();
      expect(stack.target.requests).toEqual([]);
    });

    it("is recreated while the vault takes its time to delete, and to free the name", async () => {
      stack = await service.stackOf(
        kind,
        { purgeMilliseconds: 150 },
        { freeName: 5_000, notReady: [20], transient: 20 },
      );
      const [first, second] = await outdated();
      stack.target.deletionMilliseconds = 150;
      await up();
      expect(versions()).toEqual([first, second]);
      expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    });

    it("is recreated by the update that first says recreate", async () => {
      await stack.backedUp();
      await up({});
      await stack.rotated();
      await up({});
      await up();
      expect(versions()).toHaveLength(2);
      expect(stack.restore.outputs).toMatchObject({ missingVersions: [] });
    });

    it("is left alone if it has those versions by now", async () => {
      const [first, second] = await outdated();
      stack.copies.delete("orders");
      stack.copies.purge("orders");
      await stack.copies.restore(String(stack.backupRef.blob));
      await up();
      expect(stack.changes).toEqual([]);
      expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [] });
    });

    it("is recreated if it was made and rotated within one second", async () => {
      await stack.objects.create("orders");
      await stack.backUp();
      await up();
      for (let count = 0; count < 6; count += 1) await stack.objects.rotate("orders");
      await stack.backUp();
      await up();
      expect(versions()).toHaveLength(7);
    });
  });

  describe("an object in the vault of its source", () => {
    it("is never recreated", async () => {
      await stack.backedUp();
      const home = { ...recreate, vaultUri: stack.source.vaultUri };
      await up(home);
      await stack.rotated();
      stack.source.clearRequests();
      await up(home);
      expect(stack.source.requests).toEqual([]);
      expect(stack.objects.versions("orders")).toHaveLength(2);
    });
  });

  describe("an object is not recreated, and nothing is changed,", () => {
    async function refused(inputs: Record<string, unknown> = recreate): Promise<string> {
      const state = () => [versions(), deletedVersions(), stack.restore.outputs];
      const before = state();
      stack.target.clearRequests();
      expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
      expect(state()).toEqual(before);
      expect(stack.changes).toEqual([]);
      const message = stack.restore.failureMessage;
      expect(message).toContain(
        `${stack.target.vaultUri}${collection}/orders is not recreated, and nothing was changed.`,
      );
      expect(message).toContain('To keep it as it is, set onNewVersions: "keep".');
      expect(message).toContain("key-restore.md#recreate");
      return message;
    }

    it("if the source of the backup is unknown", async () => {
      await outdated();
      const message = await refused({ ...recreate, backup: { ...stack.backupRef, [properties.uri]: undefined } });
      expect(message).toContain("does not say which object it was made from");
      expect(stack.requests).not.toContain("delete");
    });

    it.each([false, true])("if it has a version that the backup does not hold (refreshed: %s)", async (isRefreshed) => {
      await outdated();
      const own = await addVersion();
      if (isRefreshed) expect(await stack.restore.refresh()).toBe(true);
      expect(await refused()).toContain(`The backup does not hold version ${own}, which would be lost.`);
      expect(stack.requests).not.toContain("delete");
    });

    it("if another object has its name", async () => {
      await outdated();
      stack.copies.delete("orders");
      stack.copies.purge("orders");
      const { version } = await stack.copies.create("orders");
      expect(await refused()).toContain(`does not hold version ${version}`);
    });

    it("if the vault has purge protection", async () => {
      await outdated();
      stack.target.purgeProtection = true;
      expect(await refused()).toContain("The vault has purge protection");
      expect(stack.requests).toEqual(["listVersions", noun === "secret" ? "listVersions" : "get"]);
    });

    it("if it is soft-deleted in a vault with purge protection", async () => {
      await outdated();
      stack.target.purgeProtection = true;
      stack.copies.delete("orders");
      expect(await refused()).toContain("The vault has purge protection");
      expect(stack.requests).not.toContain("purge");
    });

    it("if the vault is unreachable", async () => {
      await outdated();
      stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);
      expect(await refused()).toContain("ECONNRESET");
    });

    it("if the identity may not list its versions", async () => {
      await outdated();
      stack.copies.permissions.delete("list");
      expect(await refused()).toContain(kind.permissions.list.dataAction);
    });

    it("if a version appears between the first look and the last one before the deletion", async () => {
      await outdated();
      stack.target.afterRequest("listVersions", async () => {
        await addVersion();
      });
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      expect(stack.restore.failureMessage).toContain(
        "nothing was changed. It has a version that the backup does not hold.",
      );
      expect(stack.changes).toEqual([]);
      expect(versions()).toHaveLength(2);
    });

    it("if the identity may not delete it", async () => {
      await outdated();
      stack.copies.permissions.delete("delete");
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      expect(stack.restore.failureMessage).toContain(`Microsoft.KeyVault/vaults/${collection}/delete`);
      expect(stack.restore.failureMessage).not.toContain("soft-deleted now");
      expect(stack.changes).toEqual([]);
    });
  });

  describe("a version that appears while its object is recreated", () => {
    it.each([
      ["before the deletion", (appears: () => Promise<void>) => stack.target.onRequest("delete", appears)],
      [
        "after the deletion",
        (appears: () => Promise<void>) =>
          stack.target.afterRequest("delete", async () => {
            stack.copies.recover("orders");
            await appears();
            stack.copies.delete("orders");
          }),
      ],
    ] as const)("%s is never purged, and the message says how to recover the object", async (_, when) => {
      const [first] = await outdated();
      let own = "";
      when(async () => {
        own = await addVersion();
      });
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      const { failureMessage } = stack.restore;
      expect(failureMessage).toContain("is soft-deleted now");
      expect(failureMessage).toContain("a version that the backup does not hold");
      expect(failureMessage).toContain(`az keyvault ${noun} recover --vault-name localhost --name orders`);
      expect(deletedVersions()).toEqual([first, own]);
      // The next update does not purge it either.
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      expect(deletedVersions()).toEqual([first, own]);
      stack.copies.recover("orders");
      await up({});
      expect(versions()).toEqual([first, own]);
    });
  });

  describe("a recreation that is interrupted", () => {
    it.each(["delete", "purge", "restore"] as const)(
      "by the death of its process after the %s is completed by the next update",
      async (step) => {
        const both = await outdated();
        const before = stack.restore.outputs;
        await stack.killedAfter(step, () => stack.restore.up(stack.restoring(recreate), { isKilled: true }));
        expect(stack.restore.outputs).toEqual(before);
        await up();
        expect(stack.changes).toEqual(["delete", "purge", "restore"]);
        await isWhole(both);
      },
    );

    it.each(["delete", "purge", "restore"] as const)(
      "by the death of its process after the %s is completed by an update that refreshes",
      async (step) => {
        const both = await outdated();
        await stack.killedAfter(step, () => stack.restore.up(stack.restoring(recreate), { isKilled: true }));
        await stack.restore.up(stack.restoring(recreate), { refresh: true });
        expect(stack.restore.failureMessage).toBe("");
        await isWhole(both);
      },
    );

    it.each(["delete", "purge", "restore"] as const)(
      "by a %s that fails is completed by the next update",
      async (step) => {
        const both = await outdated();
        stack.target.fail(step, { kind: "status", status: 503 }, Number.POSITIVE_INFINITY);
        expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
        expect(stack.restore.failureMessage).toContain(`Key Vault refused to ${step} ${noun} "orders"`);
        stack.target.clearFaults();
        await up();
        await isWhole(both);
      },
    );

    it.each(["delete", "purge", "restore"] as const)("by the loss of the answer to its %s goes on", async (step) => {
      const both = await outdated();
      stack.target.fail(step, { kind: "lostAnswer" });
      await up();
      await isWhole(both);
    });

    it("by another object that takes the name leaves that object as it is", async () => {
      await outdated();
      stack.target.onRequest("restore", async () => {
        await stack.copies.create("orders");
      });
      expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
      expect(stack.restore.failureMessage).toContain(`another ${noun} has its name`);
      expect(stack.changes).toEqual(["delete", "purge"]);
      expect(stack.copies.has("orders")).toBe(true);
    });
  });
});

describe("a recreation whose deletion takes too long", () => {
  it("does not claim that nothing was changed", async () => {
    stack = await service.newStack({}, { operation: 2_000, transient: 50 });
    const both = await outdated();
    stack.target.deletionMilliseconds = 3_600_000;
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(stack.restore.failureMessage).toContain("is not recreated");
    expect(stack.restore.failureMessage).not.toContain("nothing was changed");
    stack.pass(3_600_000);
    await up();
    await isWhole(both);
  });
});
