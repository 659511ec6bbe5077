import { getEventListeners } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { KeyClient } from "@azure/keyvault-keys";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type Certificate, createCertificate } from "../../../../localVault/certificate";
import { readClaims } from "../../../../localVault/jsonWebToken";
import type { LocalIdentity } from "../../../../localVault/localIdentity";
import { listenOnLoopback, sendJson } from "../../../../localVault/loopbackServer";
import { credentialOf } from "../../../../src/provider/identity/credential";
import type { CredentialError } from "../../../../src/provider/identity/credentialError";
import type { IdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { failureOf } from "./failureOf";
import { clientId, scope, settingsAt, startIdentity, tenantId } from "./startIdentity";

const folder = mkdtempSync(path.join(tmpdir(), "credential-"));
const secret = "hunter2~VerySecret.Value";
const application = { tenantId, clientId };
const atOnce = { retryOptions: { retryDelayInMs: 0 } };
const audience = "api://AzureADTokenExchange";

let identity: LocalIdentity;
let certificate: Certificate;
let pem: string;

beforeAll(async () => {
  ({ identity, certificate } = await startIdentity());
  const client = await createCertificate("rsa");
  pem = `${client.privateKeyPem}\n${client.certificatePem}`;
  writeFileSync(path.join(folder, "client.pem"), pem);
  writeFileSync(path.join(folder, "client.pfx"), Buffer.from([0x30, 0x82, 0x01, 0x02]));
  identity.registerClient({ tenantId, clientId, secret, certificatePem: client.certificatePem });
});
afterAll(async () => {
  await identity.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  identity.tokensIssued.length = 0;
  identity.fail(0);
});

function settings(config: Record<string, string>, variables: Record<string, string> = {}): IdentitySettings {
  return settingsAt(identity, config, variables);
}

async function grantOf(of: IdentitySettings): Promise<string | undefined> {
  const token = await credentialOf(of, atOnce).getToken(scope);
  expect(readClaims(token?.token ?? "")).toHaveProperty("aud");
  return identity.tokensIssued.at(-1)?.grant;
}

function failure(of: IdentitySettings): Promise<CredentialError> {
  return failureOf(() => credentialOf(of, atOnce).getToken(scope));
}

describe("the credential", () => {
  it("uses azure-native's client secret from the configuration or from variables", async () => {
    expect(await grantOf(settings({ ...application, clientSecret: secret }))).toBe("clientSecret");
    const variables = { ARM_TENANT_ID: tenantId, ARM_CLIENT_ID: clientId, ARM_CLIENT_SECRET: secret };
    expect(await grantOf(settings({}, variables))).toBe("clientSecret");
    expect(identity.tokensIssued).toHaveLength(2);
  });

  it("uses azure-native's client certificate in PEM", async () => {
    const clientCertificatePath = path.join(folder, "client.pem");
    expect(await grantOf(settings({ ...application, clientCertificatePath }))).toBe("clientAssertion");
  });

  it("uses azure-native's OpenID Connect token from a value that ends with a line break", async () => {
    const oidcToken = `${identity.accessToken(audience)}\n`;
    expect(await grantOf(settings({ ...application, useOidc: "true", oidcToken }))).toBe("clientAssertion");
  });

  it("uses azure-native's OpenID Connect token from a file that ends with a line break", async () => {
    const oidcTokenFilePath = path.join(folder, "oidc-token");
    writeFileSync(oidcTokenFilePath, `${identity.accessToken(audience)}\n`);
    expect(await grantOf(settings({ ...application, useOidc: "true", oidcTokenFilePath }))).toBe("clientAssertion");
  });

  it("uses the OpenID Connect token of GitHub Actions, for the audience that is configured", async () => {
    const variables = {
      ARM_TENANT_ID: tenantId,
      ARM_CLIENT_ID: clientId,
      ARM_USE_OIDC: "true",
      ACTIONS_ID_TOKEN_REQUEST_URL: identity.oidcRequestUri,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: identity.oidcRequestToken,
    };
    expect(await grantOf(settings({}, variables))).toBe("clientAssertion");
    expect(identity.tokensIssued.map(({ resource }) => resource)).toContain(audience);
    const { reason } = await failure(settings({ oidcAudience: "api://ours" }, variables));
    expect(reason).toContain("AADSTS700212");
    expect(identity.tokensIssued.map(({ resource }) => resource)).toContain("api://ours");
  });

  it("uses the managed identity if useMsi is set", async () => {
    expect(await grantOf(settings({ useMsi: "true", clientId }))).toBe("managedIdentity");
  });

  it("uses DefaultAzureCredential if nothing is configured", async () => {
    expect(await grantOf(settings({}))).toBe("managedIdentity");
  });

  it("fetches an OpenID Connect token with the retries in the pipeline options", async () => {
    const requests: string[] = [];
    const server = await listenOnLoopback(async ({ url = "" }, response) => {
      requests.push(url);
      sendJson(response, requests.length === 1 ? 503 : 200, { value: identity.accessToken(audience) });
    });
    const oidcRequestUrl = `http://127.0.0.1:${server.port}/`;
    const oidc = settings({ ...application, useOidc: "true", oidcRequestUrl, oidcRequestToken: "request-token" });
    const withoutRetries = credentialOf(oidc, { retryOptions: { maxRetries: 0 } });
    expect((await failureOf(() => withoutRetries.getToken(scope))).reason).toContain("503");
    expect(requests).toHaveLength(1);
    requests.length = 0;
    expect(await grantOf(oidc)).toBe("clientAssertion");
    await server.close();
  });
});

describe("a credential that fails", () => {
  it("gives Entra's reason and the setting, without the secret", async () => {
    const error = await failure(settings({ ...application, clientSecret: "wrong~Secret.Value" }));
    expect(error.reason).toContain("AADSTS7000215");
    expect(error.message).toContain("azure-native:clientSecret (ARM_CLIENT_SECRET)");
    expect(error.message.length).toBeLessThan(340);
    expect(error.isConfigured).toBe(true);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("wrong~Secret.Value");
  });

  it("has the same message at every attempt", async () => {
    const of = settings({ ...application, clientSecret: "wrong~Secret.Value" });
    expect((await failure(of)).message).toBe((await failure(of)).message);
  });

  it("for a vault in another tenant names both tenants and the setting, until the tenant is allowed", async () => {
    const vaultTenant = "77777777-2222-3333-4444-555555555555";
    const ask = (more: Record<string, string>) =>
      failureOf(() =>
        credentialOf(settings({ ...application, clientSecret: secret, ...more }), atOnce).getToken(scope, {
          tenantId: vaultTenant,
        }),
      );
    const { message } = await ask({});
    for (const part of [vaultTenant, tenantId, "azure-native:tenantId", "azure-native:auxiliaryTenantIds"]) {
      expect(message).toContain(part);
    }
    // The local authority does not know the tenant, so the request was made.
    expect((await ask({ auxiliaryTenantIds: `["${vaultTenant}"]` })).reason).toContain("AADSTS90002");
  });

  it.each([
    ["without a tenant", { clientSecret: secret, clientId }, "ARM_TENANT_ID"],
    ["without a client", { useOidc: "true", tenantId }, "ARM_CLIENT_ID"],
    ["without an OpenID Connect token", { ...application, useOidc: "true" }, "ARM_OIDC_TOKEN"],
    ["for an unknown cloud", { environment: "mars" }, "ARM_ENVIRONMENT"],
    ["with tenants that are not an array", { auxiliaryTenantIds: "a,b" }, "ARM_AUXILIARY_TENANT_IDS"],
    ["with tenants that are not text", { auxiliaryTenantIds: "[1]" }, "ARM_AUXILIARY_TENANT_IDS"],
  ])("%s names the setting", async (_, config, fragment) => {
    const { activeDirectoryAuthorityHost, ...of } = settings(config as Record<string, string>);
    const error = await failure(of as IdentitySettings);
    expect(error.message).toContain(fragment);
    expect(error.isConfigured).toBe(true);
  });

  it("for a PFX certificate says how to convert it", async () => {
    const clientCertificatePath = path.join(folder, "client.pfx");
    expect((await failure(settings({ ...application, clientCertificatePath }))).message).toContain("openssl pkcs12");
  });

  it("for want of a file works at the next attempt if the file is there by then", async () => {
    const clientCertificatePath = path.join(folder, "later.pem");
    const credential = credentialOf(settings({ ...application, clientCertificatePath }), atOnce);
    const { reason } = await failureOf(() => credential.getToken(scope));
    expect(reason).toContain("ENOENT");
    writeFileSync(clientCertificatePath, pem);
    await expect(credential.getToken(scope)).resolves.toHaveProperty("token");
  });

  it("for want of Entra blames the network and not the setting", async () => {
    const of = settings({ ...application, clientSecret: secret, activeDirectoryAuthorityHost: "https://localhost:1" });
    const error = await failure(of);
    expect(error.reason).toContain("endpoints_resolution_error");
    expect(error.isConfigured).toBe(false);
  });

  it("keeps the reason of an OpenID Connect token that cannot be had", async () => {
    const oidc = { ...application, useOidc: "true", oidcTokenFilePath: path.join(folder, "missing-token") };
    const error = await failure(settings(oidc));
    expect(error.reason).toContain("azure-native:oidcTokenFilePath");
    expect(error.reason).toContain("ENOENT");
    expect(error.reason).not.toContain("Cannot get a token");
  });

  it("keeps an OpenID Connect token out of its error", async () => {
    const oidcToken = identity.accessToken("https://wrong.example.com");
    const error = await failure(settings({ ...application, useOidc: "true", oidcToken }));
    expect(error.reason).toContain("AADSTS");
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(oidcToken);
  });

  it("passes through the pipeline of an Azure SDK client unchanged and without a retry", async () => {
    const server = await listenOnLoopback(async (_, response) => {
      const challenge = `Bearer authorization="https://login.example.com/${tenantId}", resource="https://vault.azure.net"`;
      response.setHeader("www-authenticate", challenge);
      sendJson(response, 401, { error: { code: "Unauthorized", message: "no token" } });
    }, certificate);
    const thrown: unknown[] = [];
    const inner = credentialOf(settings({ ...application, clientSecret: "wrong" }), atOnce);
    const client = new KeyClient(
      `https://localhost:${server.port}`,
      {
        getToken: (...call) =>
          inner.getToken(...call).catch((error: unknown) => {
            thrown.push(error);
            throw error;
          }),
      },
      { disableChallengeResourceVerification: true, retryOptions: { retryDelayInMs: 0 } },
    );
    const caught = await failureOf(() => client.getKey("orders"));
    expect(caught).toBe(thrown[0]);
    expect(thrown).toHaveLength(1);
    await server.close();
  });
});

describe("an abort signal", () => {
  it("that is aborted already ends the call before any request", async () => {
    const of = settings({ ...application, clientSecret: secret });
    const error = await failureOf(() => credentialOf(of).getToken(scope, { abortSignal: AbortSignal.abort() }));
    expect(error.isConfigured).toBe(false);
    expect(identity.tokensIssued).toEqual([]);
  });

  it("ends the call and its request, even if the SDK would wait", async () => {
    const controller = new AbortController();
    let closed: Promise<void> | undefined;
    const server = await listenOnLoopback(async ({ socket }) => {
      closed = new Promise((resolve) => socket.once("close", () => resolve()));
      controller.abort();
    });
    const oidcRequestUrl = `http://127.0.0.1:${server.port}/`;
    const oidc = { ...application, useOidc: "true", oidcRequestUrl, oidcRequestToken: "request-token" };
    const error = await failureOf(() =>
      credentialOf(settings(oidc)).getToken(scope, { abortSignal: controller.signal }),
    );
    expect(error.reason).toContain("before the operation ended");
    await closed;
    await server.close();
  });

  it("has no listener left after a token or a failure", async () => {
    const { signal } = new AbortController();
    const right = credentialOf(settings({ ...application, clientSecret: secret }));
    const wrong = credentialOf(settings({ ...application, clientSecret: "wrong" }));
    await right.getToken(scope, { abortSignal: signal });
    await failureOf(() => wrong.getToken(scope, { abortSignal: signal }));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
