import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { type CredentialError, refusedCredential } from "../../../../src/provider/identity/credentialError";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";

const clientId = "99999999-8888-7777-6666-555555555555";
const secret = "hunter2~VerySecret.Value";
const withSecret = { clientId, clientSecret: secret };

function refused(message: string, settings: Record<string, string> = withSecret): CredentialError {
  return refusedCredential(
    readIdentitySettings((name) => settings[name]),
    new Error(message),
  );
}

function refusedByAll(...messages: string[]): CredentialError {
  const error = Object.assign(new Error("all failed"), { errors: messages.map((message) => new Error(message)) });
  return refusedCredential(
    readIdentitySettings(() => undefined),
    error,
  );
}

const notSetUp = [
  "EnvironmentCredential is unavailable. No underlying credential could be used. To troubleshoot, visit https://aka.ms/x.",
  "Attempted to use the IMDS endpoint, but it is not available.",
  "Visual Studio Code Authentication is not available. Ensure you have have Azure Resources Extension installed in VS Code.",
  "Azure CLI could not be found. Please visit https://aka.ms/azure-cli for installation instructions.",
  "Error: Unable to execute PowerShell. Ensure that it is installed in your system.",
  "Azure Developer CLI couldn't be found. To mitigate this issue, see the troubleshooting guidelines.",
];

describe("the error for a refused credential", () => {
  it("has a name and a cause", () => {
    const error = refused("AADSTS50000: There was an error.");
    expect(error.name).toBe("CredentialError");
    expect(error.cause).toHaveProperty("message", "AADSTS50000: There was an error.");
  });

  it.each([
    "There was an error issuing a token",
    "Client assertion is not valid at [now], it expired at 2026-11-26T13:00:00.123Z.",
  ])("has the same message for two requests that Entra refuses with: %s", (sentence) => {
    const [one, other] = [
      { id: "03906e7b-11d9-4464-9568-613ca5bd926b", time: "2026-11-26 13:47:59Z", now: "2026-11-26T13:47:59.0471Z" },
      { id: "5022bc1e-851b-41f5-a8b5-aee74c24f88d", time: "2026-11-26 13:48:03Z", now: "2026-11-26T13:48:03.1Z" },
    ].map(({ id, time, now }) =>
      refused(
        `invalid_client: Error(s): 7 - Timestamp: ${time} - Description: AADSTS7: ${sentence.replace("[now]", now)} ` +
          `Trace ID: ${id} Correlation ID: ${id} Timestamp: ${time} - Correlation ID: ${id} - Trace ID: ${id}`,
      ),
    );
    expect(one?.message).toContain(`AADSTS7: ${sentence.slice(0, 25)}`);
    expect(one?.message).toBe(other?.message);
  });

  it("gives the description of a managed identity's endpoint, without what identifies the request", () => {
    const { message } = refused(
      "ManagedIdentityCredential: Authentication failed. Message : Error(s): Not Available - Timestamp: Not Available - " +
        "Description: Identity not found - Correlation ID: 03906e7b - Trace ID: Not Available",
      { useMsi: "true" },
    );
    expect(message).toContain(": Identity not found. ");
    expect(message).toContain("azure-native:useMsi (ARM_USE_MSI)");
  });

  it("is short although its reason is long", () => {
    expect(refused(`it failed ${"because ".repeat(500)}`).message.length).toBeLessThan(330);
  });

  it("says whether a setting may be outdated", () => {
    const isConfigured = (settings: Record<string, string>) => refused("refused", settings).isConfigured;
    expect(isConfigured({ clientSecret: secret })).toBe(true);
    expect(isConfigured({ clientCertificatePath: "client.pem" })).toBe(true);
    expect(isConfigured({ useOidc: "true" })).toBe(true);
    expect(isConfigured({ useMsi: "true" })).toBe(false);
    expect(isConfigured({})).toBe(false);
  });

  it("does not blame the secret for a transient error of Entra", () => {
    const { message, isConfigured } = refused("temporarily_unavailable: Description: AADSTS90033: A transient error.");
    expect(message).toContain("AADSTS90033");
    expect(message).not.toContain("Check the secret");
    expect(isConfigured).toBe(false);
  });

  it("does not blame the network for a managed identity that this machine does not have", () => {
    const { message } = refused("ManagedIdentityCredential: network_error: See https://aka.ms/x", { useMsi: "true" });
    expect(message).toContain("Assign a managed identity");
  });

  it("gives one reason if no credential is set up", () => {
    const { message } = refusedByAll(...notSetUp);
    expect(message).toContain("no credential was found");
    expect(message).toContain("az login");
    expect(message).not.toMatch(/PowerShell|Visual Studio|aka\.ms|;/);
  });

  it("gives each reason of DefaultAzureCredential once, apart from credentials that are not set up", () => {
    const login = "Please run 'az login' from a command prompt to authenticate before using this credential.";
    const { message } = refusedByAll(...notSetUp, login, login, "ERROR: AADSTS700082: The token has expired. Log in.");
    expect(message).toContain("DefaultAzureCredential: Please run 'az login'");
    expect(message.split("; ")).toHaveLength(2);
    expect(message).toContain("; AADSTS700082: The token has expired. ");
  });

  it("contains no secret or token, whole or cut", () => {
    const token = `eyJ${"a".repeat(600)}.eyJ${"b".repeat(600)}.${"c".repeat(300)}`;
    for (const text of [secret, `${"x".repeat(150)}${secret}`, token, token.slice(0, 900), `output:\n${token}\nmore`]) {
      expect(inspect(refused(text), { depth: null, showHidden: true })).not.toMatch(/hunter2|aaaa|bbbb/);
    }
  });

  it("contains no secret that has a line break or that contains another secret", () => {
    const settings = { useOidc: "true", oidcToken: "first-part\nsecond-part\n", oidcRequestToken: "first" };
    expect(inspect(refused("refused: first-part\nsecond-part", settings))).not.toMatch(/first|second|part\b/);
  });
});
