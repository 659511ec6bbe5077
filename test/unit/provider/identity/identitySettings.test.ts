import { describe, expect, it } from "@jest/globals";
import { kindOf, readIdentitySettings } from "../../../../src/provider/identity/identitySettings";

function settings(values: Record<string, string>) {
  return readIdentitySettings((name) => values[name]);
}

describe("readIdentitySettings", () => {
  it("asks for every setting by its name in azure-native's configuration and by its variables", () => {
    const asked: string[][] = [];
    const read = readIdentitySettings((name, ...variables) => {
      asked.push([name, ...variables]);
      return variables.includes("AZURE_ENVIRONMENT") ? "china" : undefined;
    });
    expect(read.environment).toBe("china");
    expect(read.clientSecret).toBeUndefined();
    expect(asked).toContainEqual(["clientSecret", "ARM_CLIENT_SECRET"]);
    expect(asked).toContainEqual(["oidcRequestUrl", "ACTIONS_ID_TOKEN_REQUEST_URL"]);
    expect(asked.map(([name]) => name)).toEqual(Object.keys(read));
  });
});

describe("kindOf", () => {
  it("selects the first credential that is configured, in azure-native's order", () => {
    const all = {
      useDefaultAzureCredential: "true",
      clientCertificatePath: "client.pem",
      clientSecret: "secret",
      useOidc: "true",
      useMsi: "true",
    };
    const kinds = Object.keys(all).map((_, index) =>
      kindOf(settings(Object.fromEntries(Object.entries(all).slice(index)))),
    );
    expect(kinds).toEqual(["default", "clientCertificate", "clientSecret", "oidc", "managedIdentity"]);
  });

  it("selects DefaultAzureCredential if no credential is configured", () => {
    expect(kindOf(settings({ tenantId: "tenant", useOidc: "false", useMsi: "false" }))).toBe("default");
  });
});
