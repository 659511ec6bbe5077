import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import type { LocalIdentity } from "../../../../localVault/localIdentity";
import { credentialOf } from "../../../../src/provider/identity/credential";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { failureOf } from "./failureOf";
import { clientId, scope, startIdentity } from "./startIdentity";

const { PATH } = process.env;
let identity: LocalIdentity;

beforeAll(async () => {
  ({ identity } = await startIdentity());
  // No az, azd or PowerShell that somebody has logged in with.
  process.env.PATH = "/nonexistent";
});
beforeEach(() => {
  process.env.IDENTITY_HEADER = "not the header that the endpoint expects";
});
afterAll(async () => {
  process.env.PATH = PATH;
  await identity.stop();
});

function failure() {
  const settings = readIdentitySettings((name) => (name === "disableInstanceDiscovery" ? "true" : undefined));
  return failureOf(() => credentialOf(settings).getToken(scope));
}

it("says of DefaultAzureCredential only why the managed identity failed, because nothing else is set up", async () => {
  const error = await failure();
  expect(error.reason).toBe("ManagedIdentityCredential: The identity header is wrong");
  expect(error.message).toContain("DefaultAzureCredential");
  expect(error.message).toContain("az login");
  expect(error.message).not.toMatch(/\n|PowerShell|Visual Studio/);
  expect(error.isConfigured).toBe(false);
  expect((await failure()).message).toBe(error.message);
});

it("says of DefaultAzureCredential why the service principal in AZURE_CLIENT_SECRET failed", async () => {
  identity.registerClient({ clientId, secret: "right" });
  Object.assign(process.env, {
    AZURE_AUTHORITY_HOST: identity.authorityHost,
    AZURE_TENANT_ID: identity.tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: "wrong",
  });
  const error = await failure();
  expect(error.reason).toBe("EnvironmentCredential: AADSTS7000215: Invalid client secret provided");
  expect(error.message).toContain("AZURE_TENANT_ID");
});
