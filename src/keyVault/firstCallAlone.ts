import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/**
 * A policy that lets the first call of a client go alone: it is the one that the service challenges for a token. Calls
 * that start together would be challenged one by one.
 */
export function firstCallAlonePolicy(): PipelinePolicy {
  let first: Promise<unknown> | undefined;
  return {
    name: "firstCallAlonePolicy",
    async sendRequest(request, next) {
      if (first === undefined) {
        const response = next(request);
        first = response.catch(() => undefined);
        return response;
      }
      await first;
      return next(request);
    },
  };
}
