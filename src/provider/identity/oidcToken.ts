import { readFile } from "node:fs/promises";
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  isRestError,
  type PipelineOptions,
} from "@azure/core-rest-pipeline";
import { parseJson } from "../../keyVault/failures/refusal";
import { CredentialError, nameOf, wrongSetting } from "./credentialError";
import type { IdentitySettings } from "./identitySettings";

const defaultAudience = "api://AzureADTokenExchange";

// Bound of a request with its retries, in milliseconds.
const requestTimeout = 30_000;

/**
 * Gives the OpenID Connect token in the settings: a value, the contents of a file, or the answer of the request URL in GitHub
 * Actions. The file is read, and the URL requested, at every call.
 *
 * @throws {@link CredentialError} if the settings have none of the three, or if the URL is not https.
 */
export function oidcTokenOf(settings: IdentitySettings, options: PipelineOptions = {}): () => Promise<string> {
  const { oidcToken, oidcTokenFilePath, oidcRequestUrl, oidcRequestToken } = settings;
  const value = oidcToken?.trim();
  if (value) {
    return async () => value;
  }
  if (oidcTokenFilePath !== undefined) {
    return () => readToken(settings, oidcTokenFilePath);
  }
  if (oidcRequestUrl !== undefined && oidcRequestToken !== undefined) {
    const url = URL.parse(oidcRequestUrl.trim());
    if (url?.protocol !== "https:") {
      throw wrongSetting(
        settings,
        `${nameOf("oidcRequestUrl")} is not an https URL`,
        "Use https: the request has a token.",
      );
    }
    url.searchParams.set("audience", settings.oidcAudience ?? defaultAudience);
    return () => requestToken(settings, url, oidcRequestToken.trim(), options);
  }
  throw wrongSetting(
    settings,
    "there is no OpenID Connect token",
    `Set ${nameOf("oidcToken")} or ${nameOf("oidcTokenFilePath")}, or give the GitHub Actions job id-token: write.`,
  );
}

async function readToken(settings: IdentitySettings, path: string): Promise<string> {
  const unreadable = (code: string | undefined, error?: unknown) =>
    wrongSetting(
      settings,
      `the file in ${nameOf("oidcTokenFilePath")} cannot be read (${code})`,
      "Check the path.",
      error,
    );
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code, error);
  });
  const token = content.trim();
  if (token === "") {
    throw unreadable("empty file");
  }
  return token;
}

async function requestToken(
  settings: IdentitySettings,
  url: URL,
  bearer: string,
  options: PipelineOptions,
): Promise<string> {
  const pipeline = createPipelineFromOptions({ ...options, redirectOptions: { maxRetries: 0 } });
  const request = createPipelineRequest({
    url: url.href,
    headers: createHttpHeaders({ authorization: `Bearer ${bearer}`, accept: "application/json" }),
    abortSignal: AbortSignal.timeout(requestTimeout),
  });
  const failed = (answer: string, isConfigured: boolean) =>
    new CredentialError(settings, {
      reasons: [`the request to ${nameOf("oidcRequestUrl")} ${answer}`],
      remedy: `Check the network, and that the URL and ${nameOf("oidcRequestToken")} belong to the running job.`,
      isConfigured,
    });
  const { status, bodyAsText } = await pipeline
    .sendRequest(createDefaultHttpClient(), request)
    .catch((error: unknown) => {
      throw failed(`failed (${isRestError(error) ? error.code : "no answer"})`, false);
    });
  const token = status === 200 ? tokenIn(bodyAsText) : undefined;
  if (token === undefined) {
    throw failed(`was answered with HTTP ${status} and no token`, status < 500);
  }
  return token;
}

function tokenIn(body: string | null | undefined): string | undefined {
  const value = (parseJson(body) as { value?: unknown } | null | undefined)?.value;
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
