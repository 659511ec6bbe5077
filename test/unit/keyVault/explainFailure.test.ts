import { createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline";
import { expect, it } from "@jest/globals";
import { CredentialFailure } from "../../../src/keyVault/credentialFailure";
import { explainBriefly, explainFailure } from "../../../src/keyVault/explainFailure";
import { Refusal } from "../../../src/keyVault/refusal";

const asked = { operation: "backup", vaultUri: "https://hsm.managedhsm.azure.net/", keyName: "orders" } as const;

function refusal(status: number, error: object): Refusal {
  return new Refusal({
    status,
    headers: createHttpHeaders({ "x-ms-request-id": "3f" }),
    request: createPipelineRequest({ url: asked.vaultUri }),
    bodyAsText: JSON.stringify({ error }),
  });
}

it("names the local role of a Managed HSM", () => {
  const error = refusal(403, { code: "Forbidden", innererror: { code: "ForbiddenByRbac" }, message: "Not allowed" });
  expect(explainFailure(asked, error, 5).message).toBe(
    'Key Vault refused to back up key "orders" in hsm.managedhsm.azure.net: 403 Forbidden (ForbiddenByRbac): Not allowed. ' +
      "Grant the data action Microsoft.KeyVault/managedHsm/keys/backup/action, for instance with the local role Managed HSM " +
      "Crypto User. It was refused for 5 s, in case the grant is new. Request id 3f.",
  );
});

it("recovers a key of a Managed HSM by its own option", () => {
  const error = refusal(404, { code: "KeyNotFound", message: "A key was not found." });
  expect(explainFailure(asked, error, 10).message).toContain("az keyvault key recover --hsm-name hsm --name orders.");
});

it("keeps the cause, and has no id that the engine would take for a half-made resource", () => {
  const error = refusal(500, { code: "InternalServerError" });
  const explained = explainFailure(asked, error, 0);
  expect(explained.cause).toBe(error);
  expect(explained).not.toHaveProperty("id");
});

it("shortens a message that has no end, and sets its lines in one", () => {
  const error = refusal(400, { code: "BadParameter", message: `first line.\r\nsecond line\r\n${"x".repeat(5_000)}` });
  const { message } = explainFailure(asked, error, 0);
  expect(message).toContain("first line. second line; xxx");
  expect(message.length).toBeLessThan(2_300);
});

it("says briefly what stays the same from one request to the next", () => {
  const reading = { ...asked, operation: "read" } as const;
  const refused = refusal(403, { code: "Forbidden", innererror: { code: "ForbiddenByRbac" }, message: "oid=1;addr=2" });
  expect(explainBriefly(reading, refused, 5)).toBe(
    'Key Vault refused to read key "orders" in hsm.managedhsm.azure.net: 403 Forbidden (ForbiddenByRbac). Grant the data ' +
      "action Microsoft.KeyVault/managedHsm/keys/read/action, for instance with the local role Managed HSM Crypto User.",
  );
  const failure = new CredentialFailure(
    "no token from it: AADSTS7000215: Invalid client secret. Trace ID: 3f-a Correlation ID: 4e-b Timestamp: 2026-03-01 " +
      "10:00:00Z\nMend it.",
  );
  expect(explainBriefly(reading, failure, 5)).toBe(
    'Could not read key "orders" in hsm.managedhsm.azure.net: no token from it: AADSTS7000215: Invalid client secret.\nMend it.',
  );
});
