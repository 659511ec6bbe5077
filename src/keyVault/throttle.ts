import { setTimeout as sleep } from "node:timers/promises";
import type { HttpHeaders, PipelinePolicy } from "@azure/core-rest-pipeline";

/** What the service advises to clients that it throttles, in milliseconds. */
export const throttleDelays: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000];

/**
 * A policy that makes every request to a vault wait when the vault throttles one of them. The retry itself is left to the
 * pipeline's own policy, which retries a 429 only with a `Retry-After`: where the service sends none, it is added from
 * `delays`, each lengthened by up to a quarter. Belongs behind those retries, so that it sees each attempt.
 *
 * @see https://learn.microsoft.com/azure/key-vault/general/overview-throttling
 */
export function throttlePolicy(delays = throttleDelays, random = Math.random): PipelinePolicy {
  let refusals = 0;
  let openAt = 0;
  return {
    name: "vaultThrottlePolicy",
    async sendRequest(request, next) {
      for (let wait = openAt - Date.now(); wait > 0; wait = openAt - Date.now()) {
        await sleep(wait, undefined, { signal: request.abortSignal as AbortSignal });
      }
      const sentAt = Date.now();
      const response = await next(request);
      if (response.status !== 429) {
        refusals = 0;
        return response;
      }
      // Refusals of requests that were under way together are one sign of throttling, not many.
      if (sentAt >= openAt) {
        refusals += 1;
      }
      const advised = delays[Math.min(refusals, delays.length) - 1] ?? 0;
      const delay = retryAfter(response.headers) ?? Math.round(advised * (1 + random() / 4));
      response.headers.set("retry-after-ms", String(delay));
      openAt = Math.max(openAt, Date.now() + delay);
      return response;
    },
  };
}

function retryAfter(headers: HttpHeaders): number | undefined {
  const milliseconds = headers.get("retry-after-ms") ?? headers.get("x-ms-retry-after-ms");
  const text = headers.get("retry-after");
  const delay = milliseconds
    ? Number(milliseconds)
    : text
      ? Number(text) * 1000 || Date.parse(text) - Date.now()
      : Number.NaN;
  return Number.isFinite(delay) ? Math.max(0, delay) : undefined;
}
