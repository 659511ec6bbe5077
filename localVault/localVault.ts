import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerKeyOperation } from "./answerKeyOperation";
import type { BackupWrapping } from "./backupBlob";
import type { Certificate } from "./certificate";
import {
  allPermissions,
  apiVersionRefusal,
  type KeyOperation,
  keyOperation,
  normalisePath,
  type Operation,
  type Permission,
  permissionFor,
} from "./keyOperation";
import type { LocalIdentity } from "./localIdentity";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody } from "./loopbackServer";
import { type Answer, badParameter } from "./serviceError";
import { challengeFor, forbidden, type Propagation, type Refused, RoleAssignment, unauthorized } from "./vaultAccess";
import { type Fault, FaultQueue, type FaultScope, playFault, type RequestHandler, RequestHandlers } from "./vaultFault";
import { VaultKeys } from "./vaultKeys";
import { type VaultOptions, vaultSettings } from "./vaultOptions";
import { headersOf, inWordsOf, send } from "./vaultResponse";

export type { CreatedKey, DeletedKeyProperties, VersionProperties } from "./vaultKeys";

export interface VaultHost {
  readonly certificate: Certificate;
  readonly identity: LocalIdentity;
  readonly wrapping: BackupWrapping;
  now(): number;
}

export interface RecordedRequest {
  readonly method: string;
  /** Without its query, and with single slashes. */
  readonly path: string;
  readonly query: Record<string, string>;
  readonly operation: Operation;
  readonly keyName: string;
  readonly hasToken: boolean;
  readonly time: number;
  readonly requestId: string;
  /** Undefined if no answer was sent. */
  status: number | undefined;
}

/** One vault: its keys, its permissions, the requests it had, and the faults to come. */
export class LocalVault extends VaultKeys {
  readonly requests: RecordedRequest[] = [];
  readonly permissions = new Set<Permission>(allPermissions);
  /** Decides how a missing permission is refused. */
  authorization: "rbac" | "accessPolicy" = "rbac";
  readonly #host: VaultHost;
  readonly #role: RoleAssignment;
  readonly #faults = new FaultQueue();
  readonly #beforeAnswer = new RequestHandlers();
  readonly #afterOperation = new RequestHandlers();
  #server: LoopbackServer | undefined;

  private constructor(name: string, host: VaultHost, options: VaultOptions) {
    super(name, host.wrapping, host.now, vaultSettings(options, host.identity.tenantId));
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

  /** Refuses every request until then. With `freshToken`, only tokens issued from that moment on are accepted. */
  grantAfter(propagation: Propagation, { freshToken = false }: { freshToken?: boolean } = {}): void {
    this.#role.start(propagation, freshToken, this.#host.identity.issued.length);
  }

  /** Meets the next requests of the operation with a fault, after all faults that were announced before. */
  fail(operation: Operation | "any", fault: Fault, times = 1, scope: FaultScope = {}): void {
    this.#faults.add(operation, fault, times, scope);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Calls the handler once, before the next authorised request of the operation is answered. */
  onRequest(operation: Operation, handler: RequestHandler): void {
    this.#beforeAnswer.add(operation, handler);
  }

  /** Calls the handler once, after the operation next succeeds and before its answer is sent. */
  afterRequest(operation: Operation, handler: RequestHandler): void {
    this.#afterOperation.add(operation, handler);
  }

  clearHandlers(): void {
    this.#beforeAnswer.clear();
    this.#afterOperation.clear();
  }

  /** How many requests of the operation had a token. A client first asks without a token. */
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
    const query = new URLSearchParams(rawQuery);
    const token = /^Bearer (.+)$/i.exec(message.headers.authorization ?? "")?.[1];
    const recorded = this.#record(message.method ?? "GET", normalisePath(rawPath), query, token !== undefined);
    const requested = keyOperation(recorded.method, recorded.path);
    const text = await readBody(message);
    const clientRequestId = message.headers["x-ms-client-request-id"]?.toString();
    const head = { kind: this.kind, clientRequestId, ...recorded };
    for (const [name, value] of Object.entries(headersOf(head))) response.setHeader(name, value);
    const inWords = (answer: Answer) => inWordsOf(head, answer);
    const usual = async () => inWords(await this.#answer(requested, query, text, token));
    const fault = this.#faults.take(requested.operation, token !== undefined);
    if (fault) {
      const refused = this.#refused(requested, token);
      recorded.status = await playFault(fault, { response, usual, inWords, refused, challenge: this.#challenge });
      return;
    }
    const answer = await usual();
    recorded.status = answer.status;
    send(response, answer);
  }

  #record(method: string, path: string, query: URLSearchParams, hasToken: boolean): RecordedRequest {
    const { operation, keyName } = keyOperation(method, path);
    const recorded: RecordedRequest = {
      method,
      path,
      query: Object.fromEntries(query),
      operation,
      keyName,
      hasToken,
      time: this.#host.now(),
      requestId: randomUUID(),
      status: undefined,
    };
    this.requests.push(recorded);
    return recorded;
  }

  async #answer(requested: KeyOperation, query: URLSearchParams, text: string, token = ""): Promise<Answer> {
    if (token === "") return unauthorized("AKV10000: Request is missing a Bearer or PoP token.", this.#challenge);
    const verdict = this.#host.identity.verify(token, this.resource);
    if ("refusal" in verdict) return unauthorized(verdict.refusal, this.#challenge);
    // A Managed HSM's nextLink has no API version.
    const isNextPage = this.kind === "managedHsm" && query.has("$skiptoken");
    const unsupported = isNextPage ? undefined : apiVersionRefusal(query.get("api-version"));
    if (unsupported) return unsupported;
    const { operation } = requested;
    const permitted = operation === "unknown" || this.permissions.has(permissionFor(operation));
    if (!this.#role.permits(verdict, this.#host.identity.issued.length) || !permitted) {
      return forbidden(this.authorization, this.#refused(requested, token));
    }
    await this.#beforeAnswer.call(operation);
    const body = text === "" ? {} : parseObject(text);
    if (body === undefined) return badParameter("The request body is not a JSON object.");
    const answer = await answerKeyOperation(this.service, { ...requested, query, body });
    if (answer.status < 400) await this.#afterOperation.call(operation);
    return answer;
  }

  get #challenge(): string {
    return challengeFor(this.tenantId, this.resource);
  }

  #refused({ operation, keyName }: KeyOperation, token: string | undefined): Refused {
    const permission = operation === "unknown" ? "get" : permissionFor(operation);
    const caller = this.#host.identity.callerOf(token);
    return { kind: this.kind, vaultName: this.name, keyName, permission, caller };
  }
}
