import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { connect } from "../../../../src/provider/engine/connect";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, whileNothingResolves } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** A refresh succeeds and finds the object so, without making a backup. */
async function refreshFinds(sourceStatus: string, reason: RegExp): Promise<void> {
  const { blob, versions } = stack.outputs;
  stack.pass(0);
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs).toMatchObject({ sourceStatus, blob, versions });
  expect(stack.outputs.sourceStatusReason).toMatch(reason);
  expect(stack.asked).not.toContain("backup");
}

describe.each(objectKinds)("a refresh of a $noun's backup", (kind) => {
  const object = `${capitalized(kind.noun)} "orders"`;

  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("asks once and prints nothing if the object is unchanged", async () => {
    await stack.backedUp();
    const { outputs } = stack;
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs).toEqual(outputs);
    expect(stack.asked).toEqual(["listVersions"]);
    expect(stack.printed).toBe("");
  });

  it("finds a soft-deleted object missing, with the command that recovers it, and says that the backup is kept", async () => {
    await stack.backedUp();
    stack.objects.delete("orders");
    await refreshFinds(
      "missing",
      new RegExp(`is soft-deleted\\. Recover it: az keyvault ${kind.noun} recover --vault-name localhost --name`),
    );
    expect(stack.printed).toContain(
      `${stack.resource} ${stack.uri}: the backup is kept; the source is missing. ${object}`,
    );
    expect(stack.asked).toEqual(["listVersions", "getDeleted"]);
  });

  it("finds a purged object missing", async () => {
    await stack.backedUp();
    stack.purge();
    await refreshFinds("missing", new RegExp(`^${object} is not in localhost:\\d+\\.$`));
  });

  it("finds an object that is back current again, without a reason", async () => {
    await stack.backedUp();
    stack.objects.delete("orders");
    await stack.engine.refresh();
    stack.objects.recover("orders");
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs.sourceStatus).toBe("current");
    expect(stack.outputs).not.toHaveProperty("sourceStatusReason");
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

  it("without the permission to list finds the object unreachable, and says what to grant", async () => {
    await stack.backedUp();
    stack.objects.permissions.delete("list");
    await refreshFinds("unreachable", new RegExp(`Grant ${kind.permissions.list.dataAction},`));
    expect(stack.asked).toEqual(["listVersions"]);
  });

  it("of a resource that is not in the state fails with one sentence that names the alternatives", async () => {
    const error: unknown = await stack
      .newProvider()
      .read("my-id", {}, undefined)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining(`${stack.resource} "my-id" is not in the state.`),
      stack: "",
    });
    expect((error as Error).message).toContain(`${stack.resource}.get and pulumi import are not available`);
    expect(stack.asked).toEqual([]);
  });
});

describe("a refresh", () => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
  });

  it.each([
    ["firewall", { kind: "forbidden", reason: "firewall" }, /ForbiddenByFirewall/],
    ["failing service", { kind: "status", status: 503 }, /The service failed and retries did not help/],
    ["reset connection", { kind: "reset" }, /the connection failed \(ECONNRESET\)/],
    ["missing permission", { kind: "forbidden", reason: "rbac" }, /Grant Microsoft.KeyVault\/vaults\/keys\/read/],
  ] as const)(
    "behind a %s finds the object unreachable, in the same words at each attempt",
    async (_, fault, reason) => {
      await stack.backedUp();
      stack.vault.fail("listVersions", fault, Number.POSITIVE_INFINITY);
      await refreshFinds("unreachable", reason);
      expect(stack.outputs.sourceStatusReason).not.toMatch(/request id|More:/i);
      expect(stack.printed).toContain("the backup is kept; the source is unreachable.");
      const { outputs } = stack;
      await refreshFinds("unreachable", reason);
      expect(stack.outputs).toEqual(outputs);
    },
  );

  it.each(["changed", "missing"])("of an unresolvable host keeps that the object was seen %s", async (status) => {
    await stack.backedUp();
    const uri = "https://kv-gone.example/keys/orders";
    const [version] = stack.outputs.versions as string[];
    const edited = {
      ...stack.outputs,
      vaultUri: "https://kv-gone.example/",
      ...stack.at(uri),
      keyUriWithVersion: `${uri}/${version}`,
      sourceStatus: status,
      sourceStatusReason: "as it was seen",
    };
    stack.engine.edit(edited);
    await whileNothingResolves(() => stack.engine.refresh());
    expect(stack.engine.failure).toBeUndefined();
    expect(stack.outputs).toEqual(edited);
    expect(stack.printed).toContain("the source is unreachable. ");
  });

  it("of an unresolvable host finds the object unreachable, not missing", async () => {
    await stack.backedUp();
    stack.engine.edit({ ...stack.outputs, vaultUri: "https://kv-gone.example/" });
    await whileNothingResolves(() => refreshFinds("unreachable", /the host name does not resolve \(ENOTFOUND\)/));
  });
});

describe("a refresh of a soft-deleted secret's backup", () => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, secret);
    await stack.backedUp();
  });

  it.each([
    ["the secret is disabled", () => stack.objects.update("orders", undefined, { enabled: false })],
    ["the identity may not read values", () => stack.objects.permissions.delete("get")],
  ])("finds the secret among all deleted secrets if %s", async (_, change) => {
    change();
    stack.objects.delete("orders");
    await refreshFinds("missing", /is soft-deleted\. Recover it: az keyvault secret recover/);
    expect(stack.asked).toEqual(["listVersions", "getDeleted", "listDeleted"]);
  });
});

describe("a refresh that cannot connect to the vault keeps the backup and succeeds", () => {
  const read = async (config: Record<string, string>) =>
    (await stack.newProvider({ connect }).read(stack.engine.id, stack.outputs, { get: (name) => config[name] })).props;

  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
    await stack.backedUp();
  });

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
