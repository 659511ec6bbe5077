import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import { KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { listVersions, lookUp, reasonOf } from "../../../../src/keyVault/operations/lookUp";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { key } from "../../../../src/objects/key";
import type { ObjectKind, ObjectVersion } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { version } from "../../../support/keyVault/backups";
import { connectTo, type LocalConnectionOptions } from "../../../support/keyVault/localConnection";
import { places } from "../../../support/keyVault/places";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

async function newVault(options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  local = await service.createVault(undefined, options);
}
beforeEach(() => newVault());

const look = (kind: ObjectKind, options: Partial<LocalConnectionOptions> = {}) =>
  lookUp(connectTo(service, local, { clock, ...options }), kind, "orders");

describe.each(places)("a $noun in a $vaultKind", ({ kind, noun, vaultKind }) => {
  const objects = () => local.collection(kind.collection);
  const title = capitalized(noun);

  it("is found with all its versions, newest first, by one request", async () => {
    await newVault({ kind: vaultKind });
    const first = await objects().create("orders", { tags: { team: "sales" } });
    clock.advance(5_000);
    const second = await objects().rotate("orders");
    clock.advance(5_000);
    objects().update("orders", first.version, { tags: {}, enabled: false });
    const found = await look(kind);
    expect(found).toMatchObject({
      kind: "found",
      versions: [
        { version: second.version, tags: { team: "sales" }, attributes: { enabled: true }, isManaged: false },
        { version: first.version, tags: {}, attributes: { enabled: false }, isManaged: false },
      ],
    });
    const [newest, oldest] = found.kind === "found" ? found.versions : [];
    expect((oldest?.updatedAt ?? 0) - (oldest?.createdAt ?? 0)).toBe(10_000);
    expect(newest?.updatedAt).toBe(newest?.createdAt);
    expect(local.requests.filter(({ hasToken }) => hasToken)).toHaveLength(1);
  });

  it("is found with the versions of all pages", async () => {
    await newVault({ kind: vaultKind, shortPages: true });
    await objects().create("orders");
    for (let rotations = 0; rotations < 30; rotations += 1) await objects().rotate("orders");
    expect(await look(kind)).toHaveProperty("versions.length", 31);
  });

  it("is missing if the vault has no such object", async () => {
    await newVault({ kind: vaultKind });
    const { host } = new URL(local.vaultUri);
    const because = `${title} "orders" is not in ${host}.`;
    expect(await look(kind)).toEqual({ kind: "missing", because, deleted: undefined });
  });

  it("is missing if it is soft-deleted, with what tells whose it is and how to recover it", async () => {
    await newVault({ kind: vaultKind, retentionDays: 7 });
    const { version: newest } = await objects().create("orders", { tags: { team: "sales" } });
    objects().delete("orders");
    expect(await look(kind)).toMatchObject({
      kind: "missing",
      because: expect.stringMatching(new RegExp(`^${title} "orders" .*az keyvault ${noun} recover`)),
      deleted: {
        version: newest,
        tags: { team: "sales" },
        isPurgeable: true,
        isManaged: false,
        purgedAt: Math.floor(clock.now() / 1000) * 1000 + 7 * 86_400_000,
      },
    });
  });

  it("cannot be purged if it is soft-deleted in a vault with purge protection", async () => {
    await newVault({ kind: vaultKind, purgeProtection: true });
    await objects().create("orders");
    objects().delete("orders");
    expect(await look(kind)).toMatchObject({ deleted: { isPurgeable: false } });
  });
});

describe.each(objectKinds)("a missing $noun", (kind) => {
  it("is missing if the service answers 404 instead of an empty list", async () => {
    local.fail("listVersions", { kind: "status", status: 404 });
    expect(await look(kind)).toMatchObject({ kind: "missing" });
  });

  it("is missing, and perhaps soft-deleted, if the identity may not see deleted objects", async () => {
    const objects = local.collection(kind.collection);
    await objects.create("orders");
    objects.delete("orders");
    objects.permissions.delete("get");
    // Deleted secrets are also looked for in their list.
    local.fail("listDeleted", { kind: "forbidden", reason: "rbac" });
    const because = expect.stringMatching(/soft-deleted is unknown/);
    expect(await look(kind)).toEqual({ kind: "missing", because, deleted: undefined });
  });
});

describe("a look at a secret", () => {
  it("reads no value, whatever the look finds", async () => {
    await look(secret);
    await local.secrets.create("orders");
    await look(secret);
    local.secrets.delete("orders");
    await look(secret);
    expect(local.requestsOf("getDeleted", "secrets").length).toBeGreaterThan(0);
    expect(local.requestsOf("get", "secrets")).toEqual([]);
  });

  it.each<[string, { enabled: boolean }, string[]]>([
    ["a disabled secret", { enabled: false }, []],
    ["a secret whose value the identity may not read", { enabled: true }, ["get"]],
  ])("finds %s among the deleted secrets, without its version", async (_, options, refused) => {
    await newVault({ shortPages: true });
    for (const name of ["invoices", "orders", "refunds"]) {
      await local.secrets.create(name, { ...options, tags: { name } });
      local.secrets.delete(name);
    }
    for (const permission of refused) local.secrets.permissions.delete(permission);
    expect(await look(secret)).toMatchObject({
      kind: "missing",
      because: expect.stringContaining("az keyvault secret recover"),
      deleted: { version: undefined, tags: { name: "orders" }, isPurgeable: true, purgedAt: expect.any(Number) },
    });
  });
});

describe("a list that begins with an empty page", () => {
  it("is read to its end", async () => {
    await local.keys.create("orders");
    const nextLink = `${local.vaultUri}keys/orders/versions?api-version=7.4&$skiptoken=${Buffer.from("from 0").toString("base64url")}`;
    local.fail("listVersions", { kind: "status", status: 200, body: { value: [], nextLink } });
    expect(await look(key)).toMatchObject({ kind: "found", versions: [{}] });
  });
});

describe("whether an object is there is unknown", () => {
  it.each([
    [
      "if the permission to list is missing",
      { kind: "forbidden", reason: "rbac" },
      "Microsoft.KeyVault/vaults/keys/read",
    ],
    ["if the firewall refuses", { kind: "forbidden", reason: "firewall" }, "ForbiddenByFirewall"],
    ["if a proxy answers 404", { kind: "html", status: 404 }, "404"],
    ["if the service fails", { kind: "status", status: 500 }, "500"],
    ["if the connection fails", { kind: "reset" }, "ECONNRESET"],
  ] as const)("%s", async (_, fault, because) => {
    local.fail("listVersions", fault, Number.POSITIVE_INFINITY);
    const found = await look(key);
    expect(found).toMatchObject({
      kind: "unreachable",
      because: expect.stringContaining(because),
      error: expect.any(KeyVaultError),
    });
    expect(clock.elapsed()).toBe(0);
  });

  it("if the versions are listed as none and the connection fails afterwards", async () => {
    local.fail("getDeleted", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await look(key)).toMatchObject({ kind: "unreachable" });
  });

  it("if the host name does not resolve", async () => {
    const found = await look(key, { vaultUri: "https://no-such-host.invalid/" });
    expect(found).toMatchObject({ kind: "unreachable", error: { code: "host-not-found" } });
  });

  it("if nothing listens at the address", async () => {
    const found = await look(key, { vaultUri: "https://localhost:1/" });
    expect(found).toMatchObject({ kind: "unreachable", error: { code: "connection" } });
  });

  it("in the same words each time", async () => {
    local.fail("listVersions", { kind: "forbidden", reason: "rbac" }, 2);
    const [one, other] = [await look(key), await look(key)];
    expect(one).toHaveProperty("because", (other as { because: string }).because);
  });
});

describe("versions of one second", () => {
  const listed = (...versions: [string, number][]) =>
    versions.map(
      ([name, createdAt]): ObjectVersion => ({
        version: version(name),
        createdAt,
        updatedAt: 0,
        tags: {},
        attributes: {},
        isManaged: false,
      }),
    );
  const names = async (versions: ObjectVersion[], newest?: string) => {
    const client = key.connect(local.vaultUri, { getToken: async () => null }, { serviceVersion: "7.4" });
    const requests = {
      client: { ...client, listVersions: async () => versions },
      signal: new AbortController().signal,
    };
    return (await listVersions(requests, "orders", newest)).map((one) => one.version[0]).join("");
  };

  it("are sorted by the one that is known to be the newest, if one is", async () => {
    expect(await names(listed(["a", 1], ["b", 2], ["c", 2]), version("c"))).toBe("cba");
    expect(await names(listed(["a", 1], ["b", 2], ["c", 2]), version("b"))).toBe("bca");
    expect(await names(listed(["a", 1], ["b", 2], ["c", 2]), version("a"))).toBe("bca");
    expect(await names(listed(["a", 1], ["b", 2]))).toBe("ba");
  });
});

describe("the reason of an error", () => {
  it("is its message, if it is none of the service's", () => {
    expect(reasonOf(new Error("It is dark."))).toBe("It is dark.");
    expect(reasonOf("dark")).toBe("dark");
  });
});
