import { isRestError, type PipelinePolicy } from "@azure/core-rest-pipeline";

/** What the last failed attempt of an operation came to, for when the operation's time is over before its retries are. */
export interface LastOutcome {
  readonly policy: PipelinePolicy;
  /** A status, or the code of a failed connection; undefined where nothing has failed since the last success. */
  of(signal: AbortSignal): string | undefined;
  /** Whether an attempt at a POST of the operation got no answer or an error of the service, and may have been carried out. */
  mayBeDone(signal: AbortSignal): boolean;
}

/** Belongs behind the pipeline's own retries, so that it sees each attempt. Operations are told apart by their signals. */
export function createLastOutcome(): LastOutcome {
  const outcomes = new WeakMap<object, string>();
  const uncertain = new WeakSet<object>();
  return {
    of: (signal) => outcomes.get(signal),
    mayBeDone: (signal) => uncertain.has(signal),
    policy: {
      name: "lastOutcomePolicy",
      async sendRequest(request, next) {
        const operation = request.abortSignal ?? request;
        // The challenge is met once a request goes out again: from now on a token is not what is missing.
        if (outcomes.get(operation) === "401") {
          outcomes.delete(operation);
        }
        try {
          const response = await next(request);
          if (response.status < 300) {
            outcomes.delete(operation);
          } else {
            outcomes.set(operation, `${response.status}`);
          }
          if (request.method === "POST" && response.status >= 500) {
            uncertain.add(operation);
          }
          return response;
        } catch (error) {
          if (request.method === "POST") {
            uncertain.add(operation);
          }
          if (isRestError(error) && error.code !== undefined) {
            outcomes.set(operation, error.code);
          }
          throw error;
        }
      },
    },
  };
}
