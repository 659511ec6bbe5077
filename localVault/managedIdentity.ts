import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { TokenAnswer } from "./entraAuthority";
import { readClaims } from "./jsonWebToken";
import type { LocalIdentity } from "./localIdentity";

/** Answers a request for a token as the managed identity of App Service does. */
export function answerManagedIdentity(identity: LocalIdentity, request: IncomingMessage): TokenAnswer {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const resource = url.searchParams.get("resource");
  const failure = identity.takeFailure();
  if (failure) return refused(failure, "The managed identity is not available.");
  if (request.method !== "GET" || url.pathname !== "/msi/token") return refused(404, "Not found");
  if (request.headers["x-identity-header"] !== identity.header) return refused(401, "The identity header is wrong.");
  if (url.searchParams.get("api-version") !== "2019-08-01") return refused(400, "Unsupported api-version.");
  if (!resource) return refused(400, "The resource is missing.");
  const { tenantId } = identity;
  const client_id = url.searchParams.get("client_id") ?? identity.clientId;
  const order = { resource, scope: resource, clientId: client_id, tenantId, claims: undefined };
  const access_token = identity.issue({ grant: "managedIdentity", ...order });
  const expires_on = String(readClaims(access_token)?.exp);
  return { status: 200, body: { access_token, expires_on, resource, token_type: "Bearer", client_id } };
}

function refused(status: number, message: string): TokenAnswer {
  return { status, body: { statusCode: status, message, correlationId: randomUUID() } };
}

/** Answers a CI job's request for its OIDC token as GitHub does. */
export function answerOidcRequest(identity: LocalIdentity, request: IncomingMessage, url: URL): TokenAnswer {
  const failure = identity.takeFailure();
  if (failure) return { status: failure, body: { message: "The OIDC provider is not available." } };
  const bearer = /^bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== identity.oidcRequestToken) return { status: 401, body: { message: "The request token is wrong." } };
  const resource = url.searchParams.get("audience") ?? "https://github.com/example";
  const { clientId, tenantId } = identity;
  const sub = "repo:example/infrastructure:ref:refs/heads/main";
  const order = { resource, scope: resource, clientId, tenantId, claims: undefined };
  const extraClaims = { iss: "https://token.actions.githubusercontent.com", sub };
  const value = identity.issue({ grant: "oidcRequest", ...order, extraClaims });
  return { status: 200, body: { count: value.length, value } };
}
