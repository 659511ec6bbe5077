import { createHttpHeaders, createPipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import { throttlePolicy } from "../../../../src/keyVault/connection/throttlePolicy";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { key } from "../../../../src/objects/key";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;

beforeEach(() => {
  clock = virtualClock();
});

describe("a throttled vault", () => {
  let service: LocalKeyVault;
  let local: LocalVault;

  beforeAll(async () => {
    service = await LocalKeyVault.start({ now: () => clock.now() });
    trustLocalCertificate(service.certificatePem);
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    local = await service.createVault();
    await local.keys.create("orders");
  });

  it("is asked again until it answers", async () => {
    local.fail("backup", { kind: "throttled" }, 5);
    await backUp(connectTo(service, local, { clock }), key, "orders");
    expect(local.count("backup")).toBe(6);
  });

  it.each([[undefined], [0]])(
    "is asked no more than five times in 25 s (Retry-After: %s)",
    async (retryAfterSeconds) => {
      local.fail(
        "backup",
        { kind: "throttled", ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
        1_000,
      );
      const { code } = await failureOf(
        backUp(connectTo(service, local, { clock, waits: { operation: 25_000 } }), key, "orders"),
      );
      expect(code).toBe("throttled");
      expect(local.count("backup")).toBeGreaterThanOrEqual(4);
      expect(local.count("backup")).toBeLessThanOrEqual(5);
      expect(clock.elapsed()).toBe(25_000);
    },
  );

  it("is left alone for as long as it asks", async () => {
    local.fail("backup", { kind: "throttled", retryAfterSeconds: 60 });
    await backUp(connectTo(service, local, { clock }), key, "orders");
    expect(clock.elapsed()).toBeGreaterThanOrEqual(60_000);
    expect(clock.elapsed()).toBeLessThan(76_000);
    expect(local.count("backup")).toBe(2);
  });

  it("gets no other request meanwhile", async () => {
    await local.keys.create("invoices");
    const connection = connectTo(service, local, { clock });
    local.fail("backup", { kind: "throttled", retryAfterSeconds: 60 });
    const refusedAt = new Promise<number>((resolve) => local.afterRequest("listVersions", () => resolve(clock.now())));
    const backups = [backUp(connection, key, "orders")];
    await refusedAt;
    while (!local.requestsOf("backup").some(({ status }) => status === 429)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    backups.push(backUp(connection, key, "invoices"));
    await Promise.all(backups);
    const throttledAt = local.requestsOf("backup").find(({ status }) => status === 429)?.time ?? 0;
    const after = local.requests.filter(({ time }) => time > throttledAt);
    expect(after.length).toBeGreaterThanOrEqual(5);
    expect(Math.min(...after.map(({ time }) => time - throttledAt))).toBeGreaterThanOrEqual(60_000);
  });
});

describe("a request to a throttled vault", () => {
  const answer = (status: number, headers: Record<string, string> = {}): PipelineResponse => ({
    status,
    headers: createHttpHeaders(headers),
    request: createPipelineRequest({ url: "https://kv.vault.azure.net/" }),
  });

  interface Sent {
    readonly name: string;
    readonly at: number;
  }

  /** Sends requests by one policy, and records in seconds when each went out. */
  function sender(delays: readonly number[], random: number, answers: PipelineResponse[]) {
    const policy = throttlePolicy(delays, clock, () => random);
    const sent: Sent[] = [];
    const send = (name: string, milliseconds = 0, signal?: AbortSignal) => {
      const request = createPipelineRequest({ url: `https://kv.vault.azure.net/keys/${name}` });
      if (signal !== undefined) request.abortSignal = signal;
      return policy.sendRequest(request, async () => {
        sent.push({ name, at: clock.elapsed() / 1000 });
        const given = answers.shift() ?? answer(200);
        if (milliseconds > 0) await clock.sleep(milliseconds);
        return given;
      });
    };
    return { send, sent, times: () => sent.map(({ at }) => at) };
  }

  it("waits for the delays in turn, and the last delay repeats", async () => {
    const { send, times } = sender(
      [1_000, 2_000, 4_000],
      0,
      Array.from({ length: 5 }, () => answer(429)),
    );
    await send("orders");
    expect(times()).toEqual([0, 1, 3, 7, 11, 15]);
  });

  it("waits up to a quarter longer, so that not all requests come back together", async () => {
    const { send, times } = sender([1_000, 2_000], 1, [answer(429), answer(429)]);
    await send("orders");
    expect(times()).toEqual([0, 1.25, 3.75]);
  });

  it.each([
    ["in seconds", () => "30", 30],
    ["as a date", () => new Date(clock.now() + 30_000).toUTCString(), 29],
    ["of zero, for its own delay", () => "0", 8],
    ["in the past, for its own delay", () => "Wed, 21 Oct 2015 07:28:00 GMT", 8],
    ["that cannot be read, for its own delay", () => "soon", 8],
    ["shorter than its own delay, for its own delay", () => "1", 8],
  ])("waits out a Retry-After %s", async (_, retryAfter, least) => {
    const { send, times } = sender([8_000], 0, [answer(429, { "retry-after": retryAfter() })]);
    await send("orders");
    expect(times()[1]).toBeGreaterThanOrEqual(least);
    expect(times()[1]).toBeLessThan(least + 2);
  });

  it("begins with the first delay again after an answer", async () => {
    const { send, times } = sender([1_000, 50_000], 0, [answer(429), answer(200), answer(429)]);
    await send("orders");
    await send("invoices");
    expect(times()).toEqual([0, 1, 1, 2]);
  });

  it("does not wait longer because of refusals of requests that were under way together", async () => {
    const { send, sent } = sender([1_000, 50_000], 0, [answer(429), answer(429), answer(429)]);
    await Promise.all([send("orders", 10), send("invoices", 20), send("refunds", 30)]);
    expect(sent.length).toBe(6);
    expect(Math.max(...sent.map(({ at }) => at))).toBeLessThan(2);
  });

  it("does not begin with the first delay again after an answer to a request that was under way before", async () => {
    const { send, sent } = sender([1_000, 5_000], 0, [answer(200), answer(429), answer(429)]);
    await Promise.all([send("orders", 500), send("invoices")]);
    expect(sent.filter(({ name }) => name === "invoices").map(({ at }) => at)).toEqual([0, 1, 6]);
  });

  it("is given up when its operation is aborted", async () => {
    const { send, times } = sender([60_000], 0, [answer(429)]);
    await expect(send("orders", 0, clock.timeout(10_000))).rejects.toThrow("The time is over.");
    expect(times()).toEqual([0]);
  });
});
