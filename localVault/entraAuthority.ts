import { type KeyObject, randomUUID } from "node:crypto";
import { readClaims, verifyToken } from "./jsonWebToken";
import type { LocalIdentity } from "./localIdentity";

export interface RegisteredClient {
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly secret?: string;
  readonly certificateKey?: KeyObject;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const exchangeAudience = "api://AzureADTokenExchange";

export function openIdConfiguration(authorityHost: string, tenantId: string): Record<string, unknown> {
  const base = `${authorityHost}/${tenantId}`;
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
    response_types_supported: ["code"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

/** Answers a client_credentials request as Entra does. */
export function answerTokenRequest(
  identity: LocalIdentity,
  clients: readonly RegisteredClient[],
  tenantId: string,
  form: URLSearchParams,
): TokenAnswer {
  const clientId = form.get("client_id") ?? "";
  const scope = form.get("scope") ?? "";
  if (form.get("grant_type") !== "client_credentials") {
    return tokenError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
  }
  if (!clients.some((client) => client.tenantId === tenantId)) {
    return tokenError(
      400,
      "invalid_request",
      90002,
      `Tenant '${tenantId}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    );
  }
  const client = clients.find((candidate) => candidate.tenantId === tenantId && candidate.clientId === clientId);
  if (client === undefined) {
    return tokenError(
      400,
      "unauthorized_client",
      700016,
      `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
    );
  }
  const requested = scope.split(" ").find((part) => part.endsWith("/.default"));
  if (requested === undefined) {
    return tokenError(
      400,
      "invalid_scope",
      70011,
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  }
  const assertion = form.get("client_assertion");
  const refusal =
    assertion === null ? refuseSecret(client, form.get("client_secret")) : refuseAssertion(identity, client, assertion);
  if (refusal) return refusal;
  const access_token = identity.issue({
    grant: assertion === null ? "clientSecret" : "clientAssertion",
    resource: requested.slice(0, -"/.default".length),
    scope,
    clientId,
    tenantId,
    claims: form.get("claims") ?? undefined,
  });
  const expires_in = identity.tokenLifetimeSeconds;
  return { status: 200, body: { token_type: "Bearer", expires_in, ext_expires_in: expires_in, access_token } };
}

export function transientTokenError(status: 400 | 500): TokenAnswer {
  return tokenError(status, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.");
}

function refuseSecret(client: RegisteredClient, secret: string | null): TokenAnswer | undefined {
  if (client.secret !== undefined && secret === client.secret) return undefined;
  return tokenError(
    401,
    "invalid_client",
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${client.clientId}'.`,
  );
}

function refuseAssertion(
  identity: LocalIdentity,
  client: RegisteredClient,
  assertion: string,
): TokenAnswer | undefined {
  const { certificateKey } = client;
  if (certificateKey && verifyToken(assertion, certificateKey)) return undefined;
  const federated = identity.oidcClaims(assertion);
  if (federated?.aud === exchangeAudience) return undefined;
  if (federated) {
    return tokenError(
      400,
      "invalid_request",
      700212,
      `No matching federated identity record found for presented assertion audience '${federated.aud}'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
    );
  }
  const reason = readClaims(assertion) ? "failed signature validation" : "is not a token";
  return tokenError(
    401,
    "invalid_client",
    700027,
    `The certificate with identifier used to sign the client assertion is not registered on application: the client assertion ${reason}.`,
  );
}

function tokenError(status: number, error: string, code: number, sentence: string): TokenAnswer {
  const trace_id = randomUUID();
  const correlation_id = randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace("T", " ")}Z`;
  return {
    status,
    body: {
      error,
      error_description: `AADSTS${code}: ${sentence} Trace ID: ${trace_id} Correlation ID: ${correlation_id} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id,
      correlation_id,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
  };
}
