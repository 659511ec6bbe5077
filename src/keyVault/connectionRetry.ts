import { type PipelinePolicy, retryPolicy } from "@azure/core-rest-pipeline";

// Failures to reach a host that pass like those that the pipeline's own retries know.
const transient = new Set(["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"]);

/** A policy that retries the transient failures of a connection which the pipeline's own retries leave out. */
export function connectionRetryPolicy(maxRetries: number, delay: number): PipelinePolicy {
  const strategy = {
    name: "connectionRetryStrategy",
    retry: ({ retryCount, responseError }: { retryCount: number; responseError?: { code?: string } }) =>
      transient.has(responseError?.code ?? "") ? { retryAfterInMs: delay * 2 ** retryCount } : { skipStrategy: true },
  };
  return retryPolicy([strategy], { maxRetries });
}
