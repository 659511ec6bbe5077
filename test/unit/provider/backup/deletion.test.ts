import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { connect } from "../../../../src/provider/engine/connect";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack, whileNothingResolves } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** The deletion fails with the reason and the way out, and the record stays. */
async function isRefused(because: string, sourceUri = stack.uri): Promise<void> {
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

describe.each(objectKinds)("deleting a backup of a $noun is allowed", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("after one look if the vault has every version of the backup", async () => {
    await stack.backedUp();
    await stack.rotate();
    await succeeds(["listVersions"]);
  });

  it("after one look if the earlier backups hold no version that the vault lacks", async () => {
    await stack.backedUp({ retain: 2 });
    await stack.mustUp({ triggers: [1], retain: 2 });
    await stack.mustUp({ triggers: [2], retain: 2 });
    await succeeds(["listVersions"]);
  });

  it("if the vault has the earlier backup's other object too", async () => {
    await stack.backedUp();
    await stack.create("invoices");
    await stack.mustUp(stack.named("invoices"));
    await succeeds(["listVersions", "listVersions"]);
  });

  it("without any request once forceDelete is recorded, which takes no request either", async () => {
    await stack.backedUp();
    stack.objects.delete("orders");
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

describe.each(objectKinds)("deleting a backup of a $noun is refused if", (kind) => {
  const object = `${capitalized(kind.noun)} "orders"`;

  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("the object is missing", async () => {
    await stack.backedUp();
    stack.purge();
    await isRefused(`${object} is not in localhost`);
  });

  it("the object is soft-deleted", async () => {
    await stack.backedUp();
    stack.objects.delete("orders");
    await isRefused(`is soft-deleted. Recover it: az keyvault ${kind.noun} recover`);
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

  it("the vault lacks the object of an earlier backup", async () => {
    await stack.backedUp();
    await stack.create("invoices");
    await stack.mustUp(stack.named("invoices"));
    stack.objects.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("an earlier backup does not say which object it is of", async () => {
    await stack.backedUp();
    const previous = { a: { blobSha256: "a", versions: stack.outputs.versions, backedUpAt: "", keptBecause: "" } };
    stack.engine.edit({ ...stack.outputs, previous });
    await isRefused("The state does not name the object that was backed up.", "");
  });

  it("the role assignment of whoever deletes it has expired", async () => {
    await stack.backedUp();
    stack.objects.permissions.delete("list");
    await isRefused(`403 Forbidden (ForbiddenByRbac). Grant ${kind.permissions.list.dataAction}`);
  });

  it("the versions of the backup are unknown, also if the vault has the object", async () => {
    stack.objects.permissions.delete("list");
    await stack.backedUp();
    stack.objects.permissions.add("list");
    await isRefused("The versions that the backup holds are unknown.");
  });

  it("the state lost the hash of the blob, and the object is missing", async () => {
    await stack.backedUp();
    const { blobSha256, ...others } = stack.outputs;
    stack.engine.edit(others);
    stack.objects.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("forceDelete was recorded and taken back", async () => {
    await stack.backedUp({ forceDelete: true });
    await stack.mustUp();
    stack.objects.delete("orders");
    await isRefused("is soft-deleted");
  });

  it("forceDelete is declared and not recorded yet", async () => {
    await stack.backedUp();
    stack.objects.delete("orders");
    await stack.preview({ forceDelete: true });
    await isRefused("is soft-deleted");
  });
});

describe("deleting a backup is refused if", () => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
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

  it("the vault's firewall does not allow the request", async () => {
    await stack.backedUp();
    stack.vault.fail("listVersions", { kind: "forbidden", reason: "firewall" });
    await isRefused("ForbiddenByFirewall");
  });

  it("the vault gives no answer in time", async () => {
    stack = await BackupStack.start(service, key, { read: 200 });
    await stack.backedUp();
    stack.vault.fail("listVersions", { kind: "stall" }, Number.POSITIVE_INFINITY);
    await isRefused("no answer came in time");
  });

  it("the host name of the vault does not resolve", async () => {
    await stack.backedUp();
    const uri = "https://kv-gone.example/keys/orders";
    stack.engine.edit({ ...stack.outputs, vaultUri: "https://kv-gone.example/", ...stack.at(uri) });
    await whileNothingResolves(() => isRefused("the host name does not resolve (ENOTFOUND)", uri));
  });
});

describe("deleting a backup whose vault cannot be connected to is refused if", () => {
  const deletion = (config: Record<string, string>) =>
    stack
      .newProvider({ connect })
      .delete("id", stack.outputs, { get: (name) => config[name] })
      .then(
        () => "",
        (error: Error) => error.message,
      );

  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
    await stack.backedUp();
  });

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
