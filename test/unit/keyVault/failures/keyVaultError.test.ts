import { createPipelineRequest, RestError } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "@jest/globals";
import * as answers from "../../../../localVault/serviceError";
import type { ForbiddenReason } from "../../../../localVault/vaultAccess";
import {
  connectionCode,
  DeadlinePassed,
  KeyVaultError,
  MalformedAnswer,
  ManagedByCertificate,
  NameNotFree,
  ObjectKeepsChanging,
  VersionNotFound,
} from "../../../../src/keyVault/failures/keyVaultError";
import { describeOperation, type Operation } from "../../../../src/keyVault/failures/operation";
import { type FailureCode, failureCodes, remedyOf } from "../../../../src/keyVault/failures/remedies";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import { isInHsm, type ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import type { OperationName } from "../../../../src/objects/permissions";
import { secret } from "../../../../src/objects/secret";
import { version } from "../../../support/keyVault/backups";
import { hsmUri, ofHsm, refusal, refusalsOf, refused, requestId, vaultUri } from "./serviceRefusals";

const operation = (name: OperationName, change: Partial<Operation> = {}): Operation => ({
  name,
  kind: key,
  vaultUri,
  objectName: "orders",
  ...change,
});

/** Vaults that may hold objects of the kind. */
const placesOf = (kind: ObjectKind) => [{ kind, vaultUri }, ...(isInHsm(kind) ? [{ kind, vaultUri: hsmUri }] : [])];

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
  ["an object that a certificate manages", new ManagedByCertificate(), "managed-by-certificate"],
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

describe.each(objectKinds)("an answer of the service about a $noun", (kind) => {
  it.each(refusalsOf(kind))("to %s is explained", (_, name, answer, code) => {
    const asked = operation(name, { kind });
    const error = new KeyVaultError(asked, refusal(answer));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`refused to ${describeOperation(asked)}: ${answer.status}`);
    expect(error.message).toContain(remedyOf(code, asked, error.refusal));
    expect(error.message.split(requestId)).toHaveLength(2);
  });

  it.each(refusalsOf(kind))("to %s is explained in two sentences", (_, name, answer) => {
    // Only a restore may not know the name.
    const places = [...placesOf(kind), ...(name === "restore" ? [{ kind, objectName: undefined }] : [])];
    for (const place of places) {
      expectShort(new KeyVaultError(operation(name, place), refusal(answer), { seconds: 179 }).message);
    }
  });

  it("names no other kind of object, except for those that stand in the way of a restore", () => {
    const others = objectKinds.filter((other) => other !== kind);
    for (const [, name, answer, code] of refusalsOf(kind)) {
      if (!["name-taken", "managed-by-certificate", "tls"].includes(code)) {
        const { message } = new KeyVaultError(operation(name, { kind }), refusal(answer));
        expect(message).not.toMatch(new RegExp(`\\b(${others.map(({ noun }) => noun).join("|")})s?\\b`));
      }
    }
  });
});

describe("an answer of the service", () => {
  it("to a restore is not explained as a blob's fault unless it names the blob", () => {
    const answer = answers.refusal(409, "Conflict", "There was a conflict.");
    expect(new KeyVaultError(operation("restore"), refusal(answer)).code).toBe("name-taken");
    expect(new KeyVaultError(operation("purge"), refusal(answer)).code).toBe("busy");
  });

  it("names the codes of the service", () => {
    const { message } = new KeyVaultError(operation("backup"), refusal(refused(key, "firewall")));
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
    expect(new KeyVaultError(operation("backup"), refusal(refused(key, "rbac"))).message).not.toContain("appid=1");
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
    for (const place of objectKinds.flatMap(placesOf)) {
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
    const refusals = objectKinds.flatMap(refusalsOf);
    const told = [...refusals.map(([, , , code]) => code), ...errors.map(([, , code]) => code)];
    expect([...new Set(told)].sort()).toEqual([...failureCodes].sort());
  });

  it("has a remedy, except for a credential, which tells its own", () => {
    for (const code of failureCodes) {
      for (const change of objectKinds.flatMap((kind) => [...placesOf(kind), { kind, objectName: undefined }])) {
        const remedy = remedyOf(code, operation("backup", change), undefined);
        expect({ code, isTold: remedy !== "" }).toEqual({ code, isTold: code !== "credential" });
        expect(remedy).not.toContain("undefined");
      }
    }
  });
});

describe("the remedy for a missing permission", () => {
  const remedy = (kind: ObjectKind, name: OperationName, reason: ForbiddenReason, place = vaultUri) =>
    new KeyVaultError(operation(name, { kind, vaultUri: place }), refusal(refused(kind, reason))).message;

  it.each(objectKinds)("names the data action and a role for each operation on a $noun", (kind) => {
    for (const [name, { dataAction, role }] of Object.entries(kind.permissions)) {
      const message = remedy(kind, name as OperationName, "rbac");
      expect(message).toContain(`Grant ${dataAction}, for instance with the role ${role}.`);
    }
  });

  it.each([
    [key, /vaults\/keys\/backup\/action.*Key Vault Crypto User/],
    [secret, /vaults\/secrets\/backup\/action.*Key Vault Secrets Officer/],
    [certificate, /vaults\/certificates\/backup\/action.*Key Vault Certificates Officer/],
  ] as const)("to back up an object is that of its kind: $noun", (kind, named) => {
    expect(remedy(kind, "backup", "rbac")).toMatch(named);
  });

  it.each(["accessPolicy", "accessDenied"] as const)(
    "names the permission of an access policy if the vault uses those (%s)",
    (reason) => {
      for (const kind of objectKinds) {
        expect(remedy(kind, "backup", reason)).toContain(`the ${kind.noun} permission "backup" in an access policy`);
      }
      expect(remedy(key, "unwrapKey", reason)).toMatch(/permission "unwrapKey"/);
      expect(remedy(secret, "update", reason)).toMatch(/secret permission "set"/);
    },
  );

  it("names the data action and a role of a Managed HSM", () => {
    expect(remedy(key, "backup", "rbac", hsmUri)).toMatch(/managedHsm\/keys\/backup\/action.*Managed HSM Crypto User/);
    expect(remedy(key, "purge", "accessDenied", hsmUri)).toMatch(
      /managedHsm\/keys\/deletedKeys\/delete.*Managed HSM Crypto Officer/,
    );
  });
});

describe("the remedy of a failure", () => {
  const remedy = (code: FailureCode, change: Partial<Operation> = {}) =>
    remedyOf(code, operation("restore", change), undefined);

  it.each(objectKinds)("has the command that recovers a $noun, and names what is damaged or stays", (kind) => {
    const { noun } = kind;
    expect(remedy("not-found", { kind })).toContain(`az keyvault ${noun} recover --vault-name kv-prod --name orders`);
    expect(remedy("blob-damaged", { kind })).toContain(`a ${noun}`);
    expect(remedy("purge-protection", { kind })).toContain(`soft-deleted ${noun}`);
  });

  it("has the command that lists the versions of what has the name, which prints no value", () => {
    for (const kind of [key, secret]) {
      expect(remedy("name-taken", { kind })).toContain(`az keyvault ${kind.noun} list-versions --vault-name kv-prod`);
    }
  });

  it("has the command for a Managed HSM", () => {
    expect(remedy("not-found", { vaultUri: hsmUri })).toContain("--hsm-name hsm-prod");
  });

  it("has no command if the name of the object is unknown", () => {
    for (const code of ["not-found", "name-taken"] as const) {
      expect(remedy(code, { objectName: undefined })).not.toContain("az keyvault");
    }
  });

  it("names the other kinds that may have the name of a certificate, and none for a key or a secret", () => {
    expect(remedy("name-taken", { kind: certificate })).toMatch(/certificate.*key.*secret/);
    expect(remedy("name-taken", { kind: key })).not.toMatch(/certificate|secret/);
    expect(remedy("name-taken", { kind: secret })).not.toMatch(/certificate|key /);
  });

  it("is to act on the certificate that a key or a secret belongs to, and to back it up only if that was asked", () => {
    for (const kind of [key, secret]) {
      const remedyFor = (name: OperationName) =>
        remedyOf("managed-by-certificate", operation(name, { kind }), undefined);
      expect(remedyFor("backup")).toMatch(/back up the certificate/i);
      expect(remedyFor("delete")).toContain("the certificate");
      expect(remedyFor("delete")).not.toMatch(/back up/i);
    }
  });

  it("names key_ops only for a key, as nothing else has them", () => {
    expect(remedy("object-use", { kind: key })).toMatch(/nbf, exp or key_ops/);
    for (const kind of [secret, certificate]) expect(remedy("object-use", { kind })).not.toContain("key_ops");
  });
});

describe("the message of a failure", () => {
  const timeout = new DeadlinePassed(undefined);

  it("says how long a permission or an answer was waited for, and nothing of the kind otherwise", () => {
    const message = (cause: unknown, seconds: number) =>
      new KeyVaultError(operation("backup"), cause, { seconds }).message;
    expect(message(timeout, 180)).toContain("waited 180 s");
    expect(message(refusal(refused(key, "rbac")), 173)).toContain("waited 173 s");
    expect(message(refusal(refused(key, "rbac")), 0)).not.toContain("waited");
    expect(message(refusal(refused(key, "firewall")), 12)).not.toContain("waited");
  });

  it("has a reason that is the same at each attempt, without ids and times", () => {
    for (const answer of [
      refused(key, "rbac"),
      ofHsm(404, "KeyNotFound", "Key not found"),
      answers.badParameter("No."),
    ]) {
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
    for (const kind of objectKinds) {
      const nameless = operation("restore", { kind, objectName: undefined });
      expect(describeOperation(nameless)).toContain(`restore a ${kind.noun} into`);
      expect(describeOperation(operation("list", { kind }))).toContain(`list the versions of ${kind.noun} "orders" in`);
    }
    expect(describeOperation(operation("get", { kind: secret }))).toContain('read the value of secret "orders"');
  });

  it("does not say that the operation may be done unless it may", () => {
    expect(new KeyVaultError(operation("restore"), timeout).mayBeDone).toBe(false);
    expect(new KeyVaultError(operation("restore"), timeout, { mayBeDone: true }).mayBeDone).toBe(true);
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
