import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { credentialOf } from "../../../src/provider/credential";
import { type IdentitySettings, readIdentitySettings } from "../../../src/provider/identitySettings";
import { createCertificate } from "../../../localVault/certificate";
import { readClaims } from "../../../localVault/jsonWebToken";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { useIdentityOf } from "../../support/useIdentityOf";

const folder = mkdtempSync(path.join(tmpdir(), "credential-"));
const tenantId = "11111111-2222-3333-4444-555555555555";
const clientId = "99999999-8888-7777-6666-555555555555";
const secret = "hunter2~VerySecret.Value";
const scope = "https://vault.azure.net/.default";

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  const { certificatePem, privateKeyPem } = await createCertificate("rsa");
  writeFileSync(path.join(folder, "client.pem"), `${privateKeyPem}\n${certificatePem}`);
  writeFileSync(path.join(folder, "client.pfx"), Buffer.from([0x30, 0x82, 0x01, 0x02]));
  service.identity.registerClient({ tenantId, clientId, secret, certificatePem });
  useIdentityOf(service);
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  service.identity.tokensIssued.length = 0;
});

/** Settings as of a stack with this configuration and these variables, at the local authority. */
function settings(config: Record<string, string>, variables: Record<string, string> = {}): IdentitySettings {
  const local = {
    activeDirectoryAuthorityHost: service.identity.authorityHost,
    resourceManagerAudience: "https://management.example.com/",
    resourceManagerEndpoint: "https://management.example.com/",
    disableInstanceDiscovery: "true",
  };
  const all: Record<string, string> = { ...local, ...config };
  return readIdentitySettings((name, ...names) => all[name] ?? names.map((it) => variables[it]).find(Boolean));
}

const application = { tenantId, clientId };

async function grantOf(identity: IdentitySettings): Promise<string | undefined> {
  const token = await credentialOf(identity).getToken(scope);
  expect(readClaims(token?.token ?? "")).toHaveProperty("aud");
  return service.identity.tokensIssued.at(-1)?.grant;
}

async function failure(identity: IdentitySettings): Promise<string> {
  return credentialOf(identity)
    .getToken(scope)
    .then(
      () => "did not fail",
      (error: unknown) => (error instanceof Error ? error.message : `not an Error: ${error}`),
    );
}

describe("the credential", () => {
  it("is that of azure-native's client secret, from configuration or variables", async () => {
    expect(await grantOf(settings({ ...application, clientSecret: secret }))).toBe("clientSecret");
    const variables = { ARM_TENANT_ID: tenantId, ARM_CLIENT_ID: clientId, ARM_CLIENT_SECRET: secret };
    expect(await grantOf(settings({}, variables))).toBe("clientSecret");
    expect(service.identity.tokensIssued.length).toBe(2);
  });

  it("is that of azure-native's client certificate, in PEM", async () => {
    const clientCertificatePath = path.join(folder, "client.pem");
    expect(await grantOf(settings({ ...application, clientCertificatePath }))).toBe("clientAssertion");
  });

  it("is that of azure-native's OIDC token", async () => {
    const oidcToken = service.identity.accessToken("api://AzureADTokenExchange");
    expect(await grantOf(settings({ ...application, useOidc: "true", oidcToken }))).toBe("clientAssertion");
  });

  it("is that of azure-native's OIDC token in a file, read each time", async () => {
    const oidcTokenFilePath = path.join(folder, "oidc-token");
    const identity = settings({ ...application, useOidc: "true", oidcTokenFilePath });
    expect(await failure(identity)).toContain("the file of azure-native:oidcTokenFilePath cannot be read (ENOENT)");
    writeFileSync(oidcTokenFilePath, service.identity.accessToken("api://AzureADTokenExchange"));
    expect(await grantOf(identity)).toBe("clientAssertion");
  });

  it("is that of GitHub Actions' OIDC token, for the audience that is configured", async () => {
    const variables = {
      ARM_TENANT_ID: tenantId,
      ARM_CLIENT_ID: clientId,
      ARM_USE_OIDC: "true",
      ACTIONS_ID_TOKEN_REQUEST_URL: service.identity.oidcRequestUri,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: service.identity.oidcRequestToken,
    };
    expect(await grantOf(settings({}, variables))).toBe("clientAssertion");
    expect(service.identity.tokensIssued.map(({ resource }) => resource)).toContain("api://AzureADTokenExchange");
    await credentialOf(settings({ oidcAudience: "api://ours" }, variables))
      .getToken(scope)
      .catch(() => undefined);
    expect(service.identity.tokensIssued.map(({ resource }) => resource)).toContain("api://ours");
  });

  it("is that of the managed identity, by useMsi", async () => {
    expect(await grantOf(settings({ useMsi: "true", clientId }))).toBe("managedIdentity");
  });

  it("is DefaultAzureCredential where nothing is configured", async () => {
    expect(await grantOf(settings({}))).toBe("managedIdentity");
  });

  it("is DefaultAzureCredential by useDefaultAzureCredential, whatever else is set", async () => {
    const identity = settings({ ...application, useDefaultAzureCredential: "true", clientSecret: "unused" });
    // The token of the test before is kept: the library keeps a managed identity's token for the whole process.
    await expect(credentialOf(identity).getToken(scope)).resolves.toHaveProperty("token");
    expect(service.identity.tokensIssued).toEqual([]);
  });

  it("is the first that is configured, in azure-native's order", async () => {
    const everything = {
      ...application,
      clientSecret: secret,
      clientCertificatePath: path.join(folder, "client.pem"),
      useOidc: "true",
      useMsi: "true",
    };
    expect(await grantOf(settings(everything))).toBe("clientAssertion");
    const { clientCertificatePath, ...rest } = everything;
    expect(await grantOf(settings(rest))).toBe("clientSecret");
  });

  it("prefers configuration to variables", async () => {
    const variables = { ARM_CLIENT_SECRET: "of the environment" };
    expect(await grantOf(settings({ ...application, clientSecret: secret }, variables))).toBe("clientSecret");
  });
});

describe("a credential that fails", () => {
  it("is told with the service's reason, what is configured, and without the secret", async () => {
    const text = await failure(settings({ ...application, clientSecret: "wrong~Secret.Value" }));
    expect(text).toContain("no token from the client secret of azure-native:clientSecret (ARM_CLIENT_SECRET): ");
    expect(text).toContain("AADSTS7000215");
    expect(text).toContain("no other is tried");
    expect(text).not.toContain("wrong~Secret.Value");
  });

  it("for a vault of another tenant names the tenant and where to set it", async () => {
    const vaultTenant = "77777777-2222-3333-4444-555555555555";
    const text = await credentialOf(settings({ ...application, clientSecret: secret }))
      .getToken(scope, { tenantId: vaultTenant })
      .then(
        () => "did not fail",
        (error: Error) => error.message,
      );
    expect(text).toContain(`The vault belongs to tenant ${vaultTenant}: set azure-native:tenantId to it, or add it`);
    const auxiliary = settings({ ...application, clientSecret: secret, auxiliaryTenantIds: `["${vaultTenant}"]` });
    const again = await credentialOf(auxiliary)
      .getToken(scope, { tenantId: vaultTenant })
      .then(
        () => "a token",
        (error: Error) => error.message,
      );
    expect(again).not.toContain("not configured to acquire tokens");
  });

  it.each([
    ["without a tenant", { clientSecret: secret, clientId }, "azure-native:tenantId (ARM_TENANT_ID) is not set."],
    ["without a client", { useOidc: "true", tenantId }, "azure-native:clientId (ARM_CLIENT_ID) is not set."],
    [
      "without an OIDC token",
      { ...application, useOidc: "true" },
      "let GitHub Actions provide one (permissions: id-token: write)",
    ],
    ["for a cloud that is none", { environment: "mars" }, 'is not one of "public", "usgovernment" and "china"'],
    ["with tenants that are no array", { auxiliaryTenantIds: "a,b" }, "is not a JSON array of tenant ids"],
  ])("%s says what to set", async (_, config, text) => {
    const { activeDirectoryAuthorityHost, ...identity } = settings(config);
    expect(await failure(identity as IdentitySettings)).toContain(text);
  });

  it("for a PFX certificate says how to convert it", async () => {
    const clientCertificatePath = path.join(folder, "client.pfx");
    expect(await failure(settings({ ...application, clientCertificatePath }))).toContain(
      "openssl pkcs12 -in client.pfx",
    );
  });

  it("for a certificate that is not there says so", async () => {
    const clientCertificatePath = path.join(folder, "none.pem");
    expect(await failure(settings({ ...application, clientCertificatePath }))).toContain("cannot be read (ENOENT)");
  });

  it("does not send GitHub's request token over plain http to another machine", async () => {
    const oidc = { useOidc: "true", oidcRequestUrl: "http://10.0.0.1/token", oidcRequestToken: "request-token" };
    const text = await failure(settings({ ...application, ...oidc }));
    expect(text).toContain("is not https");
    expect(text).not.toContain("request-token");
  });

  it("ends with the operation, even where the library would wait on", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const oidcRequestUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const oidc = { useOidc: "true", oidcRequestUrl, oidcRequestToken: "request-token" };
    const startedAt = Date.now();
    const text = await credentialOf(settings({ ...application, ...oidc }))
      .getToken(scope, { abortSignal: AbortSignal.timeout(200) })
      .then(
        () => "did not fail",
        (error: Error) => error.message,
      );
    silent.closeAllConnections();
    silent.close();
    expect(text).toContain("it gave no answer in time.");
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it("keeps tokens out of its text", async () => {
    const oidcToken = service.identity.accessToken("https://wrong.example.com");
    const text = await failure(settings({ ...application, clientId: "unknown", useOidc: "true", oidcToken }));
    expect(text).toContain("no token from OpenID Connect");
    expect(text).not.toContain(oidcToken);
  });
});
