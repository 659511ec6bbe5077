import { createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "@jest/globals";
import type { Asked } from "../../../src/keyVault/asked";
import { CredentialFailure } from "../../../src/keyVault/credentialFailure";
import { DeadlinePassed, explainBriefly, explainFailure, NameNotFree } from "../../../src/keyVault/explainFailure";
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

const ofVault = (operation: Asked["operation"]): Asked => ({
  operation,
  vaultUri: "https://kv.vault.azure.net/",
  keyName: "orders",
});
const forbidden = (innerCode: string) =>
  refusal(403, { code: "Forbidden", innererror: { code: innerCode }, message: "Not allowed" });

describe("a permission that is missing is named", () => {
  const cases: [Asked["operation"], string, string, string, string, string, string][] = [
    ["backup", "back up", "backup/action", "User", "backup", "backup/action", "User"],
    ["read", "read", "read", "User", "list", "read/action", "User"],
    ["get", "read", "read", "User", "get", "read/action", "User"],
    ["restore", "restore", "restore/action", "Officer", "restore", "restore/action", "User"],
    ["update", "tag", "update/action", "Officer", "update", "write/action", "User"],
    ["create", "create", "create/action", "Officer", "create", "create", "User"],
    ["delete", "delete", "delete", "Officer", "delete", "delete", "User"],
    ["purge", "purge", "purge/action", "Officer", "purge", "deletedKeys/delete", "Officer"],
    ["sign", "sign with", "sign/action", "User", "sign", "sign/action", "User"],
    ["unwrapKey", "unwrap with", "unwrap/action", "User", "unwrapKey", "unwrap/action", "User"],
    ["decrypt", "decrypt with", "decrypt/action", "User", "decrypt", "decrypt/action", "User"],
  ];
  it.each(cases)("to %s (%s a key)", (operation, verb, action, role, permission, hsmAction, hsmRole) => {
    const preposition = operation === "restore" ? "into" : "in";
    const said = (vaultUri: string, innerCode: string) =>
      explainBriefly({ ...ofVault(operation), vaultUri }, forbidden(innerCode), 0);
    const refused = (host: string, innerCode: string) =>
      `Key Vault refused to ${verb} key "orders" ${preposition} ${host}: 403 Forbidden (${innerCode}). `;
    const [vault, hsm] = ["kv.vault.azure.net", "hsm.managedhsm.azure.net"];
    expect(said(`https://${vault}/`, "ForbiddenByRbac")).toBe(
      `${refused(vault, "ForbiddenByRbac")}Grant the data action Microsoft.KeyVault/vaults/keys/${action}, for instance ` +
        `with the role Key Vault Crypto ${role}.`,
    );
    expect(said(`https://${vault}/`, "ForbiddenByPolicy")).toBe(
      `${refused(vault, "ForbiddenByPolicy")}Give the identity the key permission "${permission}" in an access policy of ` +
        "the vault.",
    );
    expect(said(`https://${hsm}/`, "ForbiddenByRbac")).toBe(
      `${refused(hsm, "ForbiddenByRbac")}Grant the data action Microsoft.KeyVault/managedHsm/keys/${hsmAction}, for ` +
        `instance with the local role Managed HSM Crypto ${hsmRole}.`,
    );
  });

  it("and waited for, as the text says, where it may be new", () => {
    const { message } = explainFailure(ofVault("purge"), forbidden("ForbiddenByRbac"), 180);
    expect(message).toContain("It was refused for 180 s, in case the grant is new.");
  });

  it.each(["KeyDisabled", "KeyOperationForbidden", "KeyExpired", "KeyNotYetValid"])(
    "only where it is one, and not where the key itself forbids the use (%s)",
    (innerCode) => {
      const { message } = explainFailure(ofVault("sign"), forbidden(innerCode), 0);
      expect(message).toContain(`403 Forbidden (${innerCode})`);
      expect(message).not.toContain("Grant the data action");
    },
  );
});

describe("a key whose name is not known yet", () => {
  const asked = { ...ofVault("restore"), keyName: undefined };

  it("is a key", () => {
    expect(explainFailure(asked, new DeadlinePassed("503"), 180).message).toContain(
      "Could not restore a key into kv.vault.azure.net: kv.vault.azure.net did not carry it out within 180 s",
    );
  });

  it.each<[string, Refusal]>([
    ["a missing permission", forbidden("ForbiddenByRbac")],
    ["the firewall", forbidden("ForbiddenByFirewall")],
    ["a conflict", refusal(409, { code: "Conflict" })],
    ["an undecryptable blob", refusal(400, { code: "BadParameter", message: "Cannot decrypt backup blob." })],
    [
      "another format",
      refusal(400, { code: "BadParameter", message: "Backup blob contains invalid or corrupt version." }),
    ],
    ["something else", refusal(400, { code: "BadParameter" })],
    ["a proxy", refusal(404, {})],
    ["a failed service", refusal(500, {})],
  ])("is not called undefined where the restore is refused by %s", (_, error) => {
    expect(explainFailure(asked, error, 0).message).not.toContain("undefined");
    expect(explainBriefly(asked, error, 0)).not.toContain("undefined");
  });
});

describe("a name that is not free", () => {
  const conflict = refusal(409, { code: "Conflict", message: "Key orders is taken" });

  it("is told with how long it was waited for, and what may hold it", () => {
    const explained = explainFailure(ofVault("restore"), new NameNotFree(conflict), 120);
    expect(explained.message).toBe(
      'Could not restore key "orders" into kv.vault.azure.net: for 120 s its name did not become free. A key of that name ' +
        "is being deleted or recovered, or was purged a moment ago. Run again.",
    );
    expect(explained.cause).toMatchObject({ conflict });
  });

  it("is told with all that may hold it where it cannot be looked up", () => {
    expect(explainFailure(ofVault("restore"), conflict, 0).message).toBe(
      'Key Vault refused to restore key "orders" into kv.vault.azure.net: 409 Conflict: Key orders is taken. The name of ' +
        "the key is taken: by a key that is in use, by a soft-deleted one (recover or purge it), or by one that was purged " +
        'a moment ago (run again). To be told which, grant the permission to read keys ("list" and "get"). Request id 3f.',
    );
  });

  it.each<[Asked["operation"], string]>([
    ["restore", "ObjectIsBeingDeleted"],
    ["restore", "ObjectIsBeingRecovered"],
    ["purge", "ObjectIsBeingDeleted"],
    ["delete", "ObjectIsBeingRecovered"],
  ])("for another operation that is under way is to be tried again (%s, %s)", (operation, innerCode) => {
    const error = refusal(409, { code: "Conflict", innererror: { code: innerCode }, message: "Wait" });
    expect(explainBriefly(ofVault(operation), error, 0)).toContain(
      `409 Conflict (${innerCode}). Another operation on the key is under way. Run again.`,
    );
  });
});

describe("a blob that is refused", () => {
  const told = (message: string, vaultUri = "https://kv.vault.azure.net/") =>
    explainFailure({ ...ofVault("restore"), vaultUri }, refusal(400, { code: "BadParameter", message }), 0).message;

  it("for what it is encrypted by is restored elsewhere, or damaged", () => {
    expect(told("Cannot decrypt backup blob.")).toContain("only in the geography and the Azure subscription in which");
  });

  it("for its beginning may be of a secret, whose command names the vault", () => {
    expect(told("Backup blob contains invalid or corrupt version.")).toContain(
      "(az keyvault secret restore --vault-name kv --file …).",
    );
  });

  it("for anything else may be of a certificate, whose command names the vault", () => {
    expect(told("The backup blob is bad.")).toContain("az keyvault certificate restore --vault-name kv --file ….");
  });

  it.each(["Backup blob contains invalid or corrupt version.", "The backup blob is bad."])(
    "by a Managed HSM is not sent to commands that Managed HSMs do not have (%s)",
    (message) => {
      expect(told(message, "https://hsm.managedhsm.azure.net/")).not.toMatch(/(secret|certificate) restore --hsm-name/);
    },
  );
});

it("purge protection is told apart from a missing permission, although the service answers both by 403", () => {
  const error = refusal(403, {
    code: "Forbidden",
    message: 'Operation "purge" is not allowed because purge protection is enabled for this vault.',
  });
  expect(explainFailure(ofVault("purge"), error, 0).message).toBe(
    'Key Vault refused to purge key "orders" in kv.vault.azure.net: 403 Forbidden: Operation "purge" is not allowed because ' +
      "purge protection is enabled for this vault. The soft-deleted key stays until the retention period of the vault is " +
      "over; until then it can be recovered. Request id 3f.",
  );
});

it("what the key cannot decrypt is not blamed on vaultUri and keyName", () => {
  const error = refusal(400, { code: "BadParameter", message: "Error occurred while decoding OAEP padding." });
  expect(explainFailure(ofVault("unwrapKey"), error, 0).message).not.toContain("Check vaultUri and keyName");
});

describe("a deadline that has passed", () => {
  const told = (operation: Asked["operation"]) =>
    explainFailure(ofVault(operation), new DeadlinePassed(undefined), 30).message;

  it.each(["backup", "restore", "update", "create", "delete", "purge"] as const)(
    "may be set later for what it bounds: to %s",
    (operation) => {
      expect(told(operation)).toContain("raise the stack's azure-keyvault-backup:timeoutSeconds");
    },
  );

  it.each(["read", "get", "sign", "unwrapKey", "decrypt"] as const)(
    "may not be set later where a bound of its own ended it: to %s",
    (operation) => {
      expect(told(operation)).toContain("gave no answer within 30 s");
      expect(told(operation)).not.toContain("timeoutSeconds");
    },
  );
});
