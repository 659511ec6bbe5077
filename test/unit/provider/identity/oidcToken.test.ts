import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createCertificate } from "../../../../localVault/certificate";
import { type LoopbackServer, listenOnLoopback, sendJson } from "../../../../localVault/loopbackServer";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { oidcTokenOf } from "../../../../src/provider/identity/oidcToken";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";
import { failureOf } from "./failureOf";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const folder = mkdtempSync(path.join(tmpdir(), "oidc-token-"));
const bearer = "request-token-of-the-job";
const requests: IncomingMessage[] = [];
let answers: Answer[] = [];
let server: LoopbackServer;
let origin: string;

beforeAll(async () => {
  const certificate = await createCertificate();
  trustLocalCertificate(certificate.certificatePem);
  server = await listenOnLoopback(async (request, response) => {
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]?.(request, response);
  }, certificate);
  origin = `https://localhost:${server.port}`;
});
beforeEach(() => {
  requests.length = 0;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function tokenOf(values: Record<string, string>): () => Promise<string> {
  const settings = readIdentitySettings((name) => ({ useOidc: "true", ...values })[name]);
  return oidcTokenOf(settings, { retryOptions: { retryDelayInMs: 0, maxRetries: 2 } });
}

/** Requests the token; the last answer is for each further request too. */
function request(inTurn: Answer[], values: Record<string, string> = {}): Promise<string> {
  answers = inTurn;
  return tokenOf({ oidcRequestUrl: `${origin}/token?api-version=2.0`, oidcRequestToken: bearer, ...values })();
}

function json(status: number, body: unknown = {}): Answer {
  return (_, response) => sendJson(response, status, body);
}

describe("the OpenID Connect token from a value", () => {
  it("is preferred to a file and to a request, and loses the line break at its end", async () => {
    const others = { oidcTokenFilePath: "/nonexistent", oidcRequestUrl: origin, oidcRequestToken: bearer };
    await expect(tokenOf({ oidcToken: "the.token\r\n", ...others })()).resolves.toBe("the.token");
  });

  it.each([{ oidcToken: " \n" }, { oidcRequestUrl: "https://localhost/" }])(
    "is missing if the settings are %j",
    async (values) => {
      const { message } = await failureOf(async () => tokenOf(values as Record<string, string>));
      expect(message).toContain("ARM_OIDC_TOKEN");
      expect(message).toContain("id-token: write");
    },
  );
});

describe("the OpenID Connect token from a file", () => {
  const oidcTokenFilePath = path.join(folder, "token");

  it("is read at every call, and loses the line break at its end", async () => {
    const token = tokenOf({ oidcTokenFilePath });
    writeFileSync(oidcTokenFilePath, "first.token\n");
    await expect(token()).resolves.toBe("first.token");
    writeFileSync(oidcTokenFilePath, "second.token\r\n");
    await expect(token()).resolves.toBe("second.token");
  });

  it("is refused with the name of the setting if the file is empty", async () => {
    writeFileSync(oidcTokenFilePath, "\n");
    const { message, isConfigured } = await failureOf(tokenOf({ oidcTokenFilePath }));
    expect(message).toContain("azure-native:oidcTokenFilePath");
    expect(message).toContain("empty file");
    expect(isConfigured).toBe(true);
  });
});

describe("the OpenID Connect token from a request", () => {
  it("is requested with the trimmed bearer token, and with the audience added to the query of the URL", async () => {
    const token = await request([json(200, { value: "the.token\n" })], { oidcRequestToken: `${bearer}\n` });
    expect(token).toBe("the.token");
    expect(requests[0]?.headers.authorization).toBe(`Bearer ${bearer}`);
    expect(requests[0]?.url).toBe("/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange");
  });

  it("is requested for the audience that is set", async () => {
    await request([json(200, { value: "the.token" })], { oidcAudience: "api://ours" });
    expect(requests[0]?.url).toContain("audience=api%3A%2F%2Fours");
  });

  it("is requested again after one answer 503", async () => {
    await expect(request([json(503), json(200, { value: "the.token" })])).resolves.toBe("the.token");
    expect(requests).toHaveLength(2);
  });

  it.each<[string, Answer, { fragment: string; times: number; isConfigured: boolean }]>([
    ["a refusal", json(401, { echo: bearer }), { fragment: "HTTP 401", times: 1, isConfigured: true }],
    ["repeated answers 503", json(503), { fragment: "HTTP 503", times: 3, isConfigured: false }],
    ["repeated resets", ({ socket }) => socket.destroy(), { fragment: "ECONNRESET", times: 3, isConfigured: false }],
    ["an answer without a value", json(200, { value: 7 }), { fragment: "no token", times: 1, isConfigured: true }],
    [
      "a redirect, which is not followed",
      (_, response) => response.writeHead(302, { location: `${origin}/elsewhere` }).end(),
      { fragment: "HTTP 302", times: 1, isConfigured: true },
    ],
  ])("is given up after %s, with an error without the bearer token", async (_, answer, expected) => {
    const error = await failureOf(() => request([answer]));
    expect(error.message).toContain("ACTIONS_ID_TOKEN_REQUEST_URL");
    expect(error.message).toContain(expected.fragment);
    expect(error.isConfigured).toBe(expected.isConfigured);
    expect(requests).toHaveLength(expected.times);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(bearer);
  });

  it.each(["http://localhost/token", "token"])("is not requested from %s", async (url) => {
    const { message } = await failureOf(() => request([], { oidcRequestUrl: url }));
    expect(message).toContain("ACTIONS_ID_TOKEN_REQUEST_URL");
    expect(message).toContain("https");
  });
});
