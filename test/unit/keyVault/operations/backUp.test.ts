import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { VaultOptions } from "../../../../localVault/vaultOptions";
import type { Waits } from "../../../../src/keyVault/connection/waits";
import { type BackedUpObject, backUp } from "../../../../src/keyVault/operations/backUp";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { places } from "../../../support/keyVault/places";
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

/** Newest first. */
const versionsOf = ({ versions }: BackedUpObject) =>
  "unknownBecause" in versions ? versions : versions.map(({ version }) => version);

const asked = () => local.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation);
const valuesRead = () => local.requestsOf("get", "secrets").length;

/** Objects of the kind in the local vault, and their backups. */
function orders(kind: ObjectKind) {
  const objects = () => local.collection(kind.collection);
  return {
    objects,
    backUp: (declaredVersion?: string, waits: Partial<Waits> = {}) =>
      backUp(connectTo(service, local, { clock, waits }), kind, "orders", declaredVersion),
    /** The versions in a blob, newest first: those that a restore into another vault makes. */
    async versionsIn(blob: string): Promise<string[]> {
      const other = (await service.createVault(undefined, { kind: local.kind })).collection(kind.collection);
      expect(await other.restore(blob)).toBe(true);
      return other
        .versions("orders")
        .map(({ version }) => version)
        .reverse();
    },
    async recreate(): Promise<void> {
      objects().delete("orders");
      objects().purge("orders");
      await objects().create("orders");
    },
    rotate: async (): Promise<void> => void (await objects().rotate("orders")),
    /** How the object is looked at after its backup. */
    look: kind === key ? "get" : "listVersions",
  };
}

describe.each(places)("a backup of a $noun in a $vaultKind", ({ kind, vaultKind }) => {
  const { objects, backUp, versionsIn, look } = orders(kind);

  beforeEach(() => newVault({ kind: vaultKind }));

  it("takes three requests: it lists the versions, backs up, and looks again", async () => {
    await objects().create("orders");
    await backUp();
    expect(asked()).toEqual(["listVersions", "backup", look]);
    expect(valuesRead()).toBe(0);
  });

  it("records every version in the blob, newest first, with times and tags", async () => {
    const first = await objects().create("orders", { tags: { team: "sales" } });
    clock.advance(5_000);
    const second = await objects().rotate("orders");
    clock.advance(5_000);
    objects().update("orders", first.version, { tags: {} });
    const made = await backUp();
    expect(versionsOf(made)).toEqual([second.version, first.version]);
    expect(await versionsIn(made.blob)).toEqual([second.version, first.version]);
    const [{ created } = { created: 0 }] = objects().versions("orders");
    expect(made.versions).toMatchObject([
      { tags: { team: "sales" }, isManaged: false },
      { tags: {}, createdAt: created * 1_000, updatedAt: (created + 10) * 1_000 },
    ]);
  });

  it("records all versions of an object that has many", async () => {
    await objects().create("orders");
    for (let rotations = 0; rotations < 30; rotations += 1) await objects().rotate("orders");
    const made = await backUp();
    expect(versionsOf(made)).toHaveLength(31);
    expect(new Set(versionsOf(made) as string[])).toEqual(new Set(await versionsIn(made.blob)));
    expect(asked()).toEqual(["listVersions", "listVersions", "backup", ...(kind === key ? [look] : [look, look])]);
  });
});

describe.each(places.filter(({ kind }) => kind === key))("a backup of a $noun in a $vaultKind", ({ vaultKind }) => {
  beforeEach(() => newVault({ kind: vaultKind }));

  it("knows the newest of several versions of one second", async () => {
    const versions = [await local.keys.create("orders")];
    for (let rotations = 0; rotations < 4; rotations += 1) versions.push(await local.keys.rotate("orders"));
    const [newest] = versionsOf(await orders(key).backUp()) as string[];
    expect(newest).toBe(versions.at(-1)?.version);
  });

  it("records the thumbprint of the newest version only", async () => {
    await local.keys.create("orders");
    const { version } = await local.keys.rotate("orders");
    const { thumbprints } = await orders(key).backUp();
    expect(thumbprints).toEqual({ [version]: expect.stringMatching(/^[\w-]{43}$/) });
  });
});

describe("a backup of a secret", () => {
  it("records no thumbprints, of which a value could be guessed", async () => {
    await local.secrets.create("orders", { value: "hunter2" });
    const made = await orders(secret).backUp();
    expect(made.thumbprints).toEqual({});
    expect(JSON.stringify(made)).not.toContain("hunter2");
  });

  it("is made of a disabled secret", async () => {
    const { version } = await local.secrets.create("orders", { enabled: false });
    const made = await orders(secret).backUp();
    expect(versionsOf(made)).toEqual([version]);
    expect(made.versions).toMatchObject([{ attributes: { enabled: false } }]);
  });

  it("is made by an identity that may not read values", async () => {
    local.secrets.permissions.delete("get");
    const { version } = await local.secrets.create("orders");
    expect(versionsOf(await orders(secret).backUp())).toEqual([version]);
  });
});

describe("a backup of a certificate", () => {
  it("records the thumbprint of every version", async () => {
    const { version: first } = await local.certificates.create("orders");
    const { version: second } = await local.certificates.rotate("orders");
    const { thumbprints } = await orders(certificate).backUp();
    const sha1 = (version: string) =>
      Buffer.from(local.certificates.x509("orders", version).fingerprint.replaceAll(":", ""), "hex");
    expect(thumbprints).toEqual({
      [first]: sha1(first).toString("base64url"),
      [second]: sha1(second).toString("base64url"),
    });
  });

  it("asks nothing of its key and its secret", async () => {
    await local.certificates.create("orders");
    await orders(certificate).backUp();
    expect(new Set(local.requests.map(({ collection }) => collection))).toEqual(new Set(["certificates"]));
  });
});

describe.each(objectKinds)("a $noun that changes while it is backed up", (kind) => {
  const { objects, backUp, versionsIn, recreate, rotate } = orders(kind);

  it.each(["listVersions", "backup"] as const)("is backed up again if it was rotated after %s", async (operation) => {
    const first = await objects().create("orders");
    local.afterRequest(operation, rotate);
    const made = await backUp();
    expect(versionsOf(made)).toHaveLength(2);
    expect(new Set(versionsOf(made) as string[])).toEqual(new Set(await versionsIn(made.blob)));
    expect(versionsOf(made)).toContain(first.version);
    expect(local.count("backup")).toBe(2);
  });

  it.each(["listVersions", "backup"] as const)(
    "is backed up again if it was deleted and created anew after %s",
    async (operation) => {
      await objects().create("orders");
      local.afterRequest(operation, recreate);
      const made = await backUp();
      expect(versionsOf(made)).toEqual(
        objects()
          .versions("orders")
          .map(({ version }) => version),
      );
      expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
    },
  );

  it("is backed up again if it was deleted, and an older copy restored", async () => {
    await objects().create("orders");
    const older = await objects().backUp("orders");
    clock.advance(5_000);
    await objects().rotate("orders");
    local.afterRequest("listVersions", async () => {
      objects().delete("orders");
      objects().purge("orders");
      await objects().restore(older);
    });
    const made = await backUp();
    expect(versionsOf(made)).toHaveLength(1);
    expect(versionsOf(made)).toEqual(await versionsIn(made.blob));
  });

  it("is given up after three backups, because none is known to be whole", async () => {
    await objects().create("orders");
    for (let backups = 0; backups < 4; backups += 1) local.afterRequest("backup", rotate);
    const { code } = await failureOf(backUp());
    expect(code).toBe("keeps-changing");
    expect(local.count("backup")).toBe(3);
  });

  it("is reported as missing if it was deleted for good meanwhile", async () => {
    await objects().create("orders");
    local.afterRequest("listVersions", () => objects().delete("orders"));
    expect((await failureOf(backUp())).code).toBe("not-found");
  });
});

describe.each(objectKinds)("a version of a $noun that the program names", (kind) => {
  const { objects, backUp } = orders(kind);

  it("is in the backup, whatever the case of its spelling", async () => {
    const { version } = await objects().create("orders");
    expect(versionsOf(await backUp(version.toUpperCase()))).toEqual([version]);
  });

  it("is waited for, because it may be new", async () => {
    const { version: first } = await objects().create("orders");
    const version = "f".repeat(32);
    const { code, message } = await failureOf(backUp(version));
    expect(code).toBe("version-not-found");
    expect(message).toContain(version);
    expect(message).toContain(first);
    expect(local.count("backup")).toBe(0);
    expect(clock.elapsed()).toBeGreaterThan(5_000);
    expect(clock.elapsed()).toBeLessThan(10_000);
  });

  it("is not what the error tells if the object is missing", async () => {
    expect((await failureOf(backUp("f".repeat(32)))).code).toBe("not-found");
  });
});

describe.each(objectKinds)("an identity that may not list versions of a $noun", (kind) => {
  const { objects, backUp, versionsIn } = orders(kind);

  beforeEach(async () => {
    await objects().create("orders");
    objects().permissions.delete("list");
  });

  it.each(["rbac", "accessPolicy"] as const)(
    "makes a backup by two requests, and the record says why its versions are unknown (%s)",
    async (authorization) => {
      local.authorization = authorization;
      const made = await backUp("f".repeat(32));
      expect(versionsOf(made)).toEqual({
        unknownBecause: expect.stringMatching(new RegExp(`list the versions of ${kind.noun} "orders".*403`)),
      });
      expect(made.thumbprints).toEqual({});
      expect(await versionsIn(made.blob)).toHaveLength(1);
      expect(asked()).toEqual(["listVersions", "backup"]);
      expect(clock.elapsed()).toBe(0);
    },
  );

  it("makes a backup by two requests if a proxy answers 404 to the list", async () => {
    objects().permissions.add("list");
    local.fail("listVersions", { kind: "html", status: 404 });
    expect(versionsOf(await backUp())).toEqual({ unknownBecause: expect.stringContaining("404") });
    expect(clock.elapsed()).toBe(0);
  });

  it("says why in the same words each time", async () => {
    expect((await backUp()).versions).toEqual((await backUp()).versions);
  });
});

describe("an identity that may list versions of a key but not get them", () => {
  const { backUp, versionsIn, rotate } = orders(key);

  beforeEach(async () => {
    await local.keys.create("orders");
    local.keys.permissions.delete("get");
  });

  it("lists the versions a second time to learn whether anything changed", async () => {
    const made = await backUp();
    expect(versionsOf(made)).toHaveLength(1);
    expect(made.thumbprints).toEqual({});
    expect(asked()).toEqual(["listVersions", "backup", "get", "listVersions"]);
  });

  it("backs up again if the second list has a newer version", async () => {
    clock.advance(5_000);
    local.afterRequest("backup", rotate);
    const made = await backUp();
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
    const { code, message } = await failureOf(orders(key).backUp());
    expect(code).toBe("not-key-vault");
    expect(message).toContain("200");
    expect(message).not.toContain("hunter2");
  });
});

describe.each(objectKinds)("a refused backup of a $noun", (kind) => {
  it("is reported as the backup's failure, even if other requests are refused too", async () => {
    await orders(kind).objects().create("orders");
    orders(kind).objects().permissions.clear();
    const { message } = await failureOf(orders(kind).backUp());
    expect(message).toContain(`${kind.collection}/backup/action`);
  });
});

describe.each([key, secret])("a $noun that belongs to a certificate", (kind) => {
  const { objects, backUp } = orders(kind);

  beforeEach(async () => void (await local.certificates.create("orders")));

  it("is not backed up, and the certificate is named as what to back up", async () => {
    const { code, message } = await failureOf(backUp());
    expect(code).toBe("managed-by-certificate");
    expect(message).toMatch(/back up the certificate/i);
    expect(asked()).toEqual(["listVersions"]);
    expect(clock.elapsed()).toBe(0);
  });

  it("is refused by the service if the identity may not list versions", async () => {
    objects().permissions.delete("list");
    expect((await failureOf(backUp())).code).toBe("managed-by-certificate");
    expect(asked()).toEqual(["listVersions", "backup"]);
  });
});
