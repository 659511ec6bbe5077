import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { restore } from "../../../../src/keyVault/operations/restore";
import { key } from "../../../../src/objects/key";
import {
  connectTo,
  failureOf,
  keptToken,
  type LocalConnectionOptions,
  until,
} from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;
let printed: string[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  local = await service.createVault();
  printed = [];
});

const open = (waits: Partial<Waits> = {}, options: Partial<LocalConnectionOptions> = {}) =>
  connectTo(service, local, { clock, waits, print: (line) => printed.push(line), ...options });

const seconds = () => clock.elapsed() / 1000;
const answered = (operation: "backup" | "listVersions") =>
  local
    .requestsOf(operation)
    .filter(({ hasToken }) => hasToken)
    .map(({ status }) => status);

describe("a missing permission", () => {
  it("is waited for, because the role assignment may be new", async () => {
    await local.keys.create("orders");
    local.grantAfter({ milliseconds: 60_000 });
    await backUp(open(), key, "orders");
    expect(seconds()).toBeGreaterThanOrEqual(60);
    expect(seconds()).toBeLessThan(75);
  });

  it.each(["rbac", "accessPolicy", "accessDenied"] as const)(
    "is waited for if the vault refuses by %s",
    async (reason) => {
      await local.keys.create("orders");
      local.fail("backup", { kind: "forbidden", reason }, 2);
      await backUp(open(), key, "orders");
      expect(answered("backup")).toEqual([403, 403, 200]);
    },
  );

  it.each(["firewall", "privateLink", "certificate"] as const)(
    "is not what the vault refuses by %s, so nothing is waited for",
    async (reason) => {
      await local.keys.create("orders");
      local.fail("backup", { kind: "forbidden", reason }, 2);
      await failureOf(backUp(open(), key, "orders"));
      expect(answered("backup")).toEqual([403]);
      expect(clock.elapsed()).toBe(0);
    },
  );

  it("is given up when the time of the operation is over, and the error says how long it waited", async () => {
    local.keys.permissions.delete("backup");
    const { code, message } = await failureOf(backUp(open(), key, "orders"));
    expect(code).toBe("forbidden");
    expect(seconds()).toBeGreaterThan(150);
    expect(seconds()).toBeLessThanOrEqual(180);
    expect(message).toContain(`waited ${Math.round(seconds())} s`);
  });

  it("is asked for again after 1, 2, 4, 8 and then 15 seconds", async () => {
    local.keys.permissions.delete("backup");
    await failureOf(backUp(open(), key, "orders"));
    const times = local.requestsOf("backup").map(({ time }) => time);
    const delays = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
    expect(delays.slice(0, 7)).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  it("is reported as the last answer if the time of the operation ends while it is waited for", async () => {
    local.keys.permissions.delete("backup");
    const { code } = await failureOf(backUp(open({ operation: 20_000, notReady: [15_000] }), key, "orders"));
    expect(code).toBe("forbidden");
  });

  it("is asked for with a new token each time, because a token does not know of later group memberships", async () => {
    await local.keys.create("orders");
    local.grantAfter({ requests: 4 }, { freshToken: true });
    const fresh: boolean[] = [];
    const credential = (isFresh: boolean) => {
      fresh.push(isFresh);
      return keptToken(service, local);
    };
    await backUp(open({}, { credential }), key, "orders");
    expect(fresh).toEqual([false, true, true]);
    expect(service.identity.tokensIssued.length).toBeGreaterThanOrEqual(3);
  });

  it("makes one new client if several operations wait for it together", async () => {
    await Promise.all(["orders", "invoices", "refunds"].map((name) => local.keys.create(name)));
    local.fail("backup", { kind: "forbidden", reason: "rbac" }, 3);
    const fresh: boolean[] = [];
    const credential = (isFresh: boolean) => {
      fresh.push(isFresh);
      return keptToken(service, local);
    };
    const connection = open({}, { credential });
    await Promise.all(["orders", "invoices", "refunds"].map((name) => backUp(connection, key, name)));
    expect(fresh).toEqual([false, true]);
  });

  it("is announced in one line, however many operations wait for it", async () => {
    await local.keys.create("orders");
    await local.keys.create("invoices");
    local.grantAfter({ milliseconds: 40_000 });
    const connection = open();
    await Promise.all([backUp(connection, key, "orders"), backUp(connection, key, "invoices")]);
    expect(printed).toEqual([expect.stringMatching(/^Waiting up to 180 s .* localhost:\d+ .*\(ForbiddenByRbac\)\.$/)]);
  });
});

describe("a new object", () => {
  it("is waited for 10 s at most", async () => {
    const { code } = await failureOf(backUp(open(), key, "orders"));
    expect(code).toBe("not-found");
    expect(seconds()).toBeGreaterThan(5);
    expect(seconds()).toBeLessThan(10);
    expect(printed).toEqual([]);
  });

  it("is backed up if it appears in that time", async () => {
    local.onRequest("listVersions", () => undefined);
    local.onRequest("listVersions", async () => {
      await local.keys.create("orders");
    });
    await expect(backUp(open(), key, "orders")).resolves.toHaveProperty("blob");
  });

  it("is waited for as long as ever if a permission was waited for before", async () => {
    local.grantAfter({ milliseconds: 60_000 });
    const { code } = await failureOf(backUp(open(), key, "orders"));
    expect(code).toBe("not-found");
    expect(seconds()).toBeGreaterThan(65);
    expect(seconds()).toBeLessThan(75);
  });

  it("is not waited for by a restore, which needs no object", async () => {
    local.fail("restore", { kind: "status", status: 404 }, 9);
    await failureOf(restore(open(), key, await backedUp(), "orders"));
    expect(clock.elapsed()).toBe(0);
  });
});

/** A backup of a key that the vault no longer has. */
async function backedUp(): Promise<string> {
  await local.keys.create("orders");
  const blob = await local.keys.backUp("orders");
  local.keys.delete("orders");
  local.keys.purge("orders");
  return blob;
}

describe("a name that is not free yet", () => {
  it("is waited for 120 s at most", async () => {
    local.purgeMilliseconds = 3_600_000;
    const { code } = await failureOf(restore(open(), key, await backedUp(), "orders"));
    expect(code).toBe("name-not-free");
    expect(seconds()).toBeGreaterThan(100);
    expect(seconds()).toBeLessThan(120);
  });

  it("is waited for as long as ever if a permission was waited for before", async () => {
    local.purgeMilliseconds = 160_000;
    const blob = await backedUp();
    local.grantAfter({ milliseconds: 50_000 });
    await expect(restore(open(), key, blob, "orders")).resolves.toMatchObject({ kind: "restored" });
    expect(seconds()).toBeGreaterThanOrEqual(160);
  });

  it("is not waited for beyond the time of the operation", async () => {
    local.purgeMilliseconds = 3_600_000;
    const blob = await backedUp();
    local.grantAfter({ milliseconds: 150_000 });
    await failureOf(restore(open(), key, blob, "orders"));
    expect(seconds()).toBeLessThanOrEqual(180);
  });
});

describe("the time of an operation", () => {
  it.each([
    ["403", { kind: "forbidden", reason: "rbac" }],
    ["429", { kind: "throttled" }],
  ] as const)(
    "that ends during an attempt without an answer is not explained by an earlier %s",
    async (status, fault) => {
      await local.keys.create("orders");
      local.fail("backup", fault, 2);
      local.fail("backup", { kind: "stall" }, Number.POSITIVE_INFINITY);
      const failed = failureOf(backUp(open({ attempt: 600_000 }), key, "orders"));
      await until(() => local.count("backup") === 3);
      clock.advance(180_000 - clock.elapsed());
      const { code, message } = await failed;
      expect(code).toBe("timeout");
      // A port may contain the digits.
      expect(message).not.toMatch(new RegExp(`\\b${status}\\b`));
      expect(message).toContain("waited 180 s");
    },
  );

  it("bounds a credential that gives no token", async () => {
    let isAsked = false;
    const credential = () => ({
      getToken: () => {
        isAsked = true;
        return new Promise<never>(() => undefined);
      },
    });
    const failed = failureOf(backUp(open({}, { credential }), key, "orders"));
    await until(() => isAsked);
    clock.advance(180_000);
    expect((await failed).code).toBe("credential");
    expect(local.requests.every(({ hasToken }) => !hasToken)).toBe(true);
  });

  it("ends retries of a service that always fails, with its last answer", async () => {
    await local.keys.create("orders");
    local.fail("backup", { kind: "status", status: 503 }, Number.POSITIVE_INFINITY);
    const failed = failureOf(backUp(open({ transient: 60_000 }), key, "orders"));
    await until(() => local.requestsOf("backup").some(({ status }) => status === 503));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(180_000);
    const { code, message } = await failed;
    expect(code).toBe("timeout");
    expect(message).toContain("503");
  });
});

describe("a look at an object", () => {
  const look = (waits: Partial<Waits> = {}) =>
    open(waits).once({ name: "get", kind: key, objectName: "orders" }, ({ client, signal }) =>
      client.isPurgeable("orders", signal),
    );

  it("does not wait for permissions", async () => {
    local.keys.permissions.delete("get");
    expect((await failureOf(look())).code).toBe("forbidden");
    expect(local.count("get")).toBe(1);
    expect(clock.elapsed()).toBe(0);
  });

  it.each([
    ["30 s", {}, 30_000],
    ["the time of an operation, if that is shorter", { operation: 10_000 }, 10_000],
  ])("takes no longer than %s", async (_, waits, bound) => {
    local.fail("get", { kind: "stall" }, Number.POSITIVE_INFINITY);
    const failed = failureOf(look(waits));
    await until(() => local.count("get") === 1);
    clock.advance(bound - 1);
    const isPending = await Promise.race([
      failed.then(() => false),
      new Promise((resolve) => setTimeout(resolve, 30, true)),
    ]);
    expect(isPending).toBe(true);
    clock.advance(1);
    expect((await failed).code).toBe("timeout");
  });
});
