import { RestError } from "@azure/core-rest-pipeline";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Requests, Task, VaultConnection } from "../../../../src/keyVault/connection/vaultConnection";
import { DeadlinePassed, KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { Refusal } from "../../../../src/keyVault/failures/refusal";
import type { FailureCode } from "../../../../src/keyVault/failures/remedies";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { permissionFor } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import type { OperationName } from "../../../../src/objects/permissions";
import { secret } from "../../../../src/objects/secret";
import { attemptsOn } from "../../../../src/provider/engine/attempts";

/** What was asked of the vault: `get key orders`. */
let asked: string[];
/** What the vault's answers are; a failure if it is an error. */
let answer: unknown;

beforeEach(() => {
  asked = [];
  answer = "value";
});

const signal = new AbortController().signal;
const client = { name: "client" };

/** A vault that answers each request alike. */
const vault = {
  async once({ name, kind, objectName }: Task, attempt: (requests: Requests) => Promise<unknown>) {
    asked.push(`${name} ${kind.noun} ${objectName}`);
    if (answer instanceof Error) throw answer;
    return attempt({ client, signal } as unknown as Requests);
  },
} as unknown as VaultConnection;

const explain = (error: unknown) => `explained: ${(error as Error).message}.`;
const attempt = () => attemptsOn(() => vault, "orders", explain);
const request = async () => answer;

const task = { name: "get", kind: key, vaultUri: "https://kv.vault.azure.net/", objectName: "orders" } as const;

function refused(status: number, code = "", innerCode = ""): KeyVaultError {
  const bodyAsText = JSON.stringify({ error: { code, innererror: { code: innerCode } } });
  const response = { status, headers: { get: () => undefined }, bodyAsText };
  return new KeyVaultError(task, new Refusal(response as unknown as ConstructorParameters<typeof Refusal>[0]));
}

const ofOneVersion: readonly [FailureCode, KeyVaultError][] = [
  ["bad-request", refused(400, "BadParameter")],
  ["not-found", refused(404, "KeyNotFound")],
  ["object-use", refused(403, "Forbidden", "KeyDisabled")],
  ["service-error", refused(503)],
];
const lasting: readonly [FailureCode, KeyVaultError][] = [
  ["forbidden", refused(403, "Forbidden", "ForbiddenByRbac")],
  ["firewall", refused(403, "Forbidden", "ForbiddenByFirewall")],
  ["unauthorized", refused(401)],
  ["throttled", refused(429)],
  ["host-not-found", new KeyVaultError(task, new RestError("no", { code: "ENOTFOUND" }))],
  ["timeout", new KeyVaultError(task, new DeadlinePassed(undefined))],
];

describe("a request about an object", () => {
  it("gives its value, and is made with the client and the signal of the connection", async () => {
    const given = await attempt()(key, "get", async (...given) => given);
    expect(given).toEqual({ value: [client, signal] });
    expect(asked).toEqual(["get key orders"]);
  });

  it("is made again if it succeeded", async () => {
    const ask = attempt();
    answer = 1;
    expect(await ask(key, "get", request)).toEqual({ value: 1 });
    answer = 2;
    expect(await ask(key, "get", request)).toEqual({ value: 2 });
    expect(asked).toHaveLength(2);
  });

  it("that failed gives the explanation without its full stop, and never throws", async () => {
    for (const error of [refused(403, "Forbidden"), new Error("plain"), new TypeError("wrong")]) {
      answer = error;
      expect(await attempt()(key, "get", request)).toEqual({
        because: `explained: ${error.message}`,
        isBadRequest: false,
      });
    }
  });

  it("that failed in the function itself gives the explanation too", async () => {
    const result = await attempt()(key, "sign", () => Promise.reject(new Error("no signature")));
    expect(result).toEqual({ because: "explained: no signature", isBadRequest: false });
  });

  it.each([...ofOneVersion, ...lasting])("tells a bad request from another failure: %s", async (code, error) => {
    answer = error;
    expect(await attempt()(key, "get", request)).toMatchObject({ isBadRequest: code === "bad-request" });
  });
});

describe("what fails for one version alone", () => {
  it.each(ofOneVersion)("is asked again of the next version: %s", async (code, error) => {
    expect(error.code).toBe(code);
    const ask = attempt();
    answer = error;
    const first = await ask(key, "get", request);
    expect(await ask(key, "get", request)).toEqual(first);
    answer = "another version";
    expect(await ask(key, "get", request)).toEqual({ value: "another version" });
    expect(asked).toHaveLength(3);
  });
});

describe("what fails for a lasting reason", () => {
  it.each<[string, Error]>([...lasting, ["an error of another origin", new Error("plain")]])(
    "is not asked again, and fails with the same words: %s",
    async (code, error) => {
      if (error instanceof KeyVaultError) expect(error.code).toBe(code);
      const ask = attempt();
      answer = error;
      const first = await ask(key, "get", request);
      answer = "value";
      expect(await ask(key, "get", request)).toEqual(first);
      expect(asked).toEqual(["get key orders"]);
    },
  );

  it("is still asked for another operation and for another kind of object", async () => {
    const ask = attempt();
    answer = refused(403, "Forbidden", "ForbiddenByRbac");
    const tasks = objectKinds.flatMap((kind) => Object.keys(kind.permissions).map((name) => [kind, name] as const));
    for (const [kind, name] of [...tasks, ...tasks]) {
      expect(permissionFor(kind, name as OperationName)).toBeDefined();
      await ask(kind as ObjectKind, name as OperationName, request);
    }
    expect(asked).toEqual(tasks.map(([{ noun }, name]) => `${name} ${noun} orders`));
  });

  it("is asked again about another object, in another vault and in a later operation", async () => {
    answer = refused(403, "Forbidden", "ForbiddenByRbac");
    for (const ask of [attempt(), attempt(), attemptsOn(() => vault, "invoices", explain)]) {
      await ask(secret, "get", request);
    }
    expect(asked).toEqual(["get secret orders", "get secret orders", "get secret invoices"]);
  });
});

describe("a vault that cannot be connected to", () => {
  it("is connected to with the first request, and not for each", async () => {
    let connections = 0;
    const ask = attemptsOn(
      () => {
        connections += 1;
        throw new Error("no credential");
      },
      "orders",
      explain,
    );
    expect(connections).toBe(0);
    const failure = { because: "explained: no credential", isBadRequest: false };
    for (const _ of [1, 2]) expect(await ask(key, "get", request)).toEqual(failure);
    expect(connections).toBe(1);
  });
});
