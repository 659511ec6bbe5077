import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { calculateJwkThumbprint, type JWK } from "jose";
import type { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { impatientVault } from "../../support/model/impatientVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import type { Fault } from "../../../localVault/vaultFault";

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

const open = (waits: Partial<Waits> = {}): Vault => impatientVault(service, local, waits);
const host = () => new URL(local.vaultUri).host;

/** A key of so many versions, oldest first. */
async function versions(count: number, kty: "EC" | "RSA" = "EC"): Promise<string[]> {
  const made = [(await local.createKey("orders", { kty })).version];
  while (made.length < count) made.push((await local.rotateKey("orders")).version);
  return made;
}

/** A client that was challenged for a token, a call that goes alone. */
async function challenged(): Promise<Vault> {
  const vault = open();
  await vault.lookUpKey("invoices", []);
  return vault;
}

describe("reading public keys", () => {
  it.each(["EC", "RSA"] as const)("gives those of the versions of an %s key, in the order asked for", async (kty) => {
    const [first = "", second = ""] = await versions(2, kty);
    const read = await open().readPublicKeys("orders", [second, first]);
    const expected = [second, first].map(async (version) => {
      const jwk = local.publicJwk("orders", version);
      return expect.objectContaining({
        version,
        jwk,
        thumbprint: await calculateJwkThumbprint(jwk as JWK),
        isEnabled: true,
      });
    });
    expect(read).toEqual({ kind: "read", keys: await Promise.all(expected) });
    expect(local.count("get")).toBe(2);
  });

  it("gives those that are there, without the others", async () => {
    const [first = ""] = await versions(1);
    const missing = "0".repeat(32);
    expect(await open().readPublicKeys("orders", [missing, first])).toMatchObject({
      kind: "read",
      keys: [{ version: first }],
    });
    expect(await open().readPublicKeys("invoices", [missing])).toEqual({ kind: "read", keys: [] });
  });

  it("asks nothing for no version", async () => {
    expect(await open().readPublicKeys("orders", [])).toEqual({ kind: "read", keys: [] });
    expect(local.requests).toEqual([]);
  });

  it("tells also of versions that are disabled, expired or restricted", async () => {
    const { version } = await local.createKey("orders", { enabled: false, expires: 1, keyOperations: ["verify"] });
    expect(await open().readPublicKeys("orders", [version])).toMatchObject({
      keys: [{ version, isEnabled: false, expiresAt: 1_000, operations: ["verify"] }],
    });
  });

  it("asks for eight at a time, and never for more", async () => {
    const all = await versions(19);
    let [underWay, most] = [0, 0];
    let release = () => {};
    const eight = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const _ of all) {
      local.onRequest("get", async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        // A ninth that was sent with these has come before another client has been answered.
        if (underWay === 8) void challenged().then(release);
        await eight;
        underWay -= 1;
      });
    }
    const vault = await challenged();
    const read = await vault.readPublicKeys("orders", all);
    expect(read).toMatchObject({ kind: "read", keys: all.map((version) => ({ version })) });
    expect(most).toBe(8);
  });
});

describe("public keys that cannot be read", () => {
  it.each([
    [
      "rbac",
      "ForbiddenByRbac",
      "the data action Microsoft.KeyVault/vaults/keys/read, for instance with the role Key Vault Crypto User.",
    ],
    ["accessPolicy", "ForbiddenByPolicy", 'the identity the key permission "get" in an access policy of the vault.'],
  ] as const)("for want of a permission (%s) are told as that, at once", async (authorization, code, grant) => {
    const all = await versions(1);
    local.authorization = authorization;
    local.permissions.delete("get");
    const verb = authorization === "rbac" ? "Grant" : "Give";
    expect(await open({ notReady: [1] }).readPublicKeys("orders", all)).toEqual({
      kind: "unreachable",
      because: `Key Vault refused to read key "orders" in ${host()}: 403 Forbidden (${code}). ${verb} ${grant}`,
      isForbidden: true,
    });
    expect(local.count("get")).toBe(1);
  });

  it.each<[string, Fault, string, Partial<Waits>]>([
    [
      "a firewall",
      { kind: "forbidden", reason: "firewall" },
      "403 Forbidden (ForbiddenByFirewall). Add this machine's",
      {},
    ],
    ["an error of the service", { kind: "status", status: 500 }, "500 InternalServerError. The service failed", {}],
    ["a failed connection", { kind: "reset" }, "failed (ECONNRESET). Check the network", {}],
    ["a proxy's page", { kind: "html", status: 404 }, "404. Check the name", {}],
    ["no answer", { kind: "stall" }, "gave no answer within", { lookUp: 500 }],
  ])("for %s are not forbidden", async (_, fault, text, waits) => {
    const all = await versions(2);
    local.fail("get", fault, Number.POSITIVE_INFINITY);
    expect(await open(waits).readPublicKeys("orders", all)).toEqual({
      kind: "unreachable",
      because: expect.stringContaining(text),
      isForbidden: false,
    });
  });

  it("are none at all where one of them cannot", async () => {
    const all = await versions(3);
    local.fail("get", { kind: "status", status: 400 });
    expect(await open().readPublicKeys("orders", all)).toMatchObject({ kind: "unreachable" });
  });

  it("by a failure that passes are read", async () => {
    const all = await versions(3);
    local.fail("get", { kind: "status", status: 503 }, 3);
    expect(await open().readPublicKeys("orders", all)).toMatchObject({
      kind: "read",
      keys: all.map((version) => ({ version })),
    });
  });
});
