/** Reads `azure-native:<name>` of the stack's configuration, else the first of the variables that is set. */
export type ReadSetting = (name: string, ...variables: string[]) => string | undefined;

/** What decides who the provider is: the settings that azure-native reads, as texts. */
export type IdentitySettings = Readonly<Record<keyof typeof variablesOf, string | undefined>>;

// The names of azure-native's configuration and the variables that stand in for each.
export const variablesOf = {
  useDefaultAzureCredential: ["ARM_USE_DEFAULT_AZURE_CREDENTIAL"],
  clientCertificatePath: ["ARM_CLIENT_CERTIFICATE_PATH"],
  clientCertificatePassword: ["ARM_CLIENT_CERTIFICATE_PASSWORD"],
  clientSecret: ["ARM_CLIENT_SECRET"],
  useOidc: ["ARM_USE_OIDC"],
  oidcToken: ["ARM_OIDC_TOKEN"],
  oidcTokenFilePath: ["ARM_OIDC_TOKEN_FILE_PATH"],
  oidcRequestUrl: ["ACTIONS_ID_TOKEN_REQUEST_URL"],
  oidcRequestToken: ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
  oidcAudience: ["ARM_OIDC_AUDIENCE"],
  useMsi: ["ARM_USE_MSI"],
  tenantId: ["ARM_TENANT_ID"],
  clientId: ["ARM_CLIENT_ID"],
  auxiliaryTenantIds: ["ARM_AUXILIARY_TENANT_IDS"],
  environment: ["ARM_ENVIRONMENT", "AZURE_ENVIRONMENT"],
  activeDirectoryAuthorityHost: ["ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST"],
  resourceManagerAudience: ["ARM_RESOURCE_MANAGER_AUDIENCE"],
  resourceManagerEndpoint: ["ARM_RESOURCE_MANAGER_ENDPOINT"],
  disableInstanceDiscovery: ["ARM_DISABLE_INSTANCE_DISCOVERY"],
} as const;

/** Reads the settings of which azure-native makes its credential. */
export function readIdentitySettings(read: ReadSetting): IdentitySettings {
  return Object.fromEntries(
    Object.entries(variablesOf).map(([name, variables]) => [name, read(name, ...variables)]),
  ) as IdentitySettings;
}

/** Who the provider can be. */
export type IdentityKind = "default" | "clientCertificate" | "clientSecret" | "oidc" | "managedIdentity";

/** Who the settings choose: azure-native's order, and DefaultAzureCredential where none is set. */
export function kindOf(settings: IdentitySettings): IdentityKind {
  if (settings.useDefaultAzureCredential === "true") {
    return "default";
  }
  if (settings.clientCertificatePath !== undefined) {
    return "clientCertificate";
  }
  if (settings.clientSecret !== undefined) {
    return "clientSecret";
  }
  if (settings.useOidc === "true") {
    return "oidc";
  }
  return settings.useMsi === "true" ? "managedIdentity" : "default";
}
