import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { restore } from "../../../support/restore";
import { contentOf } from "./contentOf";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

const decoded = (blob: unknown) => Buffer.from(String(blob), "base64url");

const officers = { key: "Crypto", secret: "Secrets", certificate: "Certificates" } as const;

const forms = [
  ["base64url", (blob: string) => blob],
  ["padded base64 in lines", (blob: string) => decoded(blob).toString("base64").replace(/.{76}/g, "$&\r\n")],
  ["the contents of a backup file", (blob: string) => decoded(blob).toString("latin1")],
] as const;

describe.each(objectKinds)("the restore of a $noun", (kind) => {
  const { noun, collection, properties } = kind;
  const objectUri = () => `${stack.target.vaultUri}${collection}/orders`;

  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it("brings all versions back with their contents, and records where they came from", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    const before = stack.now();
    await up();
    const { blobSha256, [properties.uri]: sourceUri, backedUpAt } = stack.backup.outputs ?? {};
    const { restoredAt, ...facts } = stack.restore.outputs ?? {};
    expect(facts).toEqual({
      vaultUri: stack.target.vaultUri,
      [properties.name]: "orders",
      [properties.uri]: objectUri(),
      [properties.uriWithVersion]: `${objectUri()}/${second}`,
      versions: [second, first],
      restoredFrom: { blobSha256, versions: [second, first], sourceUri, backedUpAt },
      missingVersions: [],
      status: "present",
    });
    expect(Date.parse(String(restoredAt))).toBeGreaterThanOrEqual(before - 1);
    for (const version of [first, second]) {
      expect(contentOf(stack.target, kind, version)).toEqual(contentOf(stack.source, kind, version));
    }
    expect(stack.requests).toEqual(["restore", "listVersions"]);
    expect(stack.lines).toEqual([]);
  });

  it("keeps the tags, and whether each version is enabled", async () => {
    await stack.objects.create("orders", { tags: { team: "sales" }, enabled: false });
    await stack.objects.create("orders", { tags: { team: "finance" } });
    await stack.backUp();
    await up();
    const attributes = [
      { tags: { team: "sales" }, enabled: false },
      { tags: { team: "finance" }, enabled: true },
    ];
    expect(stack.copies.versions("orders")).toMatchObject(attributes);
  });

  it("is done by the SDK alone with the same blob", async () => {
    const { version } = await stack.backedUp();
    const { vault, versions } = await restore(service.service, String(stack.backupRef.blob), collection);
    expect(versions).toEqual([version]);
    expect(contentOf(vault, kind)).toEqual(contentOf(stack.source, kind));
  });

  it("causes no request while the program stays as it is", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
    await up();
    expect(stack.target.requests).toEqual([]);
  });

  it("lasts when its resource is deleted, without a request", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.destroy()).toBe(true);
    expect(stack.target.requests).toEqual([]);
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.restore.outputs).toBeUndefined();
  });

  it("lasts when its resource leaves a program that refreshes first, with nothing but looks", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.up(undefined, { refresh: true })).toBe(true);
    expect(stack.requests).toEqual(["listVersions"]);
  });

  it("is recorded without any part of the blob, of a token or of a secret's value", async () => {
    await stack.backedUp();
    await up();
    const texts = JSON.stringify([stack.restore.outputs, stack.printed]);
    const token = service.service.identity.accessToken("https://vault.azure.net");
    const value = collection === "keys" ? [] : stack.source.secrets.value("orders");
    expect(leaksIn(texts, { blob: String(stack.backupRef.blob), token, value })).toEqual([]);
  });

  it("records versions that the backup names and the blob does not hold", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    const blob = await stack.objects.backUp("orders", { versions: [first] });
    await up({ backup: { ...stack.backupRef, blob, blobSha256: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [first], missingVersions: [second] });
  });

  it.each(forms)("takes a blob alone, as %s, and the name that it holds", async (_, form) => {
    const { version } = await stack.backedUp();
    const { blob, blobSha256 } = stack.backupRef;
    await up({ backup: { blob: form(String(blob)) } });
    const restoredFrom = { blobSha256, versions: [version] };
    expect(stack.restore.outputs).toMatchObject({ [properties.name]: "orders", versions: [version], restoredFrom });
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
  });

  describe("by an identity that may not list", () => {
    it("records the versions that the backup names", async () => {
      const { version: first } = await stack.backedUp();
      const second = await stack.rotated();
      stack.copies.permissions.delete("list");
      await up();
      expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [] });
    });

    it("records the newest version if the backup names none", async () => {
      await stack.backedUp();
      const second = await stack.rotated();
      stack.copies.permissions.delete("list");
      await up({ backup: { blob: stack.backupRef.blob } });
      const restoredFrom = { versions: [second] };
      expect(stack.restore.outputs).toMatchObject({ versions: [second], missingVersions: [], restoredFrom });
    });

    it("records the newest version alone if the backup does not name it", async () => {
      const { version } = await stack.backedUp();
      stack.copies.permissions.delete("list");
      await up({ backup: { ...stack.backupRef, versions: ["0".repeat(32)] } });
      expect(stack.restore.outputs).toMatchObject({ versions: [version], missingVersions: ["0".repeat(32)] });
    });
  });

  describe("from a blob of another object than the program names", () => {
    it("fails, and the message says what is in the vault now and how to remove it", async () => {
      await stack.objects.create("invoices");
      await stack.backedUp();
      const backup = { ...stack.backupRef, blob: await stack.objects.backUp("invoices"), blobSha256: undefined };
      expect(await stack.restore.up(stack.restoring({ backup }))).toBe(false);
      const { failureMessage, outputs } = stack.restore;
      expect(failureMessage).toContain(`The blob held ${noun} "invoices", not "orders", and`);
      expect(failureMessage).toContain(`az keyvault ${noun} delete --vault-name localhost --name invoices`);
      expect(outputs).toBeUndefined();
      expect(stack.copies.names).toEqual(["invoices"]);
    });

    it("is adopted once the program names that object", async () => {
      const { version } = await stack.objects.create("invoices");
      await stack.backedUp();
      const blob = await stack.objects.backUp("invoices");
      await stack.restore.up(stack.restoring({ backup: { ...stack.backupRef, blob, blobSha256: undefined } }));
      await up({ backup: { blob, [properties.name]: "Invoices", versions: [version] } });
      expect(stack.restore.outputs).toMatchObject({ [properties.name]: "invoices", versions: [version] });
      expect(stack.changes).toEqual(["restore"]);
    });
  });

  describe("that is interrupted", () => {
    it.each(["lostAnswer", "truncated"] as const)(
      "by the loss of its own answer (%s) ends in a record in the same update",
      async (fault) => {
        const { version } = await stack.backedUp();
        stack.target.fail("restore", { kind: fault });
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

  describe("that the service refuses", () => {
    it("records nothing, and says what to do", async () => {
      await stack.backedUp();
      stack.copies.permissions.delete("restore");
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain(`Key Vault refused to restore ${noun} "orders"`);
      expect(stack.restore.failureMessage).toContain("403 Forbidden (ForbiddenByRbac)");
      expect(stack.restore.failureMessage).toContain(`Microsoft.KeyVault/vaults/${collection}/restore/action`);
      expect(stack.restore.failureMessage).toContain(`Key Vault ${officers[noun]} Officer`);
      expect(stack.restore.failureMessage).toContain("docs/troubleshooting.md#forbidden");
      expect(stack.restore.outputs).toBeUndefined();
    });

    it("because the blob is of another geography says so without a part of the blob", async () => {
      await stack.backedUp();
      stack.target.geography = "United States";
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain("troubleshooting.md#blob-other-geography");
      expect(leaksIn(stack.restore.failureMessage, { blob: String(stack.backupRef.blob) })).toEqual([]);
    });
  });
});

describe("a blob whose kind only the service knows", () => {
  it.each([
    { held: key, restored: certificate },
    { held: certificate, restored: key },
  ])("is refused if it is of a $held.noun and restored as a $restored.noun", async ({ held, restored }) => {
    stack = await service.stackOf(restored);
    const objects = stack.source.collection(held.collection);
    await objects.create("orders");
    const blob = await objects.backUp("orders");
    expect(await stack.restore.up(stack.restoring({ backup: { blob } }))).toBe(false);
    expect(stack.restore.failureMessage).toContain("400 Malformed backup blob");
    expect(stack.restore.failureMessage).toContain(`not the backup of a ${restored.noun}`);
    expect(leaksIn(stack.restore.failureMessage, { blob })).toEqual([]);
    expect(stack.changes).toEqual([]);
  });
});

describe("the restore of an RSA key", () => {
  it("brings its versions back with their public keys", async () => {
    stack = await service.stackOf(key);
    const { version: first } = await stack.backedUp({ kty: "RSA" });
    const second = await stack.rotated();
    await up();
    for (const version of [first, second]) {
      expect(stack.target.keys.publicJwk("orders", version)).toEqual(stack.source.keys.publicJwk("orders", version));
    }
  });
});

describe("the text of a Managed HSM's backup file", () => {
  it("is restored into another HSM", async () => {
    stack = await service.stackOf(key);
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
