import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { LocalIdentity } from "../../../../localVault/localIdentity";
import { readIdentitySettings } from "../../../../src/provider/identity/identitySettings";
import { oidcTokenOf } from "../../../../src/provider/identity/oidcToken";
import { type ConnectProxy, startConnectProxy } from "./connectProxy";
import { failureOf } from "./failureOf";
import { startIdentity } from "./startIdentity";

let identity: LocalIdentity;
let proxy: ConnectProxy;

beforeAll(async () => {
  ({ identity } = await startIdentity());
  proxy = await startConnectProxy();
});
afterAll(async () => {
  delete process.env.HTTPS_PROXY;
  await Promise.all([identity.stop(), proxy.close()]);
});

function request(oidcRequestUrl: string): Promise<string> {
  const values: Record<string, string> = {
    useOidc: "true",
    oidcRequestUrl,
    oidcRequestToken: identity.oidcRequestToken,
  };
  const settings = readIdentitySettings((name) => values[name]);
  return oidcTokenOf(settings, { retryOptions: { retryDelayInMs: 0 } })();
}

it("requests an OpenID Connect token through a tunnel of the proxy in HTTPS_PROXY", async () => {
  process.env.HTTPS_PROXY = proxy.uri;
  await expect(request(identity.oidcRequestUri)).resolves.toMatch(/^eyJ/);
  expect(proxy.tunnels).toEqual([new URL(identity.oidcRequestUri).host]);
});

it("gives the code of the connection if the proxy cannot be reached", async () => {
  process.env.HTTPS_PROXY = "http://127.0.0.1:1";
  const { message, isConfigured } = await failureOf(() => request(identity.oidcRequestUri));
  expect(message).toContain("ECONNREFUSED");
  expect(isConfigured).toBe(false);
});
