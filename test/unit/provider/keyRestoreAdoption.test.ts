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
const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const lineOf = (text: string) => `KeyRestore ${keyUri()}: ${text}\n`;
const adopted = () =>
  lineOf(
    "adopted, not restored: the key is there, with every version that the backup holds. It stays when this resource is deleted.",
  );

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

/** Restores the key, without a record of it in the state. */
const unrecorded = () => stack.killed({ after: "restoreKey" }, () => stack.restore.up(stack.restoring()));

describe.each([
  [
    "after it was restored",
    async (inputs: Record<string, unknown>) =>
      stack.killed({ after: "restoreKey" }, () => stack.restore.up(stack.restoring(inputs))),
  ],
  [
    "after it was looked up",
    async (inputs: Record<string, unknown>) =>
      stack.killed({ after: "lookUpKey" }, () => stack.restore.up(stack.restoring(inputs))),
  ],
  [
    "before its record was stored",
    async (inputs: Record<string, unknown>) => {
      expect(await stack.restore.up(stack.restoring(inputs), { isKilled: true })).toBe(false);
    },
  ],
] as const)("a key whose update was killed %s", (_, kill) => {
  it.each(["RSA", "EC"] as const)("is adopted by the next update, which says so once (%s)", async (kty) => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await kill({});
    expect(stack.restore.outputs).toBeUndefined();
    await up();
    expect(stack.restore.outputs).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      keyUri: keyUri(),
      keyUriWithVersion: `${keyUri()}/${second}`,
      keyVersions: [second, first],
      restoredAt: expect.any(String),
      restoredFrom: {
        blobSha256: stack.recorded.blobSha256,
        keyVersions: [second, first],
        keyUri: `${stack.source.vaultUri}keys/orders`,
        backedUpAt: stack.recorded.backedUpAt,
      },
      isAdopted: true,
      missingVersions: [],
      keyStatus: "present",
      onDestroy: "keep",
    });
    expect(said).toEqual([adopted()]);
    expect(stack.changes).toEqual(["restore"]);
    stack.target.clearRequests();
    await up();
    expect(stack.asked).toEqual([]);
  });

  it.each(["delete", "purge"])("is adopted, and left where it is with onDestroy %s", async (onDestroy) => {
    const version = await stack.backedUp();
    await kill({ onDestroy });
    await up({ onDestroy });
    stack.target.clearRequests();
    expect(await stack.restore.destroy()).toBe(true);
    expect(stack.asked).toEqual([]);
    expect(stack.target.keyVersions("orders")).toMatchObject([{ version }]);
    expect(said).toEqual([
      adopted(),
      lineOf("the key is left where it is: it was there before this resource, which adopted it."),
    ]);
  });
});

it.each(["restoreKey", "lookUpKey", "readPublicKeys"] as const)(
  "an adoption that is killed after %s is completed by the next update",
  async (after) => {
    await stack.backedUp();
    await unrecorded();
    await stack.killed({ after }, () => stack.restore.up(stack.restoring()));
    expect(stack.restore.outputs).toBeUndefined();
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyStatus: "present" });
    expect(stack.changes).toEqual(["restore"]);
  },
);

describe("a restore whose answer is lost", () => {
  it("ends as adopted in the same update", async () => {
    const version = await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" });
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyVersions: [version] });
    expect(said).toEqual([adopted()]);
  });

  it("ends as adopted by the next update where the vault then goes out of reach", async () => {
    await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" });
    stack.target.fail("restore", { kind: "reset" }, 9);
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.outputs).toBeUndefined();
    stack.target.clearFaults();
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true });
  });

  it("ends as a key whose name is taken where nothing is known of the blob, and the key stays", async () => {
    await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.restore.up(stack.restoring({ backup: { blob: stack.recorded.blob } }))).toBe(false);
    expect(failure()).toContain("the backup does not say which versions it holds. Give backup.keyVersions");
    expect(stack.target.hasKey("orders")).toBe(true);
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true });
  });
});

describe("an identity that may get and not list", () => {
  beforeEach(() => {
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
  });

  it("restores, and adopts by the versions that the backup names", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false, keyVersions: [second, first] });
    stack.restore.edit({ ...stack.restore.outputs, keyStatus: "missing", keyStatusReason: "it is not there." });
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyVersions: [second, first], missingVersions: [] });
  });

  it("adopts a key with versions that the backup does not name", async () => {
    const first = await stack.backedUp();
    await unrecorded();
    stack.pass(1_000);
    const { version } = await stack.target.rotateKey("orders");
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyVersions: [version, first] });
    expect(stack.restore.outputs).toMatchObject({ restoredFrom: { keyVersions: [first] } });
  });

  it("adopts no older copy and no other key", async () => {
    await stack.backedUp();
    await unrecorded();
    const second = await stack.rotated();
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(failure()).toContain(`an older copy of the key is there, which lacks version ${second} of the backup`);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await stack.target.createKey("orders");
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(failure()).toContain("it has none of the versions that the backup holds");
    expect(stack.restore.outputs).toBeUndefined();
  });
});

it("a key is adopted with versions that the backup lacks, and is not said to have come with it", async () => {
  const first = await stack.backedUp();
  await unrecorded();
  stack.pass(1_000);
  const { version } = await stack.target.rotateKey("orders");
  await up();
  expect(stack.restore.outputs).toMatchObject({
    isAdopted: true,
    keyVersions: [version, first],
    keyUriWithVersion: `${keyUri()}/${version}`,
    restoredFrom: { keyVersions: [first] },
  });
});

it("a key is adopted without thumbprints, by its versions alone", async () => {
  const version = await stack.backedUp();
  await unrecorded();
  stack.target.clearRequests();
  await up({ backup: { blob: stack.recorded.blob, keyVersions: [version.toUpperCase()] } });
  expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyVersions: [version] });
  expect(stack.asked).toEqual(["restore", "get", "listVersions"]);
});

it("a key with the name in another case is adopted", async () => {
  await stack.backedUp();
  await unrecorded();
  await up({ backup: { ...stack.recorded, keyName: "ORDERS" } });
  expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyName: "orders" });
  expect(await stack.restore.preview(stack.restoring())).toEqual({ changes: false });
});

it.each(["delete", "purge"])(
  "an adopted key that goes missing is restored, and stays adopted, so that it stays where it is (onDestroy %s)",
  async (onDestroy) => {
    const version = await stack.backedUp();
    await unrecorded();
    await up({ onDestroy });
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    expect(await stack.restore.up(stack.restoring({ onDestroy }), { refresh: true })).toBe(true);
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyStatus: "present" });
    stack.target.clearRequests();
    expect(await stack.restore.destroy()).toBe(true);
    expect([stack.asked, stack.target.keyVersions("orders")]).toMatchObject([[], [{ version }]]);
    expect(said.at(-1)).toBe(
      lineOf("the key is left where it is: it was there before this resource, which adopted it."),
    );
  },
);

it("an adopted key that was soft-deleted and recovered stays adopted", async () => {
  await stack.backedUp();
  await unrecorded();
  await up();
  stack.target.deleteKey("orders");
  expect(await stack.restore.refresh()).toBe(true);
  stack.target.recoverKey("orders");
  await up();
  expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyStatus: "present" });
  expect(said).toContain(adopted());
  expect(said.join("")).not.toContain("the key is there again");
});

it.each(["delete", "purge"])(
  "a key that the replacement of its restore adopted stays (onDestroy %s)",
  async (onDestroy) => {
    const version = await stack.backedUp();
    const backup = () => ({ blob: stack.recorded.blob, keyVersions: [version] });
    await up({ backup: backup(), onDestroy });
    await stack.backUp();
    await up({ backup: backup(), onDestroy });
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true });
    expect(stack.target.hasKey("orders")).toBe(true);
  },
);
