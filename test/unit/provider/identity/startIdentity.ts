import { type Certificate, createCertificate } from "../../../../localVault/certificate";
import { LocalIdentity } from "../../../../localVault/localIdentity";
import { type IdentitySettings, readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

export const tenantId = "11111111-2222-3333-4444-555555555555";
export const clientId = "99999999-8888-7777-6666-555555555555";
export const scope = "https://vault.azure.net/.default";

/** Starts the local identity services, trusts their certificate, and makes the managed identity theirs. */
export async function startIdentity(): Promise<{ identity: LocalIdentity; certificate: Certificate }> {
  const certificate = await createCertificate();
  trustLocalCertificate(certificate.certificatePem);
  const identity = await LocalIdentity.start(certificate);
  // No variable of the machine that runs the tests may decide who they are.
  for (const name of Object.keys(process.env)) {
    if (/^(AZURE_|ARM_|ACTIONS_|IDENTITY_|MSI_|(HTTPS?|ALL|NO)_PROXY$)/i.test(name)) {
      delete process.env[name];
    }
  }
  process.env.IDENTITY_ENDPOINT = identity.endpoint;
  process.env.IDENTITY_HEADER = identity.header;
  return { identity, certificate };
}

/** Settings of a stack with this configuration and these variables, whose authority is the local one. */
export function settingsAt(
  identity: LocalIdentity,
  config: Record<string, string>,
  variables: Record<string, string> = {},
): IdentitySettings {
  const all: Record<string, string> = {
    activeDirectoryAuthorityHost: identity.authorityHost,
    resourceManagerAudience: "https://management.example.com/",
    resourceManagerEndpoint: "https://management.example.com/",
    disableInstanceDiscovery: "true",
    ...config,
  };
  return readIdentitySettings((name, ...names) => all[name] ?? names.map((it) => variables[it]).find(Boolean));
}
