import { randomUUID } from "node:crypto";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn, timesPrinted } from "../support/pulumi/printed";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";

const standIn = path.resolve(__dirname, "../support/azureNative");

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

it("a provider of azure-native gets one error, which names the provider to use instead", async () => {
  const declarations = `
const azure = require("@pulumi/azure-native/provider");
const provider = new azure.Provider("tenant", { tenantId: "00000000-0000-0000-0000-000000000000" });
new KeyBackup("orders", { keyUri: "https://kv.vault.azure.net/keys/orders" }, { provider });`;
  const project = await localProject(service, javaScriptProject(declarations), {
    plugins: [standIn],
    env: { LOCAL_VAULT_CONTROL_URI: service.controlUri },
  });
  const { code, output } = await project.preview();
  const [error = "", ...others] = errorsIn(output);
  expect([code, others]).toEqual([1, []]);
  expect(error).toMatch(/A KeyBackup cannot use a provider of azure-native\b.*KeyVaultBackupProvider/);
  expect(timesPrinted(output, "cannot use a provider of azure-native")).toBeLessThanOrEqual(3);
  expect(stackLinesIn(output)).toEqual([]);
  await endProject(project);
});

describe("two KeyVaultBackupProviders in one stack without default providers", () => {
  const clients = ["a", "b"].map((name) => ({
    tenantId: randomUUID(),
    clientId: randomUUID(),
    secret: `secret-of-tenant-${name}~${randomUUID()}`,
  }));
  const secrets = () => ({ secrets: clients.map(({ secret }) => secret), tokens: service.identity.issued });
  let vaults: LocalVault[];
  let project: PulumiProject;

  const identities = (more = "") => `
const { orders } = config.requireObject("uris");
for (const [index, { tenantId, clientId }] of config.requireObject("clients").entries()) {
  const provider = new KeyVaultBackupProvider("tenant-" + index, {
    tenantId,
    clientId,
    clientSecret: require("./secrets.json")[index],
    disableInstanceDiscovery: true,
    disableChallengeResourceVerification: true,
    timeoutSeconds: 30,
  });
  new KeyBackup("orders-" + index, { keyUri: orders[index] }, { provider });
}
${more}`;

  beforeAll(async () => {
    vaults = [];
    for (const { tenantId } of clients) {
      const vault = await service.createVault(`vault-of-${tenantId}`, { tenantId });
      await vault.keys.create("orders");
      vaults.push(vault);
    }
    for (const client of clients) service.identity.registerClient(client);
    project = await localProject(service, javaScriptProject(identities()), {
      config: {
        "pulumi:disable-default-providers": '["*"]',
        clients: JSON.stringify(clients.map(({ tenantId, clientId }) => ({ tenantId, clientId }))),
        uris: JSON.stringify({ orders: vaults.map(({ vaultUri }) => `${vaultUri}keys/orders`) }),
      },
      env: { AZURE_AUTHORITY_HOST: service.identity.authorityHost },
    });
    // Nothing but the provider makes these secret.
    await project.write("secrets.json", JSON.stringify(clients.map(({ secret }) => secret)));
  });
  afterAll(() => endProject(project));

  /** Which identities got tokens during a command. */
  async function identitiesOf(command: () => Promise<unknown>) {
    const issued = service.identity.tokensIssued.length;
    await command();
    const tokens = service.identity.tokensIssued.slice(issued);
    return tokens.map(({ grant, tenantId, clientId }) => ({ grant, tenantId, clientId }));
  }

  const each = clients.map(({ tenantId, clientId }) => ({ grant: "clientSecret", tenantId, clientId }));
  const providerNames = async () =>
    (await project.resources())
      .filter(({ type }) => type === "pulumi:providers:pulumi-nodejs")
      .map(({ urn }) => urn.split("::").at(-1))
      .sort();

  it("reach each vault with the identity of its own tenant, and the state has their secrets encrypted", async () => {
    const used = await identitiesOf(() => project.succeeds("up", "--skip-preview"));
    expect(used).toEqual(expect.arrayContaining(each));
    expect(used.length).toBe(2);
    expect(vaults.map((vault) => vault.count("backup"))).toEqual([1, 1]);
    expect(await providerNames()).toEqual(["tenant-0", "tenant-1"]);
    expect(leaksIn(project.printed + (await project.stateHistory()), secrets())).toEqual([]);
    const [provider] = (await project.resources()).filter(({ urn }) => urn.endsWith("::tenant-0"));
    expect(provider?.inputs).toMatchObject({
      "azure-native:tenantId": clients[0]?.tenantId,
      "azure-native:clientSecret": { ciphertext: expect.any(String) },
      "azure-keyvault-backup:timeoutSeconds": "30",
    });
  });

  it("are used by a refresh too", async () => {
    const used = await identitiesOf(() => project.succeeds("refresh", "--skip-preview"));
    expect(used).toEqual(expect.arrayContaining(each));
    expect(await project.records()).toMatchObject([{ sourceStatus: "current" }, { sourceStatus: "current" }]);
  });

  it("leave the default provider, when it is allowed again, with the configuration of the stack", async () => {
    const { uri: keyUri } = await (await service.createVault()).keys.create("orders");
    const more = `new KeyBackup("by-default", { keyUri: "${keyUri}" });`;
    await project.run(["config", "rm", "pulumi:disable-default-providers"]);
    await project.write("index.js", javaScript(identities(more)));
    const used = await identitiesOf(() => project.succeeds("up", "--skip-preview"));
    expect(used).toMatchObject([{ grant: "managedIdentity" }]);
    expect((await providerNames()).length).toBe(3);
    const [provider] = (await project.resources()).filter(({ urn }) => /::default(_|$)/.test(urn));
    expect(provider?.inputs).not.toHaveProperty("azure-native:clientSecret");
  });

  it("are used by destroy, and no secret was printed or stored in clear", async () => {
    const used = await identitiesOf(() => project.succeeds("destroy", "--skip-preview"));
    expect(used).toEqual(expect.arrayContaining(each));
    expect(await project.backups()).toEqual([]);
    expect(leaksIn(project.printed + (await project.stateHistory()), secrets())).toEqual([]);
  });
});
