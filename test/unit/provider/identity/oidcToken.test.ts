import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { type OidcRequestOptions, oidcTokenOf } from "../../../../src/provider/identity/oidcToken";
import { failureOf } from "./failureOf";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const folder = mkdtempSync(path.join(tmpdir(), "oidc-token-"));
const bearer = "request-token-of-the-job";
const atOnce = { retryOptions: { retryDelayInMs: 0 } };
const requests: { url: string; authorization: string | undefined }[] = [];
let answers: Answer[] = [];
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push({ url: request.url ?? "", authorization: request.headers.authorization });
    const [answer, ...rest] = answers;
    answers = rest.length > 0 ? rest : answers;
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  requests.length = 0;
  answers = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function json(status: number, body: unknown): Answer {
  return (_, response) => response.writeHead(status).end(JSON.stringify(body));
}

function settings(values: Record<string, string>) {
  return readIdentitySettings((name) => ({ useOidc: "true", ...values })[name]);
}

function request(options: OidcRequestOptions = atOnce, values: Record<string, string> = {}) {
  const oidcRequestUrl = `${origin}/token?api-version=2.0`;
  return oidcTokenOf(settings({ oidcRequestUrl, oidcRequestToken: bearer, ...values }), options);
}

describe("the OpenID Connect token from a value", () => {
  it("has no line break at its end", async () => {
    await expect(oidcTokenOf(settings({ oidcToken: "the.token.value\r\n" }))()).resolves.toBe("the.token.value");
  });

  it("is preferred to a file and to the request URL", async () => {
    const all = {
      oidcToken: "value",
      oidcTokenFilePath: "/nonexistent",
      oidcRequestUrl: origin,
      oidcRequestToken: bearer,
    };
    await expect(oidcTokenOf(settings(all))()).resolves.toBe("value");
    expect(requests).toEqual([]);
  });

  it("is missing if the settings contain no token, file or URL, or only white space", async () => {
    for (const values of [{}, { oidcToken: " \n" }, { oidcRequestUrl: origin }]) {
      const error = await failureOf(async () => oidcTokenOf(settings(values as Record<string, string>)));
      expect(error.message).toContain("ARM_OIDC_TOKEN");
      expect(error.message).toContain("id-token: write");
    }
  });
});

describe("the OpenID Connect token from a file", () => {
  const oidcTokenFilePath = path.join(folder, "token");

  it("has no line break at its end, and is read at every call", async () => {
    const token = oidcTokenOf(settings({ oidcTokenFilePath }));
    writeFileSync(oidcTokenFilePath, "first.token\n");
    await expect(token()).resolves.toBe("first.token");
    writeFileSync(oidcTokenFilePath, "\n  second.token\r\n\n");
    await expect(token()).resolves.toBe("second.token");
  });

  it("is refused with the name of the setting if the file is missing or empty", async () => {
    const missing = await failureOf(oidcTokenOf(settings({ oidcTokenFilePath: path.join(folder, "missing") })));
    expect(missing.reason).toContain("azure-native:oidcTokenFilePath");
    expect(missing.reason).toContain("ENOENT");
    expect(missing.isConfigured).toBe(true);
    writeFileSync(oidcTokenFilePath, "\n");
    const empty = await failureOf(oidcTokenOf(settings({ oidcTokenFilePath })));
    expect(empty.reason).toContain("empty file");
  });
});

describe("the OpenID Connect token from the request URL", () => {
  it("is requested with the job's bearer token and Entra's audience, next to the query that the URL has", async () => {
    answers = [json(200, { value: "answered.token\n" })];
    await expect(request()()).resolves.toBe("answered.token");
    const [{ url, authorization } = { url: "", authorization: "" }] = requests;
    const { searchParams } = new URL(url, origin);
    expect(Object.fromEntries(searchParams)).toEqual({ "api-version": "2.0", audience: "api://AzureADTokenExchange" });
    expect(authorization).toBe(`Bearer ${bearer}`);
  });

  it("is requested for the audience that is set, with a bearer token that ends with a line break", async () => {
    answers = [json(200, { value: "answered.token" })];
    await request(atOnce, { oidcAudience: "api://ours", oidcRequestToken: `${bearer}\n` })();
    expect(requests[0]?.url).toContain(encodeURIComponent("api://ours"));
    expect(requests[0]?.authorization).toBe(`Bearer ${bearer}`);
  });

  it("is requested again after one answer 503", async () => {
    answers = [json(503, {}), json(200, { value: "answered.token" })];
    await expect(request()()).resolves.toBe("answered.token");
    expect(requests).toHaveLength(2);
  });

  it("is requested again after one connection that is reset", async () => {
    answers = [(message) => message.socket.destroy(), json(200, { value: "answered.token" })];
    await expect(request()()).resolves.toBe("answered.token");
    expect(requests).toHaveLength(2);
  });

  it("is given up after the retries that are set, with the status and the name of the variable", async () => {
    answers = [json(503, {})];
    const error = await failureOf(request({ retryOptions: { retryDelayInMs: 0, maxRetries: 2 } }));
    expect(requests).toHaveLength(3);
    expect(error.reason).toContain("ACTIONS_ID_TOKEN_REQUEST_URL");
    expect(error.reason).toContain("503");
    expect(error.isConfigured).toBe(false);
  });

  it("is not requested again after a refusal", async () => {
    answers = [json(401, { message: "wrong" })];
    const error = await failureOf(request());
    expect(requests).toHaveLength(1);
    expect(error.reason).toContain("401");
    expect(error.isConfigured).toBe(true);
  });

  it("is not taken from an answer without a value", async () => {
    for (const body of [{}, { value: "" }, { value: 7 }, [], null]) {
      answers = [json(200, body)];
      expect((await failureOf(request())).reason).toContain("HTTP 200 without a token");
    }
    answers = [(_, response) => response.end("<html>")];
    expect((await failureOf(request())).reason).toContain("HTTP 200 without a token");
  });

  it("is not fetched from where a redirect points", async () => {
    answers = [(_, response) => response.writeHead(302, { location: `${origin}/elsewhere` }).end()];
    expect((await failureOf(request())).reason).toContain("HTTP 302");
    expect(requests).toHaveLength(1);
  });

  it("is not requested over plain HTTP from another machine, nor from what is no URL", async () => {
    for (const oidcRequestUrl of [
      "http://10.0.0.1/token",
      "http://127.0.0.1.example.com/",
      "ftp://localhost/",
      "token",
    ]) {
      const error = await failureOf(async () => request(atOnce, { oidcRequestUrl }));
      expect(error.reason).toContain("ACTIONS_ID_TOKEN_REQUEST_URL");
      expect(error.reason).toContain("https");
    }
  });

  it("is awaited no longer than the timeout", async () => {
    answers = [() => undefined];
    const error = await failureOf(request({ ...atOnce, timeout: 50 }));
    expect(error.reason).toContain("no answer within 0.05 s");
  });

  it("is no longer requested when the caller aborts", async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      answers = [
        (message) => {
          message.socket.once("close", () => resolve());
          controller.abort();
        },
      ];
    });
    const error = await failureOf(() => request()(controller.signal));
    expect(error.reason).toContain("AbortError");
    await closed;
    expect(requests).toHaveLength(1);
  });

  it("appears in no error, and neither does the bearer token", async () => {
    for (const answer of [json(401, { echo: bearer }), json(503, {}), (it: IncomingMessage) => it.socket.destroy()]) {
      answers = [answer];
      const error = await failureOf(request());
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain(bearer);
    }
  });
});
