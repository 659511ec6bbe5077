import { createPipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createCertificate } from "../../../../localVault/certificate";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import { listenOnLoopback, sendJson } from "../../../../localVault/loopbackServer";
import { firstCallAlonePolicy } from "../../../../src/keyVault/connection/policies";
import { defaultWaits, systemClock } from "../../../../src/keyVault/connection/waits";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { key } from "../../../../src/objects/key";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
});

describe("many operations that start together", () => {
  it("cost one challenge for a token, and three requests each", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `key-${index}`);
    await Promise.all(names.map((name) => local.keys.create(name)));
    const connection = connectTo(service, local, { clock: systemClock, waits: { challenge: 5_000 } });
    await Promise.all(names.map((name) => backUp(connection, key, name)));
    expect(local.requests.filter(({ hasToken }) => !hasToken)).toHaveLength(1);
    expect(local.requests).toHaveLength(91);
  });

  const answer = { status: 200 } as PipelineResponse;
  const request = () => createPipelineRequest({ url: "https://kv.vault.azure.net/" });

  it("wait for the first one until it is answered, even if it fails", async () => {
    const policy = firstCallAlonePolicy(5_000, clockThatStands());
    let fail = (_: Error) => {};
    const first = policy.sendRequest(request(), () => new Promise((_, reject) => (fail = reject)));
    let isSent = false;
    const second = policy.sendRequest(request(), async () => {
      isSent = true;
      return answer;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isSent).toBe(false);
    fail(new Error("refused"));
    await expect(first).rejects.toThrow("refused");
    await expect(second).resolves.toBe(answer);
  });

  it("wait for the first one no longer than for the patience", async () => {
    const clock = virtualClock();
    const policy = firstCallAlonePolicy(5_000, clock);
    void policy.sendRequest(request(), () => new Promise(() => undefined));
    await policy.sendRequest(request(), async () => answer);
    expect(clock.elapsed()).toBe(5_000);
  });

  it("leave no timer behind once the first one is answered", async () => {
    const clock = clockThatStands();
    const policy = firstCallAlonePolicy(5_000, clock);
    await policy.sendRequest(request(), async () => answer);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.sleepers).toBe(0);
  });
});

/** A clock whose time does not pass. */
function clockThatStands() {
  const clock = {
    ...systemClock,
    sleepers: 0,
    sleep(_: number, signal?: AbortSignal): Promise<void> {
      clock.sleepers += 1;
      return new Promise((__, reject) =>
        signal?.addEventListener("abort", () => {
          clock.sleepers -= 1;
          reject(signal.reason);
        }),
      );
    },
  };
  return clock;
}

describe("a token", () => {
  it("is not sent to a host outside the domain that the challenge names", async () => {
    const connection = connectTo(service, local, { clock: systemClock, disableChallengeResourceVerification: false });
    expect((await failureOf(backUp(connection, key, "orders"))).code).toBe("challenge");
    expect(local.requests.filter(({ hasToken }) => hasToken)).toEqual([]);
  });

  it("that the vault refuses is reported as the credential's fault", async () => {
    const credential = () => ({
      getToken: async () => ({ token: "no.vault.knows", expiresOnTimestamp: Date.now() + 3_600_000 }),
    });
    const { code, message } = await failureOf(
      backUp(connectTo(service, local, { clock: systemClock, credential }), key, "orders"),
    );
    expect(code).toBe("unauthorized");
    expect(message).not.toContain("no.vault.knows");
  });

  it("is got again with the claims that the vault demands", async () => {
    await local.keys.create("orders");
    local.fail("backup", { kind: "claimsChallenge", claims: '{"access_token":{"nbf":{"value":"1"}}}' });
    const claims: unknown[] = [];
    const credential = () => ({
      getToken: async (_: unknown, options: { claims?: string } = {}) => {
        claims.push(options.claims);
        return { token: service.identity.accessToken(), expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    });
    await backUp(connectTo(service, local, { clock: systemClock, credential }), key, "orders");
    expect(claims.at(-1)).toContain("access_token");
  });
});

describe("every request", () => {
  it("asks for the same version of the service's interface", async () => {
    await local.keys.create("orders");
    await backUp(connectTo(service, local, { clock: systemClock }), key, "orders");
    expect(new Set(local.requests.map(({ query }) => query["api-version"]))).toEqual(new Set(["7.4"]));
  });

  it("names the package, so that audit logs tell who asked", async () => {
    const agents: (string | undefined)[] = [];
    const certificate = await createCertificate();
    trustLocalCertificate(certificate.certificatePem);
    const server = await listenOnLoopback(async (request, response) => {
      agents.push(request.headers["user-agent"]);
      sendJson(response, 200, { value: [] });
    }, certificate);
    try {
      const vaultUri = `https://localhost:${server.port}/`;
      const task = { name: "list", kind: key, objectName: "orders" } as const;
      const connection = connectTo(service, local, { clock: systemClock, vaultUri });
      expect(await connection.once(task, ({ client, signal }) => client.listVersions("orders", signal))).toEqual([]);
    } finally {
      await server.close();
    }
    expect(agents).toEqual([expect.stringContaining("pulumi-azure-keyvault-backup")]);
  });
});

describe("the time of the machine", () => {
  it("passes, ends sleeps early if they are aborted, and aborts signals", async () => {
    const startedAt = systemClock.now();
    await systemClock.sleep(20);
    expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(15);
    await expect(systemClock.sleep(60_000, AbortSignal.abort())).rejects.toThrow();
    const signal = systemClock.timeout(5);
    expect(signal.aborted).toBe(false);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    expect(signal.aborted).toBe(true);
  });
});

describe("the default waits", () => {
  it("leave time for the waits for an object and for a name within that of an operation", () => {
    const { operation, freeName, newObject, read, attempt } = defaultWaits;
    for (const bound of [freeName, newObject, read, attempt]) expect(bound).toBeLessThan(operation);
  });
});
