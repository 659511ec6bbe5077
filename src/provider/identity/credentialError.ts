import {
  type IdentityKind,
  type IdentitySetting,
  type IdentitySettings,
  kindOf,
  variablesOf,
} from "./identitySettings";

/** Why there is no token, and what to do. */
export interface CredentialFailure {
  /** One clause, or one for each credential that was tried. The same at each attempt. */
  readonly reasons: readonly string[];
  readonly remedy: string;
  /** Whether a setting caused the failure, such as a client secret that may be outdated. */
  readonly isConfigured: boolean;
  readonly cause?: unknown;
}

/** There is no token. The message is the same at each attempt, and holds no secret. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
  readonly isConfigured: boolean;

  constructor(settings: IdentitySettings, { reasons, remedy, isConfigured, cause }: CredentialFailure) {
    super(`no token from ${descriptions[kindOf(settings)]}: ${reasons.join("; ")}. ${remedy}`, { cause });
    this.isConfigured = isConfigured;
  }
}

const descriptions: Readonly<Record<IdentityKind, string>> = {
  default: "DefaultAzureCredential",
  clientCertificate: `the certificate in ${nameOf("clientCertificatePath")}`,
  clientSecret: `the client secret in ${nameOf("clientSecret")}`,
  oidc: `OpenID Connect, set by ${nameOf("useOidc")}`,
  managedIdentity: `the managed identity, set by ${nameOf("useMsi")}`,
};

/** A setting with the variable that stands in for it. */
export function nameOf(setting: IdentitySetting): string {
  return `azure-native:${setting} (${variablesOf[setting][0]})`;
}

/** A setting that is missing or wrong. */
export function wrongSetting(
  settings: IdentitySettings,
  reason: string,
  remedy: string,
  cause?: unknown,
): CredentialError {
  return new CredentialError(settings, { reasons: [reason], remedy, isConfigured: true, cause });
}

/** What the Azure SDK threw for want of a token, in fewer words. */
export function refusedCredential(settings: IdentitySettings, error: unknown): CredentialError {
  const texts = textsOf(error).map((text) => withoutSecrets(settings, text));
  const cause = new Error(texts.join("\n"));
  const tenant = /not configured to acquire tokens for tenant ([\w.-]+\w)/.exec(cause.message)?.[1];
  if (tenant !== undefined) {
    const remedy = `Set ${nameOf("tenantId")} to that tenant, or add it to azure-native:auxiliaryTenantIds.`;
    return wrongSetting(settings, `the vault belongs to tenant ${tenant}`, remedy, cause);
  }
  const kind = kindOf(settings);
  const reasons = [...new Set(texts.filter((text) => !notSetUp.test(text)).map(essenceOf))];
  // The endpoint of a managed identity is not Entra's: its network_error says that this machine has none.
  const asksEntra = kind !== "default" && kind !== "managedIdentity";
  const isUnreachable =
    asksEntra && /endpoints_resolution_error|network_error|temporarily_unavailable/.test(cause.message);
  return new CredentialError(settings, {
    reasons:
      reasons.length > 0 ? reasons : ["no credential was found in the environment, as managed identity or as a login"],
    remedy: isUnreachable
      ? "Check that this machine can reach Microsoft Entra, directly or through HTTPS_PROXY."
      : remedies[kind](settings),
    isConfigured: asksEntra && !isUnreachable,
    cause,
  });
}

const remedies: Readonly<Record<IdentityKind, (settings: IdentitySettings) => string>> = {
  default: () =>
    "Log in with az login, or set a credential that azure-native reads, for example ARM_TENANT_ID, ARM_CLIENT_ID and " +
    "ARM_CLIENT_SECRET.",
  clientSecret: ({ clientId }) => `Check the secret, the tenant and the application ${clientId}.`,
  clientCertificate: ({ clientId }) =>
    `Check that the PEM file has a certificate of application ${clientId} and its private key.`,
  oidc: ({ clientId }) =>
    `Check that the token is current and fits a federated credential of application ${clientId} (issuer, subject, audience).`,
  managedIdentity: () =>
    `Assign a managed identity to this machine; for a user-assigned one set ${nameOf("clientId")}.`,
};

function textsOf(error: unknown): string[] {
  if (error instanceof Error && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0) {
    return error.errors.flatMap(textsOf);
  }
  return [error instanceof Error ? error.message : "no reason was given"];
}

// What DefaultAzureCredential says of credentials that nobody set up.
const notSetUp =
  /No underlying credential could be used|Visual Studio Code Authentication|IMDS endpoint, but it is not available|CLI could(n't| not) be found|Unable to execute PowerShell|'Az\.Account' module/;

const longestReason = 150;

/** The first sentence of why, in an Azure SDK error, without what differs between requests. */
function essenceOf(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return (/AADSTS\d+: .*|(?<= Description: ).*/.exec(line)?.[0] ?? line)
    .replace(/,? *(- )?\b(Trace ID|Correlation ID|Timestamp): .*/, "")
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?/g, "[time]")
    .split(/(?<=[.!?]) +(?=[A-Z])/, 1)
    .join("")
    .slice(0, longestReason)
    .replace(/[\s.,]+$/, "");
}

const secretSettings = ["clientCertificatePassword", "clientSecret", "oidcToken", "oidcRequestToken"] as const;

function withoutSecrets(settings: IdentitySettings, text: string): string {
  return (
    secretSettings
      .map((name) => settings[name]?.trim() ?? "")
      .filter((secret) => secret !== "")
      // One secret can contain another.
      .sort((one, other) => other.length - one.length)
      .reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text)
      .replace(/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, "[token]")
  );
}
