import { type JsonWebKey, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerKeyOperation, type KeyRequest } from "./answerKeyOperation";
import { apiVersionRefusal } from "./apiVersion";
import type { BackupWrapping } from "./backupBlob";
import type { Certificate } from "./certificate";
import { keyUri, keyUriWithVersion } from "./keyBundle";
import { publicJwkOf, signDigest } from "./keyMaterial";
import {
  allPermissions,
  type KeyOperation,
  keyOperation,
  normalisePath,
  type Operation,
  type Permission,
  permissionFor,
} from "./keyOperation";
import { KeyStore, type NewKey, type Tags } from "./keyStore";
import type { LocalIdentity } from "./localIdentity";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody } from "./loopbackServer";
import type { RecordedRequest } from "./recordedRequest";
import { type Propagation, RoleAssignment } from "./roleAssignment";
import { type Answer, badParameter, forbidden, unauthorized } from "./serviceError";
import { type Fault, FaultQueue, type FaultScope, playFault } from "./vaultFault";
import type { VaultOptions } from "./vaultOptions";

export interface VaultHost {
  readonly certificate: Certificate;
  readonly identity: LocalIdentity;
  readonly wrapping: BackupWrapping;
  now(): number;
}

export interface CreatedKey {
  readonly version: string;
  readonly keyUri: string;
  readonly keyUriWithVersion: string;
}

export interface VersionProperties extends CreatedKey {
  readonly created: number;
  readonly updated: number;
  readonly enabled: boolean;
  readonly tags: Tags;
}

/** One vault: its keys, who may use them, what it was asked, and what is to go wrong. */
export class LocalVault {
  readonly name: string;
  readonly requests: RecordedRequest[] = [];
  readonly permissions = new Set<Permission>(allPermissions);
  /** Decides which refusal a missing permission gives. */
  authorization: "rbac" | "accessPolicy" = "rbac";
  geography: string;
  blobPadding: number;
  purgeProtection: boolean;
  deletionMilliseconds: number;
  purgeMilliseconds: number;
  resource: string;
  tenantId: string;
  readonly #host: VaultHost;
  readonly #store: KeyStore;
  readonly #role: RoleAssignment;
  readonly #faults = new FaultQueue();
  #server: LoopbackServer | undefined;

  private constructor(name: string, host: VaultHost, options: VaultOptions) {
    this.name = name;
    this.geography = options.geography ?? "Europe";
    this.blobPadding = options.blobPadding ?? 5_600;
    this.purgeProtection = options.purgeProtection ?? false;
    this.deletionMilliseconds = options.deletionMilliseconds ?? 0;
    this.purgeMilliseconds = options.purgeMilliseconds ?? 0;
    this.resource = options.resource ?? "https://vault.azure.net";
    this.tenantId = options.tenantId ?? host.identity.tenantId;
    this.#host = host;
    this.#store = new KeyStore(host.now);
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

  get vaultUri(): string {
    return `https://localhost:${this.#server?.port}/`;
  }

  get keyNames(): string[] {
    return this.#store.names;
  }

  hasKey(name: string): boolean {
    return this.#store.key(name) !== undefined;
  }

  isDeleted(name: string): boolean {
    return this.#store.deletedKey(name) !== undefined;
  }

  /** Adds a version where the key exists, as the service does. */
  async createKey(name: string, key: NewKey = {}): Promise<CreatedKey> {
    if (this.#store.deletedKey(name)) throw new Error(`Key ${name} is soft-deleted in ${this.name}`);
    return this.#created(name, (await this.#store.create(name, key)).version);
  }

  async rotateKey(name: string): Promise<CreatedKey> {
    const version = known(await this.#store.rotate(name), name);
    return this.#created(name, version.version);
  }

  updateKey(name: string, version: string | undefined, change: { tags?: Tags; enabled?: boolean }): VersionProperties {
    const updated = known(this.#store.update(name, version, change), name);
    return this.keyVersions(name).find((candidate) => candidate.version === updated.version) as VersionProperties;
  }

  deleteKey(name: string): void {
    known(this.#store.delete(name, this.deletionMilliseconds), name);
  }

  recoverKey(name: string): void {
    known(this.#store.recover(name), name);
  }

  purgeKey(name: string): void {
    known(this.#store.purge(name, this.purgeMilliseconds) || undefined, name);
  }

  /** Restores a backup, and says whether its name was free. */
  async restoreKey(blob: string): Promise<boolean> {
    const request = {
      operation: "restore",
      keyName: "",
      version: "",
      query: new URLSearchParams(),
      body: { value: blob },
    };
    const { status } = await answerKeyOperation(this, this.#store, this.#host.wrapping, request as KeyRequest);
    return status === 200;
  }

  /** In the order of their creation; none for a key that is not there. */
  keyVersions(name: string): VersionProperties[] {
    const versions = this.#store.key(name)?.versions ?? [];
    return versions.map(({ version, created, updated, enabled, tags }) => ({
      ...this.#created(name, version),
      created,
      updated,
      enabled,
      tags: { ...tags },
    }));
  }

  /** Signs a SHA-256 digest, by ES256 or RS256. */
  sign(name: string, version: string | undefined, digest: Uint8Array): Buffer {
    return signDigest(known(this.#store.version(name, version), name).privateKey, digest);
  }

  publicJwk(name: string, version?: string): JsonWebKey {
    return publicJwkOf(known(this.#store.version(name, version), name).privateKey);
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

  #created(name: string, version: string): CreatedKey {
    return { version, keyUri: keyUri(this, name), keyUriWithVersion: keyUriWithVersion(this, name, version) };
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
    if (operation === "backup" && this.#store.key(keyName)?.managed) return forbidden("certificate", refused);
    const body = text === "" ? {} : parseObject(text);
    if (body === undefined) return badParameter("The request body is not a JSON object.");
    return answerKeyOperation(this, this.#store, this.#host.wrapping, { ...requested, query, body });
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

function known<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`There is no key ${name} that this can be done to`);
  return found;
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(text);
}
