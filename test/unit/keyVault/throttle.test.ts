import { createHttpHeaders, createPipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import { expect, it } from "@jest/globals";
import { throttlePolicy } from "../../../src/keyVault/throttle";

const request = () => createPipelineRequest({ url: "https://kv.vault.azure.net/" });

function answer(status: number, headers: Record<string, string> = {}): PipelineResponse {
  return { status, headers: createHttpHeaders(headers), request: request() };
}

it("does not take the answers to earlier requests for the end of the throttling", async () => {
  const policy = throttlePolicy([20, 300], () => 0);
  let finishEarlier = (_: PipelineResponse) => {};
  const earlier = policy.sendRequest(request(), () => new Promise((resolve) => (finishEarlier = resolve)));
  const sentAt: number[] = [];
  const throttled = policy.sendRequest(request(), async () => {
    sentAt.push(Date.now());
    if (sentAt.length === 2) {
      finishEarlier(answer(200));
      await earlier;
    }
    return answer(sentAt.length < 3 ? 429 : 200);
  });
  expect((await throttled).status).toBe(200);
  const [first = 0, second = 0, third = 0] = sentAt;
  expect(second - first).toBeLessThan(250);
  expect(third - second).toBeGreaterThanOrEqual(299);
});

it.each([
  ["seconds", () => "1"],
  ["a date", () => new Date(Date.now() + 2_000).toUTCString()],
])("waits as long as the vault asks for in %s", async (_, retryAfter) => {
  const policy = throttlePolicy([1], () => 0);
  let attempts = 0;
  const startedAt = Date.now();
  await policy.sendRequest(request(), async () => {
    attempts += 1;
    return attempts === 1 ? answer(429, { "Retry-After": retryAfter() }) : answer(200);
  });
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(900);
});

it("ends with the operation", async () => {
  const aborted = createPipelineRequest({ url: "https://kv.vault.azure.net/", abortSignal: AbortSignal.timeout(50) });
  const policy = throttlePolicy([60_000], () => 0);
  await expect(policy.sendRequest(aborted, async () => answer(429))).rejects.toHaveProperty("name", "AbortError");
});
