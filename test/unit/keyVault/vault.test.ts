import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { BackedUpKey } from "../../../src/keyVault/backUpKey";
import { Vault } from "../../../src/keyVault/vault";
import { defaultWaits, type Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import type { Fault } from "../../../localVault/vaultFault";

const quick: Waits = {
  operation: 20_000,
  lookUp: 5_000,
  freeName: 1_000,
  newKey: 60,
  notReady: [20],
  throttled: [1, 2, 4, 8, 16],
  transient: 1,
  attempt: 10_000,
  challenge: 5_000,
};

let service: LocalKeyVault;
let local: LocalVault;
let said: string[];
let credentials: boolean[];
/** How far the service's clock is ahead, in milliseconds. */
let later = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => Date.now() + later });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

beforeEach(async () => {
  local = await service.createVault();
  said = [];
  credentials = [];
});

function open(waits: Partial<Waits> = {}, vaultUri = local.vaultUri, verify = false): Vault {
  return new Vault({
    vaultUri,
    disableChallengeResourceVerification: !verify,
    waits: { ...quick, ...waits },
    say: (line) => said.push(line),
    credential: (fresh) => {
      credentials.push(fresh);
      // Like a real credential, it keeps its token.
      const token = service.identity.accessToken("https://vault.azure.net");
      return { getToken: async () => ({ token: await token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
    },
  });
}

async function message(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error("did not fail"),
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : `not an Error: ${error}`;
}

/** Newest first. */
const versionsOf = ({ source }: BackedUpKey) =>
  source.kind === "found" ? source.versions.map(({ version }) => version) : source.kind;

const answered = (operation: "backup" | "listVersions" | "get") =>
  local
    .requestsOf(operation)
    .filter(({ hasToken }) => hasToken)
    .map(({ status }) => status);

describe("a backup", () => {
  it("returns the service's value and the versions read before and after it, newest first", async () => {
    const first = await local.createKey("orders");
    const second = await local.rotateKey("orders");
    const backedUp = await open().backUpKey("orders");
    expect(versionsOf(backedUp)).toEqual([second.version, first.version]);
    expect(Buffer.from(backedUp.blob, "base64url").toString("latin1")).toContain(
      "AzureKeyVaultKeyBackupV1.microsoft.com",
    );
    expect(local.requests.map(({ operation, hasToken }) => [operation, hasToken])).toEqual([
      ["listVersions", false],
      ["listVersions", true],
      ["get", true],
      ["backup", true],
      ["listVersions", true],
      ["get", true],
    ]);
  });

  it("tells versions of different seconds apart by their times, and reads only the public key of the newest", async () => {
    const versions = [await local.createKey("orders")];
    for (let rotations = 0; rotations < 5; rotations += 1) {
      later += 1_000;
      versions.unshift(await local.rotateKey("orders"));
    }
    expect(versionsOf(await open().backUpKey("orders"))).toEqual(versions.map(({ version }) => version));
    expect(local.requestsOf("get").map(({ path }) => path)).toEqual([`/keys/orders/${versions[0]?.version}`]);
  });

  it("asks for api-version 7.4 and names this package to the audit log", async () => {
    await local.createKey("orders");
    await open().backUpKey("orders");
    expect(local.requests.map(({ query }) => query["api-version"])).toEqual(["7.4", "7.4", "7.4", "7.4", "7.4"]);
  });

  it("costs four requests, and one challenge for a hundred keys that are backed up together", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    await Promise.all(names.map((name) => local.createKey(name)));
    const vault = open();
    await Promise.all(names.map((name) => vault.backUpKey(name)));
    expect(local.requests.length).toBe(401);
    expect(local.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
  });

  it("reads all versions of a key that has many", async () => {
    await local.createKey("orders");
    for (let rotations = 0; rotations < 60; rotations += 1) {
      await local.rotateKey("orders");
    }
    expect(versionsOf(await open().backUpKey("orders")).length).toBe(61);
  });

  it("holds a named version, whatever the case of its spelling", async () => {
    const { version } = await local.createKey("orders");
    expect(versionsOf(await open().backUpKey("orders", version.toUpperCase()))).toEqual([version]);
  });

  it("is not made when the key lacks the named version, and the error lists those it has", async () => {
    const { version } = await local.createKey("orders");
    const missing = "0".repeat(32);
    expect(await message(open().backUpKey("orders", missing))).toBe(
      `Could not back up key "orders" in ${new URL(local.vaultUri).host}: the key has no version ${missing}. It has: ${version}.`,
    );
    expect(local.count("backup")).toBe(0);
  });
});

describe("a key that changes while it is backed up", () => {
  /** Does something as soon as the vault was asked for its `nth` backup. */
  async function duringBackup(nth: number, does: () => unknown): Promise<void> {
    for (let waited = 0; local.count("backup") < nth && waited < 5_000; waited += 5) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await does();
  }

  it("by a new version is backed up once more, so that what the blob holds is known", async () => {
    const first = await local.createKey("orders");
    local.fail("backup", { kind: "delay", milliseconds: 100 });
    const made = open().backUpKey("orders");
    await duringBackup(1, () => local.rotateKey("orders"));
    expect(versionsOf(await made)).toEqual([local.keyVersions("orders")[1]?.version, first.version]);
    expect(local.count("backup")).toBe(2);
  });

  it("by being created anew is not taken for the one that was read", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "delay", milliseconds: 100 });
    const made = open().backUpKey("orders");
    await duringBackup(1, () => {
      local.deleteKey("orders");
      local.purgeKey("orders");
      return local.createKey("orders");
    });
    expect(versionsOf(await made)).toEqual(local.keyVersions("orders").map(({ version }) => version));
  });

  it("each time is told, after three backups", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "delay", milliseconds: 100 }, 3);
    const made = message(open().backUpKey("orders"));
    for (const nth of [1, 2, 3]) await duringBackup(nth, () => local.rotateKey("orders"));
    expect(await made).toContain("what can be read of the key changed during each backup");
    expect(local.count("backup")).toBe(3);
  });

  it("by a permission to read that takes effect meanwhile is backed up once more, with its versions", async () => {
    const { version } = await local.createKey("orders");
    local.permissions.delete("list");
    local.fail("backup", { kind: "delay", milliseconds: 100 });
    const made = open().backUpKey("orders");
    await duringBackup(1, () => local.permissions.add("list"));
    expect(versionsOf(await made)).toEqual([version]);
  });
});

describe("an identity that may not read", () => {
  it("makes the backup with keys/backup alone, and learns no versions", async () => {
    const { version } = await local.createKey("orders");
    local.permissions.delete("list");
    local.permissions.delete("get");
    expect(versionsOf(await open().backUpKey("orders", version))).toEqual("unreachable");
    expect(answered("listVersions")).toEqual([403, 403]);
    expect(answered("get")).toEqual([]);
    expect(said).toEqual([]);
  });

  it("by an access policy without list, learns the newest version and the named one", async () => {
    const first = await local.createKey("orders");
    const second = await local.rotateKey("orders");
    await local.rotateKey("orders");
    const third = await local.rotateKey("orders");
    local.authorization = "accessPolicy";
    local.permissions.delete("list");
    expect(versionsOf(await open().backUpKey("orders"))).toEqual([third.version]);
    expect(versionsOf(await open().backUpKey("orders", second.version))).toEqual([third.version, second.version]);
    expect(await message(open().backUpKey("orders", "0".repeat(32)))).toContain("the key has no version");
    expect(first.version).not.toBe(third.version);
  });

  it("by an access policy with backup alone, learns no versions", async () => {
    await local.createKey("orders");
    local.authorization = "accessPolicy";
    local.permissions.delete("list");
    local.permissions.delete("get");
    expect(versionsOf(await open().backUpKey("orders"))).toEqual("unreachable");
  });
});

describe("throttling", () => {
  it("is waited out by the delays that the service advises where it names none", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "throttled" }, 5);
    await expect(open().backUpKey("orders")).resolves.toHaveProperty("blob");
    expect(answered("backup")).toEqual([429, 429, 429, 429, 429, 200]);
  });

  it("is waited out for as long as the service says", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "throttled", retryAfterSeconds: 1 });
    const startedAt = Date.now();
    await open().backUpKey("orders");
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  });

  it("slows every request to the vault, not only the one that was refused", async () => {
    await local.createKey("orders");
    await local.createKey("invoices");
    const vault = open({ throttled: [300] });
    await vault.backUpKey("orders");
    local.fail("backup", { kind: "throttled" });
    local.clearRequests();
    const refused = vault.backUpKey("orders");
    while (answered("backup").length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const refusedAt = Date.now();
    await vault.backUpKey("invoices");
    expect(Date.now() - refusedAt).toBeGreaterThan(250);
    await refused;
  });

  it("is outlasted by many backups at once, of which some are let through", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `key-${index}`);
    await Promise.all(names.map((name) => local.createKey(name)));
    for (let wave = 0; wave < 10; wave += 1) {
      local.fail("backup", { kind: "throttled" }, 9);
      local.fail("backup", { kind: "delay", milliseconds: 1 }, 1);
    }
    const vault = open();
    await Promise.all(names.map((name) => vault.backUpKey(name)));
    expect(answered("backup").filter((status) => status === 200).length).toBe(30);
    expect(answered("backup").filter((status) => status === 429).length).toBe(90);
  });

  it("that does not end is told with its remedy", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "throttled" }, Number.POSITIVE_INFINITY);
    expect(await message(open({ operation: 800 }).backUpKey("orders"))).toMatch(
      /did not carry it out within 1 s; the last attempt ended with 429\. The vault is throttled: run again later, with a lower --parallel, or raise/,
    );
    expect(answered("backup").length).toBeGreaterThan(6);
  });
});

describe("a permission that has not taken effect", () => {
  it.each(["rbac", "accessPolicy"] as const)(
    "is waited for (%s), with one line that says so",
    async (authorization) => {
      await local.createKey("orders");
      await local.createKey("invoices");
      local.authorization = authorization;
      local.grantAfter({ requests: 8 });
      const vault = open();
      const backups = await Promise.all([vault.backUpKey("orders"), vault.backUpKey("invoices")]);
      expect(backups.map((backedUp) => versionsOf(backedUp).length)).toEqual([1, 1]);
      expect(said).toEqual([
        expect.stringMatching(
          /^Waiting up to 20 s for a role assignment or access policy on localhost:\d+ to take effect/,
        ),
      ]);
    },
  );

  it("is asked for with a fresh token each time", async () => {
    await local.createKey("orders");
    local.grantAfter({ requests: 4 }, { freshToken: true });
    await open().backUpKey("orders");
    expect(credentials).toEqual([false, ...credentials.slice(1).map(() => true)]);
    expect(credentials.length).toBeGreaterThan(2);
  });

  it("and never does is told with the missing data action, a role that has it, and the time waited", async () => {
    await local.createKey("orders");
    local.permissions.delete("backup");
    const text = await message(open({ operation: 1_200 }).backUpKey("orders"));
    expect(text).toContain('Key Vault refused to back up key "orders"');
    expect(text).toContain(
      "403 Forbidden (ForbiddenByRbac): Caller is not authorized to perform action on resource. If role",
    );
    expect(text).toContain("Grant the data action Microsoft.KeyVault/vaults/keys/backup/action");
    expect(text).toContain("with the role Key Vault Crypto User. It was refused for 1 s, in case the grant is new.");
    expect(text).toMatch(/Request id [0-9a-f-]{36}\.$/);
  });

  it("of an access policy is told by its own name", async () => {
    await local.createKey("orders");
    local.authorization = "accessPolicy";
    local.permissions.delete("backup");
    expect(await message(open({ operation: 100 }).backUpKey("orders"))).toContain(
      'Give the identity the key permission "backup" in an access policy of the vault.',
    );
  });
});

describe("a key that is not there", () => {
  it("is waited for a moment, as it may be new", async () => {
    const made = open({ newKey: 2_000 }).backUpKey("orders");
    setTimeout(() => void local.createKey("orders"), 50);
    expect(versionsOf(await made).length).toBe(1);
  });

  it("and is made between the two requests has its versions recorded all the same", async () => {
    local.fail("backup", { kind: "delay", milliseconds: 200 });
    const made = open().backUpKey("orders");
    while (answered("listVersions").length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await local.createKey("orders");
    expect(versionsOf(await made).length).toBe(1);
    expect(answered("listVersions")).toEqual([200, 200, 200, 200]);
  });

  it("and does not come is told with the way to recover it", async () => {
    const text = await message(open().backUpKey("orders"));
    expect(text).toContain("404 KeyNotFound: A key with (name/id) orders was not found in this key vault.");
    expect(text).toContain("recover it: az keyvault key recover --vault-name localhost --name orders.");
  });
});

describe("a refusal that waiting cannot mend", () => {
  const cases: [string, Fault, string][] = [
    [
      "of a key that belongs to a certificate",
      { kind: "forbidden", reason: "certificate" },
      "back up the certificate instead",
    ],
    [
      "by the firewall",
      { kind: "forbidden", reason: "firewall" },
      "Add this machine's address to the vault's firewall",
    ],
    [
      "of public networks",
      { kind: "forbidden", reason: "privateLink" },
      "run in a network that has the vault's private",
    ],
    ["of the token", { kind: "unauthorized" }, "check that the credential belongs to the tenant of the vault"],
    ["of the request", { kind: "status", status: 400 }, "400 BadParameter"],
    [
      "by a redirect to another host",
      { kind: "redirect", location: "https://localhost:1/" },
      "307. Redirects to other hosts",
    ],
    ["without a body", { kind: "status", status: 403, body: "" }, "403"],
    ["by a page of a proxy", { kind: "html", status: 404 }, "404"],
  ];
  it.each(cases)("%s is told at once", async (_, fault, text) => {
    await local.createKey("orders");
    local.fail("backup", fault, Number.POSITIVE_INFINITY);
    expect(await message(open({ newKey: 0 }).backUpKey("orders"))).toContain(text);
    expect(local.count("backup")).toBe(fault.kind === "unauthorized" ? 2 : 1);
  });
});

describe("a transient failure", () => {
  it.each<[string, Fault]>([
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["408", { kind: "status", status: 408 }],
    ["a reset connection", { kind: "reset" }],
  ])("(%s) is retried", async (_, fault) => {
    await local.createKey("orders");
    local.fail("backup", fault, 2);
    await expect(open().backUpKey("orders")).resolves.toHaveProperty("blob");
  });

  it("that lasts is told with its status", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "status", status: 503 }, Number.POSITIVE_INFINITY);
    expect(await message(open().backUpKey("orders"))).toContain("The service failed, after retries: run again later.");
  });

  it("of the connection is told with its code", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await message(open().backUpKey("orders"))).toContain("failed (ECONNRESET)");
  });

  it("(no answer to an attempt) is retried", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "stall" });
    await expect(open({ attempt: 200 }).backUpKey("orders")).resolves.toHaveProperty("blob");
  });

  it("of the first request does not hold up the others", async () => {
    await local.createKey("orders");
    local.fail("listVersions", { kind: "stall" }, 1, { withoutToken: true });
    const vault = open({ operation: 3_000, challenge: 50 });
    const [stalled, ...others] = await Promise.allSettled([1, 2, 3].map(() => vault.backUpKey("orders")));
    expect(stalled?.status).toBe("rejected");
    expect(others.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  });

  it("still there at the deadline is told with the last answer", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "status", status: 502 }, Number.POSITIVE_INFINITY);
    expect(await message(open({ operation: 600, transient: 400 }).backUpKey("orders"))).toMatch(
      /did not carry it out within 1 s; the last attempt ended with 502\./,
    );
  });
});

describe("an answer that is none", () => {
  it.each<[string, Fault, string]>([
    ["no value", { kind: "noValue" }, "answered 200 without the backup"],
    ["a value that is not base64url", { kind: "value", value: "no base64url!" }, "with a backup that is not base64url"],
    ["an empty value", { kind: "value", value: "" }, "with a backup that is not base64url"],
    ["a number for a value", { kind: "value", value: 5 }, "answered 200 without the backup"],
    ["a page of a proxy", { kind: "html", status: 200 }, "answered 200 without the backup"],
    ["half of the body", { kind: "truncated" }, "answered with a text that breaks off or is not JSON"],
  ])("(%s) is an error", async (_, fault, text) => {
    await local.createKey("orders");
    local.fail("backup", fault);
    expect(await message(open().backUpKey("orders"))).toContain(text);
  });

  it("(no list of versions) is an error", async () => {
    await local.createKey("orders");
    local.fail("listVersions", { kind: "value", value: "no list" });
    expect(await message(open().backUpKey("orders"))).toContain("answered with something else than Key Vault does.");
  });

  it("does not put what it holds of a blob into the error", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "truncated" });
    const text = await message(open().backUpKey("orders"));
    // Every blob begins with these characters.
    expect(text).not.toContain("JkF6dXJl");
  });

  it("(none at all) is an error at the deadline", async () => {
    await local.createKey("orders");
    local.fail("backup", { kind: "stall" });
    expect(await message(open({ operation: 600 }).backUpKey("orders"))).toMatch(
      /gave no answer within 1 s\. Check the network .* raise the stack's azure-keyvault-backup:timeoutSeconds\.$/,
    );
  });

  it("(none to the first request with a token) does not blame the credential", async () => {
    await local.createKey("orders");
    local.fail("listVersions", { kind: "stall" });
    expect(await message(open({ operation: 400 }).backUpKey("orders"))).toContain("gave no answer within 0 s.");
  });

  it("(no token from the credential) is told as such", async () => {
    await local.createKey("orders");
    const vault = new Vault({
      vaultUri: local.vaultUri,
      disableChallengeResourceVerification: true,
      waits: { ...quick, operation: 400 },
      say: () => undefined,
      credential: () => ({ getToken: () => new Promise(() => undefined) }),
    });
    expect(await message(vault.backUpKey("orders"))).toContain(
      "asked for a token, and the credential gave none within",
    );
  });

  it("(a vault whose name does not resolve) is waited for a moment, and told", async () => {
    const text = await message(open({}, "https://kv-missing.invalid/").backUpKey("orders"));
    expect(text).toMatch(
      /^Could not back up key "orders" in kv-missing\.invalid: the name kv-missing\.invalid does not resolve \(E/,
    );
  });
});

describe("the token", () => {
  it("goes to no host outside the domain that its challenge names", async () => {
    await local.createKey("orders");
    const text = await message(open({}, local.vaultUri, true).backUpKey("orders"));
    expect(text).toContain("asks for a token of another service");
    expect(local.requests.every(({ hasToken }) => !hasToken)).toBe(true);
  });

  it("is fetched anew when the service demands other claims", async () => {
    await local.createKey("orders");
    const vault = open();
    await vault.backUpKey("orders");
    local.fail("backup", { kind: "claimsChallenge", claims: '{"access_token":{"nbf":{"essential":true}}}' });
    await expect(vault.backUpKey("orders")).resolves.toHaveProperty("blob");
  });
});

it("speaks plain http to an emulator on this machine, and not through a proxy", async () => {
  let proxied = 0;
  const proxy = createServer((_, response) => {
    proxied += 1;
    response.end("{}");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const server = createServer((request, response) => {
    const isAuthorized = request.headers.authorization !== undefined;
    response.statusCode = isAuthorized ? 200 : 401;
    response.setHeader("content-type", "application/json");
    response.setHeader(
      "www-authenticate",
      'Bearer authorization="https://localhost/tenant", resource="https://vault.azure.net"',
    );
    response.end(JSON.stringify(request.method === "POST" ? { value: "AAAA" } : { value: [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(open({}, `http://127.0.0.1:${port}/`).backUpKey("orders")).resolves.toEqual({
    blob: "AAAA",
    source: {
      kind: "unreachable",
      because: "The vault backs the key up, and lists no version of it.",
      isForbidden: false,
    },
    thumbprints: {},
  });
  delete process.env.HTTP_PROXY;
  expect(proxied).toBe(0);
  for (const each of [server, proxy]) {
    each.closeAllConnections();
    each.close();
  }
});

it("waits as long by default as the README says", () => {
  expect(defaultWaits).toMatchObject({
    operation: 180_000,
    lookUp: 30_000,
    newKey: 10_000,
    throttled: [1_000, 2_000, 4_000, 8_000, 16_000],
  });
});
