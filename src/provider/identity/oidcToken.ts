import { readFile } from "node:fs/promises";
import { globalAgent } from "node:http";
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  isRestError,
  type PipelineOptions,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";
import { CredentialError } from "./credentialError";
import type { IdentitySettings } from "./identitySettings";

/** Fetches the token that stands for the caller, until the signal ends the fetch. */
export type OidcToken = (signal?: AbortSignal) => Promise<string>;

export interface OidcRequestOptions extends PipelineOptions {
  /**
   * Bound of a request with all its retries, in milliseconds.
   *
   * @default 30000
   */
  readonly timeout?: number;
}

const defaultAudience = "api://AzureADTokenExchange";

/**
 * The OpenID Connect token in the settings: a value, the contents of a file, or the answer of the request URL in GitHub
 * Actions. The file is read and the URL is requested at every call.
 *
 * @throws {@link CredentialError} if the settings contain none of the three, or the URL is neither https nor loopback.
 */
export function oidcTokenOf(settings: IdentitySettings, options: OidcRequestOptions = {}): OidcToken {
  const { oidcToken, oidcTokenFilePath, oidcRequestUrl, oidcRequestToken } = settings;
  const value = oidcToken?.trim();
  if (value) {
    return async () => value;
  }
  if (oidcTokenFilePath !== undefined) {
    return () => readToken(settings, oidcTokenFilePath);
  }
  if (oidcRequestUrl !== undefined && oidcRequestToken !== undefined) {
    return tokenRequest(settings, requestUrl(settings, oidcRequestUrl), oidcRequestToken, options);
  }
  throw new CredentialError(settings, { because: "unset", setting: "oidcToken" });
}

async function readToken(settings: IdentitySettings, path: string): Promise<string> {
  const unreadable = (code: string, error?: unknown) =>
    new CredentialError(settings, { because: "unreadable", setting: "oidcTokenFilePath", code, error });
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code ?? error.name, error);
  });
  const token = content.trim();
  if (token === "") {
    throw unreadable("empty file");
  }
  return token;
}

function requestUrl(settings: IdentitySettings, text: string): URL {
  const url = URL.parse(text.trim());
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url))) {
    url.searchParams.set("audience", settings.oidcAudience ?? defaultAudience);
    return url;
  }
  throw new CredentialError(settings, { because: "malformed", setting: "oidcRequestUrl" });
}

function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function tokenRequest(
  settings: IdentitySettings,
  url: URL,
  bearer: string,
  { timeout = 30_000, ...options }: OidcRequestOptions,
): OidcToken {
  const pipeline = createPipelineFromOptions({ ...options, redirectOptions: { maxRetries: 0 } });
  const httpClient = createDefaultHttpClient();
  return async (signal) => {
    const isPlain = url.protocol === "http:";
    const deadline = AbortSignal.timeout(timeout);
    const request = createPipelineRequest({
      url: url.href,
      headers: createHttpHeaders({ authorization: `Bearer ${bearer}`, accept: "application/json" }),
      abortSignal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      allowInsecureConnection: isPlain,
    });
    if (isPlain) {
      // A request with an agent goes past the proxy, which would see the bearer token in clear.
      request.agent = globalAgent;
    }
    const failed = (answer: number | string) => new CredentialError(settings, { because: "oidcRequest", answer });
    const response = await pipeline.sendRequest(httpClient, request).catch((error: unknown) => {
      throw failed(deadline.aborted ? `no answer within ${timeout / 1000} s` : codeOf(error));
    });
    const token = response.status === 200 ? tokenIn(response) : undefined;
    if (token === undefined) {
      throw failed(response.status);
    }
    return token;
  };
}

function tokenIn({ bodyAsText }: PipelineResponse): string | undefined {
  try {
    const answer: unknown = JSON.parse(bodyAsText ?? "");
    const value = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : undefined;
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  if (isRestError(error) && error.code !== undefined) {
    return error.code;
  }
  return error instanceof Error ? error.name : "no reason given";
}
