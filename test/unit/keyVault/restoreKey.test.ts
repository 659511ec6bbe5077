import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import type { Fault } from "../../../localVault/vaultFault";
import type { VaultOptions } from "../../../localVault/vaultOptions";

const quick: Waits = {
  operation: 20_000,
  lookUp: 5_000,
  freeName: 5_000,
  newKey: 0,
  notReady: [1],
  throttled: [1],
  transient: 1,
  attempt: 10_000,
  challenge: 5_000,
};

let service: LocalKeyVault;
let source: LocalVault;
let target: LocalVault;
let said: string[];
/** How far the service's clock is ahead, in milliseconds. */
let later = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => Date.now() + later });
  service.identity.tokenLifetimeSeconds = 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  source = await service.createVault();
  await newTarget();
  said = [];
});

async function newTarget(options: VaultOptions = {}): Promise<void> {
  target = await service.createVault(undefined, options);
}

function open(waits: Partial<Waits> = {}): Vault {
  return new Vault({
    vaultUri: target.vaultUri,
    disableChallengeResourceVerification: true,
    waits: { ...quick, ...waits },
    say: (line) => said.push(line),
    credential: () => {
      const token = service.identity.accessToken("https://vault.azure.net");
      return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 86_400_000 }) };
    },
  });
}

/** The blob of a key of two versions, and these, newest first. */
async function backedUp(name = "orders"): Promise<{ blob: string; versions: string[] }> {
  const first = await source.createKey(name);
  const second = await source.rotateKey(name);
  return { blob: await source.backUpKey(name), versions: [second.version, first.version] };
}

/** A key of the same name that is in use in the target, with another one of its versions. */
async function taken(name = "orders"): Promise<string> {
  return (await target.createKey(name)).version;
}

async function message(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error("did not fail"),
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : `not an Error: ${error}`;
}

const asked = () => target.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
const host = () => new URL(target.vaultUri).host;
const versionsThere = (name = "orders") =>
  target
    .keyVersions(name)
    .map(({ version }) => version)
    .reverse();

describe("a restored key", () => {
  it.each([
    ["may be purged", false],
    ["is protected from purging", true],
  ])("has all its versions under its own name, and its vault tells whether it %s", async (_, purgeProtection) => {
    await newTarget({ purgeProtection });
    const { blob, versions } = await backedUp();
    expect(await open().restoreKey(blob, "orders")).toEqual({
      kind: "restored",
      keyName: "orders",
      version: versions[0],
      isPurgeable: !purgeProtection,
    });
    expect(versionsThere()).toEqual(versions);
    expect(asked()).toEqual(["restore"]);
  });

  it.each([undefined, "invoices", "ORDERS"])("has the name in its blob where %j is expected", async (expected) => {
    const { blob } = await backedUp();
    expect(await open().restoreKey(blob, expected)).toMatchObject({ kind: "restored", keyName: "orders" });
    expect(target.keyNames).toEqual(["orders"]);
  });

  it("needs no other permission than to restore", async () => {
    const { blob } = await backedUp();
    for (const permission of target.permissions) if (permission !== "restore") target.permissions.delete(permission);
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "restored" });
  });

  it.each<[string, Fault, Partial<Waits>]>([
    ["a failed connection", { kind: "reset" }, {}],
    ["an error of the service", { kind: "status", status: 503 }, {}],
    ["a throttled vault", { kind: "throttled" }, {}],
    ["an attempt without an answer", { kind: "stall" }, { attempt: 300 }],
  ])("is restored after %s", async (_, fault, waits) => {
    const { blob } = await backedUp();
    target.fail("restore", fault);
    expect(await open(waits).restoreKey(blob, "orders")).toMatchObject({ kind: "restored" });
  });
});

describe("a name that is taken", () => {
  it("by a key in use is told, and that key stays as it is", async () => {
    const { blob } = await backedUp();
    const version = await taken();
    expect(await open().restoreKey(blob, "orders")).toEqual({
      kind: "taken",
      keyName: "orders",
      isSoftDeleted: false,
      mayBeOurs: false,
    });
    expect(versionsThere()).toEqual([version]);
    expect(asked()).toEqual(["restore", "get"]);
  });

  it("by a soft-deleted key is told, and that key stays as it is", async () => {
    const { blob } = await backedUp();
    const version = await taken();
    target.deleteKey("orders");
    expect(await open().restoreKey(blob, "orders")).toEqual({
      kind: "taken",
      keyName: "orders",
      isSoftDeleted: true,
      mayBeOurs: false,
    });
    expect(target.deletedKey("orders")?.versions.map((it) => it.version)).toEqual([version]);
    expect(target.keyNames).toEqual([]);
  });

  it("is the one that the service names, whatever name is expected", async () => {
    const { blob } = await backedUp("Orders-2026");
    await taken("orders-2026");
    for (const expected of [undefined, "invoices"]) {
      expect(await open().restoreKey(blob, expected)).toMatchObject({ kind: "taken", keyName: "Orders-2026" });
    }
    target.deleteKey("orders-2026");
    for (const expected of [undefined, "invoices"]) {
      expect(await open().restoreKey(blob, expected)).toMatchObject({ kind: "taken", keyName: "Orders-2026" });
    }
  });

  it("is the expected one where the service's words name none", async () => {
    const { blob } = await backedUp();
    await taken();
    const body = { error: { code: "Conflict", message: "There was a conflict." } };
    target.fail("restore", { kind: "status", status: 409, body });
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "taken", keyName: "orders" });
    target.fail("restore", { kind: "status", status: 409, body });
    expect(await message(open().restoreKey(blob, undefined))).toBe(
      `Key Vault refused to restore a key into ${host()}: 409 Conflict: There was a conflict. The name of the key is ` +
        "taken: by a key that is in use, by a soft-deleted one (recover or purge it), or by one that was purged a moment " +
        'ago (run again). To be told which, grant the permission to read keys ("list" and "get"). Request id ' +
        `${target.requests.at(-1)?.requestId}.`,
    );
  });

  it.each<[string, Fault]>([
    ["an answer was lost", { kind: "lostAnswer" }],
    ["the service failed", { kind: "status", status: 500 }],
  ])("may have been taken by this very call where %s before", async (_, fault) => {
    const { blob, versions } = await backedUp();
    target.fail("restore", fault);
    if (fault.kind !== "lostAnswer") target.onRequest("restore", async () => void (await target.restoreKey(blob)));
    expect(await open().restoreKey(blob, "orders")).toEqual({
      kind: "taken",
      keyName: "orders",
      isSoftDeleted: false,
      mayBeOurs: true,
    });
    expect(versionsThere()).toEqual(versions);
  });

  it("was not taken by this call where the service answered each attempt", async () => {
    const { blob } = await backedUp();
    await taken();
    target.fail("restore", { kind: "throttled" }, 2);
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "taken", mayBeOurs: false });
  });

  it("by a key that may not be read is told with the service's words, and all that it may be", async () => {
    const { blob } = await backedUp();
    await taken();
    target.permissions.delete("get");
    const text = await message(open().restoreKey(blob, "orders"));
    expect(text).toContain(
      `Key Vault refused to restore key "orders" into ${host()}: 409 Conflict: There was a conflict`,
    );
    expect(text).toContain(
      "by a key that is in use, by a soft-deleted one (recover or purge it), or by one that was purged",
    );
    expect(target.count("restore")).toBe(1);
  });
});

describe("a name that will be free", () => {
  /** Lets time pass before the second attempt at a restore. */
  function passLater(milliseconds: number): void {
    target.onRequest("restore", () => undefined);
    target.onRequest("restore", () => {
      later += milliseconds;
    });
  }

  it("after a purge is waited for", async () => {
    await newTarget({ purgeMilliseconds: 60_000 });
    const { blob, versions } = await backedUp();
    await taken();
    target.deleteKey("orders");
    target.purgeKey("orders");
    passLater(60_000);
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "restored" });
    expect(versionsThere()).toEqual(versions);
    expect(target.count("restore")).toBe(2);
    expect(said).toEqual([]);
  });

  it("once a deletion is done is waited for, to learn that it is not", async () => {
    await newTarget({ deletionMilliseconds: 60_000 });
    const { blob } = await backedUp();
    await taken();
    target.deleteKey("orders");
    passLater(60_000);
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "taken", isSoftDeleted: true });
    expect(target.count("restore")).toBe(2);
  });

  it("too late is told, with how long it was waited for", async () => {
    await newTarget({ purgeMilliseconds: 3_600_000 });
    const { blob } = await backedUp();
    await taken();
    target.deleteKey("orders");
    target.purgeKey("orders");
    const text = await message(open({ freeName: 30, notReady: [10] }).restoreKey(blob, "orders"));
    expect(text.replace(/\d+ s /, "0 s ")).toBe(
      `Could not restore key "orders" into ${host()}: for 0 s its name did not become free. A key of that name is being ` +
        "deleted or recovered, or was purged a moment ago. Run again.",
    );
    expect(target.count("restore")).toBeGreaterThan(1);
  });

  it("is waited for no longer than the operation may take", async () => {
    await newTarget({ deletionMilliseconds: 3_600_000 });
    const { blob } = await backedUp();
    await taken();
    target.deleteKey("orders");
    const text = await message(open({ operation: 1_000, freeName: 60_000, notReady: [10] }).restoreKey(blob, "orders"));
    expect(text).toContain(
      "409 Conflict (ObjectIsBeingDeleted): Key is currently being deleted. Another operation on the",
    );
  });
});

describe("a permission to restore", () => {
  it("that has not propagated is waited for, with one line that says so", async () => {
    const { blob } = await backedUp();
    target.grantAfter({ requests: 3 });
    expect(await open().restoreKey(blob, "orders")).toMatchObject({ kind: "restored" });
    expect(said).toEqual([
      `Waiting up to 20 s for a role assignment or access policy on ${host()} to take effect (ForbiddenByRbac).`,
    ]);
  });

  it.each([
    [
      "rbac",
      "Grant the data action Microsoft.KeyVault/vaults/keys/restore/action, for instance with the role Key Vault Crypto Officer.",
    ],
    ["accessPolicy", 'Give the identity the key permission "restore" in an access policy of the vault.'],
  ] as const)("that was never granted is named as %s has it", async (authorization, remedy) => {
    const { blob } = await backedUp();
    target.authorization = authorization;
    target.permissions.delete("restore");
    const text = await message(open({ operation: 10_000, notReady: [20_000] }).restoreKey(blob, "orders"));
    expect(text).toContain(`Key Vault refused to restore key "orders" into ${host()}: 403 Forbidden (`);
    expect(text).toContain(remedy);
  });
});

describe("a blob that the vault refuses", () => {
  const refusedBlob = (explanation: string, remedy: string) =>
    `Key Vault refused to restore key "orders" into ${host()}: 400 BadParameter: ${explanation} ${remedy} Request id ` +
    `${target.requests.at(-1)?.requestId}.`;

  it("as it is of another geography, or damaged, is told with both", async () => {
    await newTarget({ geography: "Asia" });
    const { blob } = await backedUp();
    expect(await message(open().restoreKey(blob, "orders"))).toBe(
      refusedBlob(
        "Cannot decrypt backup blob.",
        "A backup is restored only in the geography and the Azure subscription in which it was made: give a vault there. " +
          "If this one is, the blob is damaged.",
      ),
    );
    expect(target.count("restore")).toBe(1);
  });

  it.each<[string, () => Promise<string>]>([
    ["a secret", () => source.backUpAs("secret", "orders")],
    ["an emulator", async () => Buffer.from("{}").toString("base64url")],
  ])("as it is of %s is told with what it may be", async (_, blob) => {
    expect(await message(open().restoreKey(await blob(), "orders"))).toBe(
      refusedBlob(
        "Backup blob contains invalid or corrupt version.",
        "The blob is not what Key Vault returns for a key: it is damaged, of a Managed HSM, or of a secret (az keyvault " +
          "secret restore --vault-name localhost --file …).",
      ),
    );
  });

  it("as it is of a certificate is told with the command for that", async () => {
    const blob = await source.backUpAs("certificate", "orders");
    expect(await message(open().restoreKey(blob, "orders"))).toContain(
      "That of a certificate, which begins like that of a key, is restored by az keyvault certificate restore " +
        "--vault-name localhost --file ….",
    );
  });

  it("does not come up in what is told of it", async () => {
    await newTarget({ geography: "Asia" });
    const { blob } = await backedUp();
    const text = await message(open().restoreKey(blob, "orders"));
    // Every blob begins with these characters.
    expect(text).not.toContain("JkF6dXJl");
  });
});
