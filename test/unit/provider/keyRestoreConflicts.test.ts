import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tagsOf } from "../../../src/provider/drillCopy";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.restore.failure as Error | undefined)?.message;
const host = () => new URL(stack.target.vaultUri).host;
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const refused = () => `Key "orders" is not restored into ${host()}, and nothing was changed there:`;
const on = "--vault-name localhost --name orders";
const remove = `az keyvault key delete ${on}, then az keyvault key purge ${on}`;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

const keysOfTarget = () => [
  stack.target.keyNames,
  stack.target.keyVersions("orders"),
  stack.target.keyVersions("orders").map(({ version }) => stack.target.publicJwk("orders", version)),
  stack.target.deletedKey("orders"),
];

/** The message of an update that fails, and leaves the vault and the state as they are. */
async function isRefused(inputs: Record<string, unknown> = {}): Promise<string> {
  const before = [keysOfTarget(), stack.restore.outputs];
  stack.target.clearRequests();
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  expect([keysOfTarget(), stack.restore.outputs]).toEqual(before);
  expect(stack.changes).toEqual([]);
  for (const operation of ["delete", "purge", "recover", "update"]) expect(stack.asked).not.toContain(operation);
  return String(failure());
}

/** An update during which the vault's clock, or the vault, is changed before the second attempt to restore. */
function beforeSecondAttempt(change: () => void): void {
  stack.target.onRequest("restore", () => undefined);
  stack.target.onRequest("restore", change);
}

const forms = [
  ["with its record", () => ({})],
  ["by its blob alone", () => ({ backup: { blob: stack.recorded.blob } })],
] as const;

describe.each(["RSA", "EC"] as const)("another %s key that has the name", (kty) => {
  it("stays as it is, and the ways out lead out", async () => {
    const version = await stack.backedUp({ kty });
    await stack.target.createKey("orders", { kty, tags: { team: "other" } });
    expect(await isRefused()).toBe(
      `${refused()} another key has its name; it has none of the versions that the backup holds. Restore into another ` +
        `vault; or, if that key is not needed any more, remove it (${remove}), and run again.`,
    );
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await up();
    expect(stack.target.keyVersions("orders")).toMatchObject([{ version }]);
  });

  it("is recognised by its public key, where it has the versions of the backup", async () => {
    const version = await stack.backedUp({ kty });
    expect(await stack.target.restoreKey(String(stack.recorded.blob))).toBe(true);
    const [[, thumbprint] = []] = Object.entries(stack.recorded.keyThumbprints as Record<string, string>);
    const keyThumbprints = { [version]: [...String(thumbprint)].reverse().join("") };
    expect(await isRefused({ backup: { ...stack.recorded, keyThumbprints } })).toBe(
      `${refused()} another key has its name; its version ${version} has another public key than the one in the backup. ` +
        `Restore into another vault; or, if that key is not needed any more, remove it (${remove}), and run again.`,
    );
  });
});

describe("a key that has the name", () => {
  it("is recognised by its public key, whatever the case in which versions are spelled", async () => {
    const version = await stack.backedUp();
    expect(await stack.target.restoreKey(String(stack.recorded.blob))).toBe(true);
    const backup = {
      ...stack.recorded,
      keyVersions: [version.toUpperCase()],
      keyThumbprints: { [version.toUpperCase()]: "A".repeat(43) },
    };
    expect(await isRefused({ backup })).toContain(`its version ${version} has another public key`);
  });

  it("stays as it is where it is an older copy, and the versions that it lacks are told", async () => {
    const first = await stack.backedUp();
    expect(await stack.target.restoreKey(String(stack.recorded.blob))).toBe(true);
    const second = await stack.rotated();
    expect(await isRefused()).toBe(
      `${refused()} an older copy of the key is there, which lacks version ${second} of the backup, and no version can be ` +
        `added to a key. Restore into another vault; or remove that copy first (${remove}), and run again.`,
    );
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await up();
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second, first], isAdopted: false });
  });

  it("is told with the versions of its own that would be lost, and with no purge, where it is an older copy", async () => {
    await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    stack.pass(1_000);
    const { version: own } = await stack.target.rotateKey("orders");
    const second = await stack.rotated();
    expect(await isRefused()).toBe(
      `${refused()} an older copy of the key is there, which lacks version ${second} of the backup, and no version can be ` +
        `added to a key. It has version ${own} too, which the backup does not hold and which would be lost with that copy. ` +
        "Restore into another vault, or back that copy up before you remove it.",
    );
  });

  it("is not adopted where it is the copy of a drill, though it has every version", async () => {
    await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    const tags = tagsOf({ owner: "organization/project/dev/drill", run: "run", until: Date.now() });
    stack.target.updateKey("orders", undefined, { tags });
    expect(await isRefused()).toBe(
      `${refused()} the copy of a restore drill has its name, and will be removed. Run again later; better, give drills a ` +
        "vault of their own.",
    );
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false });
  });

  it("is told as an older copy where onNewVersions is recreate too: nothing is deleted to make room", async () => {
    await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    await stack.rotated();
    expect(await isRefused({ onNewVersions: "recreate", onDestroy: "purge" })).toContain(
      "an older copy of the key is there",
    );
  });

  it("stays as it is where nothing is known of the blob, though it is the same", async () => {
    const version = await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    const { blob } = stack.recorded;
    expect(await isRefused({ backup: { blob } })).toBe(
      `${refused()} a key has its name, and whether it is the one in the blob is not known, because the backup does ` +
        "not say which versions it holds. Give backup.keyVersions, or a KeyBackup that may read its key; or restore into " +
        "another vault.",
    );
    await up({ backup: { blob, keyVersions: [version] } });
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyUriWithVersion: `${keyUri()}/${version}` });
  });

  it("stays restored from the first blob, where another blob is given of which nothing is known", async () => {
    await stack.backedUp();
    await up({ backup: { blob: stack.recorded.blob } });
    await stack.rotated();
    expect(await isRefused({ backup: { blob: stack.recorded.blob } })).toContain(
      "is not known, because the backup does not say which versions it holds.",
    );
  });

  it.each(forms)("stays as it is where the identity may not read, which is told (%s)", async (_, inputs) => {
    await stack.backedUp();
    await stack.target.createKey("orders");
    for (const permission of ["get", "list"] as const) stack.target.permissions.delete(permission);
    const message = await isRefused(inputs());
    expect(message).toContain(`into ${host()}: 409 Conflict: There was a conflict restoring the key`);
    expect(message).toContain(
      "The name of the key is taken: by a key that is in use, by a soft-deleted one (recover or purge it), or by one that was " +
        'purged a moment ago (run again). To be told which, grant the permission to read keys ("list" and "get").',
    );
  });

  it("stays as it is where its versions cannot be looked up", async () => {
    await stack.backedUp();
    await stack.target.createKey("orders");
    stack.target.permissions.delete("list");
    expect(await isRefused()).toBe(
      `Key "orders" is not restored into ${host()}: its name was taken, and then: Key Vault refused to read key "orders" in ` +
        `${host()}: 403 Forbidden (ForbiddenByRbac). Grant the data action Microsoft.KeyVault/vaults/keys/read, for ` +
        "instance with the role Key Vault Crypto User. Run again.",
    );
  });

  it("stays as it is where its public keys cannot be read", async () => {
    await stack.backedUp();
    await stack.target.restoreKey(String(stack.recorded.blob));
    stack.target.afterRequest("listVersions", () => {
      stack.target.permissions.delete("get");
    });
    expect(await isRefused()).toBe(
      `Key "orders" is there in ${host()}, and whether it is the one in the backup could not be learnt: Key Vault refused ` +
        `to read key "orders" in ${host()}: 403 Forbidden (ForbiddenByRbac). Grant the data action ` +
        "Microsoft.KeyVault/vaults/keys/read, for instance with the role Key Vault Crypto User.",
    );
  });

  it("is not taken for the one that it was, where it goes while it is looked up", async () => {
    await stack.backedUp();
    await stack.target.createKey("orders");
    stack.target.onRequest("listVersions", () => {
      stack.target.deleteKey("orders");
      stack.target.purgeKey("orders");
    });
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(failure()).toBe(
      `Key "orders" is not restored into ${host()}: its name was taken, and then: key "orders" is not in ${host()}. Run again.`,
    );
    await up();
  });
});

describe.each(forms)("a soft-deleted key, to whose name a backup is to be restored %s,", (_, inputs) => {
  const told = () =>
    `${refused()} a soft-deleted key has its name. Recover that key: az keyvault key recover ${on}. Or, if it is not needed ` +
    `any more, purge it for good: az keyvault key purge ${on}. Then run again.`;

  it.each([false, true])("stays as it is (another key: %s), and the purge that is told leads out", async (isOther) => {
    const version = await stack.backedUp();
    await (isOther ? stack.target.createKey("orders") : stack.target.restoreKey(String(stack.recorded.blob)));
    stack.target.deleteKey("orders");
    expect(await isRefused(inputs())).toBe(told());
    stack.target.purgeKey("orders");
    await up(inputs());
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [version], isAdopted: false });
  });

  it("is told too where its vault has purge protection", async () => {
    stack.target.purgeProtection = true;
    await stack.backedUp();
    await stack.target.createKey("orders");
    stack.target.deleteKey("orders");
    expect(await isRefused(inputs())).toContain(`${refused()} a soft-deleted key has its name. Recover that key:`);
  });
});

it("a soft-deleted key that was recovered as told is adopted", async () => {
  await stack.backedUp();
  await stack.target.restoreKey(String(stack.recorded.blob));
  stack.target.deleteKey("orders");
  await isRefused();
  stack.target.recoverKey("orders");
  await up();
  expect(stack.restore.outputs).toMatchObject({ isAdopted: true });
});

describe.each(forms)("a name that is not free yet, to which a backup is to be restored %s,", (_, inputs) => {
  beforeEach(async () => {
    await stack.backedUp();
    await stack.target.createKey("orders");
    stack.target.deletionMilliseconds = 60_000;
    stack.target.purgeMilliseconds = 60_000;
  });

  it("is waited for while a key is being deleted, and taken once that was purged", async () => {
    stack.target.purgeMilliseconds = 0;
    stack.target.deleteKey("orders");
    beforeSecondAttempt(() => {
      stack.pass(60_000);
      stack.target.purgeKey("orders");
    });
    await up(inputs());
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false, keyStatus: "present" });
    expect(stack.asked).toEqual(["restore", "restore", "listVersions"]);
  });

  it("is waited for while a key is being deleted, and told once that is soft-deleted", async () => {
    stack.target.deleteKey("orders");
    beforeSecondAttempt(() => stack.pass(60_000));
    expect(await isRefused(inputs())).toContain(`${refused()} a soft-deleted key has its name. Recover that key:`);
  });

  it("is waited for after a purge", async () => {
    stack.target.deletionMilliseconds = 0;
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    beforeSecondAttempt(() => stack.pass(60_000));
    await up(inputs());
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false });
    expect(stack.asked).toEqual(["restore", "get", "getDeleted", "restore", "listVersions"]);
  });

  it("is waited for through a deletion and a purge", async () => {
    stack.target.deleteKey("orders");
    beforeSecondAttempt(() => {
      stack.pass(60_000);
      stack.target.purgeKey("orders");
    });
    stack.target.onRequest("restore", () => stack.pass(60_000));
    await up(inputs());
    expect(stack.target.count("restore")).toBe(3);
  });
});

it("a name is waited for while the key that has it is being recovered, which is then adopted", async () => {
  await stack.backedUp();
  await stack.target.restoreKey(String(stack.recorded.blob));
  const innererror = { code: "ObjectIsBeingRecovered" };
  const body = { error: { code: "Conflict", message: "Key is currently being recovered.", innererror } };
  stack.target.fail("restore", { kind: "status", status: 409, body }, 2);
  await up();
  expect([stack.restore.outputs?.isAdopted, stack.target.count("restore")]).toEqual([true, 3]);
});

describe("a name that does not become free within the bound", () => {
  beforeEach(async () => {
    stack = await service.newStack({ deletionMilliseconds: 60_000, purgeMilliseconds: 60_000 }, { freeName: 600 });
    await stack.backedUp();
    await stack.target.createKey("orders");
  });

  it("is told as that of a key that is being deleted", async () => {
    stack.target.deleteKey("orders");
    const message = await isRefused();
    expect(message).toContain(
      `Key Vault refused to restore key "orders" into ${host()}: 409 Conflict (ObjectIsBeingDeleted): Key is currently being ` +
        "deleted. Another operation on the key is under way. Run again.",
    );
    expect(stack.target.count("restore")).toBeGreaterThan(5);
  });

  it("is told as that of a key that was purged a moment ago", async () => {
    stack.target.deletionMilliseconds = 0;
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    expect(await isRefused()).toBe(
      `Could not restore key "orders" into ${host()}: for 1 s its name did not become free. A key of that name is being ` +
        "deleted or recovered, or was purged a moment ago. Run again.",
    );
    stack.pass(60_000);
    await up();
  });

  it("is told where nothing but a blob is given", async () => {
    stack.target.deleteKey("orders");
    expect(await isRefused({ backup: { blob: stack.recorded.blob } })).toContain(
      `refused to restore a key into ${host()}: 409`,
    );
  });
});
