import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack({}, { freeName: 5_000, notReady: [20] });
});

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

/** The restore is refused, and changes nothing. */
async function refused(inputs: Record<string, unknown> = {}): Promise<string> {
  const state = () => [
    stack.target.keys.versions("orders"),
    stack.target.keys.deleted("orders"),
    stack.restore.outputs,
  ];
  const before = state();
  stack.target.clearRequests();
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  expect(state()).toEqual(before);
  expect(stack.changes).toEqual([]);
  return stack.restore.failureMessage;
}

/** A refusal because of an object that has the name. */
async function refusedByName(inputs: Record<string, unknown> = {}): Promise<string> {
  const message = await refused(inputs);
  const { host } = new URL(stack.target.vaultUri);
  expect(message).toContain(`Did not restore key "orders" into ${host}, and changed nothing: `);
  expect(message).toContain("troubleshooting.md#name-taken");
  return message;
}

const restoreBehindTheProgram = () => stack.target.keys.restore(String(stack.backupRef.blob));

describe("a key that is in the vault already", () => {
  it("is adopted if it has the versions and public keys of the backup, which one line says", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await restoreBehindTheProgram();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [], status: "present" });
    expect(stack.lines).toEqual([
      `KeyRestore ${stack.target.vaultUri}keys/orders: adopted, not restored. The key is there with every version that the ` +
        "backup holds.",
    ]);
    expect(stack.changes).toEqual([]);
  });

  it("is adopted with its additional versions, which are recorded and not said to come from the backup", async () => {
    const { version: first } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.pass(1_000);
    const { version: second } = await stack.target.keys.rotate("orders");
    await up();
    const restoredFrom = { versions: [first] };
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [], restoredFrom });
  });

  it("is adopted whatever the case in which its name and versions are written", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    const { thumbprints, ...backup } = stack.backupRef;
    const upper = Object.entries(thumbprints as object).map(([id, thumbprint]) => [id.toUpperCase(), thumbprint]);
    await up({
      backup: {
        ...backup,
        keyUri: undefined,
        keyName: "ORDERS",
        versions: [version.toUpperCase()],
        thumbprints: Object.fromEntries(upper),
      },
    });
    expect(stack.restore.outputs).toMatchObject({ versions: [version], missingVersions: [] });
  });

  it("is adopted by its versions alone if the backup records no public keys", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.clearRequests();
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.requests).not.toContain("get");
  });

  it("is refused if it is an older copy, and the message says that versions cannot be added", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const second = await stack.rotated();
    const message = await refusedByName();
    expect(message).toContain(`an older copy is there, without version ${second}.`);
    expect(message).toContain("Versions cannot be added to a key: delete and purge that copy");
  });

  it("is refused if it is an older copy even with onNewVersions recreate, because nothing recorded it", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    await stack.rotated();
    expect(await refusedByName({ onNewVersions: "recreate" })).toContain("an older copy is there");
  });

  it("is refused if it is an older copy with versions of its own, and the message does not suggest a purge", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.pass(1_000);
    const { version: own } = await stack.target.keys.rotate("orders");
    const second = await stack.rotated();
    const message = await refusedByName();
    expect(message).toContain(`without version ${second}.`);
    expect(message).toContain(`first back that copy up: only it has version ${own}.`);
    expect(message).not.toContain("purge");
  });

  it("is refused if it is a different key", async () => {
    await stack.backedUp();
    await stack.target.keys.create("orders");
    const message = await refusedByName();
    expect(message).toContain("another key has its name; it has none of the backup's versions");
  });

  it("is refused if a version has another public key than the one in the backup", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await restoreBehindTheProgram();
    const { [second]: other } = stack.backupRef.thumbprints as Record<string, string>;
    const message = await refusedByName({ backup: { ...stack.backupRef, thumbprints: { [first]: other } } });
    expect(message).toContain(
      `another key has its name; the public key of version ${first} is not the one in the backup`,
    );
  });

  it("is refused if the backup does not say which versions it holds", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const message = await refusedByName({ backup: { blob: stack.backupRef.blob } });
    expect(message).toContain("cannot be compared");
    expect(message).toContain("Set backup.versions, or use another vault.");
  });

  it.each([false, true])(
    "is refused while it is soft-deleted (another key: %s), and adopted once recovered",
    async (isOther) => {
      await stack.backedUp();
      await (isOther ? stack.target.keys.create("orders") : restoreBehindTheProgram());
      stack.target.keys.delete("orders");
      const message = await refusedByName();
      expect(message).toContain("a soft-deleted key has its name");
      expect(message).toContain("az keyvault key recover --vault-name localhost --name orders");
      stack.target.keys.recover("orders");
      expect(await stack.restore.up(stack.restoring())).toBe(!isOther);
    },
  );

  it("is not adopted if its public keys cannot be read", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.fail("get", { kind: "forbidden", reason: "rbac" }, Number.POSITIVE_INFINITY);
    const message = await refused();
    expect(message).toContain('Key Vault refused to read key "orders"');
    expect(message).toContain("Microsoft.KeyVault/vaults/keys/read");
  });

  it("is not adopted if its versions cannot be listed", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.keys.permissions.delete("list");
    const message = await refused();
    expect(message).toContain("409 Conflict");
    expect(message).toContain("troubleshooting.md#name-taken");
  });

  it("is not adopted if it disappears between the conflict and the look", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const disappears = () => {
      stack.target.keys.delete("orders");
      stack.target.keys.purge("orders");
    };
    stack.target.afterRequest("listVersions", disappears);
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("its name was taken a moment ago");
    expect(stack.restore.failureMessage).toContain("Run again.");
    await up();
  });
});

describe("a name that is not free yet", () => {
  const hour = 3_600_000;

  /** Lets the time pass before the second attempt. */
  function freesTheNameInTime(): void {
    stack.target.onRequest("restore", () => undefined);
    stack.target.onRequest("restore", () => stack.pass(hour));
  }

  it("is waited for after a purge", async () => {
    const { version } = await stack.backedUp();
    stack.target.purgeMilliseconds = hour;
    await stack.target.keys.create("orders");
    stack.target.keys.delete("orders");
    stack.target.keys.purge("orders");
    freesTheNameInTime();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("is waited for while a key is being deleted, until that key is found soft-deleted", async () => {
    await stack.backedUp();
    stack.target.deletionMilliseconds = hour;
    await stack.target.keys.create("orders");
    stack.target.keys.delete("orders");
    freesTheNameInTime();
    const message = await refusedByName();
    expect(message).toContain("a soft-deleted key has its name");
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("is waited for while the key is being recovered, which is then adopted", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.recoveryMilliseconds = hour;
    stack.target.keys.delete("orders");
    stack.target.keys.recover("orders");
    freesTheNameInTime();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("ends the update with what to do if it does not become free in time", async () => {
    stack = await service.newStack({}, { freeName: 60, notReady: [20] });
    await stack.backedUp();
    stack.target.purgeMilliseconds = 60_000;
    await stack.target.keys.create("orders");
    stack.target.keys.delete("orders");
    stack.target.keys.purge("orders");
    expect(await refused()).toContain("purged a moment ago. Run again in a few minutes.");
  });
});
