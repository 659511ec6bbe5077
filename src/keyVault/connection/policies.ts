import { isRestError, type PipelinePolicy, RestError, retryPolicy } from "@azure/core-rest-pipeline";
import { parseJson, Refusal } from "../failures/refusal";
import type { Clock } from "./waits";

/**
 * A policy that throws a `Refusal` for an answer other than 2xx. The client's own error lacks the inner code in paged
 * operations, and hides the status of an answer without a body behind a `TypeError`.
 */
export const refusalPolicy: PipelinePolicy = {
  name: "refusalPolicy",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status >= 300) {
      throw new Refusal(response);
    }
    return response;
  },
};

/** A policy that refuses a request to another origin than the vault's, which the service's own links to next pages may name. */
export function sameOriginPolicy(vaultUri: string): PipelinePolicy {
  const { origin } = new URL(vaultUri);
  return {
    name: "sameOriginPolicy",
    async sendRequest(request, next) {
      if (new URL(request.url).origin !== origin) {
        throw new RestError("A request to another host was refused.", { code: "ANOTHER_HOST", request });
      }
      return next(request);
    },
  };
}

// The pipeline's own retries leave these out.
const transientCodes = ["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EPIPE", "INCOMPLETE_ANSWER"];

/** A policy that retries transient failures of a connection which the pipeline's own retries leave out. */
export function connectionRetryPolicy(maxRetries: number, delay: number): PipelinePolicy {
  const strategy = {
    name: "connectionRetryStrategy",
    retry: ({ retryCount, responseError }: { retryCount: number; responseError?: { code?: string } }) =>
      transientCodes.includes(responseError?.code ?? "")
        ? { retryAfterInMs: delay * 2 ** retryCount }
        : { skipStrategy: true },
  };
  return retryPolicy([strategy], { maxRetries });
}

/** A policy that takes an answer whose body breaks off for a failed connection. Belongs behind the retries. */
export const completeAnswerPolicy: PipelinePolicy = {
  name: "completeAnswerPolicy",
  async sendRequest(request, next) {
    try {
      const response = await next(request);
      const isJson = (response.headers.get("content-type") ?? "").includes("json");
      if (response.status === 200 && isJson && parseJson(response.bodyAsText) === undefined) {
        throw new RestError("The answer breaks off.", { code: "INCOMPLETE_ANSWER", request });
      }
      return response;
    } catch (error) {
      // The client reads the body as it comes, and calls a reset in the middle a parse error.
      throw isRestError(error) && error.code === "PARSE_ERROR"
        ? new RestError("The answer breaks off.", { code: "INCOMPLETE_ANSWER", request })
        : error;
    }
  },
};

/**
 * A policy that gives up an attempt without an answer, with the error of a lost connection, which the pipeline's own retries
 * repeat. Belongs behind the retries; the pipeline's own `timeout` ends the whole operation.
 */
export function attemptTimeoutPolicy(milliseconds: number, clock: Clock): PipelinePolicy {
  return {
    name: "attemptTimeoutPolicy",
    async sendRequest(request, next) {
      const operation = request.abortSignal as AbortSignal | undefined;
      const attempt = clock.timeout(milliseconds);
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

/**
 * A policy that lets the first call of a client go ahead alone: the service challenges it for a token, and would challenge
 * each call that starts with it. The others wait `patience` milliseconds at most.
 */
export function firstCallAlonePolicy(patience: number, clock: Clock): PipelinePolicy {
  let first: Promise<unknown> | undefined;
  return {
    name: "firstCallAlonePolicy",
    async sendRequest(request, next) {
      if (first === undefined) {
        const response = next(request);
        const answered = response.catch(() => undefined);
        const abandoned = new AbortController();
        first = Promise.race([answered, clock.sleep(patience, abandoned.signal).catch(() => undefined)]);
        void answered.then(() => abandoned.abort());
        return response;
      }
      await first;
      return next(request);
    },
  };
}

/** The outcomes of the attempts at each operation. The abort signal identifies the operation. */
export interface Outcomes {
  readonly policy: PipelinePolicy;
  /** The status or connection code of the last attempt; undefined if it succeeded or has no outcome yet. */
  last(signal: AbortSignal): string | undefined;
  /** Whether an attempt at a POST got no answer, or a 5xx, and may have been carried out. */
  mayBeDone(signal: AbortSignal): boolean;
}

/** The policy belongs behind the retries, so that it sees each attempt. */
export function recordOutcomes(): Outcomes {
  const outcomes = new WeakMap<object, string>();
  const uncertain = new WeakSet<object>();
  const record = (operation: object, method: string, outcome: string | undefined, isUncertain: boolean) => {
    if (outcome === undefined) {
      outcomes.delete(operation);
    } else {
      outcomes.set(operation, outcome);
    }
    if (method === "POST" && isUncertain) {
      uncertain.add(operation);
    }
  };
  return {
    last: (signal) => outcomes.get(signal),
    mayBeDone: (signal) => uncertain.has(signal),
    policy: {
      name: "recordOutcomesPolicy",
      async sendRequest(request, next) {
        const operation = request.abortSignal ?? request;
        // A refusal is not the outcome of an attempt that goes out after it.
        outcomes.delete(operation);
        try {
          const response = await next(request);
          const { status } = response;
          record(operation, request.method, status < 300 ? undefined : `${status}`, status >= 500);
          return response;
        } catch (error) {
          const code = isRestError(error) ? error.code : undefined;
          record(operation, request.method, code, true);
          throw error;
        }
      },
    },
  };
}
