import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { LocalIdentity } from "../../../../localVault/localIdentity";
import { credentialOf } from "../../../../src/provider/identity/credential";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { failureOf } from "./failureOf";
import { scope, startIdentity } from "./startIdentity";

const { PATH } = process.env;
let identity: LocalIdentity;

beforeAll(async () => {
  ({ identity } = await startIdentity());
  process.env.IDENTITY_HEADER = "not the header that the endpoint expects";
  // No az, azd or PowerShell that somebody has logged in with.
  process.env.PATH = "/nonexistent";
});
afterAll(async () => {
  process.env.PATH = PATH;
  await identity.stop();
});

it("gives only the managed identity's reason if DefaultAzureCredential finds nothing else that is set up", async () => {
  const credential = credentialOf(readIdentitySettings(() => undefined));
  const { message } = await failureOf(() => credential.getToken(scope));
  expect(message).toContain("DefaultAzureCredential: The identity header is wrong. ");
  expect(message).toContain("az login");
  expect((await failureOf(() => credential.getToken(scope))).message).toBe(message);
});
