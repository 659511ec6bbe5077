import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import type { LocalIdentity } from "../../../../localVault/localIdentity";
import { type LoopbackServer, listenOnLoopback, sendJson } from "../../../../localVault/loopbackServer";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { oidcTokenOf } from "../../../../src/provider/identity/oidcToken";
import { type ConnectProxy, startConnectProxy } from "./connectProxy";
import { failureOf } from "./failureOf";
import { startIdentity } from "./startIdentity";

let identity: LocalIdentity;
let proxy: ConnectProxy;
let plainServer: LoopbackServer;

beforeAll(async () => {
  ({ identity } = await startIdentity());
  proxy = await startConnectProxy();
  plainServer = await listenOnLoopback(async (_, response) => sendJson(response, 200, { value: "plain.token" }));
  process.env.HTTPS_PROXY = proxy.uri;
  // The pipeline reads NO_PROXY once in a process.
  process.env.NO_PROXY = "127.0.0.1";
});
beforeEach(() => {
  proxy.tunnels.length = 0;
});
afterAll(async () => {
  delete process.env.HTTPS_PROXY;
  delete process.env.NO_PROXY;
  await Promise.all([identity.stop(), proxy.close(), plainServer.close()]);
});

function request(oidcRequestUrl: string) {
  const values: Record<string, string> = {
    useOidc: "true",
    oidcRequestUrl,
    oidcRequestToken: identity.oidcRequestToken,
  };
  return oidcTokenOf(
    readIdentitySettings((name) => values[name]),
    { retryOptions: { retryDelayInMs: 0, maxRetries: 1 } },
  );
}

it("requests an OpenID Connect token through a tunnel of the proxy in HTTPS_PROXY", async () => {
  await expect(request(identity.oidcRequestUri)()).resolves.toMatch(/^eyJ/);
  expect(proxy.tunnels).toEqual([new URL(identity.oidcRequestUri).host]);
});

it("requests an OpenID Connect token past the proxy from a host in NO_PROXY", async () => {
  await expect(request(identity.oidcRequestUri.replace("localhost", "127.0.0.1"))()).resolves.toMatch(/^eyJ/);
  expect(proxy.tunnels).toEqual([]);
});

it("never sends the bearer token of a plain HTTP request to the proxy", async () => {
  await expect(request(`http://localhost:${plainServer.port}/`)()).resolves.toBe("plain.token");
  expect(proxy.plainRequests).toEqual([]);
});

it("names the code of the connection and HTTPS_PROXY if the proxy cannot be reached", async () => {
  process.env.HTTPS_PROXY = "http://127.0.0.1:1";
  const failing = request(identity.oidcRequestUri);
  process.env.HTTPS_PROXY = proxy.uri;
  const error = await failureOf(failing);
  expect(error.reason).toContain("ECONNREFUSED");
  expect(error.message).toContain("HTTPS_PROXY");
});
