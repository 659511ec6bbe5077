import { setTimeout as sleep } from "node:timers/promises";
import type { HttpHeaders, PipelinePolicy } from "@azure/core-rest-pipeline";

/** What the service advises to clients that it throttles, in milliseconds. */
export const throttleDelays: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000];

/**
 * A policy that repeats a request that the vault throttles (429) until the operation is aborted, and makes every other
 * request to the vault wait with it: as long as the vault asks for, else by `delays`, of which the last one repeats. Each
 * request waits up to a quarter longer, so that they do not come back together.
 *
 * The pipeline's own retries repeat a 429 only with a `Retry-After`, which Key Vault does not send.
 *
 * @see https://learn.microsoft.com/azure/key-vault/general/overview-throttling
 */
export function throttlePolicy(delays = throttleDelays, random = Math.random): PipelinePolicy {
  let refusals = 0;
  let delay = 0;
  let openAt = 0;
  return {
    name: "vaultThrottlePolicy",
    async sendRequest(request, next) {
      for (;;) {
        for (let wait = openAt - Date.now(); wait > 0; wait = openAt - Date.now()) {
          await sleep(wait + (random() * delay) / 4, undefined, { signal: request.abortSignal as AbortSignal });
        }
        const sentAt = Date.now();
        const response = await next(request);
        // Answers to requests that were under way when the vault began to throttle tell nothing new.
        const isNews = sentAt >= openAt;
        if (response.status !== 429) {
          refusals = isNews ? 0 : refusals;
          return response;
        }
        if (isNews) {
          refusals += 1;
          delay = retryAfter(response.headers) ?? delays[Math.min(refusals, delays.length) - 1] ?? 0;
          openAt = Date.now() + delay;
        }
      }
    },
  };
}

function retryAfter(headers: HttpHeaders): number | undefined {
  const text = headers.get("retry-after");
  const delay = text ? Number(text) * 1000 || Date.parse(text) - Date.now() : Number.NaN;
  return Number.isFinite(delay) ? Math.max(0, delay) : undefined;
}
