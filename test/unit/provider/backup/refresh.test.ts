import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { key } from "../../../../src/objects/key";
import { backupFamily } from "../../../../src/provider/backup/family";
import { connect } from "../../../../src/provider/engine/connect";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, whileNothingResolves } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await BackupStack.start(service);
});

/** A refresh succeeds and finds the key so, without making a backup. */
async function refreshFinds(sourceStatus: string, reason: RegExp): Promise<void> {
  const { blob, versions } = stack.outputs;
  stack.pass(0);
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus, blob, versions });
  expect(stack.outputs.sourceStatusReason).toMatch(reason);
  expect(stack.asked).not.toContain("backup");
}

describe("a refresh", () => {
  it("asks once and prints nothing if the key is unchanged", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs).toEqual(outputs);
    expect(stack.asked).toEqual(["listVersions"]);
    expect(stack.printed).toBe("");
  });

  it("finds a soft-deleted key missing, with the command that recovers it, and says that the backup is kept", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    await refreshFinds(
      "missing",
      /is soft-deleted\. Recover it: az keyvault key recover --vault-name localhost --name/,
    );
    expect(stack.printed).toContain(
      `KeyBackup ${stack.keyUri}: the backup is kept; the source is missing. Key "orders"`,
    );
    expect(stack.asked).toEqual(["listVersions", "getDeleted"]);
  });

  it("finds a purged key missing", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    stack.vault.keys.purge("orders");
    await refreshFinds("missing", /^Key "orders" is not in localhost:\d+\.$/);
  });

  it("finds a key that is back current again, without a reason", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    await stack.engine.refresh();
    stack.vault.keys.recover("orders");
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs.sourceStatus).toBe("current");
    expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
  });

  it.each([
    ["firewall", { kind: "forbidden", reason: "firewall" }, /ForbiddenByFirewall/],
    ["failing service", { kind: "status", status: 503 }, /The service failed and retries did not help/],
    ["reset connection", { kind: "reset" }, /the connection failed \(ECONNRESET\)/],
    ["missing permission", { kind: "forbidden", reason: "rbac" }, /Grant Microsoft.KeyVault\/vaults\/keys\/read/],
  ] as const)("behind a %s finds the key unreachable, in the same words at each attempt", async (_, fault, reason) => {
    await stack.backedUp();
    stack.vault.fail("listVersions", fault, Number.POSITIVE_INFINITY);
    await refreshFinds("unreachable", reason);
    expect(stack.outputs.sourceStatusReason).not.toMatch(/request id|More:/i);
    expect(stack.printed).toContain("the backup is kept; the source is unreachable.");
    const { outputs } = stack;
    await refreshFinds("unreachable", reason);
    expect(stack.outputs).toEqual(outputs);
  });

  it.each(["changed", "missing"])("of an unresolvable host keeps that the key was seen %s", async (status) => {
    await stack.backedUp();
    const keyUri = "https://kv-gone.example/keys/orders";
    const [version] = stack.outputs.versions as string[];
    const edited = {
      ...stack.outputs,
      vaultUri: "https://kv-gone.example/",
      keyUri,
      keyUriWithVersion: `${keyUri}/${version}`,
      sourceStatus: status,
      sourceStatusReason: "as it was seen",
    };
    stack.engine.edit(edited);
    await whileNothingResolves(() => stack.engine.refresh());
    expect(stack.engine.failure).toBeUndefined();
    expect(stack.outputs).toEqual(edited);
    expect(stack.printed).toContain("the source is unreachable. ");
  });

  it("of an unresolvable host finds the key unreachable, not missing", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, vaultUri: "https://kv-gone.example/" });
    await whileNothingResolves(() => refreshFinds("unreachable", /the host name does not resolve \(ENOTFOUND\)/));
  });

  it("keeps a damaged blob as it is, so that the next preview can say so", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs).toMatchObject({ blob: "AAAA", sourceStatus: "current" });
    expect(await stack.preview()).toBe(true);
    expect(stack.printed).toContain("the blob in the state is damaged");
  });

  it("keeps a record whose URIs were edited away, and says what is wrong", async () => {
    await stack.backedUp();
    const { blob, blobSha256 } = stack.outputs;
    stack.engine.edit({ blob, blobSha256 });
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs).toMatchObject({ blob, blobSha256, sourceStatus: "unreachable" });
  });

  it("of a resource that is not in the state fails with one sentence that names the alternatives", async () => {
    const provider = defineProvider(backupFamily("KeyBackup", key), stack.stack.environment());
    const error: unknown = await provider.read("my-id", {}, undefined).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining('KeyBackup "my-id" is not in the state.'),
      stack: "",
    });
    expect((error as Error).message).toContain("KeyBackup.get and pulumi import are not available");
    expect(stack.asked).toEqual([]);
  });
});

describe("a refresh that cannot connect to the vault keeps the backup and succeeds", () => {
  const read = async (config: Record<string, string>) =>
    (
      await defineProvider(backupFamily("KeyBackup", key), { ...stack.stack.environment(), connect }).read(
        stack.engine.id,
        stack.outputs,
        { get: (name) => config[name] },
      )
    ).props;

  beforeEach(() => stack.backedUp());

  it("if NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS verification off", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(await read({})).toMatchObject({
        sourceStatus: "unreachable",
        sourceStatusReason: expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED=0 turns/),
        blobSha256: stack.outputs.blobSha256,
      });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(stack.asked).toEqual([]);
  });

  it("if the configuration has a mistake", async () => {
    expect(await read({ "azure-keyvault-backup:disableChallengeResourceVerification": "yes" })).toMatchObject({
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringContaining("must be true or false"),
    });
    expect(stack.asked).toEqual([]);
  });

  it("if the credential is not configured completely, with a hint at the settings that the last update recorded", async () => {
    const config = {
      "azure-native:clientSecret": "hunter2",
      "azure-keyvault-backup:disableChallengeResourceVerification": "true",
    };
    const { sourceStatus, sourceStatusReason } = await read(config);
    expect(sourceStatus).toBe("unreachable");
    expect(sourceStatusReason).toContain("azure-native:tenantId");
    expect(sourceStatusReason).toContain("the settings that the last pulumi up recorded.");
    expect(sourceStatusReason).not.toContain("hunter2");
  });
});
