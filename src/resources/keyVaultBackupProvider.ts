import * as pulumi from "@pulumi/pulumi";

/**
 * The identity that reaches the vaults, under azure-native's names. A setting that is absent is read from the environment, as
 * azure-native does.
 */
export interface KeyVaultBackupProviderArgs {
  /** Id of the vault's tenant. */
  tenantId?: pulumi.Input<string> | undefined;
  /** Client id of the application, or of a user-assigned managed identity. */
  clientId?: pulumi.Input<string> | undefined;
  /** Client secret of the application; always treated as secret. */
  clientSecret?: pulumi.Input<string> | undefined;
  /** Path of the application's client certificate, a PEM file. */
  clientCertificatePath?: pulumi.Input<string> | undefined;
  /** Password of the client certificate; always treated as secret. */
  clientCertificatePassword?: pulumi.Input<string> | undefined;
  /** Whether to use OpenID Connect. */
  useOidc?: pulumi.Input<boolean> | undefined;
  /** The OIDC token; always treated as secret. */
  oidcToken?: pulumi.Input<string> | undefined;
  /** Path of a file with the OIDC token. */
  oidcTokenFilePath?: pulumi.Input<string> | undefined;
  /** URL that issues the OIDC token. */
  oidcRequestUrl?: pulumi.Input<string> | undefined;
  /** The bearer token for `oidcRequestUrl`; always treated as secret. */
  oidcRequestToken?: pulumi.Input<string> | undefined;
  /**
   * Audience of the OIDC token.
   * @default "api://AzureADTokenExchange"
   */
  oidcAudience?: pulumi.Input<string> | undefined;
  /** Whether to use a managed identity. */
  useMsi?: pulumi.Input<boolean> | undefined;
  /** Whether to use `DefaultAzureCredential`, whatever else is set. */
  useDefaultAzureCredential?: pulumi.Input<boolean> | undefined;
  /** Ids of further tenants that the identity may get tokens for. */
  auxiliaryTenantIds?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * The cloud: `public`, `usgovernment` or `china`.
   * @default "public"
   */
  environment?: pulumi.Input<string> | undefined;
  /** Whether to skip the request that asks Microsoft if the sign-in authority is known. For private clouds. */
  disableInstanceDiscovery?: pulumi.Input<boolean> | undefined;
  /**
   * Switches off the check that the host asks for a token of its own domain. Only for emulators, private clouds and private link
   * names: a wrong host could then receive a token.
   * @default false
   */
  disableChallengeResourceVerification?: pulumi.Input<boolean> | undefined;
  /**
   * Bound of one operation with all its waits, in seconds: 1 to 3600.
   * @default 180
   */
  timeoutSeconds?: pulumi.Input<number> | undefined;
}

const secretNames: readonly string[] = [
  "clientSecret",
  "clientCertificatePassword",
  "oidcToken",
  "oidcRequestToken",
] satisfies (keyof KeyVaultBackupProviderArgs)[];

const ownNames: readonly string[] = [
  "disableChallengeResourceVerification",
  "timeoutSeconds",
] satisfies (keyof KeyVaultBackupProviderArgs)[];

/**
 * An identity for backups, restores and drills: for a second tenant or identity in one stack, or if default providers are
 * disabled.
 *
 * ```ts
 * const provider = new KeyVaultBackupProvider("tenant-b", { tenantId, clientId, clientSecret });
 * const backup = new KeyBackup("orders", { keyUri }, { provider });
 * ```
 *
 * Without a provider, resources use the stack's configuration: `azure-native:tenantId` and the like.
 */
export class KeyVaultBackupProvider extends pulumi.ProviderResource {
  constructor(name: string, args: KeyVaultBackupProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    // The engine hands these to the dynamic provider as it hands over the stack's configuration.
    const settings = Object.entries(args as Record<string, unknown>)
      .filter(([, value]) => value !== undefined)
      .map(([setting, value]) => {
        const namespace = ownNames.includes(setting) ? "azure-keyvault-backup" : "azure-native";
        const text = (pulumi.output(value) as pulumi.Output<unknown>).apply((known) =>
          typeof known === "string" ? known : JSON.stringify(known),
        );
        return [`${namespace}:${setting}`, secretNames.includes(setting) ? pulumi.secret(text) : text] as const;
      });
    super("pulumi-nodejs", name, Object.fromEntries(settings), opts);
  }
}
