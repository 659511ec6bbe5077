import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import https from "node:https";
import type { Certificate } from "../../../localVault/certificate";
import { listenOnLoopback } from "../../../localVault/loopbackServer";
import { errorAnswer, type StorageError } from "./storageErrors";

export interface FaultScope {
  /** @default every method */
  readonly method?: "DELETE" | "GET" | "HEAD" | "PUT";
  /** @default 1 */
  readonly times?: number;
}

export type ConnectionFault =
  /** The connection closes, and the request does not reach the store. */
  | "reset"
  /** The operation is carried out, and the connection closes without an answer. */
  | "lostAnswer"
  /** The request does not reach the store, no answer comes, and the connection stays open until the end. */
  | "hang"
  /** Only of GET. Its answer promises the whole body, and the connection closes after half of it. */
  | "truncated";

export type StorageFault = FaultScope &
  (
    | { readonly answer: StorageError }
    | { readonly connection: ConnectionFault }
    /** 307 to the same path of another origin. */
    | { readonly redirectTo: string }
  );

export interface ProxiedRequest {
  readonly method: string;
  /** As sent, with the account and without the query. */
  readonly path: string;
  /** Undefined if no answer was sent. */
  status: number | undefined;
}

export interface FaultProxy {
  readonly port: number;
  /** In the order of their arrival. */
  readonly requests: readonly ProxiedRequest[];
  clearRequests(): void;
  /** Faults wait in the order of their announcement. Each meets as many requests as announced. */
  fail(fault: StorageFault): void;
  clearFaults(): void;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Hands the request to the store. */
  forward(): Promise<Answer>;
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The headers without those of one connection, for a body of known length. */
function withLength(headers: OutgoingHttpHeaders, body: Buffer): OutgoingHttpHeaders {
  const { connection, "keep-alive": _keepAlive, "transfer-encoding": encoding, ...others } = headers;
  return encoding === undefined ? others : { ...others, "content-length": body.length };
}

function forwarder(port: number, { certificatePem }: Certificate) {
  return async (request: IncomingMessage, body: Buffer): Promise<Answer> => {
    const { method, url: path } = request;
    const headers = withLength(request.headers, body);
    // Azurite closes idle connections after five seconds: each request has a connection of its own.
    const options = { host: "127.0.0.1", port, ca: certificatePem, agent: false, method, path, headers };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      https.request(options, resolve).once("error", reject).end(body);
    });
    const answered = await bytesOf(answer);
    const { statusCode: status = 500, statusMessage: reason = "" } = answer;
    return { status, reason, headers: withLength(answer.headers, answered), body: answered };
  };
}

function send(response: ServerResponse, { status, reason, headers, body }: Answer): number {
  response.writeHead(status, reason, headers);
  response.end(body);
  return status;
}

function sendHalf(response: ServerResponse, { status, reason, headers, body }: Answer): Promise<number> {
  response.writeHead(status, reason, headers);
  return new Promise((resolve) => {
    response.write(body.subarray(0, body.length / 2), () => {
      response.socket?.destroy();
      resolve(status);
    });
  });
}

/** Returns the status that was sent, or undefined if none was. */
async function breakConnection(fault: ConnectionFault, { response, forward }: Exchange): Promise<number | undefined> {
  switch (fault) {
    case "reset":
      response.socket?.destroy();
      return undefined;
    case "lostAnswer":
      await forward();
      response.socket?.destroy();
      return undefined;
    case "hang":
      return undefined;
    case "truncated":
      return sendHalf(response, await forward());
    default:
      return fault satisfies never;
  }
}

function meets(fault: StorageFault, method: string): boolean {
  const isBodyNeeded = "connection" in fault && fault.connection === "truncated";
  return [undefined, method].includes(fault.method) && (method === "GET" || !isBodyNeeded);
}

async function play(fault: StorageFault | undefined, exchange: Exchange): Promise<number | undefined> {
  const { request, response, forward } = exchange;
  if (fault === undefined) return send(response, await forward());
  if ("connection" in fault) return breakConnection(fault.connection, exchange);
  if ("redirectTo" in fault) {
    const location = new URL(request.url ?? "/", fault.redirectTo).href;
    return send(response, {
      status: 307,
      reason: "",
      headers: { location, "content-length": 0 },
      body: Buffer.alloc(0),
    });
  }
  const answer = errorAnswer(fault.answer, request.headers);
  return send(response, { ...answer, body: Buffer.from(answer.body) });
}

/** Forwards every request over TLS to the Azurite at the port, except those that a fault meets. */
export async function startFaultProxy(azuritePort: number, certificate: Certificate): Promise<FaultProxy> {
  const forward = forwarder(azuritePort, certificate);
  const requests: ProxiedRequest[] = [];
  const waiting: { readonly fault: StorageFault; left: number }[] = [];
  const takeFault = (method: string): StorageFault | undefined => {
    const index = waiting.findIndex(({ fault }) => meets(fault, method));
    const next = waiting[index];
    if (next === undefined) return undefined;
    next.left -= 1;
    if (next.left <= 0) waiting.splice(index, 1);
    return next.fault;
  };
  const { port, close } = await listenOnLoopback(async (request, response) => {
    const { method = "GET", url = "/" } = request;
    const recorded: ProxiedRequest = { method, path: url.replace(/\?.*/, ""), status: undefined };
    requests.push(recorded);
    const fault = takeFault(method);
    const body = await bytesOf(request);
    recorded.status = await play(fault, { request, response, forward: () => forward(request, body) });
  }, certificate);
  return {
    port,
    requests,
    clearRequests: () => {
      requests.length = 0;
    },
    fail: (fault) => {
      waiting.push({ fault, left: fault.times ?? 1 });
    },
    clearFaults: () => {
      waiting.length = 0;
    },
    stop: close,
  };
}
