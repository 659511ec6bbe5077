import { readFile } from "node:fs/promises";
import type { GetTokenOptions, TokenCredential } from "@azure/core-auth";
import {
  AzureAuthorityHosts,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import { CredentialFailure } from "../keyVault/credentialFailure";
import { isLoopback } from "../keyVault/isLoopback";
import { parseUrl } from "../keyVault/parseUrl";
import { explainCredentialFailure } from "./explainCredentialFailure";
import { type IdentitySettings, kindOf, variablesOf } from "./identitySettings";

const authorityHosts: Readonly<Record<string, string>> = {
  public: AzureAuthorityHosts.AzurePublicCloud,
  azurepubliccloud: AzureAuthorityHosts.AzurePublicCloud,
  azurecloud: AzureAuthorityHosts.AzurePublicCloud,
  usgovernment: AzureAuthorityHosts.AzureGovernment,
  azureusgovernment: AzureAuthorityHosts.AzureGovernment,
  azureusgovernmentcloud: AzureAuthorityHosts.AzureGovernment,
  china: AzureAuthorityHosts.AzureChina,
  azurechinacloud: AzureAuthorityHosts.AzureChina,
};

/**
 * The credential that azure-native would use with the same settings: the first that is set, in its order, and no other
 * where that one fails. Where none is set, `DefaultAzureCredential`.
 *
 * Its errors tell which credentials were tried, why each failed and what to do, without any secret.
 *
 * @see https://www.pulumi.com/registry/packages/azure-native/installation-configuration/
 */
export function credentialOf(settings: IdentitySettings): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      try {
        credential ??= newCredential(settings);
        const token = credential.then((it) => it.getToken(scopes, options));
        return await Promise.race([token, aborted(options?.abortSignal)]);
      } catch (error) {
        throw explainCredentialFailure(settings, error);
      }
    },
  };
}

// Not every credential of the library ends with the signal, and one that hangs would hold up all others.
function aborted(signal: GetTokenOptions["abortSignal"]): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new CredentialFailure("it gave no answer in time.")));
  });
}

async function newCredential(settings: IdentitySettings): Promise<TokenCredential> {
  const kind = kindOf(settings);
  const options = sharedOptions(settings);
  switch (kind) {
    case "default":
      return new DefaultAzureCredential({ ...options, ...given({ tenantId: settings.tenantId }) });
    case "clientCertificate": {
      const { tenantId, clientId } = application(settings);
      return new ClientCertificateCredential(tenantId, clientId, await pemCertificate(settings), options);
    }
    case "clientSecret": {
      const { tenantId, clientId } = application(settings);
      return new ClientSecretCredential(tenantId, clientId, settings.clientSecret ?? "", options);
    }
    case "oidc": {
      const { tenantId, clientId } = application(settings);
      return new ClientAssertionCredential(tenantId, clientId, oidcAssertion(settings), options);
    }
    case "managedIdentity":
      return new ManagedIdentityCredential({ ...options, ...given({ clientId: settings.clientId }) });
    default:
      return kind satisfies never;
  }
}

function sharedOptions(settings: IdentitySettings) {
  return {
    additionallyAllowedTenants: auxiliaryTenants(settings),
    disableInstanceDiscovery: settings.disableInstanceDiscovery === "true",
    // Without an authority host the library honours AZURE_AUTHORITY_HOST.
    ...given({ authorityHost: authorityHostOf(settings) }),
  };
}

function authorityHostOf(settings: IdentitySettings): string | undefined {
  const { activeDirectoryAuthorityHost, resourceManagerAudience, resourceManagerEndpoint, environment } = settings;
  // azure-native takes a private cloud's authority only together with its resource manager.
  if (activeDirectoryAuthorityHost && resourceManagerAudience && resourceManagerEndpoint) {
    return activeDirectoryAuthorityHost;
  }
  if (environment === undefined) {
    return undefined;
  }
  const host = authorityHosts[environment.toLowerCase()];
  if (host === undefined) {
    throw new CredentialFailure(
      'azure-native:environment (ARM_ENVIRONMENT) is not one of "public", "usgovernment" and "china".',
    );
  }
  return host;
}

function auxiliaryTenants({ auxiliaryTenantIds }: IdentitySettings): string[] {
  if (auxiliaryTenantIds === undefined) {
    return [];
  }
  try {
    const tenants: unknown = JSON.parse(auxiliaryTenantIds);
    if (Array.isArray(tenants) && tenants.every((tenant) => typeof tenant === "string")) {
      return tenants;
    }
  } catch {
    // Told below, like every other text that is not the array.
  }
  throw new CredentialFailure(
    "azure-native:auxiliaryTenantIds (ARM_AUXILIARY_TENANT_IDS) is not a JSON array of tenant ids.",
  );
}

function application(settings: IdentitySettings): { tenantId: string; clientId: string } {
  const required = (name: "tenantId" | "clientId") => {
    const value = settings[name];
    if (value === undefined) {
      throw new CredentialFailure(`azure-native:${name} (${variablesOf[name][0]}) is not set.`);
    }
    return value;
  };
  return { tenantId: required("tenantId"), clientId: required("clientId") };
}

// The library reads PEM files only, azure-native PFX files as well.
async function pemCertificate({ clientCertificatePath = "", clientCertificatePassword }: IdentitySettings) {
  const certificate = await readFile(clientCertificatePath, "latin1").catch((error: NodeJS.ErrnoException) => {
    throw new CredentialFailure(`the file of azure-native:clientCertificatePath cannot be read (${error.code}).`);
  });
  if (!certificate.includes("-----BEGIN ")) {
    throw new CredentialFailure(
      "the file of azure-native:clientCertificatePath is not PEM, which backups need, while azure-native takes PFX too. " +
        "Convert it: openssl pkcs12 -in client.pfx -out client.pem -nodes.",
    );
  }
  return { certificate, ...given({ certificatePassword: clientCertificatePassword }) };
}

function oidcAssertion(settings: IdentitySettings): () => Promise<string> {
  const { oidcToken, oidcTokenFilePath, oidcRequestUrl, oidcRequestToken, oidcAudience } = settings;
  if (oidcToken !== undefined) {
    return async () => oidcToken;
  }
  if (oidcTokenFilePath !== undefined) {
    return () =>
      readFile(oidcTokenFilePath, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw new CredentialFailure(`the file of azure-native:oidcTokenFilePath cannot be read (${error.code}).`);
      });
  }
  if (oidcRequestUrl !== undefined && oidcRequestToken !== undefined) {
    return () => requestOidcToken(oidcRequestUrl, oidcRequestToken, oidcAudience ?? "api://AzureADTokenExchange");
  }
  throw new CredentialFailure(
    "azure-native:useOidc (ARM_USE_OIDC) is set, but there is no token: set oidcToken (ARM_OIDC_TOKEN) or " +
      "oidcTokenFilePath (ARM_OIDC_TOKEN_FILE_PATH), or let GitHub Actions provide one (permissions: id-token: write).",
  );
}

async function requestOidcToken(requestUrl: string, requestToken: string, audience: string): Promise<string> {
  const url = parseUrl(requestUrl);
  if (url === undefined || (url.protocol !== "https:" && !isLoopback(url.hostname))) {
    throw new CredentialFailure("the URL of the OIDC token (ACTIONS_ID_TOKEN_REQUEST_URL) is not https.");
  }
  url.searchParams.set("audience", audience);
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${requestToken}`, accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(30_000),
  }).catch((error: unknown) => {
    throw new CredentialFailure(`the request for an OIDC token to ${url.host} failed (${causeCode(error)}).`);
  });
  const answer: unknown = await response.json().catch(() => undefined);
  const value = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : undefined;
  if (!response.ok || typeof value !== "string") {
    throw new CredentialFailure(`the request for an OIDC token to ${url.host} was answered ${response.status}.`);
  }
  return value;
}

function causeCode(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : "no reason given";
}

// Optional members of the library's options must be absent, not undefined.
function given<T extends object>(members: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>;
  };
}
