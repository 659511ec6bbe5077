import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { type BackedUpObject, backUp } from "../../../../src/keyVault/operations/backUp";
import { key } from "../../../../src/objects/key";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(() => newVault());

async function newVault(options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  local = await service.createVault(undefined, options);
}

const backUpOrders = (declaredVersion?: string, waits: Partial<Waits> = {}) =>
  backUp(connectTo(service, local, { clock, waits }), key, "orders", declaredVersion);

/** Newest first. */
const versionsOf = ({ versions }: BackedUpObject) =>
  "unknownBecause" in versions ? versions : versions.map(({ version }) => version);

/** The versions in a blob, newest first: those that a restore into another vault makes. */
async function versionsIn(blob: string): Promise<string[]> {
  const { kind } = local;
  const other = await service.createVault(undefined, { kind });
  expect(await other.keys.restore(blob)).toBe(true);
  return other.keys
    .versions("orders")
    .map(({ version }) => version)
    .reverse();
}

const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);

function recreateKey() {
  local.keys.delete("orders");
  local.keys.purge("orders");
  return local.keys.create("orders");
}

describe.each(["vault", "managedHsm"] as const)("a backup of a key in a %s", (kind) => {
  beforeEach(() => newVault({ kind }));

  it("takes three requests: it lists the versions, backs up, and gets the current version", async () => {
    await local.keys.create("orders");
    await backUpOrders();
    expect(asked()).toEqual(["listVersions", "backup", "get"]);
  });

  it("records every version in the blob, newest first, with times and tags", async () => {
    const first = await local.keys.create("orders", { tags: { team: "sales" } });
    clock.advance(5_000);
    const second = await local.keys.rotate("orders");
    const made = await backUpOrders();
    expect(versionsOf(made)).toEqual([second.version, first.version]);
    expect(await versionsIn(made.blob)).toEqual([second.version, first.version]);
    const [{ created } = { created: 0 }] = local.keys.versions("orders");
    expect(made.versions).toMatchObject([
      { tags: { team: "sales" }, isPurgeable: true },
      { createdAt: created * 1000, updatedAt: created * 1000 },
    ]);
  });

  it("knows the newest of several versions of one second", async () => {
    const versions = [await local.keys.create("orders")];
    for (let rotations = 0; rotations < 4; rotations += 1) versions.push(await local.keys.rotate("orders"));
    const [newest] = versionsOf(await backUpOrders()) as string[];
    expect(newest).toBe(versions.at(-1)?.version);
  });

  it("records all versions of a key that has many", async () => {
    await local.keys.create("orders");
    for (let rotations = 0; rotations < 30; rotations += 1) await local.keys.rotate("orders");
    expect(versionsOf(await backUpOrders())).toHaveLength(31);
    expect(asked()).toEqual(["listVersions", "listVersions", "backup", "get"]);
  });

  it("records the thumbprint of the newest version only", async () => {
    await local.keys.create("orders");
    const { version } = await local.keys.rotate("orders");
    const { thumbprints } = await backUpOrders();
    expect(thumbprints).toEqual({ [version]: expect.stringMatching(/^[\w-]{43}$/) });
  });
});

describe("a key that changes while it is backed up", () => {
  it("is backed up again if it was rotated between the list and the backup", async () => {
    const first = await local.keys.create("orders");
    local.afterRequest("listVersions", async () => void (await local.keys.rotate("orders")));
    const made = await backUpOrders();
    expect(versionsOf(made)).toHaveLength(2);
    expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
    expect(versionsOf(made)).toContain(first.version);
    expect(local.count("backup")).toBe(2);
  });

  it("is backed up again if it was rotated between the backup and the last request", async () => {
    await local.keys.create("orders");
    local.afterRequest("backup", async () => void (await local.keys.rotate("orders")));
    const made = await backUpOrders();
    expect(versionsOf(made)).toHaveLength(2);
    expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
    expect(local.count("backup")).toBe(2);
  });

  it.each(["listVersions", "backup"] as const)(
    "is backed up again if it was deleted and created anew after %s",
    async (operation) => {
      await local.keys.create("orders");
      local.afterRequest(operation, async () => void (await recreateKey()));
      const made = await backUpOrders();
      expect(versionsOf(made)).toEqual(local.keys.versions("orders").map(({ version }) => version));
      expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
    },
  );

  it("is backed up again if it was deleted, and an older copy restored", async () => {
    await local.keys.create("orders");
    const older = await local.keys.backUp("orders");
    clock.advance(5_000);
    await local.keys.rotate("orders");
    local.afterRequest("listVersions", async () => {
      local.keys.delete("orders");
      local.keys.purge("orders");
      await local.keys.restore(older);
    });
    const made = await backUpOrders();
    expect(versionsOf(made)).toHaveLength(1);
    expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
  });

  it("is given up after three backups, because none is known to be whole", async () => {
    await local.keys.create("orders");
    for (let backups = 0; backups < 4; backups += 1) {
      local.afterRequest("backup", async () => void (await local.keys.rotate("orders")));
    }
    const { code } = await failureOf(backUpOrders());
    expect(code).toBe("keeps-changing");
    expect(local.count("backup")).toBe(3);
  });

  it("is reported as missing if it was deleted for good meanwhile", async () => {
    await local.keys.create("orders");
    local.afterRequest("listVersions", () => local.keys.delete("orders"));
    expect((await failureOf(backUpOrders())).code).toBe("not-found");
  });
});

describe("a version that the program names", () => {
  it("is in the backup, whatever the case of its spelling", async () => {
    const { version } = await local.keys.create("orders");
    expect(versionsOf(await backUpOrders(version.toUpperCase()))).toEqual([version]);
  });

  it("is waited for, because it may be new", async () => {
    const { version: first } = await local.keys.create("orders");
    const version = "f".repeat(32);
    const { code, message } = await failureOf(backUpOrders(version));
    expect(code).toBe("version-not-found");
    expect(message).toContain(version);
    expect(message).toContain(first);
    expect(local.count("backup")).toBe(0);
    expect(clock.elapsed()).toBeGreaterThan(5_000);
    expect(clock.elapsed()).toBeLessThan(10_000);
  });

  it("of a key that is missing is not what the error tells", async () => {
    expect((await failureOf(backUpOrders("f".repeat(32)))).code).toBe("not-found");
  });
});

describe("an identity that may not list versions", () => {
  beforeEach(async () => {
    await local.keys.create("orders");
    local.keys.permissions.delete("list");
  });

  it.each(["rbac", "accessPolicy"] as const)(
    "makes a backup by two requests, and the record says why its versions are unknown (%s)",
    async (authorization) => {
      local.authorization = authorization;
      const made = await backUpOrders("f".repeat(32));
      expect(versionsOf(made)).toEqual({
        unknownBecause: expect.stringMatching(/list the versions of key "orders".*403/),
      });
      expect(made.thumbprints).toEqual({});
      expect(await versionsIn(made.blob)).toHaveLength(1);
      expect(asked()).toEqual(["listVersions", "backup"]);
      expect(clock.elapsed()).toBe(0);
    },
  );

  it("makes a backup by two requests if a proxy answers 404 to the list", async () => {
    local.keys.permissions.add("list");
    local.fail("listVersions", { kind: "html", status: 404 });
    expect(versionsOf(await backUpOrders())).toEqual({ unknownBecause: expect.stringContaining("404") });
    expect(clock.elapsed()).toBe(0);
  });

  it("says why in the same words each time", async () => {
    expect((await backUpOrders()).versions).toEqual((await backUpOrders()).versions);
  });
});

describe("an identity that may list versions but not get them", () => {
  beforeEach(async () => {
    await local.keys.create("orders");
    local.keys.permissions.delete("get");
  });

  it("lists the versions a second time to learn whether anything changed", async () => {
    const made = await backUpOrders();
    expect(versionsOf(made)).toHaveLength(1);
    expect(made.thumbprints).toEqual({});
    expect(asked()).toEqual(["listVersions", "backup", "get", "listVersions"]);
  });

  it("backs up again if the second list has a newer version", async () => {
    clock.advance(5_000);
    local.afterRequest("backup", async () => void (await local.keys.rotate("orders")));
    const made = await backUpOrders();
    expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
    expect(local.count("backup")).toBe(2);
  });
});

describe("an answer without a usable backup", () => {
  it.each([
    ["without a value", { kind: "noValue" }],
    ["with a number", { kind: "value", value: 42 }],
    ["with null", { kind: "value", value: null }],
    ["with an empty text", { kind: "value", value: "" }],
    ["with a text that is not base64url", { kind: "value", value: "QUFB+hunter2" }],
    ["with base64 of an impossible length", { kind: "value", value: "hunter2hunter2hunter2" }],
  ] as const)("%s is an error that does not show it", async (_, fault) => {
    await local.keys.create("orders");
    local.fail("backup", fault);
    const { code, message } = await failureOf(backUpOrders());
    expect(code).toBe("not-key-vault");
    expect(message).toContain("200");
    expect(message).not.toContain("hunter2");
  });
});

describe("a refused backup", () => {
  it("is reported as the backup's failure, even if other requests are refused too", async () => {
    await local.keys.create("orders");
    local.keys.permissions.clear();
    const { message } = await failureOf(backUpOrders());
    expect(message).toContain("keys/backup/action");
  });

  it("of a key that belongs to a certificate says so", async () => {
    await local.certificates.create("orders");
    expect((await failureOf(backUpOrders())).code).toBe("managed-by-certificate");
  });
});
