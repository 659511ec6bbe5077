import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Certificate } from "./certificate";

export interface LoopbackServer {
  readonly port: number;
  close(): Promise<void>;
}

type RequestHandler = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>;

/** Serves on a free port of 127.0.0.1, over TLS if a certificate is given. The server does not keep the process alive. */
export async function listenOnLoopback(handler: RequestHandler, certificate?: Certificate): Promise<LoopbackServer> {
  const listener: http.RequestListener = (request, response) => {
    handler(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { code: "LocalKeyVaultDefect", message: String(error) } }));
    });
  };
  const server = certificate
    ? https.createServer({ key: certificate.privateKeyPem, cert: certificate.certificatePem }, listener)
    : http.createServer(listener);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    socket.unref();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  // If the server closed an idle connection, its client would see a fault that no test announced.
  server.keepAliveTimeout = 600_000;
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** The JSON object in a body, or undefined if the body is something else. */
export function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}
