import { ManagedIdentityCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let clock = Date.now();
let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
  vault = await service.createVault("kv-orders");
  await vault.keys.create("orders");
});
afterAll(() => service.stop());
afterEach(() => {
  vault.grantAfter({ milliseconds: 0 });
  vault.authorization = "rbac";
  vault.keys.permissions.add("backup");
  vault.clearRequests();
});

async function ask(path: string, token?: string, method = "GET") {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${vault.vaultUri.slice(0, -1)}${path}`, { method, headers });
  const body = (await response.json()) as {
    value?: unknown;
    error?: { code: string; message: string; innererror?: { code: string } };
  };
  return { status: response.status, headers: response.headers, error: body.error, body };
}

const backup = (token?: string) => ask("/keys/orders/backup?api-version=7.4", token, "POST");

describe("the challenge", () => {
  it("sends a request without a token to the tenant and names the resource", async () => {
    const { status, headers, error } = await backup();
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${service.identity.tenantId}", resource="https://vault.azure.net"`,
    );
    expect(error).toEqual({ code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." });
  });

  it("names the tenant and resource that the vault was given", async () => {
    const other = await service.createVault(undefined, { resource: "https://vault.azure.cn", tenantId: "contoso" });
    const response = await fetch(`${other.vaultUri}keys?api-version=7.4`);
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer authorization="https://login.microsoftonline.com/contoso", resource="https://vault.azure.cn"',
    );
  });

  it("accepts a token of the identity", async () => {
    expect((await backup(service.identity.accessToken())).status).toBe(200);
  });

  it("refuses a token for another resource, of another issuer, changed or expired", async () => {
    const foreign = await backup(service.identity.accessToken("https://management.azure.com"));
    expect(foreign.error?.message).toBe(
      "Found token with aud=https://management.azure.com, but expected aud=https://vault.azure.net",
    );
    const token = service.identity.accessToken();
    const [header, claims, signature] = token.split(".");
    const changed = Buffer.from(
      Buffer.from(claims ?? "", "base64url")
        .toString()
        .replace("oid", "xid"),
    ).toString("base64url");
    expect((await backup(`${header}.${changed}.${signature}`)).status).toBe(401);
    const elsewhere = await LocalKeyVault.start();
    expect((await backup(elsewhere.identity.accessToken())).status).toBe(401);
    await elsewhere.stop();
    clock += service.identity.tokenLifetimeSeconds * 1000;
    expect((await backup(token)).status).toBe(401);
  });
});

describe("requests", () => {
  it("must name an API version that exists, in either spelling of its hyphen", async () => {
    const token = service.identity.accessToken();
    expect((await ask("/keys/orders", token)).error).toMatchObject({ code: "BadParameter" });
    expect((await ask("/keys/orders?api-version=6.0", token)).error).toMatchObject({ code: "BadParameter" });
    expect((await ask("/keys/orders?api%2Dversion=7.4", token)).status).toBe(200);
    expect((await ask("/keys/orders?api-version=2025-07-01", token)).status).toBe(200);
  });

  it("may have double slashes", async () => {
    expect((await ask("//keys//orders?api-version=7.4", service.identity.accessToken())).status).toBe(200);
  });

  it("are recorded with what they asked, whether they had a token, and their answer", async () => {
    await backup();
    const { headers } = await backup(service.identity.accessToken());
    await ask("/keys/missing?api-version=7.4", service.identity.accessToken());
    expect(vault.requests).toMatchObject([
      { operation: "backup", objectName: "orders", hasToken: false, status: 401 },
      { operation: "backup", objectName: "orders", hasToken: true, status: 200, path: "/keys/orders/backup" },
      { operation: "get", objectName: "missing", method: "GET", status: 404, query: { "api-version": "7.4" } },
    ]);
    expect(vault.requests[1]?.requestId).toBe(headers.get("x-ms-request-id"));
    expect([vault.count("backup"), vault.count("get"), vault.count("restore")]).toEqual([1, 1, 0]);
    expect(vault.requestsOf("backup")).toHaveLength(2);
    vault.clearRequests();
    expect(vault.requests).toEqual([]);
  });

  it("for something else are not found", async () => {
    expect((await ask("/storage/orders?api-version=7.4", service.identity.accessToken())).status).toBe(404);
    expect(vault.requests).toMatchObject([{ operation: "unknown" }]);
  });
});

describe("permissions", () => {
  it("refuse by role what a role assignment does not grant", async () => {
    vault.keys.permissions.delete("backup");
    const { status, error } = await backup(service.identity.accessToken());
    expect(status).toBe(403);
    expect(error).toMatchObject({ code: "Forbidden", innererror: { code: "ForbiddenByRbac" } });
    expect(error?.message).toContain("Action: 'Microsoft.KeyVault/vaults/keys/backup/action'\r\n");
    expect(error?.message).toContain(`Caller: appid=${service.identity.clientId};oid=${service.identity.objectId};`);
    expect((await ask("/keys/orders?api-version=7.4", service.identity.accessToken())).status).toBe(200);
  });

  it("refuse by access policy what a policy does not grant", async () => {
    vault.authorization = "accessPolicy";
    vault.keys.permissions.delete("backup");
    const { error } = await backup(service.identity.accessToken());
    expect(error).toMatchObject({ code: "Forbidden", innererror: { code: "ForbiddenByPolicy" } });
    expect(error?.message).toContain("does not have keys backup permission on key vault 'kv-orders;location=");
  });

  it("take effect after the milliseconds that propagation takes", async () => {
    const token = service.identity.accessToken();
    vault.grantAfter({ milliseconds: 30_000 });
    clock += 29_999;
    expect((await backup(token)).error?.innererror?.code).toBe("ForbiddenByRbac");
    clock += 1;
    expect((await backup(token)).status).toBe(200);
  });

  it("take effect after the requests that propagation takes", async () => {
    const token = service.identity.accessToken();
    vault.grantAfter({ requests: 2 });
    expect([(await backup(token)).status, (await backup(token)).status, (await backup(token)).status]).toEqual([
      403, 403, 200,
    ]);
  });

  it("may be known only to tokens issued after they took effect", async () => {
    const before = service.identity.accessToken();
    vault.grantAfter({ requests: 1 }, { freshToken: true });
    expect((await backup(before)).status).toBe(403);
    expect((await backup(before)).status).toBe(403);
    expect((await backup(service.identity.accessToken())).status).toBe(200);

    vault.grantAfter({ milliseconds: 1_000 }, { freshToken: true });
    const early = service.identity.accessToken();
    clock += 1_000;
    expect((await backup(early)).status).toBe(403);
    expect((await backup(service.identity.accessToken())).status).toBe(200);
  });
});

it("answers the real client within one process", async () => {
  Object.assign(process.env, service.environment());
  const options = { serviceVersion: "7.4", disableChallengeResourceVerification: true };
  const client = new KeyClient(vault.vaultUri, new ManagedIdentityCredential(), options);
  expect(await client.backupKey("orders")).toHaveLength(8_036);
  expect(vault.requests.map(({ hasToken, status }) => [hasToken, status])).toEqual([
    [false, 401],
    [true, 200],
  ]);
});
