import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type AzureNativeStandIn, azureNativeStandIn } from "../../support/azureNative/azureNativeStandIn";
import { changedAt, changedInputs } from "../../support/azureNative/changedInputs";
import { UNKNOWN } from "../../support/azureNative/resourceType";

const GROUP = "/subscriptions/33333333-3333-4333-8333-333333333333/resourceGroups/production";
const VAULT_ID = `${GROUP}/providers/Microsoft.KeyVault/vaults/kv`;
const VAULT_INPUTS = { resourceGroupName: "production", vaultName: "kv", properties: { tenantId: "t" } };
const KEY_INPUTS = { resourceGroupName: "production", vaultName: "kv", keyName: "signing", properties: { kty: "EC" } };
const SECRET_INPUTS = {
  resourceGroupName: "production",
  vaultName: "kv",
  secretName: "password",
  properties: { value: "s3cret", contentType: "text/plain" },
};

let server: Server;
let requests: string[];
let version: number;
let isGone: boolean;
let env: NodeJS.ProcessEnv;
let standIn: AzureNativeStandIn;

function answer(url: string): object {
  const [, , vault, collection, name] = url.split("/");
  const vaultUri = `https://${vault}.vault.localhost/`;
  if (name === undefined) return { name: vault, vaultUri };
  const uri = `${vaultUri}${collection}/${name}`;
  return { name, uri, uriWithVersion: `${uri}/${version}` };
}

beforeEach(async () => {
  requests = [];
  version = 1;
  isGone = false;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    requests.push(`${request.method} ${request.url} ${Buffer.concat(chunks)}`.trimEnd());
    response.statusCode = isGone ? 404 : 200;
    response.end(JSON.stringify(answer(request.url ?? "")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  env = { LOCAL_VAULT_CONTROL_URI: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  standIn = azureNativeStandIn(env);
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

describe("the stand-in for azure-native", () => {
  it("creates a vault whose URI is an output inside properties", async () => {
    const vault = standIn.resourceType("azure-native:keyvault:Vault");
    expect(await vault.create(VAULT_INPUTS)).toMatchObject({
      id: VAULT_ID,
      outputs: { name: "kv", properties: { tenantId: "t", vaultUri: "https://kv.vault.localhost/" } },
    });
    expect(requests).toEqual(["PUT /vaults/kv {}"]);
  });

  it("knows neither name nor URIs at preview", () => {
    expect(standIn.resourceType("azure-native:keyvault:Vault").preview(VAULT_INPUTS)).toMatchObject({
      name: UNKNOWN,
      properties: { tenantId: "t", vaultUri: UNKNOWN },
    });
    expect(standIn.resourceType("azure-native:keyvault:Key").preview({ ...KEY_INPUTS, tags: { env: "prod" } })).toEqual(
      {
        attributes: UNKNOWN,
        keyOps: UNKNOWN,
        keyUri: UNKNOWN,
        keyUriWithVersion: UNKNOWN,
        kty: UNKNOWN,
        location: UNKNOWN,
        name: UNKNOWN,
        tags: { env: "prod" },
        type: UNKNOWN,
      },
    );
  });

  it("reads the newest version of a key", async () => {
    const key = standIn.resourceType("azure-native:keyvault:Key");
    const { id, outputs } = await key.create({ ...KEY_INPUTS, tags: { env: "prod" } });
    expect(outputs.keyUriWithVersion).toBe("https://kv.vault.localhost/keys/signing/1");
    version = 2;
    expect(await key.read(id, outputs)).toEqual({
      ...outputs,
      keyUriWithVersion: "https://kv.vault.localhost/keys/signing/2",
    });
    expect(requests).toEqual([
      'PUT /vaults/kv/keys/signing {"kty":"EC","tags":{"env":"prod"}}',
      "GET /vaults/kv/keys/signing",
    ]);
  });

  it("reads a key that was deleted as gone", async () => {
    isGone = true;
    const key = standIn.resourceType("azure-native:keyvault:Key");
    expect(await key.read(`${VAULT_ID}/keys/signing`, { name: "signing" })).toBeUndefined();
  });

  it("updates the tags of a key in place", async () => {
    const key = standIn.resourceType("azure-native:keyvault:Key");
    const inputs = { ...KEY_INPUTS, tags: { env: "test" } };
    expect(await key.update(`${VAULT_ID}/keys/signing`, inputs, {})).toMatchObject({ tags: { env: "test" } });
    expect(requests[0]).toBe('PUT /vaults/kv/keys/signing/tags {"env":"test"}');
    expect(changedInputs(KEY_INPUTS, inputs)).toEqual(["tags"]);
    expect(changedAt(key.replaceOn, KEY_INPUTS, inputs)).toEqual([]);
  });

  it("replaces a key when its type changes", () => {
    const { replaceOn } = standIn.resourceType("azure-native:keyvault:Key");
    const inputs = { ...KEY_INPUTS, properties: { kty: "RSA" } };
    expect(changedAt(replaceOn, KEY_INPUTS, inputs)).toEqual(["properties.kty"]);
  });

  it("deletes keys and vaults, also those that are gone", async () => {
    isGone = true;
    await standIn.resourceType("azure-native:keyvault:Key").delete(`${VAULT_ID}/keys/signing`);
    await standIn.resourceType("azure-native:keyvault:Vault").delete(VAULT_ID);
    expect(requests).toEqual(["DELETE /vaults/kv/keys/signing", "DELETE /vaults/kv"]);
  });

  it("creates a secret and never returns its value", async () => {
    const secret = standIn.resourceType("azure-native:keyvault:Secret");
    const { id, outputs } = await secret.create({ ...SECRET_INPUTS, tags: { env: "prod" } });
    expect(id).toBe(`${VAULT_ID}/secrets/password`);
    expect(outputs).toMatchObject({
      name: "password",
      properties: {
        contentType: "text/plain",
        secretUri: "https://kv.vault.localhost/secrets/password",
        secretUriWithVersion: "https://kv.vault.localhost/secrets/password/1",
      },
    });
    expect(requests).toEqual([
      'PUT /vaults/kv/secrets/password {"value":"s3cret","contentType":"text/plain","tags":{"env":"prod"}}',
    ]);
    for (const answered of [outputs, secret.preview(SECRET_INPUTS), await secret.read(id, outputs)]) {
      expect(JSON.stringify(answered)).not.toContain("s3cret");
    }
  });

  it("sets another value of a secret in place and reads the newest version", async () => {
    const secret = standIn.resourceType("azure-native:keyvault:Secret");
    const inputs = { ...SECRET_INPUTS, properties: { value: "other" } };
    version = 2;
    expect(await secret.update(`${VAULT_ID}/secrets/password`, inputs, {})).toMatchObject({
      properties: { secretUriWithVersion: "https://kv.vault.localhost/secrets/password/2" },
    });
    expect(requests[0]).toBe('PUT /vaults/kv/secrets/password {"value":"other"}');
    expect(changedAt(secret.replaceOn, SECRET_INPUTS, inputs)).toEqual([]);
  });

  it("reads and deletes a secret that is gone", async () => {
    isGone = true;
    const secret = standIn.resourceType("azure-native:keyvault:Secret");
    expect(await secret.read(`${VAULT_ID}/secrets/password`, {})).toBeUndefined();
    await secret.delete(`${VAULT_ID}/secrets/password`);
    expect(requests.at(-1)).toBe("DELETE /vaults/kv/secrets/password");
    await expect(secret.delete(`${VAULT_ID}/keys/password`)).rejects.toThrow("is not the id of");
  });

  it("gives a role definition an id and returns its inputs", async () => {
    const definition = standIn.resourceType("azure-native:authorization:RoleDefinition");
    const permissions = [{ dataActions: ["Microsoft.KeyVault/vaults/secrets/backup/action"] }];
    const inputs = definition.check({ scope: GROUP, roleName: "Backup", permissions }, {}, "backup");
    const { id, outputs } = await definition.create(inputs);
    expect(id).toBe(`${GROUP}/providers/Microsoft.Authorization/roleDefinitions/${inputs.roleDefinitionId}`);
    expect(outputs).toMatchObject({ name: inputs.roleDefinitionId, roleName: "Backup", permissions });
    expect(definition.check({ scope: GROUP }, inputs, "backup").roleDefinitionId).toBe(inputs.roleDefinitionId);
  });

  it("names a resource once", () => {
    const vault = standIn.resourceType("azure-native:keyvault:Vault");
    const { vaultName, ...unnamed } = VAULT_INPUTS;
    const checked = vault.check(unnamed, {}, "a-vault-with-quite-a-long-name");
    expect(checked.vaultName).toMatch(/^a-vault-with-qui[0-9a-f]{8}$/);
    expect(vault.check(unnamed, checked, "a-vault-with-quite-a-long-name")).toEqual(checked);
    expect(vault.check(VAULT_INPUTS, checked, "a-vault").vaultName).toBe(vaultName);
  });

  it("starts the propagation of a role that is assigned on a vault", async () => {
    const { resourceType } = azureNativeStandIn({ ...env, STANDIN_ROLE_PROPAGATION_MS: "1500" });
    const role = resourceType("azure-native:authorization:RoleAssignment");
    await role.create({ scope: VAULT_ID, roleAssignmentName: "1" });
    await role.create({ scope: GROUP, roleAssignmentName: "2" });
    expect(requests).toEqual(['PUT /vaults/kv/role {"propagationMilliseconds":1500}']);
  });

  it("leaves roles alone without a time of propagation", async () => {
    await standIn.resourceType("azure-native:authorization:RoleAssignment").create({ scope: VAULT_ID });
    expect(requests).toEqual([]);
  });

  it("says which variable names the local Key Vault", async () => {
    const vault = azureNativeStandIn({}).resourceType("azure-native:keyvault:Vault");
    await expect(vault.create(VAULT_INPUTS)).rejects.toThrow("Set LOCAL_VAULT_CONTROL_URI");
  });

  it("refuses what it does not serve", () => {
    expect(() => standIn.resourceType("azure-native:storage:Queue")).toThrow("has no azure-native:storage:Queue");
    expect(() => standIn.invoke("azure-native:keyvault:getVault")).toThrow("has no azure-native:keyvault:getVault");
    expect(standIn.invoke("azure-native:authorization:getClientConfig")).toHaveProperty("tenantId");
  });
});
