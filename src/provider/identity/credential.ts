import { readFile } from "node:fs/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { PipelineOptions } from "@azure/core-rest-pipeline";
import {
  AzureAuthorityHosts,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import { untilAborted } from "../../keyVault/connection/waits";
import { parseJson } from "../../keyVault/failures/refusal";
import { CredentialError, nameOf, refusedCredential, wrongSetting } from "./credentialError";
import { type IdentitySettings, kindOf } from "./identitySettings";
import { oidcTokenOf } from "./oidcToken";

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
 * The credential that azure-native uses with the same settings: the first that is configured, and no other if that one
 * fails. If none is configured, `DefaultAzureCredential`.
 *
 * `getToken` rejects with a {@link CredentialError}.
 *
 * @param pipelineOptions - Of the requests for tokens: retries, proxy, user agent.
 */
export function credentialOf(settings: IdentitySettings, pipelineOptions: PipelineOptions = {}): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  const construct = () => {
    credential ??= newCredential(settings, pipelineOptions).catch((error: unknown) => {
      credential = undefined;
      throw error;
    });
    return credential;
  };
  return {
    async getToken(scopes, options) {
      try {
        const token = construct().then((constructed) => constructed.getToken(scopes, options));
        // Not every credential in @azure/identity heeds the signal.
        const signal = options?.abortSignal as AbortSignal | undefined;
        return await untilAborted(signal, token, () => lateCredential(settings));
      } catch (error) {
        throw credentialErrorIn(error) ?? refusedCredential(settings, error);
      }
    },
  };
}

function lateCredential(settings: IdentitySettings): CredentialError {
  return new CredentialError(settings, {
    reasons: ["it did not answer in time"],
    remedy: "Check the network between this machine and Microsoft Entra, or the endpoint of the managed identity.",
    isConfigured: false,
  });
}

// @azure/identity wraps what an assertion throws.
function credentialErrorIn(error: unknown): CredentialError | undefined {
  if (error instanceof CredentialError) {
    return error;
  }
  return error instanceof Error && error.cause !== undefined ? credentialErrorIn(error.cause) : undefined;
}

async function newCredential(settings: IdentitySettings, pipelineOptions: PipelineOptions): Promise<TokenCredential> {
  const kind = kindOf(settings);
  const options = { ...pipelineOptions, ...authorityOptions(settings) };
  switch (kind) {
    case "default":
      return new DefaultAzureCredential({ ...options, ...given({ tenantId: settings.tenantId }) });
    case "clientCertificate": {
      const { tenantId, clientId } = applicationIn(settings);
      return new ClientCertificateCredential(tenantId, clientId, await readCertificate(settings), options);
    }
    case "clientSecret": {
      const { tenantId, clientId } = applicationIn(settings);
      return new ClientSecretCredential(tenantId, clientId, settings.clientSecret ?? "", options);
    }
    case "oidc": {
      const { tenantId, clientId } = applicationIn(settings);
      return new ClientAssertionCredential(tenantId, clientId, oidcTokenOf(settings, pipelineOptions), options);
    }
    case "managedIdentity":
      return new ManagedIdentityCredential({ ...options, ...given({ clientId: settings.clientId }) });
    default:
      return kind satisfies never;
  }
}

function authorityOptions(settings: IdentitySettings) {
  return {
    additionallyAllowedTenants: auxiliaryTenants(settings),
    disableInstanceDiscovery: settings.disableInstanceDiscovery === "true",
    // Without an authority host, @azure/identity reads AZURE_AUTHORITY_HOST.
    ...given({ authorityHost: authorityHostOf(settings) }),
  };
}

function authorityHostOf(settings: IdentitySettings): string | undefined {
  const { activeDirectoryAuthorityHost, resourceManagerAudience, resourceManagerEndpoint, environment } = settings;
  // azure-native uses a private cloud's authority only if its resource manager is set too.
  if (activeDirectoryAuthorityHost && resourceManagerAudience && resourceManagerEndpoint) {
    return activeDirectoryAuthorityHost;
  }
  if (environment === undefined) {
    return undefined;
  }
  const host = authorityHosts[environment.toLowerCase()];
  if (host === undefined) {
    const reason = `${nameOf("environment")} is not the name of a cloud`;
    throw wrongSetting(settings, reason, "Set it to public, usgovernment or china.");
  }
  return host;
}

function auxiliaryTenants(settings: IdentitySettings): string[] {
  const { auxiliaryTenantIds } = settings;
  if (auxiliaryTenantIds === undefined) {
    return [];
  }
  const tenants = parseJson(auxiliaryTenantIds);
  if (Array.isArray(tenants) && tenants.every((tenant) => typeof tenant === "string")) {
    return tenants;
  }
  const reason = `${nameOf("auxiliaryTenantIds")} is not a JSON array of tenant ids`;
  throw wrongSetting(settings, reason, "Set it to an array of texts.");
}

function applicationIn(settings: IdentitySettings): { tenantId: string; clientId: string } {
  const required = (setting: "tenantId" | "clientId") => {
    const value = settings[setting];
    if (value === undefined) {
      throw wrongSetting(settings, `${nameOf(setting)} is not set`, `Set azure-native:${setting}.`);
    }
    return value;
  };
  return { tenantId: required("tenantId"), clientId: required("clientId") };
}

// @azure/identity reads PEM; azure-native reads PFX too.
async function readCertificate(settings: IdentitySettings) {
  const name = nameOf("clientCertificatePath");
  const certificate = await readFile(settings.clientCertificatePath ?? "", "latin1").catch(
    (error: NodeJS.ErrnoException) => {
      throw wrongSetting(settings, `the file in ${name} cannot be read (${error.code})`, "Check the path.", error);
    },
  );
  if (!certificate.includes("-----BEGIN ")) {
    const remedy = "Convert it: openssl pkcs12 -in client.pfx -out client.pem -nodes.";
    throw wrongSetting(
      settings,
      "the file is not PEM, which backups need, although azure-native also reads PFX",
      remedy,
    );
  }
  return { certificate, ...given({ certificatePassword: settings.clientCertificatePassword }) };
}

// The SDK's options may be absent, but not undefined.
function given<T extends object>(members: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>;
  };
}
