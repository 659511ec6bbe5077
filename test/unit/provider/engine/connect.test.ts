import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { key } from "../../../../src/objects/key";
import { connect } from "../../../../src/provider/engine/connect";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";
import { useIdentityOf } from "../../../support/useIdentityOf";

const tenantId = "11111111-2222-3333-4444-555555555555";
const vaultUri = "https://kv.vault.azure.net/";

let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  for (const clientId of ["one", "two"]) {
    service.identity.registerClient({ tenantId, clientId, secret: `secret of ${clientId}` });
  }
});
afterAll(() => service.stop());
beforeEach(async () => {
  useIdentityOf(service);
  vault = await service.createVault();
  vault.tenantId = tenantId;
  await vault.keys.create("orders");
  service.identity.tokensIssued.length = 0;
});

function configOf(values: Record<string, string> = {}) {
  return { get: (name: string) => values[name] };
}

/** The settings of an explicit provider with an application's secret. */
function application(clientId: string, others: Record<string, string> = {}) {
  return configOf({
    "azure-native:tenantId": tenantId,
    "azure-native:clientId": clientId,
    "azure-native:clientSecret": `secret of ${clientId}`,
    "azure-native:activeDirectoryAuthorityHost": service.identity.authorityHost,
    "azure-native:resourceManagerAudience": "https://management.example.com/",
    "azure-native:resourceManagerEndpoint": "https://management.example.com/",
    "azure-native:disableInstanceDiscovery": "true",
    "azure-keyvault-backup:disableChallengeResourceVerification": "true",
    ...others,
  });
}

describe("a connection", () => {
  it("is made once for the same vault and settings", () => {
    const settings = { "azure-native:clientId": "a" };
    expect(connect(vaultUri, configOf(settings))).toBe(connect(vaultUri, configOf({ ...settings })));
    expect(connect(vaultUri, undefined)).toBe(connect(vaultUri, configOf()));
  });

  it.each([
    ["another vault", () => connect("https://other.vault.azure.net/", undefined)],
    ["another identity", () => connect(vaultUri, configOf({ "azure-native:clientId": "b" }))],
    ["another bound", () => connect(vaultUri, configOf({ "azure-keyvault-backup:timeoutSeconds": "7" }))],
    [
      "hosts that are not verified",
      () => connect(vaultUri, configOf({ "azure-keyvault-backup:disableChallengeResourceVerification": "true" })),
    ],
  ])("is another one for %s", (_, other) => {
    expect(other()).not.toBe(connect(vaultUri, undefined));
  });

  it("has the bound that the configuration sets", () => {
    expect(connect(vaultUri, undefined).waits.operation).toBe(180_000);
    expect(connect(vaultUri, configOf({ "azure-keyvault-backup:timeoutSeconds": "7" })).waits.operation).toBe(7_000);
  });

  it("gets its tokens with the settings that the engine hands over", async () => {
    const { blob } = await backUp(connect(vault.vaultUri, application("one")), key, "orders");
    expect(blob).toMatch(/^[\w-]+$/);
    expect(service.identity.tokensIssued).toMatchObject([{ grant: "clientSecret", clientId: "one", tenantId }]);
  });

  it("of each of two explicit providers gets tokens with its own settings", async () => {
    await Promise.all(
      ["one", "two"].map((clientId) =>
        backUp(connect(vault.vaultUri, application(clientId, { "azure-native:oidcAudience": "x" })), key, "orders"),
      ),
    );
    expect(service.identity.tokensIssued.map(({ clientId }) => clientId).sort()).toEqual(["one", "two"]);
  });

  it("shares its token with the connections of the same identity to other vaults", async () => {
    const other = await service.createVault();
    other.tenantId = tenantId;
    await other.keys.create("orders");
    const config = application("one", { "azure-native:oidcAudience": "y" });
    await backUp(connect(vault.vaultUri, config), key, "orders");
    await backUp(connect(other.vaultUri, config), key, "orders");
    expect(service.identity.tokensIssued).toHaveLength(1);
  });

  it("takes a setting that is not configured, or empty, from the environment", async () => {
    process.env.ARM_CLIENT_ID = "two";
    process.env.ARM_CLIENT_SECRET = "secret of two";
    const names = ["clientId", "clientSecret"].map((name) => [`azure-native:${name}`, ""]);
    await backUp(connect(vault.vaultUri, application("one", Object.fromEntries(names))), key, "orders");
    expect(service.identity.tokensIssued).toMatchObject([{ clientId: "two" }]);
  });

  it("prefers the configuration to the environment", async () => {
    process.env.ARM_CLIENT_ID = "two";
    process.env.ARM_CLIENT_SECRET = "secret of two";
    await backUp(connect(vault.vaultUri, application("one", { "azure-native:oidcAudience": "z" })), key, "orders");
    expect(service.identity.tokensIssued).toMatchObject([{ clientId: "one" }]);
  });

  it("is refused while the environment turns TLS verification off, with the alternative", () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(() => connect(vaultUri, undefined)).toThrow(/NODE_TLS_REJECT_UNAUTHORIZED=0 .* NODE_EXTRA_CA_CERTS/);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(() => connect(vaultUri, undefined)).not.toThrow();
  });

  it("is refused for a mistake in the configuration", () => {
    const wrong = {
      "azure-keyvault-backup:timeoutSeconds": "soon",
      "azure-keyvault-backup:disableChallengeResourceVerification": "yes",
    };
    expect(() => connect(vaultUri, configOf(wrong))).toThrow(/must be true or false\. .*timeoutSeconds must be/);
  });
});
