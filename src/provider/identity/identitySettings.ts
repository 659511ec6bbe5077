/** Reads `azure-native:<name>` from the stack's configuration, or else the first of the variables that is set. */
export type ReadSetting = (name: string, ...variables: string[]) => string | undefined;

/** The settings from which azure-native makes its credential, as text. */
export type IdentitySettings = Readonly<Record<IdentitySetting, string | undefined>>;

export type IdentitySetting = keyof typeof variablesOf;

/** The names in azure-native's configuration, and the environment variables that azure-native reads instead of each. */
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

export function readIdentitySettings(read: ReadSetting): IdentitySettings {
  return Object.fromEntries(
    Object.entries(variablesOf).map(([name, variables]) => [name, read(name, ...variables)]),
  ) as IdentitySettings;
}

export type IdentityKind = "default" | "clientCertificate" | "clientSecret" | "oidc" | "managedIdentity";

/**
 * The kind of credential that the settings select: the first that is configured, in azure-native's order, or
 * `DefaultAzureCredential` if none is.
 *
 * @see https://www.pulumi.com/registry/packages/azure-native/installation-configuration/
 */
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
