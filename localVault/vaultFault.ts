import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Operation } from "./keyOperation";
import {
  type Answer,
  type ForbiddenReason,
  forbidden,
  plainRefusal,
  type Refused,
  throttled,
  unauthorized,
} from "./serviceError";

export type Fault =
  | { readonly kind: "throttled"; readonly retryAfterSeconds?: number }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: "reset" }
  /** The operation is carried out, and the connection reset without an answer. */
  | { readonly kind: "lostAnswer" }
  | { readonly kind: "stall" }
  | { readonly kind: "truncated" }
  | { readonly kind: "noValue" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "forbidden"; readonly reason: ForbiddenReason }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "delay"; readonly milliseconds: number }
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "claimsChallenge"; readonly claims: string };

export interface FaultScope {
  /** Whether requests without a token are met too, which clients send first to be told where tokens come from. @default false */
  readonly withoutToken?: boolean;
}

interface QueuedFault extends FaultScope {
  readonly operation: Operation | "any";
  readonly fault: Fault;
  left: number;
}

/** Faults wait in the order of their announcement, each for as many requests as it was announced for. */
export class FaultQueue {
  #queue: QueuedFault[] = [];

  add(operation: Operation | "any", fault: Fault, times: number, scope: FaultScope): void {
    this.#queue.push({ operation, fault, left: times, ...scope });
  }

  take(operation: Operation, hasToken: boolean): Fault | undefined {
    const next = this.#queue.find(
      (queued) => [operation, "any"].includes(queued.operation) && (hasToken || queued.withoutToken === true),
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

export interface FaultContext {
  readonly response: ServerResponse;
  readonly refused: Refused;
  readonly challenge: string;
  /** What would be answered without the fault. */
  usual(): Promise<Answer>;
  send(answer: Answer): void;
}

/** Plays the fault, and returns the status that was sent, if one was. */
export async function playFault(fault: Fault, context: FaultContext): Promise<number | undefined> {
  const { response } = context;
  const answer = (given: Answer): number => {
    context.send(given);
    return given.status;
  };
  switch (fault.kind) {
    case "throttled":
      return answer(throttled(fault.retryAfterSeconds));
    case "status": {
      const { status, headers = {}, body = plainRefusal(status).body } = fault;
      return answer({ status, headers, body });
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
    case "noValue":
      return answer({ status: 200, body: {} });
    case "value":
      return answer({ status: 200, body: { value: fault.value } });
    case "forbidden":
      return answer(forbidden(fault.reason, context.refused));
    case "unauthorized":
      return answer(unauthorized("AKV10000: Request is missing a Bearer or PoP token.", context.challenge));
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
      return answer(unauthorized("AKV10000: Claims are insufficient.", claimsChallenge(fault.claims)));
    default:
      return fault satisfies never;
  }
}

function claimsChallenge(claims: string): string {
  const encoded = Buffer.from(claims).toString("base64");
  return `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${encoded}"`;
}

function sendHalf(response: ServerResponse, { status, body }: Answer): Promise<number> {
  const whole = Buffer.from(JSON.stringify(body ?? {}));
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": whole.length });
  return new Promise((resolve) => {
    response.write(whole.subarray(0, whole.length / 2), () => {
      response.socket?.end();
      resolve(status);
    });
  });
}
