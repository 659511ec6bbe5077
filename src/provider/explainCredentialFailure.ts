import { CredentialFailure } from "../keyVault/credentialFailure";
import { type IdentityKind, type IdentitySettings, kindOf } from "./identitySettings";

const descriptions: Readonly<Record<IdentityKind, string>> = {
  default: "DefaultAzureCredential",
  clientCertificate: "the client certificate of azure-native:clientCertificatePath (ARM_CLIENT_CERTIFICATE_PATH)",
  clientSecret: "the client secret of azure-native:clientSecret (ARM_CLIENT_SECRET)",
  oidc: "OpenID Connect, by azure-native:useOidc (ARM_USE_OIDC)",
  managedIdentity: "the managed identity, by azure-native:useMsi (ARM_USE_MSI)",
};

const secretNames = ["clientCertificatePassword", "clientSecret", "oidcToken", "oidcRequestToken"] as const;

/** A failure to get a token, told with what was tried, why each failed and what to do, and without any secret. */
export function explainCredentialFailure(settings: IdentitySettings, error: unknown): CredentialFailure {
  const reasons = reasonsOf(error).map((reason) => oneLine(withoutSecrets(settings, reason)));
  const tried = descriptions[kindOf(settings)];
  const text =
    reasons.length === 1
      ? `no token from ${tried}: ${reasons[0]}`
      : `no token from ${tried}, which tried:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}`;
  return new CredentialFailure(`${text}\n${remedyOf(settings, reasons.join())}`, { cause: error });
}

function remedyOf(settings: IdentitySettings, reasons: string): string {
  const tenant = /not configured to acquire tokens for tenant ([\w-]+)/.exec(reasons)?.[1];
  if (tenant !== undefined) {
    return (
      `The vault belongs to tenant ${tenant}: set azure-native:tenantId to it, or add it to the array ` +
      "azure-native:auxiliaryTenantIds."
    );
  }
  return kindOf(settings) === "default"
    ? "Log in with az login, or set the credential that azure-native uses (azure-native:* or ARM_*), or AZURE_CLIENT_ID, " +
        "AZURE_TENANT_ID and AZURE_CLIENT_SECRET."
    : "It is what azure-native would use in this stack; no other is tried. Mend it, or remove the setting.";
}

function reasonsOf(error: unknown): string[] {
  if (error instanceof Error && "errors" in error && Array.isArray(error.errors)) {
    return error.errors.flatMap(reasonsOf);
  }
  return [error instanceof Error ? error.message : "no reason given"];
}

// Entra adds a trace id, a correlation id and a time on lines of their own.
function oneLine(reason: string): string {
  const lines = reason.split(/\r?\n/).map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && line !== "More details:")
    .join(" ")
    .slice(0, 1_000);
}

function withoutSecrets(settings: IdentitySettings, text: string): string {
  return (
    secretNames
      .map((name) => settings[name])
      .filter((secret) => secret !== undefined && secret.trim() !== "")
      // A token read from a file or a variable may end with a line break.
      .reduce<string>((clean, secret) => clean.replaceAll((secret as string).trim(), "[secret]"), text)
      .replace(/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, "[token]")
  );
}
