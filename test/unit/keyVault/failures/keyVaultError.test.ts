import { createHttpHeaders, createPipelineRequest, RestError } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "@jest/globals";
import { wordsOf } from "../../../../localVault/objectKind";
import * as objectAnswers from "../../../../localVault/objectRefusal";
import type { Answer } from "../../../../localVault/serviceError";
import * as answers from "../../../../localVault/serviceError";
import { type ForbiddenReason, forbidden, unauthorized } from "../../../../localVault/vaultAccess";
import {
  connectionCode,
  DeadlinePassed,
  KeyVaultError,
  MalformedAnswer,
  NameNotFree,
  ObjectKeepsChanging,
  VersionNotFound,
} from "../../../../src/keyVault/failures/keyVaultError";
import { describeOperation, type Operation } from "../../../../src/keyVault/failures/operation";
import { isNotFound, Refusal } from "../../../../src/keyVault/failures/refusal";
import { type FailureCode, failureCodes, remedyOf } from "../../../../src/keyVault/failures/remedies";
import { key } from "../../../../src/objects/key";
import type { OperationName } from "../../../../src/objects/objectKind";
import { version } from "../../../support/keyVault/backups";

const vaultUri = "https://kv-prod.vault.azure.net/";
const hsmUri = "https://hsm-prod.managedhsm.azure.net/";
const uri = `${vaultUri}keys/orders/${version("a")}`;
const requestId = "0f8fad5b-d9cb-469f-a165-70867728950e";
const operation = (name: OperationName, change: Partial<Operation> = {}): Operation => ({
  name,
  kind: key,
  vaultUri,
  objectName: "orders",
  ...change,
});

function refusal({ status, headers = {}, body }: Answer, id = requestId): Refusal {
  return new Refusal({
    status,
    headers: createHttpHeaders({ ...headers, "x-ms-request-id": id }),
    bodyAsText: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body),
    request: createPipelineRequest({ url: vaultUri }),
  });
}

const refused = (reason: ForbiddenReason, permission = "backup") =>
  forbidden(reason, {
    vaultName: "kv-prod",
    collection: "keys",
    objectName: "orders",
    permission,
    dataAction: `Microsoft.KeyVault/vaults/keys/${permission}/action`,
    caller: "appid=1",
  });

/** A Managed HSM ends each message with the request id and gives no inner code. */
const ofHsm = (status: number, code: string, message: string) =>
  answers.refusal(status, code, `${message} (Activity ID: ${requestId})`);

const words = wordsOf.keys;
const isTaken = { kind: "vault", vaultUri } as const;

/** What the service answers to which operation, and the reason that it tells. */
const refusals: readonly [string, OperationName, Answer, FailureCode][] = [
  ["the backup of a certificate's key", "backup", refused("certificate"), "managed-by-certificate"],
  [
    "the deletion of a certificate's key",
    "delete",
    objectAnswers.objectIsManaged(words, "delete"),
    "managed-by-certificate",
  ],
  [
    "a certificate's key, in words without an inner code",
    "backup",
    answers.refusal(
      403,
      "Forbidden",
      'Operation "backup" is not allowed on this Key, since it is associated with a certificate.',
    ),
    "managed-by-certificate",
  ],
  [
    "a certificate's key, in the words of 2019 without an inner code",
    "delete",
    answers.refusal(
      403,
      "Forbidden",
      'Operation "delete" is not allowed as this object\'s lifetime is managed by Key Vault.',
    ),
    "managed-by-certificate",
  ],
  ["an address that the firewall does not allow", "backup", refused("firewall"), "firewall"],
  ["a public address while only a private endpoint is open", "backup", refused("privateLink"), "private-endpoint"],
  ["a missing role", "backup", refused("rbac"), "forbidden"],
  ["a missing access policy", "backup", refused("accessPolicy"), "forbidden"],
  ["a missing access policy, by another code", "backup", refused("accessDenied"), "forbidden"],
  ["a disabled key", "sign", objectAnswers.objectIsDisabled(words, "sign"), "key-use"],
  ["an expired key", "sign", answers.keyIsNotValidNow("sign", "expired"), "key-use"],
  ["a key that is not valid yet", "sign", answers.keyIsNotValidNow("sign", "notYetValid"), "key-use"],
  ["a use that key_ops do not allow", "sign", answers.keyUseForbidden("sign"), "key-use"],
  ["a purge in spite of purge protection", "purge", answers.purgeProtected("kv-prod"), "purge-protection"],
  ["a 403 of which nothing else is known", "get", answers.refusal(403, "Forbidden", "No."), "forbidden"],
  [
    "a blob of another HSM",
    "restore",
    ofHsm(
      400,
      "MalformedBackupBlob",
      "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
    ),
    "blob-other-hsm",
  ],
  [
    "a blob of another geography",
    "restore",
    objectAnswers.malformedBlob(words, "undecryptable"),
    "blob-other-geography",
  ],
  [
    "a blob of another geography, by the code of 2020",
    "restore",
    answers.badParameter("Cannot decrypt backup blob."),
    "blob-other-geography",
  ],
  ["a corrupt blob", "restore", objectAnswers.malformedBlob(words, "corrupt"), "blob-damaged"],
  ["a blob with a corrupt version", "restore", objectAnswers.malformedBlob(words, "corruptVersion"), "blob-damaged"],
  ["the blob of a secret or a certificate", "restore", objectAnswers.malformedBlob(words, "otherKind"), "blob-damaged"],
  ["a corrupt blob, by the code of 2020", "restore", answers.badParameter("Backup blob is corrupt."), "blob-damaged"],
  ["any other bad request", "restore", answers.badParameter("Property  value is invalid"), "bad-request"],
  ["a refused token", "backup", unauthorized("AKV10032: Invalid issuer.", "Bearer"), "unauthorized"],
  ["a missing key", "backup", objectAnswers.objectNotFound(isTaken, words, "orders"), "not-found"],
  ["a missing key of an HSM", "backup", ofHsm(404, "KeyNotFound", `Key not found: ${hsmUri}keys/orders`), "not-found"],
  ["a proxy's 404", "backup", { status: 404, body: "<html>" }, "not-key-vault"],
  ["a timeout of the service", "backup", answers.plainRefusal(408), "service-error"],
  ["a name that is being deleted", "restore", objectAnswers.nameIsInTransition(words, "orders", "deleted"), "busy"],
  ["a purge while the deletion runs", "purge", objectAnswers.objectIsInTransition(words, "deleted"), "busy"],
  ["a name that is taken", "restore", objectAnswers.restoreConflict(words, uri), "name-taken"],
  ["a name that is soft-deleted", "restore", objectAnswers.objectIsDeleted(words, "orders"), "name-taken"],
  ["another operation under way", "delete", objectAnswers.recoveryConflict(words, uri), "busy"],
  ["too many requests", "backup", answers.throttled(), "throttled"],
  ["an internal error", "backup", answers.plainRefusal(500), "service-error"],
  ["an unavailable service", "backup", answers.plainRefusal(503), "service-error"],
  ["a redirect", "backup", { status: 307, headers: { location: "https://example.com/" } }, "redirect"],
];

const request = createPipelineRequest({ url: vaultUri });
const rest = (code: string) => new RestError(`connect ${code} hunter2`, { code, request });

class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** What else may happen, and the reason that it tells. */
const errors: readonly [string, unknown, FailureCode][] = [
  ["a host name that does not resolve", rest("ENOTFOUND"), "host-not-found"],
  ["a host name that does not resolve for the moment", rest("EAI_AGAIN"), "host-not-found"],
  ["a refused connection", rest("ECONNREFUSED"), "connection"],
  ["a connection that failed at the deadline", new DeadlinePassed("ECONNRESET"), "connection"],
  ["an attempt without an answer at the deadline", new DeadlinePassed("ETIMEDOUT"), "connection"],
  ["a host name that does not resolve until the deadline", new DeadlinePassed("ENOTFOUND"), "host-not-found"],
  ["no answer until the deadline", new DeadlinePassed(undefined), "timeout"],
  ["a failing service at the deadline", new DeadlinePassed("503"), "timeout"],
  ["a throttled vault at the deadline", new DeadlinePassed("429"), "throttled"],
  ["a challenge without a token at the deadline", new DeadlinePassed("401"), "credential"],
  ["a credential that fails", new CredentialError("There is no token."), "credential"],
  ["an expired certificate", rest("CERT_HAS_EXPIRED"), "tls"],
  ["a self-signed certificate", rest("DEPTH_ZERO_SELF_SIGNED_CERT"), "tls"],
  ["a certificate of an unknown authority", rest("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "tls"],
  ["a certificate for another name", rest("ERR_TLS_CERT_ALTNAME_INVALID"), "tls"],
  ["a protocol that is not TLS", rest("ERR_SSL_WRONG_VERSION_NUMBER"), "tls"],
  [
    "a challenge for another service",
    new Error("The challenge resource 'x.example' does not match the requested domain. hunter2"),
    "challenge",
  ],
  ["a version that does not exist", new VersionNotFound(version("a"), version("b")), "version-not-found"],
  ["an object that keeps changing", new ObjectKeepsChanging(), "keeps-changing"],
  ["a name that does not become free", new NameNotFree(), "name-not-free"],
  ["an answer without a backup", new MalformedAnswer("without a backup"), "not-key-vault"],
  ["an answer that breaks off", rest("INCOMPLETE_ANSWER"), "not-key-vault"],
  ["an error in the code", new TypeError("cannot read hunter2"), "not-key-vault"],
  ["a thrown text", "hunter2", "not-key-vault"],
];

/** Sentences, where neither a dot in a name nor one in a link ends one. */
const sentences = (message: string) =>
  message.split(/\.(?:\s+|$)/).filter((sentence) => /\w{2}/.test(sentence.replace(/\(.*\)/, "")));

function expectShort(message: string): void {
  expect({ message, isTwoSentences: sentences(message).length <= 2 }).toEqual({ message, isTwoSentences: true });
  expect({ message, isShort: message.length <= 300 }).toEqual({ message, isShort: true });
  expect(message).not.toMatch(/\s$|\s\s|\.\.(?!\.)|undefined|hunter2/);
}

describe("an answer of the service", () => {
  it.each(refusals)("to %s is explained", (_, name, answer, code) => {
    const error = new KeyVaultError(operation(name), refusal(answer));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`refused to ${describeOperation(operation(name))}: ${answer.status}`);
    expect(error.message).toContain(remedyOf(code, operation(name), error.refusal));
    expect(error.message.split(requestId)).toHaveLength(2);
  });

  it.each(refusals)("to %s is explained in two sentences", (_, name, answer) => {
    // Only a restore may not know the name.
    const places = [{ vaultUri }, { vaultUri: hsmUri }, ...(name === "restore" ? [{ objectName: undefined }] : [])];
    for (const place of places) {
      expectShort(new KeyVaultError(operation(name, place), refusal(answer), { seconds: 179 }).message);
    }
  });

  it("to a restore is not explained as a blob's fault unless it names the blob", () => {
    const answer = answers.refusal(409, "Conflict", "There was a conflict.");
    expect(new KeyVaultError(operation("restore"), refusal(answer)).code).toBe("name-taken");
    expect(new KeyVaultError(operation("purge"), refusal(answer)).code).toBe("busy");
  });

  it("names the codes of the service", () => {
    const { message } = new KeyVaultError(operation("backup"), refusal(refused("firewall")));
    expect(message).toContain("403 Forbidden (ForbiddenByFirewall)");
  });

  it("to a bad request is told in the service's own words, which are cut if they are long", () => {
    const told = (words: string) =>
      new KeyVaultError(operation("restore"), refusal(answers.badParameter(words))).message;
    expect(told("Property  value\r\nis invalid.")).toContain("400 BadParameter: Property value is invalid. Check");
    const long = `It is ${"very ".repeat(60)}long`;
    expect(told(long)).not.toContain(long);
    expect(told(long)).toContain(long.slice(0, 100));
  });

  it("is otherwise told by its codes alone, because its words may name the caller", () => {
    expect(new KeyVaultError(operation("backup"), refusal(refused("rbac"))).message).not.toContain("appid=1");
  });
});

describe("another failure", () => {
  it.each(errors)("of %s is explained", (_, cause, code) => {
    const error = new KeyVaultError(operation("backup"), cause);
    expect(error.code).toBe(code);
    expect(error.message).toContain(`Could not ${describeOperation(operation("backup"))}: `);
    expect(error.message).toContain(remedyOf(code, operation("backup"), undefined));
    expect(error.cause).toBe(cause);
    expect(error.refusal).toBeUndefined();
  });

  it.each(errors)("of %s is explained in two sentences", (_, cause) => {
    for (const place of [{ vaultUri }, { vaultUri: hsmUri }]) {
      expectShort(new KeyVaultError(operation("list", place), cause, { seconds: 179 }).message);
    }
  });

  it("of a credential keeps what the credential says", () => {
    const { message } = new KeyVaultError(operation("backup"), new CredentialError("There is no token."));
    expect(message).toContain("There is no token.");
  });

  it("of a version names the version, and the newest one if there is one", () => {
    expect(new VersionNotFound(version("a"), version("b")).message).toMatch(
      new RegExp(`${version("a")}.*${version("b")}`),
    );
    expect(new VersionNotFound(version("a"), undefined).message).not.toContain("newest");
  });
});

describe("every code", () => {
  it("is the reason of an answer or an error in these tables", () => {
    const told = [...refusals.map(([, , , code]) => code), ...errors.map(([, , code]) => code)];
    expect([...new Set(told)].sort()).toEqual([...failureCodes].sort());
  });

  it("has a remedy, except for a credential, which tells its own", () => {
    for (const code of failureCodes) {
      for (const change of [{}, { objectName: undefined }, { vaultUri: hsmUri }]) {
        const remedy = remedyOf(code, operation("backup", change), undefined);
        expect({ code, isTold: remedy !== "" }).toEqual({ code, isTold: code !== "credential" });
        expect(remedy).not.toContain("undefined");
      }
    }
  });
});

describe("the remedy for a missing permission", () => {
  const remedy = (name: OperationName, reason: ForbiddenReason, place = vaultUri) =>
    new KeyVaultError(operation(name, { vaultUri: place }), refusal(refused(reason))).message;

  it("names the data action and a role", () => {
    expect(remedy("backup", "rbac")).toMatch(
      /Microsoft\.KeyVault\/vaults\/keys\/backup\/action.*Key Vault Crypto User/,
    );
    expect(remedy("purge", "rbac")).toMatch(/keys\/purge\/action.*Key Vault Crypto Officer/);
  });

  it.each(["accessPolicy", "accessDenied"] as const)(
    "names the permission of an access policy if the vault uses those (%s)",
    (reason) => {
      expect(remedy("backup", reason)).toMatch(/permission "backup" in an access policy/);
      expect(remedy("unwrapKey", reason)).toMatch(/permission "unwrapKey"/);
    },
  );

  it("names the data action and a role of a Managed HSM", () => {
    expect(remedy("backup", "rbac", hsmUri)).toMatch(/managedHsm\/keys\/backup\/action.*Managed HSM Crypto User/);
    expect(remedy("purge", "accessDenied", hsmUri)).toMatch(
      /managedHsm\/keys\/deletedKeys\/delete.*Managed HSM Crypto Officer/,
    );
  });
});

describe("the command in a remedy", () => {
  const remedy = (code: FailureCode, change: Partial<Operation> = {}) =>
    remedyOf(code, operation("restore", change), undefined);

  it("recovers, shows or backs up the object", () => {
    expect(remedy("not-found")).toContain("az keyvault key recover --vault-name kv-prod --name orders");
    expect(remedy("name-taken")).toContain("az keyvault key show --vault-name kv-prod");
    expect(remedy("managed-by-certificate")).toContain("az keyvault certificate backup --vault-name");
    expect(remedy("not-found", { vaultUri: hsmUri })).toContain("--hsm-name hsm-prod");
  });

  it("is left out if the name of the object is unknown", () => {
    for (const code of ["not-found", "name-taken"] as const) {
      expect(remedy(code, { objectName: undefined })).not.toContain("az keyvault");
    }
  });
});

describe("the message of a failure", () => {
  const timeout = new DeadlinePassed(undefined);

  it("says how long a permission or an answer was waited for, and nothing of the kind otherwise", () => {
    const message = (cause: unknown, seconds: number) =>
      new KeyVaultError(operation("backup"), cause, { seconds }).message;
    expect(message(timeout, 180)).toContain("waited 180 s");
    expect(message(refusal(refused("rbac")), 173)).toContain("waited 173 s");
    expect(message(refusal(refused("rbac")), 0)).not.toContain("waited");
    expect(message(refusal(refused("firewall")), 12)).not.toContain("waited");
  });

  it("has a reason that is the same at each attempt, without ids and times", () => {
    for (const answer of [refused("rbac"), ofHsm(404, "KeyNotFound", "Key not found"), answers.badParameter("No.")]) {
      const one = new KeyVaultError(operation("backup"), refusal(answer), { seconds: 3 });
      const other = new KeyVaultError(operation("backup"), refusal(answer, "another-id"), { seconds: 5 });
      expect(one.message).not.toBe(other.message);
      expect(one.reason).toBe(other.reason);
      expect(one.reason).not.toContain(requestId);
      expect(one.message.startsWith(one.reason)).toBe(true);
    }
    expect(new KeyVaultError(operation("backup"), timeout, { seconds: 3 }).reason).toBe(
      new KeyVaultError(operation("backup"), timeout, { seconds: 9 }).reason,
    );
  });

  it("has a reason without the id that a Managed HSM puts into its words", () => {
    const answer = ofHsm(400, "BadParameter", "Property value is invalid.");
    expect(new KeyVaultError(operation("restore"), refusal(answer)).reason).not.toContain("Activity");
  });

  it("names the operation, the object and the host", () => {
    expect(describeOperation(operation("backup"))).toBe('back up key "orders" in kv-prod.vault.azure.net');
    expect(describeOperation(operation("restore"))).toContain("into kv-prod");
    expect(describeOperation(operation("restore", { objectName: undefined }))).toContain("restore a key into");
  });

  it("does not say that the operation may be done unless it may", () => {
    expect(new KeyVaultError(operation("restore"), timeout).mayBeDone).toBe(false);
    expect(new KeyVaultError(operation("restore"), timeout, { mayBeDone: true }).mayBeDone).toBe(true);
  });
});

describe("a refusal", () => {
  it("tells a missing permission from other refusals", () => {
    const isMissing = (answer: Answer) => refusal(answer).isPermissionMissing;
    expect((["rbac", "accessPolicy", "accessDenied"] as const).map((reason) => isMissing(refused(reason)))).toEqual([
      true,
      true,
      true,
    ]);
    expect((["firewall", "privateLink", "certificate"] as const).map((reason) => isMissing(refused(reason)))).toEqual([
      false,
      false,
      false,
    ]);
    expect(isMissing(ofHsm(403, "AccessDenied", "No."))).toBe(true);
    expect(isMissing(answers.refusal(400, "AccessDenied", "No."))).toBe(false);
  });

  it("tells the states of a name apart", () => {
    const state = (answer: Answer) => {
      const { isConflict, isInTransition, isSoftDeleted } = refusal(answer);
      return [isConflict, isInTransition, isSoftDeleted];
    };
    expect(state(objectAnswers.nameIsInTransition(words, "a", "deleted"))).toEqual([true, true, false]);
    expect(state(objectAnswers.nameIsInTransition(words, "a", "recovered"))).toEqual([true, true, false]);
    expect(state(objectAnswers.objectIsDeleted(words, "a"))).toEqual([true, false, true]);
    expect(state(objectAnswers.restoreConflict(words, uri))).toEqual([true, false, false]);
    expect(state(answers.plainRefusal(400))).toEqual([false, false, false]);
  });

  it("tells a missing object from a proxy's 404", () => {
    expect(isNotFound(refusal(answers.plainRefusal(404)))).toBe(true);
    expect(isNotFound(refusal({ status: 404, body: "<html>" }))).toBe(false);
    expect(isNotFound(refusal(answers.plainRefusal(400)))).toBe(false);
    expect(isNotFound(new Error("404"))).toBe(false);
  });

  it.each([
    ["no body", undefined],
    ["no JSON", "OK"],
    ["JSON null", "null"],
    ["other members", '{"error":"hunter2"}'],
    ["members of other types", '{"error":{"code":42,"message":{},"innererror":"x"}}'],
    ["empty members", '{"error":{"code":"","message":""}}'],
  ])("can have %s", (_, body) => {
    expect(refusal({ status: 400, body })).toMatchObject({
      status: 400,
      statusCode: 400,
      code: undefined,
      innerCode: undefined,
      explanation: "",
    });
  });
});

describe("the code of a failed connection", () => {
  it.each([
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EPIPE",
    "ETIMEDOUT",
  ])("is known: %s", (code) => {
    expect(connectionCode(rest(code))).toBe(code);
    expect(connectionCode(new DeadlinePassed(code))).toBe(code);
  });

  it("is none for other errors", () => {
    for (const error of [
      rest("CERT_HAS_EXPIRED"),
      new DeadlinePassed("503"),
      new DeadlinePassed(undefined),
      new Error("ENOTFOUND"),
    ]) {
      expect(connectionCode(error)).toBeUndefined();
    }
  });
});
