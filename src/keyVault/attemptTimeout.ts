import { type PipelinePolicy, RestError } from "@azure/core-rest-pipeline";

/**
 * A policy that gives up an attempt that gets no answer in time, with the error of a lost connection, which the pipeline's
 * own retries repeat. Belongs behind those retries. The pipeline's own `timeout` ends the whole operation.
 */
export function attemptTimeoutPolicy(milliseconds: number): PipelinePolicy {
  return {
    name: "attemptTimeoutPolicy",
    async sendRequest(request, next) {
      const operation = request.abortSignal as AbortSignal | undefined;
      const attempt = AbortSignal.timeout(milliseconds);
      request.abortSignal = operation === undefined ? attempt : AbortSignal.any([operation, attempt]);
      try {
        return await next(request);
      } catch (error) {
        throw attempt.aborted && !operation?.aborted
          ? new RestError("The attempt got no answer.", { code: "ETIMEDOUT", request })
          : error;
      } finally {
        if (operation === undefined) {
          delete request.abortSignal;
        } else {
          request.abortSignal = operation;
        }
      }
    },
  };
}
