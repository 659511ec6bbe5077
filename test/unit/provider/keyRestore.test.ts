import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
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
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.restore.failure as Error | undefined)?.message;
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

const text = Buffer.from("an order");
const digest = createHash("sha256").update(text).digest();

function isSignedBy(jwk: JsonWebKey, signature: Buffer): boolean {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return verify("sha256", text, { key, dsaEncoding: "ieee-p1363" }, signature);
}

describe.each(["RSA", "EC"] as const)("a restored %s key", (kty) => {
  it("has the versions, the public keys and the private keys of its source, and says where it came from", async () => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await up();
    expect(stack.restore.outputs).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      keyUri: `${stack.target.vaultUri}keys/orders`,
      keyUriWithVersion: `${stack.target.vaultUri}keys/orders/${second}`,
      keyVersions: [second, first],
      restoredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      restoredFrom: {
        blobSha256: stack.recorded.blobSha256,
        keyVersions: [second, first],
        keyUri: `${stack.source.vaultUri}keys/orders`,
        backedUpAt: stack.recorded.backedUpAt,
      },
      isAdopted: false,
      missingVersions: [],
      keyStatus: "present",
      onDestroy: "keep",
    });
    for (const version of [first, second]) {
      expect(stack.target.publicJwk("orders", version)).toEqual(stack.source.publicJwk("orders", version));
    }
    expect(await stack.restore.up(stack.restoring())).toBe(true);
    expect(stack.asked).toEqual(["restore", "listVersions"]);
  });

  it("verifies what its source signed, and signs what its source verifies, with each version", async () => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    const signatures = [first, second].map((version) => stack.source.sign("orders", version, digest));
    await up();
    for (const [index, version] of [first, second].entries()) {
      const other = [second, first][index];
      expect(isSignedBy(stack.target.publicJwk("orders", version), signatures[index] as Buffer)).toBe(true);
      expect(isSignedBy(stack.target.publicJwk("orders", other), signatures[index] as Buffer)).toBe(false);
      const signature = stack.target.sign("orders", version, digest);
      expect(isSignedBy(stack.source.publicJwk("orders", version), signature)).toBe(true);
    }
  });
});

describe.each([
  ["base64url", (blob: string) => blob],
  ["padded base64url", (blob: string) => blob.padEnd(Math.ceil(blob.length / 4) * 4, "=")],
  [
    "padded base64 with line breaks",
    (blob: string) => `${Buffer.from(blob, "base64url").toString("base64").replace(/.{76}/g, "$&\n")}\n`,
  ],
  [
    "padded base64 with the line breaks of Windows",
    (blob: string) => Buffer.from(blob, "base64url").toString("base64").replace(/.{76}/g, "$&\r\n"),
  ],
  ["the text of a file that az wrote", (blob: string) => Buffer.from(blob, "base64url").toString("latin1")],
])("a blob alone, as %s", (_, form) => {
  const blobOf = () => form(String(stack.recorded.blob));

  it("is restored, with its versions and the name that it tells", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    const signature = stack.source.sign("orders", second, digest);
    await up({ backup: { blob: blobOf() } });
    expect(stack.restore.outputs).toMatchObject({
      keyName: "orders",
      keyUri: keyUri(),
      keyUriWithVersion: `${keyUri()}/${second}`,
      keyVersions: [second, first],
      isAdopted: false,
    });
    expect(stack.restore.outputs?.restoredFrom).toEqual({
      blobSha256: stack.recorded.blobSha256,
      keyVersions: [second, first],
    });
    expect(isSignedBy(stack.target.publicJwk("orders"), signature)).toBe(true);
  });

  it("is the same backup as its record, so that nothing is due", async () => {
    await stack.backedUp();
    await up({ backup: { ...stack.recorded, blob: blobOf() } });
    stack.target.clearRequests();
    expect(await stack.restore.preview(stack.restoring())).toEqual({ changes: false });
    expect(await stack.restore.preview(stack.restoring({ backup: { blob: blobOf() } }))).toEqual({ changes: false });
    expect(stack.asked).toEqual([]);
  });
});

describe("an identity that may restore, and not read", () => {
  beforeEach(() => {
    for (const permission of ["get", "list"] as const) stack.target.permissions.delete(permission);
  });

  it("records the versions that the backup names", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    await up();
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second, first], isAdopted: false });
    expect(stack.restore.outputs).toMatchObject({ restoredFrom: { keyVersions: [second, first] } });
  });

  it("records the newest version of a blob alone", async () => {
    await stack.backedUp();
    const second = await stack.rotated();
    await up({ backup: { blob: stack.recorded.blob } });
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second], keyUriWithVersion: `${keyUri()}/${second}` });
  });
});

it("a restored key that lacks a version which the backup's record names is said to lack it", async () => {
  const first = await stack.backedUp();
  const second = await stack.rotated();
  const blob = await stack.source.backUpKey("orders", { versions: [first] });
  await up({ backup: { ...stack.recorded, blob, blobSha256: undefined } });
  expect(stack.restore.outputs).toMatchObject({ keyVersions: [first], missingVersions: [second] });
});

describe("a blob that holds another key than the backup names", () => {
  const misnamed = () => ({ ...stack.recorded, keyName: "invoices", keyUri: undefined });
  const told = () =>
    'The blob holds key "orders", and not "invoices" as the backup says, though its SHA-256 is that of the backup. By now ' +
    `the vault has ${keyUri()}: if it is not needed there, az keyvault key delete --vault-name localhost --name orders.`;

  it("is told, with what it left and how to remove it", async () => {
    await stack.backedUp();
    expect(await fails({ backup: misnamed() })).toBe(told());
    expect(stack.restore.outputs).toBeUndefined();
    expect(stack.target.hasKey("orders")).toBe(true);
  });

  it("is told again by the next update, and adopted once the name is put right", async () => {
    await stack.backedUp();
    await fails({ backup: misnamed() });
    expect(await fails({ backup: misnamed() })).toContain('The blob holds key "orders", and not "invoices"');
    expect(stack.restore.outputs).toBeUndefined();
    await up();
    expect(stack.restore.outputs).toMatchObject({ keyName: "orders", isAdopted: true });
  });
});

describe("in these cases a change of the program", () => {
  const onceMore = (inputs: Record<string, unknown> = {}) => stack.restore.preview(stack.restoring(inputs));

  beforeEach(async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
  });

  it("changes nothing: a new blob of the same key with the same versions", async () => {
    const before = stack.restore.outputs;
    const { blobSha256 } = stack.recorded;
    await stack.backUp();
    expect(stack.recorded.blobSha256).not.toBe(blobSha256);
    expect(await onceMore()).toEqual({ changes: false });
    await up();
    expect([stack.asked, stack.restore.outputs]).toEqual([[], before]);
  });

  it("amends the record without a request: onDestroy changed", async () => {
    const before = stack.restore.outputs;
    expect(await onceMore({ onDestroy: "purge" })).toEqual({ changes: true });
    expect(said).toContain(lineOf("the key stays as it is, and its record is updated, because onDestroy changed."));
    await up({ onDestroy: "purge" });
    expect([stack.asked, stack.restore.outputs]).toEqual([[], { ...before, onDestroy: "purge" }]);
    expect(await onceMore({ onDestroy: "purge" })).toEqual({ changes: false });
  });

  it("replaces the restore, and leaves the first key: another vault", async () => {
    const other = await stack.service.createVault();
    expect(await onceMore({ vaultUri: other.vaultUri })).toEqual({ changes: true, replaces: ["vaultUri"] });
    expect(said).toContain(lineOf("replaced by the restore of another key, because vaultUri changed."));
    await up({ vaultUri: other.vaultUri });
    expect([other.hasKey("orders"), stack.target.hasKey("orders"), stack.asked]).toEqual([true, true, []]);
  });

  it("replaces the restore, and deletes the first key where onDestroy says so: another vault", async () => {
    const other = await stack.service.createVault();
    await up({ onDestroy: "delete" });
    await up({ vaultUri: other.vaultUri, onDestroy: "delete" });
    expect([other.hasKey("orders"), stack.target.isDeleted("orders")]).toEqual([true, true]);
  });

  it("replaces the restore: another key", async () => {
    await stack.source.createKey("invoices");
    const backup = { blob: await stack.source.backUpKey("invoices"), keyName: "invoices" };
    expect(await onceMore({ backup })).toEqual({ changes: true, replaces: ["backup"] });
    await up({ backup });
    expect(stack.target.keyNames.sort()).toEqual(["invoices", "orders"]);
  });

  it("replaces the restore: another blob, of whose key the program tells nothing", async () => {
    await stack.source.createKey("invoices");
    const backup = { blob: await stack.source.backUpKey("invoices") };
    expect(await onceMore({ backup })).toEqual({ changes: true, replaces: ["backup"] });
    await up({ backup });
    expect(stack.restore.outputs).toMatchObject({ keyName: "invoices", isAdopted: false });
  });

  it("is announced as not known yet: the vault, or what the backup holds", async () => {
    const unknown = pulumi.runtime.unknownValue;
    const due = (names: string) =>
      lineOf(`what is due, if anything, will be known during the update, as will ${names}.`);
    expect(await onceMore({ vaultUri: unknown })).toEqual({ changes: true });
    expect(await onceMore({ backup: { ...stack.recorded, blob: unknown } })).toEqual({ changes: true });
    expect(await onceMore({ vaultUri: unknown, backup: unknown })).toEqual({ changes: true });
    expect(said).toEqual([due("vaultUri"), due("backup"), due("vaultUri and backup")]);
    expect(stack.asked).toEqual([]);
  });
});

describe("a restore into the key's own vault", () => {
  const inOwn = (inputs: Record<string, unknown> = {}) => ({ vaultUri: stack.source.vaultUri, ...inputs });
  const lose = () => {
    stack.source.deleteKey("orders");
    stack.source.purgeKey("orders");
  };

  it("adopts the key, and brings it back when it is gone, as one that stays adopted", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    await up(inOwn());
    expect(stack.restore.outputs).toMatchObject({ isAdopted: true, keyVersions: [second, first] });
    lose();
    expect(await stack.restore.up(stack.restoring(inOwn()), { refresh: true })).toBe(true);
    expect(stack.restore.outputs).toMatchObject({
      isAdopted: true,
      keyVersions: [second, first],
      keyStatus: "present",
    });
    expect(stack.source.keyVersions("orders").map(({ version }) => version)).toEqual([first, second]);
  });

  it("learns by a refresh that the key was rotated, before and after it was backed up anew", async () => {
    const first = await stack.backedUp();
    await up(inOwn());
    const second = await stack.rotated();
    expect(await stack.restore.refresh()).toBe(true);
    await up(inOwn());
    expect(stack.restore.outputs).toMatchObject({ keyVersions: [second, first], missingVersions: [] });
  });

  it.each(["keep", "recreate"])(
    "does not say of a key that was rotated that it lacks the version (%s)",
    async (policy) => {
      await stack.backedUp();
      await up(inOwn({ onNewVersions: policy }));
      lose();
      expect(await stack.restore.up(stack.restoring(inOwn({ onNewVersions: policy })), { refresh: true })).toBe(true);
      await stack.rotated();
      said.length = 0;
      await up(inOwn({ onNewVersions: policy }));
      expect(said.filter((line) => line.includes("lacks"))).toEqual([]);
      expect(stack.restore.outputs).toMatchObject({ missingVersions: [] });
    },
  );
});
