import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { CredentialError, type CredentialFailure } from "../../../../src/provider/identity/credentialError";
import { type IdentitySettings, readIdentitySettings } from "../../../../src/provider/identity/identitySettings";

const tenantId = "11111111-2222-3333-4444-555555555555";
const clientId = "99999999-8888-7777-6666-555555555555";
const secret = "hunter2~VerySecret.Value";

function settings(values: Record<string, string> = {}): IdentitySettings {
  return readIdentitySettings((name) => values[name]);
}

const withSecret = settings({ tenantId, clientId, clientSecret: secret });

function refused(message: string, of: IdentitySettings = withSecret): CredentialError {
  return new CredentialError(of, { because: "refused", error: new Error(message) });
}

function refusedByAll(messages: string[], of: IdentitySettings = settings()): CredentialError {
  const error = Object.assign(new Error(messages.join("\n")), {
    errors: messages.map((message) => new Error(message)),
  });
  return new CredentialError(of, { because: "refused", error });
}

function entraText(code: number, sentence: string, request: { id: string; time: string }): string {
  const { id, time } = request;
  return (
    `invalid_client: Error(s): ${code} - Timestamp: ${time} - Description: AADSTS${code}: ${sentence} ` +
    `Trace ID: ${id} Correlation ID: ${id} Timestamp: ${time} - Correlation ID: ${id} - Trace ID: ${id}`
  );
}

const first = { id: "03906e7b-11d9-4464-9568-613ca5bd926b", time: "2026-11-26 13:47:59Z" };
const second = { id: "5022bc1e-851b-41f5-a8b5-aee74c24f88d", time: "2026-11-26 13:48:03Z" };

const notSetUp = [
  "EnvironmentCredential is unavailable. No underlying credential could be used. To troubleshoot, visit https://aka.ms/azsdk/js/identity/environmentcredential/troubleshoot.",
  "Attempted to use the IMDS endpoint, but it is not available.",
  "Visual Studio Code Authentication is not available. Ensure you have have Azure Resources Extension installed in VS Code.",
  "Azure CLI could not be found. Please visit https://aka.ms/azure-cli for installation instructions.",
  "Error: Unable to execute PowerShell. Ensure that it is installed in your system. To troubleshoot, visit https://aka.ms/x.",
  "Azure Developer CLI couldn't be found. To mitigate this issue, see the troubleshooting guidelines at https://aka.ms/x.",
];

describe("a CredentialError", () => {
  it("has a name and keeps its cause", () => {
    const cause = new Error("refused");
    const error = new CredentialError(withSecret, { because: "refused", error: cause });
    expect(error.name).toBe("CredentialError");
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(Error);
  });

  it("has the same message and reason for two requests that Entra refuses for one reason", () => {
    const sentence = "Invalid client secret provided. Ensure the secret being sent is the client secret value.";
    const one = refused(entraText(7000215, sentence, first));
    expect(one.message).toBe(refused(entraText(7000215, sentence, second)).message);
    expect(one.reason).toBe("AADSTS7000215: Invalid client secret provided");
    expect(one.message).toContain("azure-native:clientSecret (ARM_CLIENT_SECRET)");
    expect(one.message).toContain(`application ${clientId}`);
  });

  it("leaves out what identifies a request after a sentence without a full stop", () => {
    expect(refused(entraText(50000, "There was an error issuing a token", first)).reason).toBe(
      "AADSTS50000: There was an error issuing a token",
    );
  });

  it("cuts a reason that is long", () => {
    expect(refused(`it failed ${"because ".repeat(500)}`).message.length).toBeLessThan(400);
  });

  it("leaves out the times that Entra puts into a sentence", () => {
    const sentence = (time: string) =>
      `Client assertion is not valid at ${time}, it expired at 2026-11-26T13:00:00.123Z.`;
    const [one, other] = ["2026-11-26T13:47:59.0471327Z", "2026-11-26T13:48:03.1Z"].map((time) =>
      refused(entraText(700024, sentence(time), first)),
    );
    expect(one?.reason).toContain("AADSTS700024");
    expect(one?.reason).toBe(other?.reason);
  });

  it("reads Entra's answer in the error of EnvironmentCredential", () => {
    const { reason, message, isConfigured } = refused(
      "EnvironmentCredential authentication failed. To troubleshoot, visit https://aka.ms/x. Status code: 400\n" +
        `More details:\n${entraText(7000222, "The provided client secret keys are expired.", first)},`,
      settings(),
    );
    expect(reason).toBe("EnvironmentCredential: AADSTS7000222: The provided client secret keys are expired");
    expect(message).toContain("AZURE_CLIENT_ID");
    expect(isConfigured).toBe(false);
  });

  it("reads the reason of EnvironmentCredential that is not Entra's", () => {
    const { reason } = refused(
      "EnvironmentCredential authentication failed. To troubleshoot, visit https://aka.ms/x. Status code: 400\n" +
        "More details:\nENOENT: no such file or directory,",
      settings(),
    );
    expect(reason).toBe("EnvironmentCredential: ENOENT: no such file or directory");
  });

  it("reads the description of a managed identity's endpoint", () => {
    const { reason, message } = refused(
      "ManagedIdentityCredential: Authentication failed. Message : Error(s): Not Available - Timestamp: Not Available - " +
        `Description: Identity not found - Correlation ID: ${first.id} - Trace ID: Not Available`,
      settings({ useMsi: "true" }),
    );
    expect(reason).toBe("ManagedIdentityCredential: Identity not found");
    expect(message).toContain("azure-native:useMsi (ARM_USE_MSI)");
  });

  it("reads the status of an answer that is not JSON, without its headers", () => {
    const { reason } = refused(
      "ManagedIdentityCredential: Authentication failed. Message client_error: Error(s): Not Available - Timestamp: Not " +
        "Available - Description: A client error occured.\nHttp status code: 403\nHttp status message: denied\n" +
        'Headers: {"date":"Thu, 26 Nov 2026 13:44:42 GMT"} - Correlation ID: Not Available - Trace ID: Not Available',
      settings({ useMsi: "true" }),
    );
    expect(reason).toBe("ManagedIdentityCredential: HTTP status 403");
  });

  it("names the tenant of the vault, the tenant that is set, and the setting", () => {
    const vaultTenant = "77777777-2222-3333-4444-555555555555";
    const text = `The current credential is not configured to acquire tokens for tenant ${vaultTenant}. To enable it, add it.`;
    const { reason, message, isConfigured } = refused(text);
    for (const part of [vaultTenant, tenantId, "azure-native:tenantId (ARM_TENANT_ID)"]) {
      expect(reason).toContain(part);
    }
    expect(message).toContain("azure-native:auxiliaryTenantIds");
    expect(isConfigured).toBe(true);
    const ofEnvironment = refused(text, settings());
    expect(ofEnvironment.reason).toContain("AZURE_TENANT_ID");
    expect(ofEnvironment.isConfigured).toBe(false);
  });

  it("points at tenant and client if Entra does not know them", () => {
    const { message } = refused(entraText(700016, "Application with identifier 'x' was not found.", first));
    expect(message).toContain("azure-native:tenantId (ARM_TENANT_ID)");
    expect(message).toContain("azure-native:clientId (ARM_CLIENT_ID)");
  });

  it("points at the network if Entra cannot be reached, and not at the secret", () => {
    const text = "endpoints_resolution_error: See https://aka.ms/msal.js.errors#endpoints_resolution_error for details";
    const { message, isConfigured } = refused(text);
    expect(message).toContain("HTTPS_PROXY");
    expect(message).not.toContain("valid client secret");
    expect(isConfigured).toBe(false);
    const privateCloud = settings({ clientSecret: secret, activeDirectoryAuthorityHost: "https://login.example.com" });
    expect(refused(text, privateCloud).message).toContain("azure-native:disableInstanceDiscovery");
  });

  it("blames no setting for a transient error of Entra", () => {
    const { isConfigured, message } = refused(
      entraText(90033, "A transient error has occurred. Please try again.", first).replace(
        "invalid_client",
        "temporarily_unavailable",
      ),
    );
    expect(isConfigured).toBe(false);
    expect(message).toContain("AADSTS90033");
    expect(message).not.toContain("valid client secret");
  });

  it("says in one line that nothing is set up, instead of listing each credential of DefaultAzureCredential", () => {
    const { message, reason } = refusedByAll(notSetUp);
    expect(message).not.toContain("\n");
    expect(message).not.toMatch(/PowerShell|Visual Studio|aka\.ms/);
    expect(message).toContain("az login");
    expect(reason).not.toBe("");
  });

  it("lists each reason of DefaultAzureCredential that matters once, on a short line", () => {
    const { message } = refusedByAll([
      ...notSetUp,
      "ManagedIdentityCredential: Network unreachable. Message: network_error: See https://aka.ms/x for details",
      "Please run 'az login' from a command prompt to authenticate before using this credential.",
      "Please run 'az login' from a command prompt to authenticate before using this credential.",
      "ERROR: AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-01-01T00:00:00Z.",
    ]);
    const lines = message.split("\n").filter((line) => line.startsWith("  - "));
    expect(lines).toEqual([
      "  - ManagedIdentityCredential: Network unreachable",
      "  - az login is needed",
      "  - AADSTS700082: The refresh token has expired due to inactivity",
    ]);
  });

  it("contains no secret, whole or cut, in its message, its reason or its cause", () => {
    const token = `eyJ${"a".repeat(600)}.eyJ${"b".repeat(600)}.${"c".repeat(300)}`;
    for (const text of [secret, `${"x".repeat(190)}${secret}`, token, token.slice(0, 900), `output:\n${token}\nmore`]) {
      const error = refused(text);
      expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/hunter2|aaaa|bbbb/);
      expect(error.reason).not.toMatch(/hunter2|aaaa|bbbb/);
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  it("contains no secret that has a line break, and none that contains another", () => {
    const of = settings({ useOidc: "true", oidcToken: "first-part\nsecond-part\n", oidcRequestToken: "first" });
    const error = refused("refused: first-part\nsecond-part", of);
    expect(inspect(error, { depth: null })).not.toMatch(/first|second|part/);
  });

  it.each<[string, Record<string, string>, boolean]>([
    ["a client secret", { clientSecret: secret }, true],
    ["a client certificate", { clientCertificatePath: "client.pem" }, true],
    ["an OpenID Connect token", { useOidc: "true" }, true],
    ["a managed identity", { useMsi: "true" }, false],
    ["DefaultAzureCredential", {}, false],
  ])("of %s says whether a setting may be outdated", (_, values, expected) => {
    expect(refused("refused", settings(values)).isConfigured).toBe(expected);
  });

  it.each<[string, CredentialFailure, string, boolean]>([
    ["a missing setting", { because: "unset", setting: "clientId" }, "ARM_CLIENT_ID", true],
    ["a missing token", { because: "unset", setting: "oidcToken" }, "id-token: write", true],
    ["an unknown cloud", { because: "malformed", setting: "environment" }, "usgovernment", true],
    ["a PFX file", { because: "malformed", setting: "clientCertificatePath" }, "openssl pkcs12", true],
    ["a missing file", { because: "unreadable", setting: "oidcTokenFilePath", code: "ENOENT" }, "ENOENT", true],
    ["a refused token request", { because: "oidcRequest", answer: 401 }, "HTTP 401", true],
    ["a failing token service", { because: "oidcRequest", answer: 503 }, "HTTP 503", false],
    ["a proxy that wants a password", { because: "oidcRequest", answer: 407 }, "HTTPS_PROXY", false],
    ["an unreachable token service", { because: "oidcRequest", answer: "ECONNREFUSED" }, "ECONNREFUSED", false],
    ["an aborted operation", { because: "aborted" }, "before the operation ended", false],
  ])("for %s is short and says what to do", (_, failure, fragment, isConfigured) => {
    const error = new CredentialError(settings({ useOidc: "true" }), failure);
    expect(error.message).toContain(fragment);
    expect(error.message.length).toBeLessThan(340);
    expect(error.message.endsWith(".")).toBe(true);
    expect(error.isConfigured).toBe(isConfigured);
    expect(error.message).toContain(error.reason);
  });
});
