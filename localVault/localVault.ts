import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerKeyOperation } from "./answerKeyOperation";
import { apiVersionRefusal } from "./apiVersion";
import type { BackupWrapping } from "./backupBlob";
import type { Certificate } from "./certificate";
import {
  allPermissions,
  type KeyOperation,
  keyOperation,
  normalisePath,
  type Operation,
  type Permission,
  permissionFor,
} from "./keyOperation";
import type { LocalIdentity } from "./localIdentity";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody } from "./loopbackServer";
import type { RecordedRequest } from "./recordedRequest";
import { type RequestHandler, RequestHandlers } from "./requestHandlers";
import { type Propagation, RoleAssignment } from "./roleAssignment";
import { type Answer, badParameter, forbidden, unauthorized } from "./serviceError";
import { type Fault, FaultQueue, type FaultScope, playFault } from "./vaultFault";
import { VaultKeys } from "./vaultKeys";
import type { VaultOptions } from "./vaultOptions";

export type { CreatedKey, DeletedKeyProperties, VersionProperties } from "./vaultKeys";

export interface VaultHost {
  readonly certificate: Certificate;
  readonly identity: LocalIdentity;
  readonly wrapping: BackupWrapping;
  now(): number;
}

/** One vault: its keys, who may use them, what it was asked, and what is to go wrong. */
export class LocalVault extends VaultKeys {
  readonly requests: RecordedRequest[] = [];
  readonly permissions = new Set<Permission>(allPermissions);
  /** Decides which refusal a missing permission gives. */
  authorization: "rbac" | "accessPolicy" = "rbac";
  resource: string;
  tenantId: string;
  readonly #host: VaultHost;
  readonly #role: RoleAssignment;
  readonly #faults = new FaultQueue();
  readonly #beforeAnswer = new RequestHandlers();
  readonly #afterOperation = new RequestHandlers();
  #server: LoopbackServer | undefined;

  private constructor(name: string, host: VaultHost, options: VaultOptions) {
    super(name, host, options);
    this.resource = options.resource ?? "https://vault.azure.net";
    this.tenantId = options.tenantId ?? host.identity.tenantId;
    this.#host = host;
    this.#role = new RoleAssignment(host.now);
  }

  static async start(name: string, host: VaultHost, options: VaultOptions = {}): Promise<LocalVault> {
    const vault = new LocalVault(name, host, options);
    vault.#server = await listenOnLoopback((request, response) => vault.#serve(request, response), host.certificate);
    return vault;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  override get vaultUri(): string {
    return `https://localhost:${this.#server?.port}/`;
  }

  /** Refuses every request until then. With `freshToken`, only tokens issued from that moment on are served. */
  grantAfter(propagation: Propagation, { freshToken = false }: { freshToken?: boolean } = {}): void {
    this.#role.start(propagation, freshToken, this.#host.identity.issued.length);
  }

  /** Meets the next requests of the operation that carry a token with a fault, after all that were announced before. */
  fail(operation: Operation | "any", fault: Fault, times = 1, scope: FaultScope = {}): void {
    this.#faults.add(operation, fault, times, scope);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Calls the handler once, before the next authorised request of the operation is answered. Handlers wait their turn. */
  onRequest(operation: Operation, handler: RequestHandler): void {
    this.#beforeAnswer.add(operation, handler);
  }

  /** Calls the handler once, after the operation was next carried out and not refused, and before its answer is sent. */
  afterRequest(operation: Operation, handler: RequestHandler): void {
    this.#afterOperation.add(operation, handler);
  }

  clearHandlers(): void {
    this.#beforeAnswer.clear();
    this.#afterOperation.clear();
  }

  /** How often the operation was asked for with a token: clients ask once without, to be told where tokens come from. */
  count(operation: Operation): number {
    return this.requestsOf(operation).filter(({ hasToken }) => hasToken).length;
  }

  requestsOf(operation: Operation): RecordedRequest[] {
    return this.requests.filter((request) => request.operation === operation);
  }

  clearRequests(): void {
    this.requests.length = 0;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = "/", rawQuery = ""] = (message.url ?? "/").split("?");
    const method = message.method ?? "GET";
    const path = normalisePath(rawPath);
    const query = new URLSearchParams(rawQuery);
    const requested = keyOperation(method, path);
    const token = /^Bearer (.+)$/i.exec(message.headers.authorization ?? "")?.[1];
    const { operation, keyName } = requested;
    const recorded: RecordedRequest = {
      method,
      path,
      query: Object.fromEntries(query),
      operation,
      keyName,
      hasToken: token !== undefined,
      time: this.#host.now(),
      requestId: randomUUID(),
      status: undefined,
    };
    this.requests.push(recorded);
    const text = await readBody(message);
    const headers = this.#headers(recorded.requestId, message.headers["x-ms-client-request-id"]);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const usual = () => this.#answer(requested, query, text, token);
    const fault = this.#faults.take(operation, token !== undefined);
    if (fault) {
      recorded.status = await playFault(fault, {
        response,
        usual,
        send: (answer) => send(response, answer),
        refused: this.#refused(requested, token),
        challenge: this.#challenge,
      });
      return;
    }
    const answer = await usual();
    recorded.status = answer.status;
    send(response, answer);
  }

  async #answer(requested: KeyOperation, query: URLSearchParams, text: string, token = ""): Promise<Answer> {
    if (token === "") return this.#unauthorized("AKV10000: Request is missing a Bearer or PoP token.");
    const verdict = this.#host.identity.verify(token, this.resource);
    if ("refusal" in verdict) return this.#unauthorized(verdict.refusal);
    const unsupported = apiVersionRefusal(query.get("api-version"));
    if (unsupported) return unsupported;
    const refused = this.#refused(requested, token);
    const { operation, keyName } = requested;
    const permitted = operation === "unknown" || this.permissions.has(permissionFor(operation));
    if (!this.#role.permits(verdict, this.#host.identity.issued.length) || !permitted) {
      return forbidden(this.authorization, refused);
    }
    await this.#beforeAnswer.call(operation);
    if (operation === "backup" && this.store.key(keyName)?.managed) return forbidden("certificate", refused);
    const body = text === "" ? {} : parseObject(text);
    if (body === undefined) return badParameter("The request body is not a JSON object.");
    const answer = await answerKeyOperation(this, this.store, this.wrapping, { ...requested, query, body });
    if (answer.status < 400) await this.#afterOperation.call(operation);
    return answer;
  }

  get #challenge(): string {
    return `Bearer authorization="https://login.windows.net/${this.tenantId}", resource="${this.resource}"`;
  }

  #unauthorized(reason: string): Answer {
    return unauthorized(reason, this.#challenge);
  }

  #refused({ operation, keyName }: KeyOperation, token: string | undefined) {
    const permission = operation === "unknown" ? "get" : permissionFor(operation);
    return { vaultName: this.name, keyName, permission, caller: this.#host.identity.callerOf(token) };
  }

  #headers(requestId: string, clientRequestId: string | string[] | undefined): Record<string, string> {
    return {
      "cache-control": "no-cache",
      "x-ms-keyvault-region": "westeurope",
      "x-ms-keyvault-service-version": "1.9.2784.1",
      "x-ms-request-id": requestId,
      ...(typeof clientRequestId === "string" ? { "x-ms-client-request-id": clientRequestId } : {}),
    };
  }
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(text);
}
