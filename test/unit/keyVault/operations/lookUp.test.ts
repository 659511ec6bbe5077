import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import { KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { listVersions, lookUp, reasonOf } from "../../../../src/keyVault/operations/lookUp";
import { key } from "../../../../src/objects/key";
import type { ObjectVersion } from "../../../../src/objects/objectKind";
import { version } from "../../../support/keyVault/backups";
import { connectTo, type LocalConnectionOptions } from "../../../support/keyVault/localConnection";
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

const look = (options: Partial<LocalConnectionOptions> = {}) =>
  lookUp(connectTo(service, local, { clock, ...options }), key, "orders");

describe.each(["vault", "managedHsm"] as const)("an object in a %s", (kind) => {
  it("is found with all its versions, newest first, by one request", async () => {
    await newVault({ kind });
    const first = await local.keys.create("orders", { tags: { team: "sales" } });
    clock.advance(5_000);
    const second = await local.keys.rotate("orders");
    clock.advance(5_000);
    local.keys.update("orders", first.version, { tags: {} });
    const found = await look();
    expect(found).toMatchObject({
      kind: "found",
      versions: [
        { version: second.version, tags: { team: "sales" }, isPurgeable: true },
        { version: first.version, tags: {}, isPurgeable: true },
      ],
    });
    const [newest, oldest] = found.kind === "found" ? found.versions : [];
    expect((oldest?.updatedAt ?? 0) - (oldest?.createdAt ?? 0)).toBe(10_000);
    expect(newest?.updatedAt).toBe(newest?.createdAt);
    expect(local.requests.filter(({ hasToken }) => hasToken)).toHaveLength(1);
  });

  it("is found with the versions of all pages", async () => {
    await newVault({ kind, shortPages: true });
    await local.keys.create("orders");
    for (let rotations = 0; rotations < 30; rotations += 1) await local.keys.rotate("orders");
    expect(await look()).toHaveProperty("versions.length", 31);
  });

  it("is missing if the vault has no such object", async () => {
    await newVault({ kind });
    const { host } = new URL(local.vaultUri);
    expect(await look()).toEqual({ kind: "missing", because: `Key "orders" is not in ${host}.`, deleted: undefined });
  });

  it("is missing if it is soft-deleted, with what tells whose it is and how to recover it", async () => {
    await newVault({ kind, retentionDays: 7 });
    const { version: newest } = await local.keys.create("orders", { tags: { team: "sales" } });
    local.keys.delete("orders");
    expect(await look()).toEqual({
      kind: "missing",
      because: expect.stringContaining("az keyvault key recover"),
      deleted: {
        version: newest,
        tags: { team: "sales" },
        isPurgeable: true,
        purgedAt: Math.floor(clock.now() / 1000) * 1000 + 7 * 86_400_000,
      },
    });
  });
});

describe("an object in a vault with purge protection", () => {
  it("cannot be purged, whether it is in use or soft-deleted", async () => {
    await newVault({ purgeProtection: true });
    await local.keys.create("orders");
    expect(await look()).toMatchObject({ versions: [{ isPurgeable: false }] });
    local.keys.delete("orders");
    expect(await look()).toMatchObject({ deleted: { isPurgeable: false } });
  });
});

describe("a list that begins with an empty page", () => {
  it("is read to its end", async () => {
    await local.keys.create("orders");
    const nextLink = `${local.vaultUri}keys/orders/versions?api-version=7.4&$skiptoken=${Buffer.from("from 0").toString("base64url")}`;
    local.fail("listVersions", { kind: "status", status: 200, body: { value: [], nextLink } });
    expect(await look()).toMatchObject({ kind: "found", versions: [{}] });
  });
});

describe("a missing object", () => {
  it("is missing, and perhaps soft-deleted, if the identity may not see deleted objects", async () => {
    await local.keys.create("orders");
    local.keys.delete("orders");
    local.keys.permissions.delete("get");
    expect(await look()).toMatchObject({ kind: "missing", deleted: undefined });
  });

  it("is missing if the service answers 404 instead of an empty list", async () => {
    local.fail("listVersions", { kind: "status", status: 404 });
    expect(await look()).toMatchObject({ kind: "missing" });
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
    const found = await look();
    expect(found).toMatchObject({
      kind: "unreachable",
      because: expect.stringContaining(because),
      error: expect.any(KeyVaultError),
    });
    expect(clock.elapsed()).toBe(0);
  });

  it("if the versions are listed as none and the connection fails afterwards", async () => {
    local.fail("getDeleted", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await look()).toMatchObject({ kind: "unreachable" });
  });

  it("if the host name does not resolve", async () => {
    const found = await look({ vaultUri: "https://no-such-host.invalid/" });
    expect(found).toMatchObject({ kind: "unreachable", error: { code: "host-not-found" } });
  });

  it("if nothing listens at the address", async () => {
    const found = await look({ vaultUri: "https://localhost:1/" });
    expect(found).toMatchObject({ kind: "unreachable", error: { code: "connection" } });
  });

  it("in the same words each time", async () => {
    local.fail("listVersions", { kind: "forbidden", reason: "rbac" }, 2);
    const [one, other] = [await look(), await look()];
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
        isPurgeable: true,
      }),
    );
  const names = async (versions: ObjectVersion[], newest?: string) => {
    const client = {
      ...key.connect(local.vaultUri, { getToken: async () => null }, {}),
      listVersions: async () => versions,
    };
    const requests = { client, signal: new AbortController().signal, mayBeDone: () => false };
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
