import { createPipelineRequest, type PipelineResponse, RestError } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { Fault } from "../../../../localVault/vaultFault";
import { attemptTimeoutPolicy, connectionRetryPolicy } from "../../../../src/keyVault/connection/policies";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { key } from "../../../../src/objects/key";
import { connectTo, failureOf, until } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  local = await service.createVault();
  await local.keys.create("orders");
});

const open = (waits: Partial<Waits> = {}) => connectTo(service, local, { clock, waits });

describe("an operation succeeds after", () => {
  const operations = ["listVersions", "backup", "get"] as const;
  it.each<[string, Fault]>([
    ["an answer whose body breaks off", { kind: "truncated" }],
    ["an answer whose JSON is cut", { kind: "cutJson" }],
    ["a connection that was reset", { kind: "reset" }],
    ["an answer that was lost", { kind: "lostAnswer" }],
    ["an internal error of the service", { kind: "status", status: 500 }],
    ["an unavailable service", { kind: "status", status: 503 }],
    ["a request timeout of the service", { kind: "status", status: 408 }],
    ["an empty 200", { kind: "status", status: 200, body: "" }],
  ])("%s, at each of its requests", async (_, fault) => {
    const { version } = local.keys.versions("orders")[0] ?? {};
    for (const operation of operations) local.fail(operation, fault);
    const { versions } = await backUp(open(), key, "orders");
    expect(versions).toMatchObject([{ version }]);
    expect(operations.map((operation) => local.count(operation))).toEqual([2, 2, 2]);
  });

  it("a first request without a token that was reset", async () => {
    local.fail("listVersions", { kind: "reset" }, 1, { withoutToken: true });
    await expect(backUp(open(), key, "orders")).resolves.toHaveProperty("blob");
  });

  it("an attempt without an answer", async () => {
    local.fail("backup", { kind: "stall" });
    const made = backUp(open(), key, "orders");
    await until(() => local.count("backup") === 1);
    clock.advance(60_000);
    await expect(made).resolves.toHaveProperty("blob");
    expect(local.count("backup")).toBe(2);
  });

  it("five failures of the connection, and not after six", async () => {
    local.fail("backup", { kind: "reset" }, 5);
    await expect(backUp(open(), key, "orders")).resolves.toHaveProperty("blob");
    local.clearRequests();
    local.fail("backup", { kind: "reset" }, 6);
    expect((await failureOf(backUp(open(), key, "orders"))).code).toBe("connection");
    expect(local.count("backup")).toBe(6);
  });
});

describe("an operation is not repeated after", () => {
  it.each<[string, Fault, string]>([
    ["a refused request", { kind: "status", status: 400 }, "bad-request"],
    ["a page of a proxy", { kind: "html", status: 200 }, "not-key-vault"],
    ["a refusal of a proxy", { kind: "html", status: 404 }, "not-key-vault"],
    ["a redirect, which is not followed", { kind: "redirect", location: "https://localhost:1/" }, "redirect"],
  ])("%s", async (_, fault, code) => {
    local.fail("backup", fault, Number.POSITIVE_INFINITY);
    expect((await failureOf(backUp(open({ newObject: 0 }), key, "orders"))).code).toBe(code);
    expect(local.count("backup")).toBe(1);
    expect(clock.elapsed()).toBe(0);
  });
});

describe("an operation that failed", () => {
  const task = { name: "restore", kind: key, objectName: "orders" } as const;

  it.each<[string, Fault, boolean]>([
    ["may be done if the connection was reset", { kind: "reset" }, true],
    ["may be done if its answer was lost", { kind: "lostAnswer" }, true],
    ["may be done if its answer broke off", { kind: "truncated" }, true],
    ["may be done if the service failed", { kind: "status", status: 500 }, true],
    ["is not done if it was refused", { kind: "status", status: 400 }, false],
    ["is not done if the permission is missing", { kind: "forbidden", reason: "firewall" }, false],
  ])("%s", async (_, fault, mayBeDone) => {
    const blob = Buffer.from(await local.keys.backUp("orders"), "base64url");
    local.fail("restore", fault, Number.POSITIVE_INFINITY);
    const restored = open().carryOut(task, ({ client, signal }) => client.restore(blob, signal));
    expect(await failureOf(restored)).toHaveProperty("mayBeDone", mayBeDone);
  });

  it("may be done if it got no answer at first and was refused afterwards", async () => {
    const blob = Buffer.from(await local.keys.backUp("orders"), "base64url");
    local.fail("restore", { kind: "reset" });
    const restored = open().carryOut(task, ({ client, signal }) => client.restore(blob, signal));
    expect(await failureOf(restored)).toMatchObject({ code: "name-taken", mayBeDone: true });
  });

  it("may be done if it got no answer in time", async () => {
    local.fail("restore", { kind: "stall" });
    const failed = failureOf(open().carryOut(task, ({ client, signal }) => client.restore(Buffer.alloc(9), signal)));
    await until(() => local.count("restore") === 1);
    clock.advance(180_000);
    expect(await failed).toHaveProperty("mayBeDone", true);
  });

  it("is not done if it only read", async () => {
    local.fail("get", { kind: "reset" }, Number.POSITIVE_INFINITY);
    const read = open().once({ ...task, name: "get" }, ({ client, signal }) => client.isPurgeable("orders", signal));
    expect(await failureOf(read)).toMatchObject({ code: "connection", mayBeDone: false });
  });

  it("is told apart from another operation of the same connection", async () => {
    const connection = open();
    local.fail("restore", { kind: "reset" }, Number.POSITIVE_INFINITY);
    await failureOf(connection.carryOut(task, ({ client, signal }) => client.restore(Buffer.alloc(9), signal)));
    local.clearFaults();
    const refused = connection.carryOut(task, ({ client, signal }) => client.restore(Buffer.alloc(9), signal));
    expect(await failureOf(refused)).toHaveProperty("mayBeDone", false);
  });
});

describe("a failed connection", () => {
  const answer = { status: 200 } as PipelineResponse;

  /** How many requests go out if the first ones fail. */
  async function attempts(code: string, failures: number): Promise<number> {
    const request = createPipelineRequest({ url: "https://kv.vault.azure.net/" });
    let sent = 0;
    await connectionRetryPolicy(3, 1)
      .sendRequest(request, async () => {
        sent += 1;
        if (sent <= failures) throw new RestError("failed", { code, request });
        return answer;
      })
      .catch(() => undefined);
    return sent;
  }

  it.each(["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EPIPE", "INCOMPLETE_ANSWER"])(
    "is tried again after %s",
    async (code) => {
      expect(await attempts(code, 2)).toBe(3);
      expect(await attempts(code, 99)).toBe(4);
    },
  );

  it.each(["CERT_HAS_EXPIRED", "REQUEST_SEND_ERROR"])("is not tried again after %s", async (code) => {
    expect(await attempts(code, 2)).toBe(1);
  });
});

describe("the time of one attempt", () => {
  const timeout = () => attemptTimeoutPolicy(60_000, clock);
  const hang = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

  it("ends with the error of a lost connection, which is retried, and leaves the signal of the request", async () => {
    for (const signal of [undefined, new AbortController().signal]) {
      const request = createPipelineRequest({
        url: "https://kv.vault.azure.net/",
        ...(signal && { abortSignal: signal }),
      });
      const sent = timeout().sendRequest(request, ({ abortSignal }) => hang(abortSignal as AbortSignal));
      clock.advance(60_000);
      await expect(sent).rejects.toMatchObject({ code: "ETIMEDOUT" });
      expect(request.abortSignal).toBe(signal);
    }
  });

  it("is not what ends an attempt whose operation is aborted", async () => {
    const operation = new AbortController();
    const request = createPipelineRequest({ url: "https://kv.vault.azure.net/", abortSignal: operation.signal });
    const sent = timeout().sendRequest(request, ({ abortSignal }) => hang(abortSignal as AbortSignal));
    operation.abort();
    clock.advance(60_000);
    await expect(sent).rejects.toThrow("aborted");
  });
});
