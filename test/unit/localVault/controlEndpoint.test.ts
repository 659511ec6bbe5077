import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import { collectionNames } from "../../../localVault/objectKind";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

async function control(method: string, path: string, body?: unknown) {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${service.controlUri}${path}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the control endpoint", () => {
  it("creates a vault once", async () => {
    const [created, again] = [await control("PUT", "/vaults/kv-one"), await control("PUT", "/vaults/kv-one")];
    expect(created).toEqual({ status: 200, body: { name: "kv-one", vaultUri: service.vault("kv-one")?.vaultUri } });
    expect(again).toEqual(created);
    expect(await control("GET", "/vaults/kv-one")).toEqual(created);
  });

  it("creates a Managed HSM if it is told to", async () => {
    await control("PUT", "/vaults/hsm-one", { kind: "managedHsm" });
    await control("PUT", "/vaults/kv-plain");
    expect([service.vault("hsm-one")?.kind, service.vault("kv-plain")?.kind]).toEqual(["managedHsm", "vault"]);
  });

  it("creates a vault once for callers who come together", async () => {
    const answers = await Promise.all([control("PUT", "/vaults/kv-two"), control("PUT", "/vaults/kv-two")]);
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.status).toBe(200);
  });

  it("removes a vault", async () => {
    const { body } = await control("PUT", "/vaults/kv-gone");
    expect((await control("DELETE", "/vaults/kv-gone")).status).toBe(200);
    expect((await control("GET", "/vaults/kv-gone")).status).toBe(404);
    await expect(fetch(String(body.vaultUri))).rejects.toThrow();
  });

  it.each(collectionNames)("creates, rotates, tags and removes one of the %s", async (collection) => {
    const path = `/vaults/kv-${collection}/${collection}/orders`;
    await control("PUT", `/vaults/kv-${collection}`);
    const created = await control("PUT", path, { tags: { team: "sales" } });
    const vaultUri = service.vault(`kv-${collection}`)?.vaultUri;
    const { version } = created.body;
    expect(created.body).toMatchObject({
      name: "orders",
      uri: `${vaultUri}${collection}/orders`,
      uriWithVersion: `${vaultUri}${collection}/orders/${version}`,
      tags: { team: "sales" },
    });
    expect(await control("PUT", path, {})).toEqual(created);

    const rotated = await control("POST", `${path}/rotate`);
    expect(rotated.body.uri).toBe(created.body.uri);
    expect(rotated.body.uriWithVersion).not.toBe(created.body.uriWithVersion);
    await control("PUT", `${path}/tags`, { tags: { team: "stock" } });
    expect((await control("GET", path)).body).toMatchObject({
      tags: { team: "stock" },
      version: rotated.body.version,
    });

    expect((await control("DELETE", path)).status).toBe(200);
    expect((await control("GET", path)).status).toBe(404);
    expect((await control("PUT", path)).status).toBe(409);
  });

  it("creates a key of the type that it is told", async () => {
    await control("PUT", "/vaults/kv-types/");
    await control("PUT", "/vaults/kv-types/keys/orders", { kty: "RSA" });
    expect(service.vault("kv-types")?.keys.publicJwk("orders").kty).toBe("RSA");
  });

  it("makes a version of a secret only for another value, and never answers the value", async () => {
    await control("PUT", "/vaults/kv-values");
    const put = (value: string) => control("PUT", "/vaults/kv-values/secrets/password", { value });
    const [one, same, other] = [await put("one"), await put("one"), await put("two")];
    expect(same).toEqual(one);
    expect(other.body.version).not.toBe(one.body.version);
    const secrets = service.vault("kv-values")?.secrets;
    expect([secrets?.value("password"), secrets?.versions("password").length]).toEqual(["two", 2]);
    expect(JSON.stringify([one, other])).not.toMatch(/"(one|two)"/);
  });

  it("delays a role assignment", async () => {
    await control("PUT", "/vaults/kv-role");
    await control("PUT", "/vaults/kv-role/keys/orders");
    const read = async () => {
      const headers = { authorization: `Bearer ${service.identity.accessToken()}` };
      const keyUri = `${service.vault("kv-role")?.vaultUri}keys/orders?api-version=7.4`;
      return (await fetch(keyUri, { headers })).status;
    };
    await control("PUT", "/vaults/kv-role/role", { propagationMilliseconds: 60_000 });
    expect(await read()).toBe(403);
    await control("PUT", "/vaults/kv-role/role", { propagationMilliseconds: 0 });
    expect(await read()).toBe(200);
  });

  it("refuses what it does not know", async () => {
    expect((await control("GET", "/elsewhere")).status).toBe(404);
    expect((await control("GET", "/vaults/missing/keys/orders")).status).toBe(404);
    expect((await control("PATCH", "/vaults/kv-one")).status).toBe(405);
    expect((await control("PUT", "/vaults/kv-one/keys/orders", ["no"])).status).toBe(400);
  });
});

describe("the service", () => {
  it("tells a child process where to get tokens and what to trust", async () => {
    expect(service.environment()).toEqual({
      NODE_EXTRA_CA_CERTS: service.certificatePath,
      IDENTITY_ENDPOINT: service.identity.endpoint,
      IDENTITY_HEADER: service.identity.header,
    });
    expect(await readFile(service.certificatePath, "utf8")).toBe(service.certificatePem);
  });

  it("serves a child process that was told so", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders");
    const program = `
      const { DefaultAzureCredential } = require("@azure/identity");
      const { KeyClient } = require("@azure/keyvault-keys");
      const options = { disableChallengeResourceVerification: true };
      const client = new KeyClient(process.argv[1], new DefaultAzureCredential(), options);
      client.backupKey("orders").then((backup) => process.stdout.write(String(backup.length)));`;
    const env = { ...process.env, ...service.environment() };
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", program, vault.vaultUri], { env });
    expect(stdout).toBe("8036");
    expect(vault.count("backup")).toBe(1);
  });

  it("does not serve a name twice", async () => {
    await service.createVault("kv-taken");
    await expect(service.createVault("kv-taken")).rejects.toThrow("kv-taken");
  });

  it("leaves nothing behind when it stops, however often it is told to", async () => {
    const other = await LocalKeyVault.start();
    const { controlUri, certificatePath } = other;
    await other.createVault();
    expect(existsSync(certificatePath)).toBe(true);
    await Promise.all([other.stop(), other.stop()]);
    await other.stop();
    expect(existsSync(certificatePath)).toBe(false);
    await expect(fetch(`${controlUri}/vaults/x`)).rejects.toThrow();
  });
});
