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

/** The deletion fails with the reason and the way out, and the record stays. */
async function isRefused(because: string, sourceUri = stack.keyUri): Promise<void> {
  const { outputs } = stack;
  expect(await stack.engine.destroy()).toBe(false);
  expect(stack.outputs).toEqual(outputs);
  const { failureMessage } = stack.engine;
  expect(failureMessage).toContain(`Not deleted: the backup of ${sourceUri} may be the only copy.`);
  expect(failureMessage).toContain(because);
  expect(failureMessage).toContain("set forceDelete: true, run pulumi up");
  expect(failureMessage).toContain("troubleshooting.md#not-deleted");
  expect(stack.engine.failure).toMatchObject({ stack: "" });
}

async function succeeds(asked: string[]): Promise<void> {
  stack.pass(0);
  expect(await stack.engine.destroy()).toBe(true);
  expect(stack.asked).toEqual(asked);
}

describe("deleting a KeyBackup is allowed", () => {
  it("after one look if the vault has every version of the backup", async () => {
    await stack.backedUp();
    await stack.vault.keys.rotate("orders");
    await succeeds(["listVersions"]);
  });

  it("after one look if the earlier backups hold no version that the vault lacks", async () => {
    await stack.backedUp({ retain: 2 });
    await stack.mustUp({ triggers: [1], retain: 2 });
    await stack.mustUp({ triggers: [2], retain: 2 });
    await succeeds(["listVersions"]);
  });

  it("if the vault has the earlier backup's other key too", async () => {
    await stack.backedUp();
    await stack.vault.keys.create("invoices");
    await stack.mustUp({ keyName: "invoices" });
    await succeeds(["listVersions", "listVersions"]);
  });

  it("without any request once forceDelete is recorded, which takes no request either", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    expect(await stack.preview({ forceDelete: true })).toBe(true);
    expect(stack.printed).toContain("no new backup; the record changes, because forceDelete changed.");
    await stack.mustUp({ forceDelete: true });
    expect(await stack.preview({ forceDelete: true })).toBe(false);
    expect(stack.asked).toEqual([]);
    await succeeds([]);
  });

  it("by a program that no longer declares the resource", async () => {
    await stack.backedUp();
    expect(await stack.engine.up(undefined)).toBe(true);
    expect(stack.engine.outputs).toBeUndefined();
  });

  it("if the state records no backup", async () => {
    await stack.backedUp();
    stack.engine.edit({ vaultUri: stack.vault.vaultUri });
    await succeeds([]);
  });
});

describe("deleting a KeyBackup is refused if", () => {
  it("the key is missing", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    stack.vault.keys.purge("orders");
    await isRefused('Key "orders" is not in localhost');
  });

  it("the key is soft-deleted", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    await isRefused("is soft-deleted. Recover it: az keyvault key recover");
  });

  it("the vault lacks a version of the backup", async () => {
    const version = await stack.backedUp();
    await stack.createAnew();
    await isRefused(`The vault no longer has version ${version}.`);
  });

  it("the vault lacks a version of an earlier backup", async () => {
    const version = await stack.backedUp();
    await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    await isRefused(`The vault no longer has version ${version}.`);
  });

  it("the vault lacks the key of an earlier backup", async () => {
    await stack.backedUp();
    await stack.vault.keys.create("invoices");
    await stack.mustUp({ keyName: "invoices" });
    stack.vault.keys.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("an earlier backup does not say which key it is of", async () => {
    await stack.backedUp();
    const previous = { a: { blobSha256: "a", versions: stack.outputs.versions, backedUpAt: "", keptBecause: "" } };
    stack.engine.edit({ ...stack.outputs, previous });
    await isRefused("The state does not say which object it is a backup of.", "");
  });

  it("the role assignment of whoever deletes it has expired", async () => {
    await stack.backedUp();
    stack.vault.keys.permissions.delete("list");
    await isRefused("403 Forbidden (ForbiddenByRbac). Grant Microsoft.KeyVault/vaults/keys/read");
  });

  it("the vault's firewall does not allow the request", async () => {
    await stack.backedUp();
    stack.vault.fail("listVersions", { kind: "forbidden", reason: "firewall" });
    await isRefused("ForbiddenByFirewall");
  });

  it.each([
    ["the vault's private endpoint is elsewhere", { kind: "forbidden", reason: "privateLink" }],
    ["the vault does not accept the token", { kind: "unauthorized" }],
    ["a proxy answers in the vault's place", { kind: "html", status: 403 }],
    ["a proxy answers that nothing is there", { kind: "html", status: 404 }],
    ["the service fails", { kind: "status", status: 500 }],
    ["the connection is reset", { kind: "reset" }],
  ] as const)("%s", async (_, fault) => {
    await stack.backedUp();
    stack.vault.fail("listVersions", fault, Number.POSITIVE_INFINITY);
    await isRefused('list the versions of key "orders" in localhost');
    stack.vault.clearFaults();
    await succeeds(["listVersions"]);
  });

  it("the vault gives no answer in time", async () => {
    stack = await BackupStack.start(service, { read: 200 });
    await stack.backedUp();
    stack.vault.fail("listVersions", { kind: "stall" }, Number.POSITIVE_INFINITY);
    await isRefused("no answer came in time");
  });

  it("the host name of the vault does not resolve", async () => {
    await stack.backedUp();
    const keyUri = "https://kv-gone.example/keys/orders";
    stack.engine.edit({ ...stack.outputs, vaultUri: "https://kv-gone.example/", keyUri });
    await whileNothingResolves(() => isRefused("the host name does not resolve (ENOTFOUND)", keyUri));
  });

  it("the versions of the backup are unknown, also if the vault has the key", async () => {
    stack.vault.keys.permissions.delete("list");
    await stack.backedUp();
    stack.vault.keys.permissions.add("list");
    await isRefused("The versions that the backup holds are unknown.");
  });

  it("the state lost the hash of the blob, and the key is missing", async () => {
    await stack.backedUp();
    const { blobSha256, ...others } = stack.outputs;
    stack.engine.edit(others);
    stack.vault.keys.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("forceDelete was recorded and taken back", async () => {
    await stack.backedUp({ forceDelete: true });
    await stack.mustUp();
    stack.vault.keys.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("forceDelete is declared and not recorded yet", async () => {
    await stack.backedUp();
    stack.vault.keys.delete("orders");
    await stack.preview({ forceDelete: true });
    await isRefused("is soft-deleted");
  });
});

describe("deleting a KeyBackup whose vault cannot be connected to is refused if", () => {
  const deletion = (config: Record<string, string>) =>
    defineProvider(backupFamily("KeyBackup", key), { ...stack.stack.environment(), connect })
      .delete("id", stack.outputs, { get: (name) => config[name] })
      .then(
        () => "",
        (error: Error) => error.message,
      );

  beforeEach(() => stack.backedUp());

  it("NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS verification off, and no request is made", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      const message = await deletion({});
      expect(message).toContain("may be the only copy. NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS verification off");
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(stack.asked).toEqual([]);
  });

  it("the configuration has a mistake, and no request is made", async () => {
    const message = await deletion({ "azure-keyvault-backup:timeoutSeconds": "soon" });
    expect(message).toContain("may be the only copy. azure-keyvault-backup:timeoutSeconds must be a whole number");
    expect(stack.asked).toEqual([]);
  });
});
