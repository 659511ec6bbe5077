import { writeFile } from "node:fs/promises";
import path from "node:path";
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
} from "@azure/identity";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createCertificate } from "../../../localVault/certificate";
import { readClaims } from "../../../localVault/jsonWebToken";
import type { LocalIdentity } from "../../../localVault/localIdentity";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

const resource = "https://vault.azure.net";
const scope = `${resource}/.default`;
let service: LocalKeyVault;
let identity: LocalIdentity;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  identity = service.identity;
  identity.registerClient({ clientId: "pipeline", secret: "open sesame" });
});
afterAll(() => service.stop());
beforeEach(() => identity.fail(0));

const authority = () => ({ authorityHost: identity.authorityHost, disableInstanceDiscovery: true });
const noRetry = { retryOptions: { maxRetries: 0 } };

describe("the managed identity", () => {
  const request = (query: string, header: string = identity.header) =>
    fetch(`${identity.endpoint}${query}`, { headers: { "X-IDENTITY-HEADER": header } });

  it("serves the default credential", async () => {
    Object.assign(process.env, service.environment());
    const { token, expiresOnTimestamp } = await new DefaultAzureCredential().getToken(scope);
    expect(identity.issued).toContain(token);
    expect(identity.tokensIssued.at(-1)).toMatchObject({ grant: "managedIdentity", resource });
    expect(readClaims(token)).toMatchObject({ aud: resource, tid: identity.tenantId, oid: identity.objectId });
    expect(Math.abs(expiresOnTimestamp - Date.now() - 86_400_000)).toBeLessThan(10_000);
  });

  it("answers as App Service does", async () => {
    const response = await request(`?resource=${resource}&api-version=2019-08-01&client_id=assigned`);
    expect(await response.json()).toEqual({
      access_token: identity.issued.at(-1),
      expires_on: expect.stringMatching(/^\d{10}$/),
      resource,
      token_type: "Bearer",
      client_id: "assigned",
    });
  });

  it("issues no token twice", async () => {
    const query = `?resource=${resource}&api-version=2019-08-01`;
    await Promise.all([request(query), request(query)]);
    expect(new Set(identity.issued).size).toBe(identity.issued.length);
  });

  it.each([
    ["without the right header", "?resource=r&api-version=2019-08-01", "wrong", 401],
    ["for another API version", "?resource=r&api-version=2017-09-01", undefined, 400],
    ["for no resource", "?api-version=2019-08-01", undefined, 400],
  ])("issues nothing %s", async (_, query, header, status) => {
    const issued = identity.issued.length;
    expect((await request(query, header)).status).toBe(status);
    expect(identity.issued).toHaveLength(issued);
  });

  it("fails as often as it is told to", async () => {
    const query = `?resource=${resource}&api-version=2019-08-01`;
    identity.fail(2, 400);
    const statuses = [(await request(query)).status, (await request(query)).status, (await request(query)).status];
    expect(statuses).toEqual([400, 400, 200]);
  });
});

describe("the authority", () => {
  it("serves a client with its secret", async () => {
    const credential = new ClientSecretCredential(identity.tenantId, "pipeline", "open sesame", authority());
    const { token } = await credential.getToken(scope);
    expect(readClaims(token)).toMatchObject({ aud: resource, appid: "pipeline", tid: identity.tenantId });
    expect(identity.tokensIssued.at(-1)).toMatchObject({ grant: "clientSecret", clientId: "pipeline", resource });
  });

  it("serves the authority host that the environment names", async () => {
    process.env.AZURE_AUTHORITY_HOST = identity.authorityHost;
    const options = { disableInstanceDiscovery: true };
    const credential = new ClientSecretCredential(identity.tenantId, "pipeline", "open sesame", options);
    expect(identity.issued).toContain((await credential.getToken(scope)).token);
    delete process.env.AZURE_AUTHORITY_HOST;
  });

  it("refuses a wrong secret in the words of Entra", async () => {
    const credential = new ClientSecretCredential(identity.tenantId, "pipeline", "guess", {
      ...authority(),
      ...noRetry,
    });
    await expect(credential.getToken(scope)).rejects.toMatchObject({
      name: "AuthenticationRequiredError",
      message: expect.stringContaining("AADSTS7000215: Invalid client secret provided."),
      cause: { errorCode: "invalid_client", errorNo: 7000215, status: 401 },
    });
  });

  it("refuses unknown clients and tenants", async () => {
    const refused = (tenantId: string, clientId: string) =>
      new ClientSecretCredential(tenantId, clientId, "open sesame", { ...authority(), ...noRetry }).getToken(scope);
    await expect(refused(identity.tenantId, "stranger")).rejects.toThrow("AADSTS700016");
    await expect(refused("11111111-2222-3333-4444-555555555555", "pipeline")).rejects.toThrow("AADSTS90002");
  });

  it("exchanges the OIDC token of a CI job", async () => {
    const { tenantId, oidcRequestUri, oidcRequestToken } = identity;
    const credential = new ClientAssertionCredential(
      tenantId,
      "pipeline",
      async () => {
        const headers = { authorization: `bearer ${oidcRequestToken}` };
        const response = await fetch(`${oidcRequestUri}&audience=api://AzureADTokenExchange`, { headers });
        return ((await response.json()) as { value: string }).value;
      },
      authority(),
    );
    const { token } = await credential.getToken(scope);
    expect(identity.tokensIssued.slice(-2).map(({ grant }) => grant)).toEqual(["oidcRequest", "clientAssertion"]);
    expect(readClaims(token)).toMatchObject({ aud: resource, appid: "pipeline" });
  });

  it.each([
    ["made up", () => "e30.e30.AA", "AADSTS700027"],
    ["for another audience", () => identity.accessToken("https://github.com/example"), "AADSTS700212"],
  ])("refuses an assertion that is %s", async (_, assertion, code) => {
    const options = { ...authority(), ...noRetry };
    const credential = new ClientAssertionCredential(identity.tenantId, "pipeline", async () => assertion(), options);
    await expect(credential.getToken(scope)).rejects.toThrow(code);
  });

  it("serves a client with the certificate that it registered, and with no other", async () => {
    const [own, other] = [await createCertificate("rsa"), await createCertificate("rsa")];
    const certificatePath = path.join(path.dirname(service.certificatePath), "client.pem");
    identity.registerClient({ clientId: "certified", certificatePem: own.certificatePem });
    const credential = () =>
      new ClientCertificateCredential(
        identity.tenantId,
        "certified",
        { certificatePath },
        { ...authority(), ...noRetry },
      );
    await writeFile(certificatePath, other.privateKeyPem + other.certificatePem);
    await expect(credential().getToken(scope)).rejects.toThrow("AADSTS700027");
    await writeFile(certificatePath, own.privateKeyPem + own.certificatePem);
    expect(readClaims((await credential().getToken(scope)).token)).toMatchObject({ appid: "certified" });
  });

  it("fails as often as it is told to", async () => {
    identity.fail(1, 400);
    const credential = new ClientSecretCredential(identity.tenantId, "pipeline", "open sesame", {
      ...authority(),
      ...noRetry,
    });
    await expect(credential.getToken(scope)).rejects.toThrow("AADSTS90033");
    expect(identity.issued).toContain((await credential.getToken(scope)).token);
  });
});

it("gives a CI job's token only for its request token", async () => {
  const headers = { authorization: "bearer guess" };
  expect((await fetch(`${identity.oidcRequestUri}&audience=a`, { headers })).status).toBe(401);
});
