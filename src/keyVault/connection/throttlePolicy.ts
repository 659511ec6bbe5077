import type { HttpHeaders, PipelinePolicy } from "@azure/core-rest-pipeline";
import type { Clock } from "./waits";

/**
 * A policy that repeats a request that the vault throttles (429) until the operation is aborted, and delays every other
 * request to the vault meanwhile: for as long as the vault asks, and never less than `delays` say. Each request waits up to a
 * quarter longer, so that they do not come back together.
 *
 * The pipeline's own retries repeat a 429 only with a `Retry-After`, which Key Vault does not send.
 */
export function throttlePolicy(delays: readonly number[], clock: Clock, random = Math.random): PipelinePolicy {
  let refusals = 0;
  let delay = 0;
  let openAt = 0;
  return {
    name: "vaultThrottlePolicy",
    async sendRequest(request, next) {
      for (;;) {
        for (let wait = openAt - clock.now(); wait > 0; wait = openAt - clock.now()) {
          await clock.sleep(wait + (random() * delay) / 4, request.abortSignal as AbortSignal | undefined);
        }
        const sentAt = clock.now();
        const response = await next(request);
        // Answers to requests that were under way when the vault began to throttle tell nothing new.
        const isNews = sentAt >= openAt;
        if (response.status !== 429) {
          refusals = isNews ? 0 : refusals;
          return response;
        }
        if (isNews) {
          refusals += 1;
          const least = delays[Math.min(refusals, delays.length) - 1] ?? 0;
          delay = Math.max(least, retryAfter(response.headers, clock) ?? 0);
          openAt = clock.now() + delay;
        }
      }
    },
  };
}

function retryAfter(headers: HttpHeaders, clock: Clock): number | undefined {
  const text = headers.get("retry-after");
  const delay = text ? Number(text) * 1000 || Date.parse(text) - clock.now() : Number.NaN;
  return Number.isFinite(delay) ? delay : undefined;
}
