import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
});

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

const keyUri = () => `${stack.target.vaultUri}keys/orders`;
const decoded = (blob: unknown) => Buffer.from(String(blob), "base64url");

describe.each(["RSA", "EC"] as const)("a KeyRestore of an %s key", (kty) => {
  it("restores all versions with their public keys, and records where they came from", async () => {
    const { version: first } = await stack.backedUp({ kty });
    const second = await stack.rotated();
    const before = stack.now();
    await up();
    const { blobSha256, keyUri: sourceUri, backedUpAt } = stack.backup.outputs ?? {};
    const { restoredAt, ...facts } = stack.restore.outputs ?? {};
    expect(facts).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      keyUri: keyUri(),
      keyUriWithVersion: `${keyUri()}/${second}`,
      versions: [second, first],
      restoredFrom: { blobSha256, versions: [second, first], sourceUri, backedUpAt },
      missingVersions: [],
      status: "present",
    });
    expect(Date.parse(String(restoredAt))).toBeGreaterThanOrEqual(before - 1);
    for (const version of [first, second]) {
      expect(stack.target.keys.publicJwk("orders", version)).toEqual(stack.source.keys.publicJwk("orders", version));
    }
    expect(stack.requests).toEqual(["restore", "listVersions"]);
    expect(stack.lines).toEqual([]);
  });
});

describe("a restored key", () => {
  it("causes no request while the program stays as it is", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
    await up();
    expect(stack.target.requests).toEqual([]);
  });

  it("stays when its resource is deleted, without a request", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.destroy()).toBe(true);
    expect(stack.target.requests).toEqual([]);
    expect(stack.target.keys.has("orders")).toBe(true);
    expect(stack.restore.outputs).toBeUndefined();
  });

  it("stays when its resource leaves a program that refreshes first, with nothing but looks", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.up(undefined, { refresh: true })).toBe(true);
    expect(stack.requests).toEqual(["listVersions"]);
  });

  it("is recorded without any part of the blob or of a token", async () => {
    await stack.backedUp();
    await up();
    const texts = JSON.stringify([stack.restore.outputs, stack.printed]);
    const token = service.service.identity.accessToken("https://vault.azure.net");
    expect(leaksIn(texts, { blob: String(stack.backupRef.blob), token })).toEqual([]);
  });

  it("lacks the versions that the backup names and the blob does not hold", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    const blob = await stack.source.keys.backUp("orders", { versions: [first] });
    await up({ backup: { ...stack.backupRef, blob, blobSha256: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [first], missingVersions: [second] });
  });
});

describe("an identity that may restore keys and not list them", () => {
  it("records the versions that the backup names", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    stack.target.keys.permissions.delete("list");
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [] });
  });

  it("records the newest version if the backup names none", async () => {
    await stack.backedUp();
    const second = await stack.rotated();
    stack.target.keys.permissions.delete("list");
    await up({ backup: { blob: stack.backupRef.blob } });
    const restoredFrom = { versions: [second] };
    expect(stack.restore.outputs).toMatchObject({ versions: [second], missingVersions: [], restoredFrom });
  });

  it("records the newest version alone if the backup does not name it", async () => {
    const { version } = await stack.backedUp();
    stack.target.keys.permissions.delete("list");
    await up({ backup: { ...stack.backupRef, versions: ["0".repeat(32)] } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version], missingVersions: ["0".repeat(32)] });
  });
});

const forms = [
  ["base64url", (blob: string) => blob],
  ["padded base64 in lines", (blob: string) => decoded(blob).toString("base64").replace(/.{76}/g, "$&\r\n")],
  ["the contents of a backup file", (blob: string) => decoded(blob).toString("latin1")],
] as const;

describe("a blob alone", () => {
  it.each(forms)("is restored from %s, under the name that it holds", async (_, form) => {
    const { version } = await stack.backedUp();
    const { blob, blobSha256 } = stack.backupRef;
    await up({ backup: { blob: form(String(blob)) } });
    const restoredFrom = { blobSha256, versions: [version] };
    expect(stack.restore.outputs).toMatchObject({ keyName: "orders", versions: [version], restoredFrom });
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
  });

  it("is restored from the text of a Managed HSM's backup file, into another HSM", async () => {
    const hsmOptions = { kind: "managedHsm", resource: "https://vault.azure.net" } as const;
    const [hsm, otherHsm] = [
      await service.service.createVault(undefined, hsmOptions),
      await service.service.createVault(undefined, hsmOptions),
    ];
    const { version } = await hsm.keys.create("orders");
    const blob = decoded(await hsm.keys.backUp("orders")).toString("latin1");
    const backup = { blob: `${blob}\n`, keyUri: `${hsm.vaultUri}keys/orders` };
    await up({ vaultUri: otherHsm.vaultUri, backup });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(otherHsm.keys.publicJwk("orders")).toEqual(hsm.keys.publicJwk("orders"));
  });
});

describe("a blob of another key than the program names", () => {
  it("fails the update, and the message says what is in the vault now and how to remove it", async () => {
    await stack.source.keys.create("invoices");
    await stack.backedUp();
    const backup = { ...stack.backupRef, blob: await stack.source.keys.backUp("invoices"), blobSha256: undefined };
    expect(await stack.restore.up(stack.restoring({ backup }))).toBe(false);
    const { failureMessage, outputs } = stack.restore;
    expect(failureMessage).toContain('The blob held key "invoices", not "orders", and');
    expect(failureMessage).toContain("az keyvault key delete --vault-name localhost --name invoices");
    expect(outputs).toBeUndefined();
    expect(stack.target.keys.names).toEqual(["invoices"]);
  });

  it("is adopted once the program names that key", async () => {
    const { version } = await stack.source.keys.create("invoices");
    await stack.backedUp();
    const blob = await stack.source.keys.backUp("invoices");
    await stack.restore.up(stack.restoring({ backup: { ...stack.backupRef, blob, blobSha256: undefined } }));
    await up({ backup: { blob, keyName: "Invoices", versions: [version] } });
    expect(stack.restore.outputs).toMatchObject({ keyName: "invoices", versions: [version] });
    expect(stack.changes).toEqual(["restore"]);
  });
});

describe("a restore that is interrupted", () => {
  it.each(["lostAnswer", "truncated"] as const)(
    "by the loss of its own answer (%s) ends in a record in the same update",
    async (kind) => {
      const { version } = await stack.backedUp();
      stack.target.fail("restore", { kind });
      await up();
      expect(stack.restore.outputs).toMatchObject({ versions: [version], status: "present" });
      expect(stack.changes).not.toContain("delete");
    },
  );

  it("by the loss of its answer and of the connection ends in a record in the next update", async () => {
    const { version } = await stack.backedUp();
    await stack.killedAfter("restore", () => stack.restore.up(stack.restoring(), { isKilled: true }));
    expect(stack.restore.outputs).toBeUndefined();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version], missingVersions: [] });
    expect(stack.changes).toEqual(["restore"]);
  });
});

describe("a restore that the service refuses", () => {
  it("records nothing, and says what to do", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("restore");
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("403 Forbidden (ForbiddenByRbac)");
    expect(stack.restore.failureMessage).toContain("Microsoft.KeyVault/vaults/keys/restore/action");
    expect(stack.restore.failureMessage).toContain("docs/troubleshooting.md#forbidden");
    expect(stack.restore.outputs).toBeUndefined();
  });

  it("because the blob is of another geography, says so without a part of the blob", async () => {
    await stack.backedUp();
    stack.target.geography = "United States";
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("troubleshooting.md#blob-other-geography");
    expect(leaksIn(stack.restore.failureMessage, { blob: String(stack.backupRef.blob) })).toEqual([]);
  });
});
