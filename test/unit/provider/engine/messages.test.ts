import { RestError } from "@azure/core-rest-pipeline";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { DeadlinePassed, KeyVaultError, ManagedByCertificate } from "../../../../src/keyVault/failures/keyVaultError";
import { Refusal } from "../../../../src/keyVault/failures/refusal";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { secret } from "../../../../src/objects/secret";
import { explainBriefly, more, printOnce, userError, withoutStack } from "../../../../src/provider/engine/messages";

afterEach(() => {
  jest.restoreAllMocks();
});

/** The failure of a backup that was refused with the status, or that failed because of the error. */
function failed(cause: number | Error, kind: ObjectKind = key): KeyVaultError {
  const operation = { name: "backup", kind, vaultUri: "https://kv.vault.azure.net/", objectName: "orders" } as const;
  const body = { error: { code: "Forbidden", message: "no" } };
  const headers = { get: () => "request-1" };
  const response = { status: cause, headers, bodyAsText: JSON.stringify(body) };
  const because =
    typeof cause === "number" ? new Refusal(response as unknown as ConstructorParameters<typeof Refusal>[0]) : cause;
  return new KeyVaultError(operation, because, { seconds: 5 });
}

function credentialError(isConfigured: boolean): Error {
  return Object.assign(new Error("no token"), { name: "CredentialError", isConfigured });
}

const challenge = new Error("challenge resource 'x' does not match the requested domain");

describe("an error for the user", () => {
  it.each<[string, KeyVaultError, string]>([
    ["challenge", failed(challenge), "set azure-keyvault-backup:disableChallengeResourceVerification to true."],
    ["throttled", failed(429), "For instance with --parallel 4."],
    [
      "timeout",
      failed(new DeadlinePassed(undefined)),
      "If the vault is only slow, raise azure-keyvault-backup:timeoutSeconds.",
    ],
    ["unauthorized", failed(401), "Set azure-native:tenantId and azure-native:environment."],
  ])("has Pulumi's part of the remedy, and the link to its code: %s", (code, error, hint) => {
    const { message } = userError(error);
    expect(error.code).toBe(code);
    expect(message.startsWith(`${error.message} `)).toBe(true);
    expect(message).toContain(`${hint} More: https://`);
    expect(message).toMatch(new RegExp(`/docs/troubleshooting\\.md#${code}$`));
  });

  it.each([key, secret])("has the resource to use instead, if a certificate manages the $noun", (kind) => {
    const error = failed(new ManagedByCertificate(), kind);
    const line =
      'Use: new CertificateBackup("orders", { vaultUri: "https://kv.vault.azure.net/", certificateName: "orders" });';
    expect(userError(error).message).toBe(
      `Could not back up ${kind.noun} "orders" in kv.vault.azure.net: a certificate manages it. ` +
        `Back up the certificate that it belongs to. ` +
        `${line} ${more("troubleshooting.md#managed-by-certificate")}`,
    );
    expect(explainBriefly(error, "program")).toBe(`${error.message} ${line}`);
  });

  it("of another code has the link and no hint", () => {
    const error = failed(403);
    expect(userError(error).message).toBe(`${error.message} ${more("troubleshooting.md#forbidden")}`);
  });

  it("that is not of a vault's operation has its own words alone", () => {
    expect(userError(new Error("plain")).message).toBe("plain");
    expect(userError("text").message).toBe("text");
  });

  it("has no stack, and keeps its cause", () => {
    const cause = failed(403);
    expect(userError(cause)).toMatchObject({ stack: "", cause });
    expect(withoutStack("text")).toMatchObject({ message: "text", stack: "" });
  });
});

describe("the hint at the settings of the last update", () => {
  const hint = "the settings that the last pulumi up recorded";

  it("is given if a configured credential fails and the state holds the settings", () => {
    expect(userError(failed(credentialError(true)), "state").message).toContain(hint);
    expect(explainBriefly(failed(credentialError(true)), "state")).toContain(hint);
  });

  it("is not given during an update, which has the settings of the program", () => {
    expect(userError(failed(credentialError(true))).message).not.toContain(hint);
    expect(explainBriefly(failed(credentialError(true)), "program")).not.toContain(hint);
  });

  it("is not given for a credential that no setting configures, or for another failure", () => {
    const others = [credentialError(false), new Error("x"), 403, 401].map((cause) => failed(cause));
    for (const error of [...others, Object.assign(failed(403), { cause: credentialError(true) })]) {
      expect(userError(error, "state").message).not.toContain(hint);
    }
    expect(userError(credentialError(true), "state").message).not.toContain(hint);
  });
});

describe("a brief explanation", () => {
  it("has the same words at each attempt: no request id, no time, no link", () => {
    const error = failed(403);
    expect(error.message).toContain("request id request-1");
    expect(explainBriefly(error, "state")).toBe(error.reason);
    expect(explainBriefly(error, "state")).not.toMatch(/request-1|waited|https:.*docs/);
  });

  it("has the hint of its code", () => {
    expect(explainBriefly(failed(429), "program")).toMatch(/ --parallel 4\.$/);
  });

  it("of another error has its own words", () => {
    expect(explainBriefly(new Error("plain"), "state")).toBe("plain");
  });

  it("of a connection that failed does not repeat the library's text", () => {
    const error = new RestError("blob-like text", { code: "ECONNRESET" });
    expect(explainBriefly(failed(error), "state")).not.toContain("blob-like");
  });
});

describe("a line for the user", () => {
  it("is printed once in a process, with a line break", () => {
    const lines: string[] = [];
    jest.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
    for (const line of ["first", "second", "first"]) printOnce(line);
    expect(lines).toEqual(["first\n", "second\n"]);
  });
});
