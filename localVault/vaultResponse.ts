import type { ServerResponse } from "node:http";
import type { Answer } from "./serviceError";
import type { VaultKind } from "./vaultOptions";

export interface RequestHead {
  readonly kind: VaultKind;
  readonly method: string;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
}

const region = "westeurope";

/** The headers that every answer has. */
export function headersOf({ kind, method, requestId, clientRequestId }: RequestHead): Record<string, string> {
  const common = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "x-ms-request-id": requestId,
  };
  if (kind === "managedHsm") {
    return {
      ...common,
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "content-security-policy": "default-src 'self'",
      "x-frame-options": "SAMEORIGIN",
      "x-ms-server-latency": "1",
      ...(method === "GET" ? { "x-ms-build-version": "1.0.20251101-1-local" } : {}),
    };
  }
  return {
    ...common,
    pragma: "no-cache",
    expires: "-1",
    "strict-transport-security": "max-age=31536000;includeSubDomains",
    "x-ms-keyvault-region": region,
    "x-ms-keyvault-service-version": "1.9.2784.1",
    "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
    ...(clientRequestId === undefined ? {} : { "x-ms-client-request-id": clientRequestId }),
  };
}

/** Puts an answer into the words of the vault's kind. */
export function inWordsOf({ kind, method, requestId }: RequestHead, answer: Answer): Answer {
  if (kind === "vault") return answer;
  // A Managed HSM's challenge has no error in its body.
  if (answer.status === 401) return { ...answer, body: method === "GET" ? "OK" : undefined };
  if (answer.status >= 400) return { ...answer, body: withActivityId(answer.body, requestId) };
  const success = {
    "x-ms-keyvault-region": region,
    "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=Ipv4;",
  };
  const noContent = answer.status === 204 ? { "content-type": jsonType, "content-length": "0" } : {};
  return { ...answer, headers: { ...success, ...noContent, ...answer.headers } };
}

/** A Managed HSM gives no inner code, and every message ends with the id of the request. */
function withActivityId(body: unknown, requestId: string): unknown {
  const { code, message } = (body as { error: { code: string; message: string } }).error;
  return { error: { code, message: `${message} (Activity ID: ${requestId})` } };
}

const jsonType = "application/json; charset=utf-8";

export function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const content = { "content-type": jsonType, "content-length": `${Buffer.byteLength(text)}` };
  response.writeHead(status, status === 204 ? headers : { ...content, ...headers });
  response.end(text);
}

/** Sends half of the body under the length of the whole, and closes the connection. */
export function sendHalf(response: ServerResponse, { status, body }: Answer): Promise<number> {
  const whole = Buffer.from(JSON.stringify(body ?? {}));
  response.writeHead(status, { "content-type": jsonType, "content-length": whole.length });
  return new Promise((resolve) => {
    response.write(whole.subarray(0, whole.length / 2), () => {
      response.socket?.destroy();
      resolve(status);
    });
  });
}

/** Sends the first half of the body as if it were the whole. */
export function sendCutJson(response: ServerResponse, { status, headers = {}, body }: Answer): number {
  const text = JSON.stringify(body ?? {});
  send(response, { status, headers, body: text.slice(0, text.length / 2) });
  return status;
}
