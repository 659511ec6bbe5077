import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { Operation } from "../../../localVault/operation";
import { systemClock } from "../../../src/keyVault/connection/waits";
import { certificate } from "../../../src/objects/certificate";
import { key } from "../../../src/objects/key";
import type { ObjectClient, ObjectKind } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";
import { secret } from "../../../src/objects/secret";
import { connectTo } from "../../support/keyVault/localConnection";
import { places } from "../../support/keyVault/places";
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

type Call<Client extends ObjectClient = ObjectClient> = (client: Client, signal: AbortSignal) => Promise<unknown>;

function request<Client extends ObjectClient, T>(
  kind: ObjectKind<Client>,
  call: (client: Client, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const task = { name: "get", kind, objectName: "orders" } as const;
  return connectTo(service, local, { clock: systemClock }).once(task, ({ client, signal }) => call(client, signal));
}

/** What was asked with a token, and answered. */
const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ method, path }) => `${method} ${path}`);

const version = "a".repeat(32);

/** What every client is asked. */
const calls: readonly [string, Call][] = [
  ["a list", (client, signal) => client.listVersions("orders", signal)],
  ["a look at whether the vault purges", (client, signal) => client.isPurgeable("orders", signal)],
  ["a backup", (client, signal) => client.backUp("orders", signal)],
  ["a restore", (client, signal) => client.restore(Buffer.alloc(1), signal)],
  ["a look at a deleted object", (client, signal) => client.getDeleted("orders", signal)],
  ["a deletion", (client, signal) => client.delete("orders", 1, signal)],
  ["a purge", (client, signal) => client.purge("orders", signal)],
  ["a change of tags", (client, signal) => client.setTags("orders", version, {}, signal)],
];

describe.each(places)("the client for a $noun in a $vaultKind", ({ kind, vaultKind }) => {
  const { collection } = kind;
  const objects = () => local.collection(collection);

  beforeEach(async () => {
    local = await service.createVault(undefined, { kind: vaultKind, retentionDays: 7 });
  });

  it("lists versions with their times, attributes and tags", async () => {
    const tags = { team: "sales" };
    const { version } = await objects().create("orders", { tags, enabled: false, notBefore: 86_400, expires: 172_800 });
    const [{ created, updated } = { created: 0, updated: 0 }] = objects().versions("orders");
    const [listed, ...rest] = await request(kind, (client, signal) => client.listVersions("orders", signal));
    expect(rest).toEqual([]);
    expect(listed).toMatchObject({
      version,
      createdAt: created * 1_000,
      updatedAt: updated * 1_000,
      tags,
      attributes: { enabled: false, nbf: 86_400_000, exp: 172_800_000 },
      isManaged: false,
    });
    expect(asked()).toEqual([`GET /${collection}/orders/versions`]);
  });

  it("lists nothing if there is no such object", async () => {
    expect(await request(kind, (client, signal) => client.listVersions("orders", signal))).toEqual([]);
  });

  it.each([true, false])("knows whether the vault purges an object that is in use: %s", async (isPurgeable) => {
    local.purgeProtection = !isPurgeable;
    await objects().create("orders", { enabled: false });
    expect(await request(kind, (client, signal) => client.isPurgeable("orders", signal))).toBe(isPurgeable);
    expect(local.requestsOf("get", "secrets")).toEqual([]);
  });

  it("restores what it backed up, and tells the name and the newest version", async () => {
    await objects().create("orders");
    const { version } = await objects().rotate("orders");
    const blob = await request(kind, (client, signal) => client.backUp("orders", signal));
    local = await service.createVault(undefined, { kind: vaultKind });
    const bytes = Buffer.from(blob as string, "base64url");
    const restored = await request(kind, (client, signal) => client.restore(bytes, signal));
    expect(restored).toEqual({ name: "orders", version });
    expect(objects().versions("orders")).toHaveLength(2);
    expect(asked()).toEqual([`POST /${collection}/restore`]);
  });

  it("deletes an object, waits until it is soft-deleted, and tells what it was", async () => {
    local.deletionMilliseconds = 30;
    const { version } = await objects().create("orders", { tags: { team: "sales" } });
    const deleted = await request(kind, (client, signal) => client.delete("orders", 5, signal));
    expect(deleted).toMatchObject({ version, tags: { team: "sales" }, isPurgeable: true });
    const purgedIn = (deleted.purgedAt ?? 0) - Date.now();
    expect(Math.round(purgedIn / 86_400_000)).toBe(7);
    expect(await request(kind, (client, signal) => client.getDeleted("orders", signal))).toEqual(deleted);
  });

  it("purges a deleted object", async () => {
    await objects().create("orders");
    objects().delete("orders");
    await request(kind, (client, signal) => client.purge("orders", signal));
    expect(objects().isDeleted("orders")).toBe(false);
    expect(asked()).toEqual([`DELETE /deleted${collection}/orders`]);
  });

  it("replaces all tags of the named version, and nothing else", async () => {
    const first = await objects().create("orders", { tags: { team: "sales" } });
    await objects().rotate("orders");
    objects().update("orders", first.version, { enabled: false });
    await request(kind, (client, signal) => client.setTags("orders", first.version, { owner: "me" }, signal));
    expect(objects().versions("orders")).toMatchObject([
      { tags: { owner: "me" }, enabled: false },
      { tags: { team: "sales" }, enabled: true },
    ]);
    expect(asked()).toEqual([`PATCH /${collection}/orders/${first.version}`]);
  });
});

describe.each(objectKinds)("the client for a $noun", (kind) => {
  it("returns a backup exactly as the service wrote it", async () => {
    for (const value of ["AAA=", "ÄÖ", "", 42, null, undefined, { value: "AAAA" }]) {
      local.fail("backup", { kind: "status", status: 200, body: { value } });
      expect(await request(kind, (client, signal) => client.backUp("orders", signal))).toEqual(value);
    }
  });

  it("spells versions in lower case", async () => {
    const uri = `${local.vaultUri}${kind.collection}/orders/${version.toUpperCase()}`;
    const object = { id: uri, kid: uri, key: { kid: uri }, attributes: { created: 1 } };
    const answer = (operation: Operation, body: unknown) =>
      local.fail(operation, { kind: "status", status: 200, body });
    answer("listVersions", { value: [object] });
    const [listed] = await request(kind, (client, signal) => client.listVersions("orders", signal));
    expect(listed).toMatchObject({ version, createdAt: 1_000, updatedAt: 1_000, tags: {}, isManaged: false });
    answer("restore", object);
    expect(await request(kind, (client, signal) => client.restore(Buffer.alloc(1), signal))).toMatchObject({ version });
    answer("getDeleted", object);
    expect(await request(kind, (client, signal) => client.getDeleted("orders", signal))).toMatchObject({ version });
  });

  it("does not say whether the vault purges if the service does not", async () => {
    const uri = `${local.vaultUri}${kind.collection}/orders/${version}`;
    const object = { id: uri, kid: uri, key: { kid: uri }, attributes: {} };
    local.fail("get", { kind: "status", status: 200, body: object });
    local.fail("listVersions", { kind: "status", status: 200, body: { value: [object] } });
    expect(await request(kind, (client, signal) => client.isPurgeable("orders", signal))).toBeUndefined();
  });

  it.each(calls)("ends %s when its signal is aborted", async (_, call) => {
    await expect(request(kind, (client) => call(client, AbortSignal.abort()))).rejects.toThrow();
    expect(local.requests).toEqual([]);
  });
});

describe.each([key, secret])("the client for a $noun that belongs to a certificate", (kind) => {
  it("lists every version as managed", async () => {
    await local.certificates.create("orders");
    await local.certificates.rotate("orders");
    const listed = await request<ObjectClient, unknown>(kind, (client, signal) =>
      client.listVersions("orders", signal),
    );
    expect(listed).toMatchObject([{ isManaged: true }, { isManaged: true }]);
  });

  it("tells that it is managed once it is soft-deleted with the certificate", async () => {
    await local.certificates.create("orders");
    local.certificates.delete("orders");
    const deleted = await request<ObjectClient, unknown>(kind, (client, signal) => client.getDeleted("orders", signal));
    expect(deleted).toMatchObject({ isManaged: true });
  });
});

describe("the client for keys", () => {
  it("tells the public key of the current version and of a named one", async () => {
    const first = await local.keys.create("orders");
    const second = await local.keys.rotate("orders");
    const thumbprint = async (version: string) =>
      (await request(key, (client, signal) => client.getKey("orders", version, signal))).thumbprint;
    const current = await request(key, async (client, signal) => client.getCurrent?.("orders", signal));
    expect(current).toMatchObject({ version: second.version, thumbprint: await thumbprint(second.version) });
    expect(await thumbprint(first.version)).toMatch(/^[\w-]{43}$/);
    expect(await thumbprint(first.version)).not.toBe(current?.thumbprint);
  });

  it.each<[string, Parameters<typeof request<ReturnType<typeof key.connect>, unknown>>[1]]>([
    ["a read of the current version", async (client, signal) => client.getCurrent?.("orders", signal)],
    ["a read of a version", (client, signal) => client.getKey("orders", version, signal)],
    [
      "a signature",
      (client, abortSignal) => client.cryptography("orders", version).sign("ES256", Buffer.alloc(32), { abortSignal }),
    ],
  ])("ends %s when its signal is aborted", async (_, call) => {
    await expect(request(key, (client) => call(client, AbortSignal.abort()))).rejects.toThrow();
    expect(local.requests).toEqual([]);
  });
});

describe("the client for secrets", () => {
  it("reads the value of a version only if asked for it", async () => {
    const first = await local.secrets.create("orders", { value: "hunter2" });
    await local.secrets.rotate("orders");
    expect(await request(secret, (client, signal) => client.getValue("orders", first.version, signal))).toBe("hunter2");
    expect(asked()).toEqual([`GET /secrets/orders/${first.version}`]);
    const aborted = request(secret, (client) => client.getValue("orders", first.version, AbortSignal.abort()));
    await expect(aborted).rejects.toThrow();
    expect(asked()).toHaveLength(1);
  });

  it("has no current version, which only the value would tell", async () => {
    const client = await request(secret, async (client) => client);
    expect(client).not.toHaveProperty("getCurrent");
  });

  it("lists the type of the content, which a backup holds", async () => {
    await local.secrets.create("orders", { contentType: "text/plain" });
    const [listed] = await request(secret, (client, signal) => client.listVersions("orders", signal));
    expect(listed?.attributes).toMatchObject({ contentType: "text/plain" });
  });

  it("deletes a disabled secret, and tells its version", async () => {
    local.deletionMilliseconds = 30;
    const { version } = await local.secrets.create("orders", { enabled: false });
    const deleted = await request(secret, (client, signal) => client.delete("orders", 5, signal));
    expect(deleted).toMatchObject({ version, isPurgeable: true });
    expect(local.requestsOf("get", "secrets")).toEqual([]);
  });

  const getDeleted = (name = "orders") => request(secret, (client, signal) => client.getDeleted(name, signal));

  describe.each([
    ["that is disabled", false],
    ["whose value the identity may not read", true],
  ])("looks a deleted secret up %s", (_, enabled) => {
    beforeEach(async () => {
      local = await service.createVault(undefined, { shortPages: true });
      for (const name of ["invoices", "orders", "refunds"]) {
        await local.secrets.create(name, { enabled, tags: { name } });
        local.secrets.delete(name);
      }
      if (enabled) local.secrets.permissions.delete("get");
    });

    it("in the list of deleted secrets, which does not tell its version", async () => {
      const deleted = { version: undefined, tags: { name: "orders" }, isPurgeable: true, purgedAt: expect.any(Number) };
      expect(await getDeleted()).toMatchObject(deleted);
      expect(await getDeleted("ORDERS")).toMatchObject(deleted);
      expect(local.requestsOf("get", "secrets")).toEqual([]);
    });

    it("and does not find what that list does not have", async () => {
      local.fail("listDeleted", { kind: "status", status: 200, body: { value: [] } });
      expect(await getDeleted()).toBeUndefined();
    });

    it("and fails if that list may not be read", async () => {
      local.secrets.permissions.delete("list");
      await expect(getDeleted()).rejects.toHaveProperty("refusal.status", 403);
    });
  });

  it("asks for no list if a deleted secret is missing", async () => {
    await expect(getDeleted()).rejects.toHaveProperty("code", "not-found");
    expect(local.requestsOf("listDeleted")).toEqual([]);
  });
});

describe("the client for certificates", () => {
  it("lists the thumbprint of every version", async () => {
    await local.certificates.create("orders");
    await local.certificates.rotate("orders");
    const listed = await request(certificate, (client, signal) => client.listVersions("orders", signal));
    expect(listed).toHaveLength(2);
    for (const { version, thumbprint } of listed) {
      const x5t = Buffer.from(thumbprint ?? "", "base64url")
        .toString("hex")
        .toUpperCase();
      expect(x5t).toBe(local.certificates.x509("orders", version).fingerprint.replaceAll(":", ""));
    }
  });

  it("lists a version without a thumbprint", async () => {
    const id = `${local.vaultUri}certificates/orders/${version}`;
    local.fail("listVersions", { kind: "status", status: 200, body: { value: [{ id, attributes: {} }] } });
    const [listed] = await request(certificate, (client, signal) => client.listVersions("orders", signal));
    expect(listed?.thumbprint).toBeUndefined();
  });

  it("tells the certificate of a version and the version of its key", async () => {
    const { version } = await local.certificates.create("orders");
    await local.certificates.rotate("orders");
    const read = await request(certificate, (client, signal) => client.getCertificate("orders", version, signal));
    expect(Buffer.from(read.certificate ?? []).equals(local.certificates.x509("orders", version).raw)).toBe(true);
    expect(read.keyVersion).toBe(version);
    expect(asked()).toEqual([`GET /certificates/orders/${version}`]);
    const aborted = request(certificate, (client) => client.getCertificate("orders", version, AbortSignal.abort()));
    await expect(aborted).rejects.toThrow();
    expect(asked()).toHaveLength(1);
  });
});
