import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let said: string[];

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

interface Recorded {
  readonly outcome: string;
  readonly checks: readonly Record<"version" | "versionId" | "publicKey" | "privateKey", string>[];
}

const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
const notListed = "not run: the versions of the restored key may not be listed, so that it may have others";
const host = () => new URL(stack.target.vaultUri).host;
const used = () => stack.asked.filter((operation) => ["sign", "unwrapKey", "decrypt"].includes(operation));

/** Drills, which succeeds and leaves nothing behind; what is recorded of it. */
async function drilled(backup: Record<string, unknown> = {}, inputs: Record<string, unknown> = {}): Promise<Recorded> {
  await stack.drill.up(stack.drilling({ backup: { ...stack.recorded, ...backup }, ...inputs }));
  expect(stack.drill.failure).toBeUndefined();
  const { outcome, drilledAt, verifiedAt } = stack.drill.outputs ?? {};
  expect(verifiedAt).toBe(outcome === "verified" ? drilledAt : undefined);
  expect(stack.target.keyNames).toEqual([]);
  expect(stack.target.isDeleted("orders")).toBe(false);
  return stack.drill.outputs as unknown as Recorded;
}

describe("the private key is proved", () => {
  it.each([
    ["an EC key by a signature", { kty: "EC" }, "sign"],
    ["an RSA key by a signature", { kty: "RSA" }, "sign"],
    [
      "a key that may not sign by unwrapping",
      { kty: "RSA", keyOperations: ["verify", "wrapKey", "decrypt", "unwrapKey"] },
      "unwrapKey",
    ],
    ["a key that may only decrypt by that", { kty: "RSA", keyOperations: ["encrypt", "decrypt"] }, "decrypt"],
  ] as const)("of %s", async (_, key, use) => {
    const version = await stack.backedUp(key);
    expect(await drilled()).toMatchObject({ outcome: "verified", checks: [{ version, ...passed }] });
    expect(used()).toEqual([use]);
  });

  it("of every version of a key of many, newest first", async () => {
    const versions = [await stack.backedUp()];
    while (versions.length < 30) {
      stack.pass(1_000);
      versions.unshift((await stack.source.rotateKey("orders")).version);
    }
    await stack.backUp();
    const expected = { outcome: "verified", checks: versions.map((version) => ({ version, ...passed })) };
    expect(await drilled()).toMatchObject({ ...expected, restoredVersions: versions });
    expect(used().length).toBe(versions.length);
  });
});

describe("the private key is not tried, and the backup proved in part,", () => {
  it.each([
    ["of a disabled version", { enabled: false }, "the version is disabled"],
    ["before a version is valid", { notBefore: 4e9 }, "the version is not valid at this time (nbf, exp)"],
    ["after a version has expired", { expires: 1e9 }, "the version is not valid at this time (nbf, exp)"],
    [
      "of an RSA key that may do none of the three",
      { kty: "RSA", keyOperations: ["verify", "encrypt", "wrapKey"] },
      "its operations (verify, encrypt, wrapKey) allow neither to sign, nor to unwrap, nor to decrypt",
    ],
    [
      "of an EC key that may not sign",
      { keyOperations: ["verify"] },
      "its operations (verify) allow neither to sign, nor to unwrap, nor to decrypt",
    ],
  ] as const)("%s", async (_, key, because) => {
    const version = await stack.backedUp(key);
    const checks = [{ version, ...passed, privateKey: `not run: ${because}` }];
    expect(await drilled()).toMatchObject({ outcome: "partly", checks });
    expect(used()).toEqual([]);
  });

  it.each([
    ["rbac", "(ForbiddenByRbac). Grant the data action Microsoft.KeyVault/vaults/keys/sign/action, for instance with"],
    ["accessPolicy", '(ForbiddenByPolicy). Give the identity the key permission "sign" in an access policy of'],
  ] as const)("by an identity that may not sign, by %s", async (authorization, grant) => {
    const version = await stack.backedUp();
    stack.target.authorization = authorization;
    stack.target.permissions.delete("sign");
    const { outcome, checks } = await drilled();
    const privateKey = expect.stringContaining(
      `not run: Key Vault refused to sign with key "orders" in ${host()}: 403 Forbidden ${grant}`,
    );
    expect([outcome, checks]).toEqual(["partly", [{ version, ...passed, privateKey }]]);
  });

  it("of the versions alone that cannot be used", async () => {
    const first = await stack.backedUp();
    stack.source.updateKey("orders", first, { enabled: false });
    const second = await stack.rotated();
    expect(await drilled()).toMatchObject({
      outcome: "partly",
      checks: [
        { version: second, ...passed },
        { version: first, ...passed, privateKey: "not run: the version is disabled" },
      ],
    });
  });
});

describe("the public keys are compared", () => {
  it("with those that are recorded with the backup, so that the source need not be there", async () => {
    await stack.backedUp();
    stack.source.deleteKey("orders");
    stack.source.purgeKey("orders");
    stack.source.clearRequests();
    expect(await drilled()).toMatchObject({ outcome: "verified" });
    expect(stack.source.requests).toEqual([]);
  });

  it("with those of the source where they are not recorded", async () => {
    const first = await stack.backedUp({ kty: "RSA" });
    const second = await stack.rotated();
    const { [second]: recorded } = stack.recorded.keyThumbprints as Record<string, string>;
    stack.source.clearRequests();
    expect(await drilled({ keyThumbprints: { [second]: recorded } })).toMatchObject({ outcome: "verified" });
    expect(stack.source.requestsOf("get").map(({ path }) => path)).toContain(`/keys/orders/${first}`);
    expect(stack.source.requests.map(({ path }) => path)).not.toContain(`/keys/orders/${second}`);
  });

  it("with those of the source where the backup was made by an identity that may list only", async () => {
    stack.source.authorization = "accessPolicy";
    stack.source.permissions.delete("get");
    const version = await stack.backedUp();
    expect(stack.recorded).toMatchObject({ keyVersions: [version], keyThumbprints: {} });
    const { outcome, checks } = await drilled();
    const because = `Key Vault refused to read key "orders" in ${new URL(stack.source.vaultUri).host}: 403 Forbidden`;
    const grant = 'Give the identity the key permission "get" in an access policy of the vault.';
    const publicKey = `not run: ${because} (ForbiddenByPolicy). ${grant}`;
    const privateKey = expect.stringMatching(/^not run: the source's public key, .*, is not known to be/);
    expect([outcome, checks]).toEqual(["partly", [{ version, versionId: "passed", publicKey, privateKey }]]);
    stack.source.permissions.add("get");
    await stack.drill.up(stack.drilling({ triggers: [1] }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", checks: [{ version, ...passed }] });
  });

  it("with none where they are not recorded, and the source is gone, unreachable or not named", async () => {
    const version = await stack.backedUp();
    const drill = async (publicKey: unknown, backup: Record<string, unknown> = {}) => {
      const { outcome, checks } = await drilled(
        { keyThumbprints: undefined, ...backup },
        { triggers: [Math.random()] },
      );
      const privateKey = expect.stringContaining("not run: ");
      expect([outcome, checks]).toEqual(["partly", [{ version, versionId: "passed", publicKey, privateKey }]]);
    };
    await drill(expect.stringContaining("and of the source nothing is known (backup.keyUri)"), { keyUri: undefined });
    stack.source.fail("get", { kind: "forbidden", reason: "firewall" });
    await drill(expect.stringMatching(/^not run: Key Vault refused to read .*firewall \(networkAcls.ipRules\)/));
    stack.source.fail("get", { kind: "reset" }, 9);
    await drill(expect.stringMatching(/^not run: Could not read key "orders" in .*ECONNRESET/));
    stack.source.clearFaults();
    stack.source.deleteKey("orders");
    await drill("not run: its public key is not recorded with the backup, and the source has none of it");
  });

  it("with none where the scratch vault lets its own not be read", async () => {
    const version = await stack.backedUp();
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("get");
    const { outcome, checks } = await drilled();
    const publicKey = expect.stringMatching(/^not run: Key Vault refused to read .* the key permission "get"/);
    const privateKey = expect.stringContaining("not run: ");
    expect([outcome, checks]).toEqual(["partly", [{ version, versionId: "passed", publicKey, privateKey }]]);
  });
});

describe("the versions", () => {
  it("are known in part only to a backup that does not tell them", async () => {
    const version = await stack.backedUp();
    const versionId = "not run: the backup does not say whether it holds it";
    expect(await drilled({ keyVersions: undefined })).toMatchObject({
      outcome: "partly",
      checks: [{ version, ...passed, versionId }],
    });
  });

  it("are proved in part by an identity that may read keys and not list them, since there may be others", async () => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
    const { outcome, checks } = await drilled({}, { allowSoftDeletedCopies: true });
    const expected = [second, first].map((version) => ({ version, ...passed, versionId: notListed }));
    expect([outcome, checks]).toEqual(["partly", expected]);
  });

  it("are never proved by such an identity, be there a version more than the backup is said to hold or not", async () => {
    const first = await stack.backedUp();
    const { keyVersions, keyThumbprints } = stack.recorded;
    await stack.rotated();
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete("list");
    const { outcome, checks } = await drilled({ keyVersions, keyThumbprints }, { allowSoftDeletedCopies: true });
    expect(outcome).toBe("partly");
    expect(checks).toContainEqual({ version: first, ...passed, versionId: notListed });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
  });

  it("are proved of a key in another spelling of its name", async () => {
    await stack.backedUp();
    expect(await drilled({ keyName: "ORDERS" })).toMatchObject({ outcome: "verified" });
  });

  it("are not proved by an identity that may not learn whether the scratch vault has purge protection", async () => {
    stack = await service.newStack({}, { operation: 1_000 });
    await stack.backedUp();
    stack.target.permissions.delete("list");
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    const because = expect.stringContaining("Grant the data action Microsoft.KeyVault/vaults/keys/read, for instance");
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", failure: because, restoredVersions: [] });
    expect(stack.changes).toEqual([]);
  });
});
