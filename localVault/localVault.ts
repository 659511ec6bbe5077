import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerOperation } from "./answerOperation";
import type { BackupWrapping } from "./backupBlob";
import type { Certificate } from "./certificate";
import type { LocalIdentity } from "./localIdentity";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody } from "./loopbackServer";
import type { CollectionName } from "./objectKind";
import {
  apiVersionRefusal,
  normalisePath,
  type Operation,
  type RequestedOperation,
  requestedOperation,
} from "./operation";
import { dataActionFor, permissionFor } from "./permission";
import type { RecordedRequest } from "./recordedRequest";
import { type Answer, badParameter } from "./serviceError";
import { challengeFor, forbidden, type Propagation, type Refused, RoleAssignment, unauthorized } from "./vaultAccess";
import { VaultCollections } from "./vaultCollections";
import { type Fault, FaultQueue, type FaultScope, playFault, type RequestHandler, RequestHandlers } from "./vaultFault";
import { type VaultOptions, vaultSettings } from "./vaultOptions";
import { headersOf, inWordsOf, send } from "./vaultResponse";

export type { RecordedRequest } from "./recordedRequest";
export type { CreatedObject, DeletedProperties, VersionProperties } from "./vaultObjects";

export interface VaultHost {
  readonly certificate: Certificate;
  readonly identity: LocalIdentity;
  readonly wrapping: BackupWrapping;
  now(): number;
}

/** One vault: its objects, its permissions, the requests it had, and the faults to come. */
export class LocalVault extends VaultCollections {
  readonly requests: RecordedRequest[] = [];
  /** Decides how a missing permission is refused. */
  authorization: "rbac" | "accessPolicy" = "rbac";
  readonly #host: VaultHost;
  readonly #role: RoleAssignment;
  readonly #faults = new FaultQueue();
  readonly #beforeAnswer = new RequestHandlers();
  readonly #afterOperation = new RequestHandlers();
  #dataActions: readonly string[] | undefined;
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

  /** Lets requests through by these data actions of roles, and no longer by the permissions of access policies. */
  grantDataActions(actions: readonly string[] | undefined): void {
    this.#dataActions = actions;
  }

  /** Meets the next requests of the operation with a fault, after all faults that were announced before. */
  fail(operation: Operation | "any", fault: Fault, times = 1, scope: FaultScope = {}): void {
    this.#faults.add(operation, fault, times, scope);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Calls the handler once, before the next authorised request of the operation is answered. */
  onRequest(operation: Operation, handler: RequestHandler, collection?: CollectionName): void {
    this.#beforeAnswer.add(operation, handler, collection);
  }

  /** Calls the handler once, after the operation next succeeds and before its answer is sent. */
  afterRequest(operation: Operation, handler: RequestHandler, collection?: CollectionName): void {
    this.#afterOperation.add(operation, handler, collection);
  }

  clearHandlers(): void {
    this.#beforeAnswer.clear();
    this.#afterOperation.clear();
  }

  /** How many requests of the operation had a token. A client first asks without a token. */
  count(operation: Operation, collection?: CollectionName): number {
    return this.requestsOf(operation, collection).filter(({ hasToken }) => hasToken).length;
  }

  requestsOf(operation: Operation, collection?: CollectionName): RecordedRequest[] {
    return this.requests.filter(
      (request) => request.operation === operation && [request.collection, undefined].includes(collection),
    );
  }

  clearRequests(): void {
    this.requests.length = 0;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = "/", rawQuery = ""] = (message.url ?? "/").split("?");
    const query = new URLSearchParams(rawQuery);
    const token = /^Bearer (.+)$/i.exec(message.headers.authorization ?? "")?.[1];
    const recorded = this.#record(message.method ?? "GET", normalisePath(rawPath), query, token !== undefined);
    const requested = requestedOperation(this.kind, recorded.method, recorded.path);
    const text = await readBody(message);
    const clientRequestId = message.headers["x-ms-client-request-id"]?.toString();
    const head = { kind: this.kind, clientRequestId, ...recorded };
    for (const [name, value] of Object.entries(headersOf(head))) response.setHeader(name, value);
    const inWords = (answer: Answer) => inWordsOf(head, answer);
    const usual = async () => inWords(await this.#answer(requested, query, text, token));
    const fault = this.#faults.take(requested.operation, requested.collection, token !== undefined);
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
    const { operation, collection, objectName } = requestedOperation(this.kind, method, path);
    const recorded: RecordedRequest = {
      method,
      path,
      query: Object.fromEntries(query),
      operation,
      collection,
      objectName,
      hasToken,
      time: this.#host.now(),
      requestId: randomUUID(),
      status: undefined,
    };
    this.requests.push(recorded);
    return recorded;
  }

  async #answer(requested: RequestedOperation, query: URLSearchParams, text: string, token = ""): Promise<Answer> {
    if (token === "") return unauthorized("AKV10000: Request is missing a Bearer or PoP token.", this.#challenge);
    const verdict = this.#host.identity.verify(token, this.resource);
    if ("refusal" in verdict) return unauthorized(verdict.refusal, this.#challenge);
    // A Managed HSM's nextLink has no API version.
    const isNextPage = this.kind === "managedHsm" && query.has("$skiptoken");
    const unsupported = isNextPage ? undefined : apiVersionRefusal(query.get("api-version"));
    if (unsupported) return unsupported;
    const { operation, collection } = requested;
    if (!this.#role.permits(verdict, this.#host.identity.issued.length) || !this.#isGranted(requested)) {
      return forbidden(this.#dataActions ? "rbac" : this.authorization, this.#refused(requested, token));
    }
    await this.#beforeAnswer.call(operation, collection);
    const body = text === "" ? {} : parseObject(text);
    if (body === undefined) return badParameter("The request body is not a JSON object.");
    const answer = await answerOperation(this.services, { ...requested, query, body });
    if (answer.status < 400) await this.#afterOperation.call(operation, collection);
    return answer;
  }

  get #challenge(): string {
    return challengeFor(this.tenantId, this.resource);
  }

  #isGranted({ operation, collection }: RequestedOperation): boolean {
    if (collection === undefined) return true;
    return this.#dataActions
      ? this.#dataActions.includes(dataActionFor(this.kind, collection, operation))
      : this.collection(collection).permissions.has(permissionFor(collection, operation));
  }

  #refused({ operation, objectName, ...requested }: RequestedOperation, token: string | undefined): Refused {
    const collection = requested.collection ?? "keys";
    const caller = this.#host.identity.callerOf(token);
    const permission = permissionFor(collection, operation);
    const dataAction = dataActionFor(this.kind, collection, operation);
    return { vaultName: this.name, collection, objectName, permission, dataAction, caller };
  }
}
