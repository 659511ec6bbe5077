import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { keyClient, secretClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault();
  await vault.keys.create("orders");
});

const tagsRead = async () => (await keyClient(service, vault).getKey("orders")).properties.tags;

describe("a handler before a request", () => {
  it("can change the key before the request is answered", async () => {
    vault.onRequest("get", async () => {
      await wait(5);
      vault.keys.update("orders", undefined, { tags: { team: "sales" } });
    });
    expect(await tagsRead()).toEqual({ team: "sales" });
  });

  it("is called once, for an authorised request of its operation", async () => {
    let calls = 0;
    vault.onRequest("get", () => {
      calls += 1;
    });
    const client = keyClient(service, vault);
    await client.backupKey("orders");
    vault.keys.permissions.delete("get");
    await refusalOf(client.getKey("orders"));
    vault.keys.permissions.add("get");
    vault.fail("get", { kind: "status", status: 503 });
    await refusalOf(client.getKey("orders"));
    expect(calls).toBe(0);
    await client.getKey("orders");
    await client.getKey("orders");
    expect(calls).toBe(1);
  });

  it("waits for the handlers that were announced before it, one for each request", async () => {
    for (const team of ["sales", "billing"]) {
      vault.onRequest("get", () => void vault.keys.update("orders", undefined, { tags: { team } }));
    }
    expect([await tagsRead(), await tagsRead(), await tagsRead()]).toEqual([
      { team: "sales" },
      { team: "billing" },
      { team: "billing" },
    ]);
  });

  it("is called if a fault lets the operation be carried out", async () => {
    vault.onRequest("delete", () => vault.keys.delete("orders"));
    vault.fail("delete", { kind: "delay", milliseconds: 1 });
    expect(await refusalOf(keyClient(service, vault).beginDeleteKey("orders"))).toMatchObject({ statusCode: 404 });
  });
});

describe("a handler after a request", () => {
  it("can change the key before the answer is sent", async () => {
    vault.afterRequest("get", () => vault.keys.delete("orders"));
    expect(await tagsRead()).toBeUndefined();
    expect(vault.keys.isDeleted("orders")).toBe(true);
    expect(await refusalOf(tagsRead())).toMatchObject({ statusCode: 404 });
  });

  it("waits until an operation succeeds", async () => {
    let calls = 0;
    vault.afterRequest("restore", () => {
      calls += 1;
    });
    const client = keyClient(service, vault);
    const backup = Buffer.from(await vault.keys.backUp("orders"), "base64url");
    expect(await refusalOf(client.restoreKeyBackup(backup))).toMatchObject({ statusCode: 409 });
    vault.keys.delete("orders");
    vault.keys.purge("orders");
    expect(calls).toBe(0);
    await client.restoreKeyBackup(backup);
    expect(calls).toBe(1);
  });

  it("is called even if the answer is lost", async () => {
    vault.afterRequest("backup", () => vault.keys.delete("orders"));
    vault.fail("backup", { kind: "lostAnswer" });
    expect(await refusalOf(keyClient(service, vault).backupKey("orders"))).toMatchObject({ code: "ECONNRESET" });
    expect(vault.keys.isDeleted("orders")).toBe(true);
  });
});

describe("a handler of one collection", () => {
  it("is not called for requests of the others", async () => {
    const called: string[] = [];
    await vault.secrets.create("password");
    vault.onRequest("get", () => void called.push("before"), "secrets");
    vault.afterRequest("get", () => void called.push("after"), "secrets");
    vault.onRequest("get", () => void called.push("any"));
    await tagsRead();
    expect(called).toEqual(["any"]);
    await secretClient(service, vault).getSecret("password");
    expect(called).toEqual(["any", "before", "after"]);
  });
});

it("calls no handler that was cleared", async () => {
  vault.onRequest("get", () => vault.keys.delete("orders"));
  vault.afterRequest("get", () => vault.keys.delete("orders"));
  vault.clearHandlers();
  await tagsRead();
  expect(vault.keys.has("orders")).toBe(true);
});
