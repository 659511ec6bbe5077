import { getEventListeners } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import type { TokenCredential } from "@azure/core-auth";
import { KeyClient } from "@azure/keyvault-keys";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type Certificate, createCertificate } from "../../../../localVault/certificate";
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
});

function settings(config: Record<string, string>, variables: Record<string, string> = {}): IdentitySettings {
  return settingsAt(identity, config, variables);
}

async function grantOf(of: IdentitySettings): Promise<string | undefined> {
  const token = await credentialOf(of, atOnce).getToken(scope);
  expect(token?.token).toBe(identity.issued.at(-1));
  return identity.tokensIssued.at(-1)?.grant;
}

function failure(of: IdentitySettings): Promise<CredentialError> {
  return failureOf(() => credentialOf(of, atOnce).getToken(scope));
}

describe("the credential", () => {
  it("uses the client secret in azure-native's configuration or variables", async () => {
    expect(await grantOf(settings({ ...application, clientSecret: secret }))).toBe("clientSecret");
    const variables = { ARM_TENANT_ID: tenantId, ARM_CLIENT_ID: clientId, ARM_CLIENT_SECRET: secret };
    expect(await grantOf(settings({}, variables))).toBe("clientSecret");
    expect(identity.tokensIssued).toHaveLength(2);
  });

  it("uses a client certificate in PEM", async () => {
    const clientCertificatePath = path.join(folder, "client.pem");
    expect(await grantOf(settings({ ...application, clientCertificatePath }))).toBe("clientAssertion");
  });

  it("uses the OpenID Connect token of GitHub Actions", async () => {
    const variables = {
      ARM_TENANT_ID: tenantId,
      ARM_CLIENT_ID: clientId,
      ARM_USE_OIDC: "true",
      ACTIONS_ID_TOKEN_REQUEST_URL: identity.oidcRequestUri,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: identity.oidcRequestToken,
    };
    expect(await grantOf(settings({}, variables))).toBe("clientAssertion");
    expect(identity.tokensIssued[0]?.grant).toBe("oidcRequest");
  });

  it("uses the managed identity if useMsi is set", async () => {
    expect(await grantOf(settings({ useMsi: "true", clientId }))).toBe("managedIdentity");
    expect(identity.tokensIssued[0]?.clientId).toBe(clientId);
  });

  it("uses DefaultAzureCredential if nothing is configured", async () => {
    expect(await grantOf(settings({}))).toBe("managedIdentity");
  });
});

describe("a credential that fails", () => {
  it("gives Entra's reason and the setting, without the secret, in the same words at each attempt", async () => {
    const wrong = settings({ ...application, clientSecret: "wrong~Secret.Value" });
    const error = await failure(wrong);
    expect(error.message).toContain("AADSTS7000215");
    expect(error.message).toContain("azure-native:clientSecret (ARM_CLIENT_SECRET)");
    expect(error.message.length).toBeLessThan(300);
    expect(error.isConfigured).toBe(true);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("wrong~Secret.Value");
    expect((await failure(wrong)).message).toBe(error.message);
  });

  it("names the vault's tenant and the settings if that tenant is not allowed", async () => {
    const vaultTenant = "77777777-2222-3333-4444-555555555555";
    const ask = (more: Record<string, string>) =>
      failureOf(() =>
        credentialOf(settings({ ...application, clientSecret: secret, ...more }), atOnce).getToken(scope, {
          tenantId: vaultTenant,
        }),
      );
    const { message, isConfigured } = await ask({});
    expect(message).toContain(`tenant ${vaultTenant}. Set azure-native:tenantId (ARM_TENANT_ID)`);
    expect(message).toContain("azure-native:auxiliaryTenantIds");
    expect(isConfigured).toBe(true);
    // The local authority does not know the tenant, so the request was made.
    expect((await ask({ auxiliaryTenantIds: `["${vaultTenant}"]` })).message).toContain("AADSTS90002");
  });

  it.each([
    ["the tenant is missing", { clientSecret: secret, clientId }, "ARM_TENANT_ID"],
    ["the cloud is unknown", { environment: "mars", activeDirectoryAuthorityHost: "" }, "ARM_ENVIRONMENT"],
    ["the other tenants are not an array of texts", { auxiliaryTenantIds: "[1]" }, "ARM_AUXILIARY_TENANT_IDS"],
  ])("names the setting if %s", async (_, config, variable) => {
    const error = await failure(settings(config as Record<string, string>));
    expect(error.message).toContain(variable);
    expect(error.isConfigured).toBe(true);
  });

  it("says how to convert a PFX certificate", async () => {
    const clientCertificatePath = path.join(folder, "client.pfx");
    expect((await failure(settings({ ...application, clientCertificatePath }))).message).toContain("openssl pkcs12");
  });

  it("works at the next attempt if the file that was missing is there", async () => {
    const clientCertificatePath = path.join(folder, "later.pem");
    const credential = credentialOf(settings({ ...application, clientCertificatePath }), atOnce);
    expect((await failureOf(() => credential.getToken(scope))).message).toContain("ENOENT");
    writeFileSync(clientCertificatePath, pem);
    await expect(credential.getToken(scope)).resolves.toHaveProperty("token");
  });

  it("blames the network if Entra cannot be reached", async () => {
    const activeDirectoryAuthorityHost = "https://localhost:1";
    const error = await failure(settings({ ...application, clientSecret: secret, activeDirectoryAuthorityHost }));
    expect(error.message).toContain("endpoints_resolution_error");
    expect(error.message).toContain("HTTPS_PROXY");
    expect(error.isConfigured).toBe(false);
  });

  it("gives the reason that there is no OpenID Connect token", async () => {
    const oidcTokenFilePath = path.join(folder, "missing-token");
    const { message } = await failure(settings({ ...application, useOidc: "true", oidcTokenFilePath }));
    expect(message).toContain("azure-native:oidcTokenFilePath (ARM_OIDC_TOKEN_FILE_PATH) cannot be read (ENOENT)");
  });

  it("passes its error through a KeyClient unchanged and without a retry", async () => {
    const server = await listenOnLoopback(async (_, response) => {
      const challenge = `Bearer authorization="https://login.example.com/${tenantId}", resource="https://vault.azure.net"`;
      response.setHeader("www-authenticate", challenge);
      sendJson(response, 401, {});
    }, certificate);
    const thrown: unknown[] = [];
    const inner = credentialOf(settings({ ...application, clientSecret: "wrong" }), atOnce);
    const credential: TokenCredential = {
      getToken: (...call) =>
        inner.getToken(...call).catch((error: unknown) => {
          thrown.push(error);
          throw error;
        }),
    };
    const client = new KeyClient(`https://localhost:${server.port}`, credential, {
      disableChallengeResourceVerification: true,
      ...atOnce,
    });
    const caught = await failureOf(() => client.getKey("orders"));
    expect(thrown).toEqual([caught]);
    expect(caught).toBe(thrown[0]);
    await server.close();
  });
});

describe("an abort signal", () => {
  it("ends a call at once if it is aborted already", async () => {
    const credential = credentialOf(settings({ ...application, clientSecret: secret }));
    const error = await failureOf(() => credential.getToken(scope, { abortSignal: AbortSignal.abort() }));
    expect(error.message).toContain("did not answer in time");
    expect(error.isConfigured).toBe(false);
  });

  it("ends a call at once although the server never answers", async () => {
    const controller = new AbortController();
    const server = await listenOnLoopback(async () => controller.abort(), certificate);
    const activeDirectoryAuthorityHost = `https://localhost:${server.port}`;
    const silent = settings({ ...application, clientSecret: secret, activeDirectoryAuthorityHost });
    const error = await failureOf(() =>
      credentialOf(silent, atOnce).getToken(scope, { abortSignal: controller.signal }),
    );
    expect(error.message).toContain("did not answer in time");
    await server.close();
  });

  it("has no listener left after a token, a failure or an abort", async () => {
    const controller = new AbortController();
    const options = { abortSignal: controller.signal };
    const right = credentialOf(settings({ ...application, clientSecret: secret }));
    const wrong = credentialOf(settings({ ...application, clientSecret: "wrong" }));
    await right.getToken(scope, options);
    await failureOf(() => wrong.getToken(scope, options));
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    controller.abort();
    await failureOf(() => right.getToken(scope, options));
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });
});
