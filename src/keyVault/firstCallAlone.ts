import { setTimeout as sleep } from "node:timers/promises";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/**
 * A policy that lets the first call of a client go ahead alone: it is the one that the service challenges for a token, and
 * calls that start together would be challenged one by one. They wait for it no longer than `patience` milliseconds.
 */
export function firstCallAlonePolicy(patience: number): PipelinePolicy {
  let first: Promise<unknown> | undefined;
  return {
    name: "firstCallAlonePolicy",
    async sendRequest(request, next) {
      if (first === undefined) {
        const response = next(request);
        first = Promise.race([response.catch(() => undefined), sleep(patience, undefined, { ref: false })]);
        return response;
      }
      await first;
      return next(request);
    },
  };
}
