import { ClientSecretCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { type CollectionName, collectionNames } from "../../../localVault/objectKind";
import type { Fault } from "../../../localVault/vaultFault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault } from "./askVault";

let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  vault = await service.createVault("kv-orders");
  await vault.keys.create("orders");
  service.identity.registerClient({ clientId: "pipeline", secret: "open sesame" });
});
afterAll(() => service.stop());
beforeEach(() => {
  vault.clearFaults();
  vault.clearRequests();
});

function createClient(maxRetries = 3): KeyClient {
  const { authorityHost, tenantId } = service.identity;
  const credential = new ClientSecretCredential(tenantId, "pipeline", "open sesame", {
    authorityHost,
    disableInstanceDiscovery: true,
  });
  return new KeyClient(vault.vaultUri, credential, {
    serviceVersion: "7.4",
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries, retryDelayInMs: 1, maxRetryDelayInMs: 2 },
  });
}

interface Outcome {
  readonly statusCode?: number | undefined;
  readonly code?: string | undefined;
  readonly innerCode?: string | undefined;
  readonly message?: string;
  readonly bytes?: number | undefined;
  readonly attempts: number;
}

async function outcomeOf(fault: Fault): Promise<Outcome> {
  vault.fail("backup", fault, Number.POSITIVE_INFINITY);
  try {
    const backup = await createClient().backupKey("orders");
    return { bytes: backup?.length, attempts: vault.count("backup") };
  } catch (thrown) {
    const error = thrown as Outcome & { details?: { error?: { innerError?: { code?: string } } } };
    const { statusCode, code, message = "", details } = error;
    return { statusCode, code, message, innerCode: details?.error?.innerError?.code, attempts: vault.count("backup") };
  }
}

describe("the real client", () => {
  it("does not retry a 429 without Retry-After", async () => {
    expect(await outcomeOf({ kind: "throttled" })).toMatchObject({
      statusCode: 429,
      code: "Throttled",
      message:
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
      attempts: 1,
    });
  });

  it("retries a 429 with Retry-After", async () => {
    const outcome = await outcomeOf({ kind: "throttled", retryAfterSeconds: 0 });
    expect(outcome).toMatchObject({ statusCode: 429, attempts: 4 });
  });

  it("retries a 503 but not a 400", async () => {
    expect(await outcomeOf({ kind: "status", status: 503 })).toMatchObject({ code: "ServiceUnavailable", attempts: 4 });
    vault.clearRequests();
    vault.clearFaults();
    const body = { error: { code: "BadParameter", message: "no" } };
    expect(await outcomeOf({ kind: "status", status: 400, body })).toMatchObject({ message: "no", attempts: 1 });
  });

  it("retries a connection that is reset", async () => {
    expect(await outcomeOf({ kind: "reset" })).toMatchObject({ code: "ECONNRESET", attempts: 4 });
    expect(vault.requestsOf("backup").at(-1)?.status).toBeUndefined();
  });

  it("repeats a restore whose answer was lost", async () => {
    await vault.keys.create("invoices");
    const backup = Buffer.from(await vault.keys.backUp("invoices"), "base64url");
    vault.keys.delete("invoices");
    vault.keys.purge("invoices");
    vault.fail("restore", { kind: "lostAnswer" });
    await expect(createClient().restoreKeyBackup(backup)).rejects.toMatchObject({ statusCode: 409, code: "Conflict" });
    expect(vault.keys.has("invoices")).toBe(true);
    expect(vault.requestsOf("restore").map(({ status }) => status)).toEqual([401, undefined, 409]);
  });

  it("does not retry an answer that breaks off", async () => {
    expect(await outcomeOf({ kind: "truncated" })).toMatchObject({
      statusCode: undefined,
      code: "PARSE_ERROR",
      message: "Error reading response as text: aborted",
      attempts: 1,
    });
  });

  it("does not retry an answer whose JSON is cut", async () => {
    expect(await outcomeOf({ kind: "cutJson" })).toMatchObject({
      statusCode: 200,
      code: "PARSE_ERROR",
      message: expect.stringContaining("occurred while parsing the response body"),
      attempts: 1,
    });
  });

  it("returns no backup for a 200 without a value", async () => {
    expect(await outcomeOf({ kind: "noValue" })).toEqual({ bytes: undefined, attempts: 1 });
  });

  it("returns any value as a backup", async () => {
    expect(await outcomeOf({ kind: "value", value: Buffer.from("blob").toString("base64url") })).toMatchObject({
      bytes: 4,
    });
  });

  it("returns no backup for the page of a proxy with status 200", async () => {
    expect(await outcomeOf({ kind: "html", status: 200 })).toEqual({ bytes: undefined, attempts: 1 });
  });

  it("finds no code in a page of a proxy", async () => {
    expect(await outcomeOf({ kind: "html", status: 403 })).toMatchObject({ statusCode: 403, code: undefined });
  });

  it.each([
    ["rbac", "ForbiddenByRbac", "Action: 'Microsoft.KeyVault/vaults/keys/backup/action'"],
    ["accessPolicy", "ForbiddenByPolicy", "does not have keys backup permission on key vault 'kv-orders;"],
    ["accessDenied", "AccessDenied", "does not have keys backup permission on key vault 'kv-orders;"],
    ["firewall", "ForbiddenByFirewall", "Client address is not authorized and caller is not a trusted service."],
    ["privateLink", "ForbiddenByConnection", "Connection is not an approved private link"],
    ["certificate", "KeyManagedByKeyVault", "since it is associated with a certificate"],
  ] as const)("is told why it is forbidden by %s", async (reason, innerCode, text) => {
    const outcome = await outcomeOf({ kind: "forbidden", reason });
    expect(outcome).toMatchObject({ statusCode: 403, code: "Forbidden", attempts: 1 });
    expect(outcome.innerCode).toBe(innerCode);
    expect(outcome.message).toContain(text);
  });

  it("gives up when its token is refused", async () => {
    expect(await outcomeOf({ kind: "unauthorized" })).toMatchObject({
      statusCode: 401,
      code: "Unauthorized",
      attempts: 1,
    });
  });

  it("follows no redirect to another host", async () => {
    const outcome = await outcomeOf({ kind: "redirect", location: "https://127.0.0.1:1/elsewhere" });
    expect(outcome).toMatchObject({ code: undefined, attempts: 1 });
    expect(vault.requestsOf("backup").at(-1)?.status).toBe(307);
  });

  it("asks for a token with the claims of a challenge", async () => {
    const claims = JSON.stringify({ access_token: { nbf: { essential: true, value: "1604106651" } } });
    const issued = service.identity.tokensIssued.length;
    vault.fail("backup", { kind: "claimsChallenge", claims });
    expect(await createClient().backupKey("orders")).toHaveLength(8_036);
    const asked = service.identity.tokensIssued.slice(issued).map((token) => token.claims ?? "");
    expect(asked).toHaveLength(2);
    expect(asked[0]).not.toContain("1604106651");
    expect(asked[1]).toContain("1604106651");
  });

  it("waits for an answer that is late", async () => {
    vault.fail("backup", { kind: "delay", milliseconds: 80 });
    const started = performance.now();
    expect(await createClient().backupKey("orders")).toHaveLength(8_036);
    expect(performance.now() - started).toBeGreaterThan(75);
  });

  it("stops waiting for an answer that never comes at its timeout", async () => {
    vault.fail("backup", { kind: "stall" });
    const attempt = createClient(0).backupKey("orders", { requestOptions: { timeout: 60 } });
    await expect(attempt).rejects.toMatchObject({ name: "AbortError" });
    expect(vault.requestsOf("backup").map(({ status }) => status)).toEqual([401, undefined]);
  });
});

describe("announced faults", () => {
  it("occur as often as announced, in the order of their announcement", async () => {
    vault.fail("backup", { kind: "status", status: 500 }, 2);
    vault.fail("any", { kind: "status", status: 503 });
    vault.fail("restore", { kind: "reset" });
    expect(await createClient().backupKey("orders")).toHaveLength(8_036);
    expect(vault.requestsOf("backup").map(({ status }) => status)).toEqual([401, 500, 500, 503, 200]);
  });

  it("spare requests of other operations", async () => {
    vault.fail("backup", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect((await createClient().getKey("orders")).name).toBe("orders");
  });

  it("meet requests of every collection unless their scope names one", async () => {
    const other = await service.createVault();
    for (const collection of collectionNames) await other.collection(collection).create(`my-${collection}`);
    const statusOf = async (collection: CollectionName) =>
      (await askVault(service, other, `GET ${collection}/my-${collection}`)).status;
    const statuses = async () => [await statusOf("keys"), await statusOf("secrets"), await statusOf("certificates")];
    other.fail("get", { kind: "status", status: 503 }, 3);
    expect(await statuses()).toEqual([503, 503, 503]);
    other.fail("any", { kind: "status", status: 503 }, 3, { collection: "secrets" });
    expect(await statuses()).toEqual([200, 503, 200]);
    expect([other.count("get"), other.count("get", "secrets")]).toEqual([6, 2]);
    expect(other.requestsOf("get", "certificates").map(({ objectName }) => objectName)).toEqual(
      Array(2).fill("my-certificates"),
    );
  });

  it("refuse in the words of the collection", async () => {
    const other = await service.createVault();
    const refusalOf = async (request: string) => (await askVault(service, other, request)).body.error;
    other.fail("any", { kind: "forbidden", reason: "accessPolicy" });
    expect((await refusalOf("GET certificates/tls"))?.message).toContain("does not have certificates get permission");
    other.fail("any", { kind: "forbidden", reason: "certificate" });
    expect((await refusalOf("POST secrets/tls/backup"))?.innererror?.code).toBe("SecretManagedByKeyVault");
    other.fail("any", { kind: "status", status: 404 });
    expect((await refusalOf("GET secrets/tls"))?.code).toBe("SecretNotFound");
  });

  it("meet requests without a token only if their scope says so", async () => {
    vault.fail("backup", { kind: "status", status: 503 }, 1, { withoutToken: true });
    expect(await createClient().backupKey("orders")).toHaveLength(8_036);
    expect(vault.requestsOf("backup").map(({ status, hasToken }) => [status, hasToken])).toEqual([
      [503, false],
      [401, false],
      [200, true],
    ]);
  });

  it("do not keep a vault from stopping", async () => {
    const other = await LocalKeyVault.start();
    const stalled = await other.createVault();
    stalled.fail("get", { kind: "stall" }, 1, { withoutToken: true });
    trustLocalCertificate(other.certificatePem);
    const attempt = fetch(`${stalled.vaultUri}keys/orders?api-version=7.4`).catch((error: Error) => error);
    while (stalled.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await other.stop();
    expect(await attempt).toMatchObject({ message: "fetch failed" });
  });
});
