import { createPublicKey, generateKeyPairSync, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Certificate } from "./certificate";
import {
  answerTokenRequest,
  openIdConfiguration,
  type RegisteredClient,
  type TokenAnswer,
  transientTokenError,
} from "./entraAuthority";
import { readClaims, signToken, verifyToken } from "./jsonWebToken";
import { type LoopbackServer, listenOnLoopback, readBody, sendJson } from "./loopbackServer";
import { answerManagedIdentity, answerOidcRequest } from "./managedIdentity";
import type { TokenIssue } from "./vaultAccess";

export type Grant = "managedIdentity" | "clientSecret" | "clientAssertion" | "oidcRequest" | "direct";

export interface IssuedToken {
  readonly grant: Grant;
  /** The audience that the token is for. */
  readonly resource: string;
  /** The scope or resource as the caller wrote it. */
  readonly scope: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** The claims that the caller asked for after a challenge. */
  readonly claims: string | undefined;
  readonly time: number;
}

export interface TokenOrder extends Omit<IssuedToken, "time"> {
  readonly extraClaims?: Record<string, unknown>;
}

export interface ClientRegistration {
  /** @default the tenant of the identity */
  readonly tenantId?: string;
  readonly clientId: string;
  readonly secret?: string;
  /** The certificate whose assertions are accepted, in PEM. */
  readonly certificatePem?: string;
}

export type TokenVerdict = TokenIssue | { readonly refusal: string };

/** The sources of tokens: a managed identity, an Entra authority, and the OIDC provider of a CI job. */
export class LocalIdentity {
  readonly tenantId = randomUUID();
  /** The client id of the managed identity. `objectId` is its object id. */
  readonly clientId = randomUUID();
  readonly objectId = randomUUID();
  /** IDENTITY_HEADER. A caller sends it to get tokens of the managed identity. */
  readonly header = randomUUID();
  /** The bearer token of requests for the CI job's OIDC token. */
  readonly oidcRequestToken = randomUUID();
  /** The text of every token, in the order of their issue. */
  readonly issued: string[] = [];
  readonly tokensIssued: IssuedToken[] = [];
  tokenLifetimeSeconds = 86_400;
  readonly #now: () => number;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #serials = new Map<string, TokenIssue>();
  readonly #clients: RegisteredClient[] = [];
  #failuresLeft = 0;
  #failureStatus: 400 | 500 = 500;
  #managedIdentity: LoopbackServer | undefined;
  #authority: LoopbackServer | undefined;

  private constructor(now: () => number) {
    this.#now = now;
  }

  static async start(certificate: Certificate, now: () => number = Date.now): Promise<LocalIdentity> {
    const identity = new LocalIdentity(now);
    identity.#managedIdentity = await listenOnLoopback(async (request, response) => {
      const { status, body } = answerManagedIdentity(identity, request);
      sendJson(response, status, body);
    });
    identity.#authority = await listenOnLoopback(async (request, response) => {
      const { status, body } = identity.#answerAuthority(request, await readBody(request));
      sendJson(response, status, body);
    }, certificate);
    return identity;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#managedIdentity?.close(), this.#authority?.close()]);
  }

  /** IDENTITY_ENDPOINT, as App Service has it. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#managedIdentity?.port}/msi/token`;
  }

  /** AZURE_AUTHORITY_HOST. Clients must disable instance discovery, which only Microsoft's hosts have. */
  get authorityHost(): string {
    return `https://localhost:${this.#authority?.port}`;
  }

  /** ACTIONS_ID_TOKEN_REQUEST_URL. It has a query, as at GitHub, and clients append the audience. */
  get oidcRequestUri(): string {
    return `${this.authorityHost}/oidc/token?api-version=2.0`;
  }

  registerClient({ tenantId = this.tenantId, certificatePem, ...client }: ClientRegistration): RegisteredClient {
    const certificateKey = certificatePem === undefined ? {} : { certificateKey: createPublicKey(certificatePem) };
    const registered = { tenantId, objectId: randomUUID(), ...client, ...certificateKey };
    this.#clients.push(registered);
    return registered;
  }

  /** Refuses the next requests for tokens at any of the sources. */
  fail(times = 1, status: 400 | 500 = 500): void {
    this.#failuresLeft = times;
    this.#failureStatus = status;
  }

  /** A token of the managed identity without a request, for tests that call a vault directly. */
  accessToken(resource = "https://vault.azure.net"): string {
    const { clientId, tenantId } = this;
    return this.issue({ grant: "direct", resource, scope: resource, clientId, tenantId, claims: undefined });
  }

  issue({ extraClaims, ...order }: TokenOrder): string {
    const issuedAt = this.#now();
    const seconds = Math.floor(issuedAt / 1000);
    const jti = randomUUID();
    const token = signToken(
      {
        aud: order.resource,
        iss: `https://sts.windows.net/${order.tenantId}/`,
        iat: seconds,
        nbf: seconds,
        exp: seconds + this.tokenLifetimeSeconds,
        appid: order.clientId,
        tid: order.tenantId,
        oid: this.#objectIdOf(order.clientId),
        ver: "1.0",
        jti,
        ...extraClaims,
      },
      this.#keys.privateKey,
    );
    this.issued.push(token);
    this.tokensIssued.push({ ...order, time: issuedAt });
    this.#serials.set(jti, { serial: this.issued.length, issuedAt });
    return token;
  }

  /** Judges a token for a vault that demands tokens for the resource. */
  verify(token: string, resource: string): TokenVerdict {
    const claims = verifyToken(token, this.#keys.publicKey);
    const issue = this.#serials.get(String(claims?.jti));
    if (claims === undefined || issue === undefined) return { refusal: "Error validating token: IDX10511" };
    if (Number(claims.exp) * 1000 <= this.#now()) return { refusal: "Error validating token: IDX10223" };
    const withoutSlash = (uri: unknown) => String(uri).replace(/\/$/, "");
    if (withoutSlash(claims.aud) !== withoutSlash(resource)) {
      return { refusal: `Found token with aud=${claims.aud}, but expected aud=${resource}` };
    }
    return issue;
  }

  /** The caller as refusals name it. */
  callerOf(token: string | undefined): string {
    const claims = token === undefined ? undefined : readClaims(token);
    return `appid=${claims?.appid};oid=${claims?.oid};iss=${claims?.iss}`;
  }

  /** The claims of a CI job's token that this identity issued. */
  oidcClaims(token: string): Record<string, unknown> | undefined {
    return verifyToken(token, this.#keys.publicKey);
  }

  #objectIdOf(clientId: string): string {
    return this.#clients.find((client) => client.clientId === clientId)?.objectId ?? this.objectId;
  }

  /** The status that the next request for a token is refused with, if it is to fail. */
  takeFailure(): 400 | 500 | undefined {
    if (this.#failuresLeft <= 0) return undefined;
    this.#failuresLeft -= 1;
    return this.#failureStatus;
  }

  #answerAuthority(request: IncomingMessage, body: string): TokenAnswer {
    const url = new URL(request.url ?? "/", this.authorityHost);
    const [, tenantId = "", ...rest] = url.pathname.split("/");
    if (url.pathname === "/oidc/token") return answerOidcRequest(this, request, url);
    switch (rest.join("/")) {
      case "v2.0/.well-known/openid-configuration":
        return { status: 200, body: openIdConfiguration(this.authorityHost, tenantId) };
      case "oauth2/v2.0/token": {
        const failure = this.takeFailure();
        if (failure) return transientTokenError(failure);
        return answerTokenRequest(this, this.#clients, tenantId, new URLSearchParams(body));
      }
      default:
        return { status: 404, body: { error: "not_found" } };
    }
  }
}
