import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { credentialOf } from "../../../src/provider/credential";
import { readIdentitySettings } from "../../../src/provider/identitySettings";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import { useIdentityOf } from "../../support/useIdentityOf";

const { PATH } = process.env;
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  useIdentityOf(service);
  process.env.IDENTITY_HEADER = "not the header that the endpoint expects";
  // No az, azd or PowerShell that somebody has logged in with.
  process.env.PATH = "/nonexistent";
});
afterAll(async () => {
  process.env.PATH = PATH;
  await service.stop();
});

it("tells which credentials DefaultAzureCredential tried, and why each failed", async () => {
  const text = await credentialOf(readIdentitySettings(() => undefined))
    .getToken("https://vault.azure.net/.default")
    .then(
      () => "did not fail",
      (error: Error) => error.message,
    );
  const [first, ...lines] = text.split("\n");
  expect(first).toBe("no token from DefaultAzureCredential, which tried:");
  const tried = lines.filter((line) => line.startsWith("  - "));
  expect(tried.length).toBeGreaterThanOrEqual(4);
  for (const name of ["EnvironmentCredential", "ManagedIdentityCredential", "Azure CLI"]) {
    expect(tried.filter((line) => line.includes(name)).length).toBe(1);
  }
  expect(lines.at(-1)).toMatch(/^Log in with az login, or set the credential that azure-native uses/);
});
