import { inspect } from "node:util";
import {
  type IdentityKind,
  type IdentitySetting,
  type IdentitySettings,
  kindOf,
  variablesOf,
} from "./identitySettings";

/** Why there is no token. */
export type CredentialFailure = { readonly error?: unknown } & (
  | { readonly because: "unset"; readonly setting: "tenantId" | "clientId" | "oidcToken" }
  | {
      readonly because: "malformed";
      readonly setting: "environment" | "auxiliaryTenantIds" | "clientCertificatePath" | "oidcRequestUrl";
    }
  | {
      readonly because: "unreadable";
      readonly setting: "clientCertificatePath" | "oidcTokenFilePath";
      readonly code: string;
    }
  /** `answer`: the HTTP status, or the code of the connection that failed. */
  | { readonly because: "oidcRequest"; readonly answer: number | string }
  | { readonly because: "aborted" }
  /** `error`: what the Azure SDK threw. */
  | { readonly because: "refused"; readonly error: unknown }
);

/** There is no token. The message says which credential was used, why it failed and what to do, without any secret. */
export class CredentialError extends Error {
  /** Why the credential failed. The same at every attempt: without request ids and times. */
  readonly reason: string;
  /** Whether a setting caused the failure, such as a client secret, a certificate or a token, which may be outdated. */
  readonly isConfigured: boolean;

  constructor(settings: IdentitySettings, failure: CredentialFailure) {
    const { reasons, remedy, isConfigured } = explain(settings, failure);
    const credential = descriptions[kindOf(settings)];
    super(
      reasons.length === 1
        ? `Cannot get a token with ${credential}: ${reasons[0]}. ${remedy}`
        : `Cannot get a token with ${credential}:\n${reasons.map((reason) => `  - ${reason}\n`).join("")}${remedy}`,
      "error" in failure ? { cause: causeWithoutSecrets(settings, failure.error) } : {},
    );
    this.name = "CredentialError";
    this.reason = reasons.join("; ");
    this.isConfigured = isConfigured;
  }
}

interface Explanation {
  readonly reasons: readonly string[];
  readonly remedy: string;
  readonly isConfigured: boolean;
}

const descriptions: Readonly<Record<IdentityKind, string>> = {
  default: "DefaultAzureCredential",
  clientCertificate: `the certificate in ${nameOf("clientCertificatePath")}`,
  clientSecret: `the client secret in ${nameOf("clientSecret")}`,
  oidc: `OpenID Connect, set by ${nameOf("useOidc")}`,
  managedIdentity: `the managed identity, set by ${nameOf("useMsi")}`,
};

const checkNetwork = "Check that this machine can reach it, directly or through HTTPS_PROXY.";

function nameOf(setting: IdentitySetting): string {
  return `azure-native:${setting} (${variablesOf[setting][0]})`;
}

function explain(settings: IdentitySettings, failure: CredentialFailure): Explanation {
  switch (failure.because) {
    case "unset":
      return failure.setting === "oidcToken"
        ? configured(
            "there is no OpenID Connect token",
            `Set ${nameOf("oidcToken")} or ${nameOf("oidcTokenFilePath")}, or give the GitHub Actions job the permission id-token: write.`,
          )
        : configured(`${nameOf(failure.setting)} is not set`, `Set azure-native:${failure.setting}.`);
    case "malformed":
      return explainMalformed(failure.setting);
    case "unreadable":
      return configured(
        `the file in azure-native:${failure.setting} cannot be read (${failure.code})`,
        "Correct the path, the file or its permissions.",
      );
    case "oidcRequest":
      return explainOidcRequest(failure.answer);
    case "aborted":
      return {
        reasons: ["it did not answer before the operation ended"],
        remedy: "Check the network between this machine and Microsoft Entra, or the endpoint of the managed identity.",
        isConfigured: false,
      };
    case "refused":
      return explainRefusal(settings, failure.error);
    default:
      return failure satisfies never;
  }
}

function configured(reason: string, remedy: string): Explanation {
  return { reasons: [reason], remedy, isConfigured: true };
}

function explainMalformed(setting: Extract<CredentialFailure, { because: "malformed" }>["setting"]): Explanation {
  switch (setting) {
    case "environment":
      return configured(`${nameOf(setting)} is not the name of a cloud`, "Set it to public, usgovernment or china.");
    case "auxiliaryTenantIds":
      return configured(
        `${nameOf(setting)} is not a JSON array of tenant ids`,
        'Set it to an array, for example ["11111111-2222-3333-4444-555555555555"].',
      );
    case "clientCertificatePath":
      // @azure/identity reads PEM, azure-native also PFX.
      return configured(
        "the file is not PEM, which backups need, although azure-native also reads PFX",
        "Convert it: openssl pkcs12 -in client.pfx -out client.pem -nodes.",
      );
    case "oidcRequestUrl":
      return configured(
        `${nameOf(setting)} is not an https URL`,
        "Set it to an https URL, so that its token is not sent in clear.",
      );
    default:
      return setting satisfies never;
  }
}

function explainOidcRequest(answer: number | string): Explanation {
  const what = `the request to ${nameOf("oidcRequestUrl")}`;
  if (typeof answer === "string" || answer === 407) {
    const outcome = typeof answer === "string" ? `failed (${answer})` : `was answered with HTTP ${answer} by the proxy`;
    return { reasons: [`${what} ${outcome}`], remedy: checkNetwork, isConfigured: false };
  }
  const reason = `${what} was answered with HTTP ${answer}${answer === 200 ? " without a token" : ""}`;
  return answer >= 500
    ? { reasons: [reason], remedy: "Run the command again.", isConfigured: false }
    : configured(reason, `Check that the URL and ${nameOf("oidcRequestToken")} belong to the running job.`);
}

function explainRefusal(settings: IdentitySettings, error: unknown): Explanation {
  const texts = textsOf(error).map((text) => withoutSecrets(settings, text));
  const all = texts.join("\n");
  const kind = kindOf(settings);
  const tenant = /not configured to acquire tokens for tenant ([\w.-]+\w)/.exec(all)?.[1];
  if (tenant !== undefined) {
    return explainTenant(settings, tenant);
  }
  const connectionCode = connectionCodeIn(kind, all);
  if (connectionCode !== undefined) {
    return {
      reasons: [`the sign-in service of Microsoft Entra cannot be reached (${connectionCode})`],
      remedy:
        settings.activeDirectoryAuthorityHost === undefined
          ? checkNetwork
          : `Check ${nameOf("activeDirectoryAuthorityHost")} and the network; a private cloud also needs azure-native:disableInstanceDiscovery set to true.`,
      isConfigured: false,
    };
  }
  const known = [...new Set(texts.filter((text) => !isNotSetUp(text)).map(essenceOf))];
  const reasons =
    known.length > 0 ? known : ["no credential in the environment, managed identity or Azure CLI login was found"];
  if (/temporarily_unavailable/.test(all)) {
    return { reasons, remedy: "Run the command again.", isConfigured: false };
  }
  return {
    reasons,
    remedy: remedyOf(settings, kind, all),
    isConfigured: kind === "clientSecret" || kind === "clientCertificate" || kind === "oidc",
  };
}

function connectionCodeIn(kind: IdentityKind, text: string): string | undefined {
  // The endpoint of a managed identity is not Entra's: its network_error says that this machine has no such endpoint.
  return kind === "default" || kind === "managedIdentity"
    ? /endpoints_resolution_error/.exec(text)?.[0]
    : /endpoints_resolution_error|network_error/.exec(text)?.[0];
}

function explainTenant({ tenantId }: IdentitySettings, tenant: string): Explanation {
  const setting = tenantId === undefined ? "AZURE_TENANT_ID" : nameOf("tenantId");
  return {
    reasons: [`the vault belongs to tenant ${tenant}, but ${setting} is ${tenantId ?? "another"}`],
    remedy: "Set it to the vault's tenant, or add that tenant to azure-native:auxiliaryTenantIds.",
    isConfigured: tenantId !== undefined,
  };
}

function remedyOf({ clientId }: IdentitySettings, kind: IdentityKind, text: string): string {
  // 90002 and 900023: no such tenant. 700016: no such application in the tenant.
  if (kind !== "default" && /AADSTS(90002|900023|700016)\b|Invalid tenant id/.test(text)) {
    return `Correct ${nameOf("tenantId")} or ${nameOf("clientId")}.`;
  }
  switch (kind) {
    case "clientSecret":
      return `Set it to a valid client secret of application ${clientId}.`;
    case "clientCertificate":
      return `Use a PEM file that contains a certificate of application ${clientId} and its private key.`;
    case "oidc":
      return `Check that the token is current and matches a federated credential of application ${clientId} (issuer, subject, audience).`;
    case "managedIdentity":
      return `Assign a managed identity to this machine; if it is user-assigned, set ${nameOf("clientId")}.`;
    case "default":
      return /EnvironmentCredential authentication failed/.test(text)
        ? "Correct AZURE_TENANT_ID, AZURE_CLIENT_ID and the client secret or certificate in the environment, or unset them."
        : "Log in with az login, or set a credential that azure-native reads, for example ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET.";
    default:
      return kind satisfies never;
  }
}

function textsOf(error: unknown): string[] {
  if (error instanceof Error && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0) {
    return error.errors.flatMap(textsOf);
  }
  return [error instanceof Error ? error.message : "no reason was given"];
}

// Credentials in DefaultAzureCredential that say only that nobody set them up.
function isNotSetUp(text: string): boolean {
  return /No underlying credential could be used|Visual Studio Code Authentication|IMDS endpoint, but it is not available|CLI could(n't| not) be found|Unable to execute PowerShell|'Az\.Account' module/.test(
    text,
  );
}

const longestReason = 200;

/** The one sentence in the text of an Azure SDK error that says why, without what differs between two requests. */
function essenceOf(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const credential = /^\w+Credential\b/.exec(line)?.[0];
  const login = /Please run '([^']+)'/.exec(line)?.[1];
  if (login !== undefined) {
    return `${login} is needed`;
  }
  const status = /Http status code: (\d+)/.exec(line)?.[1];
  const description =
    status === undefined
      ? (/AADSTS\d+: .*/.exec(line)?.[0] ??
        / - Description: (.*?)(?: - Correlation ID:|$)/.exec(line)?.[1] ??
        line.replace(
          /^\w+Credential:? (authentication failed\..* More details: |Authentication failed\. Message )?/,
          "",
        ))
      : `HTTP status ${status}`;
  const sentence = description
    // Entra tells one request from another by these.
    .replace(/,? *(- )?\b(Trace ID|Correlation ID|Timestamp): [\w-]+( [\d:]+Z)?/g, "")
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?/g, "[time]")
    .split(/(?<=[.!?]) +(?=[A-Z])/, 1)
    .join("")
    .replace(/^Error: |[\s.,]+$/g, "")
    .slice(0, longestReason);
  return credential === undefined ? sentence : `${credential}: ${sentence}`;
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

// AzurePowerShellCredential quotes output that it cannot parse, which can contain a token.
function causeWithoutSecrets(settings: IdentitySettings, cause: unknown): unknown {
  const text = inspect(cause, { depth: 5 });
  if (withoutSecrets(settings, text) === text) {
    return cause;
  }
  const clean = new Error(withoutSecrets(settings, cause instanceof Error ? cause.message : String(cause)));
  clean.name = cause instanceof Error ? cause.name : clean.name;
  return clean;
}
