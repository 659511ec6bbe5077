import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { type CollectionName, wordsOf } from "./objectKind";
import type { Operation } from "./operation";
import { type Answer, plainRefusal, throttled } from "./serviceError";
import { claimsChallenge, type ForbiddenReason, forbidden, type Refused, unauthorized } from "./vaultAccess";
import { send, sendCutJson, sendHalf } from "./vaultResponse";

export type Fault =
  /** 429. Without `retryAfterSeconds` the answer has no Retry-After. */
  | { readonly kind: "throttled"; readonly retryAfterSeconds?: number }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: "reset" }
  /** The operation is carried out, and the connection closes without an answer. */
  | { readonly kind: "lostAnswer" }
  /** No answer comes, and the connection stays open. */
  | { readonly kind: "stall" }
  /** The operation is carried out. Its answer promises the whole body, and the connection closes after half of it. */
  | { readonly kind: "truncated" }
  /** The operation is carried out. Its answer is cut in the middle of the JSON, under the length of what is left. */
  | { readonly kind: "cutJson" }
  | { readonly kind: "noValue" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "forbidden"; readonly reason: ForbiddenReason }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "delay"; readonly milliseconds: number }
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "claimsChallenge"; readonly claims: string };

export interface FaultScope {
  /** Whether the fault also meets requests without a token. A client sends such a request first. @default false */
  readonly withoutToken?: boolean;
  /** @default every collection */
  readonly collection?: CollectionName;
}

interface QueuedFault extends FaultScope {
  readonly operation: Operation | "any";
  readonly fault: Fault;
  left: number;
}

/** Faults wait in the order of their announcement. Each meets as many requests as announced. */
export class FaultQueue {
  #queue: QueuedFault[] = [];

  add(operation: Operation | "any", fault: Fault, times: number, scope: FaultScope): void {
    this.#queue.push({ operation, fault, left: times, ...scope });
  }

  take(operation: Operation, collection: CollectionName | undefined, hasToken: boolean): Fault | undefined {
    const next = this.#queue.find(
      (queued) =>
        [operation, "any"].includes(queued.operation) &&
        [collection, undefined].includes(queued.collection) &&
        (hasToken || queued.withoutToken === true),
    );
    if (next === undefined) return undefined;
    next.left -= 1;
    if (next.left <= 0) this.#queue = this.#queue.filter((queued) => queued !== next);
    return next.fault;
  }

  clear(): void {
    this.#queue = [];
  }
}

export type RequestHandler = () => void | Promise<void>;

interface WaitingHandler {
  readonly operation: Operation;
  readonly collection: CollectionName | undefined;
  readonly handler: RequestHandler;
}

/** Handlers wait in the order of their announcement. Each is called for one request of its operation. */
export class RequestHandlers {
  #waiting: WaitingHandler[] = [];

  /** Without a collection, the handler waits for the operation on any object. */
  add(operation: Operation, handler: RequestHandler, collection: CollectionName | undefined): void {
    this.#waiting.push({ operation, handler, collection });
  }

  async call(operation: Operation, collection: CollectionName | undefined): Promise<void> {
    const next = this.#waiting.find(
      (waiting) => waiting.operation === operation && [collection, undefined].includes(waiting.collection),
    );
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    await next?.handler();
  }

  clear(): void {
    this.#waiting = [];
  }
}

export interface FaultContext {
  readonly response: ServerResponse;
  readonly refused: Refused;
  readonly challenge: string;
  /** The answer without the fault. */
  usual(): Promise<Answer>;
  /** Puts an answer into the words of the vault's kind. */
  inWords(answer: Answer): Answer;
}

/** Plays the fault. Returns the status that was sent, or undefined if none was. */
export async function playFault(fault: Fault, context: FaultContext): Promise<number | undefined> {
  const { response } = context;
  const answer = (given: Answer): number => {
    send(response, given);
    return given.status;
  };
  const refuse = (refusal: Answer) => answer(context.inWords(refusal));
  switch (fault.kind) {
    case "throttled":
      return refuse(throttled(fault.retryAfterSeconds));
    case "status": {
      const { status, headers = {}, body } = fault;
      const notFound = `${wordsOf[context.refused.collection].title}NotFound`;
      return body === undefined
        ? refuse({ ...plainRefusal(status, notFound), headers })
        : answer({ status, headers, body });
    }
    case "reset":
      response.socket?.destroy();
      return undefined;
    case "lostAnswer":
      await context.usual();
      response.socket?.destroy();
      return undefined;
    case "stall":
      return undefined;
    case "truncated":
      return sendHalf(response, await context.usual());
    case "cutJson":
      return sendCutJson(response, await context.usual());
    case "noValue":
      return answer({ status: 200, body: {} });
    case "value":
      return answer({ status: 200, body: { value: fault.value } });
    case "forbidden":
      return refuse(forbidden(fault.reason, context.refused));
    case "unauthorized":
      return refuse(unauthorized("AKV10000: Request is missing a Bearer or PoP token.", context.challenge));
    case "delay":
      await wait(fault.milliseconds, undefined, { ref: false });
      return answer(await context.usual());
    case "html": {
      const body = `<!DOCTYPE html><html><head><title>${fault.status}</title></head><body><h1>The proxy refused</h1></body></html>`;
      return answer({ status: fault.status, headers: { "content-type": "text/html" }, body });
    }
    case "redirect":
      return answer({ status: 307, headers: { location: fault.location } });
    case "claimsChallenge":
      return refuse(unauthorized("AKV10000: Claims are insufficient.", claimsChallenge(fault.claims)));
    default:
      return fault satisfies never;
  }
}
