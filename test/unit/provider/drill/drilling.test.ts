import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
});

const unknown = pulumi.runtime.unknownValue;
const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
const day = 86_400_000;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

const isEmpty = () => !stack.target.keys.has("orders") && !stack.target.keys.isDeleted("orders");

describe.each(["RSA", "EC"] as const)("a drill of an %s key", (kty) => {
  it("proves each version, records the evidence and leaves nothing in the scratch vault", async () => {
    const { version: first } = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await up();
    const { drilledAt, durationMs, ...facts } = stack.drill.outputs ?? {};
    expect(facts).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      owner: "organization/project/dev/orders",
      blobSha256: stack.backupRef.blobSha256,
      verifiedAt: drilledAt,
      outcome: "verified",
      checks: [
        { version: second, ...passed },
        { version: first, ...passed },
      ],
      restoredVersions: [second, first],
    });
    expect(Math.abs(Date.parse(String(drilledAt)) - stack.now())).toBeLessThan(10_000);
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(stack.changes).toEqual(["restore", "update", "delete", "purge"]);
    expect(isEmpty()).toBe(true);
    expect(stack.lines).toEqual([]);
  });
});

describe("a drill", () => {
  it.each([1, 4])("of a key with %d versions makes at most 10 requests and 3 more for each version", async (count) => {
    await stack.source.keys.create("orders");
    for (let version = 1; version < count; version += 1) await stack.source.keys.rotate("orders");
    await stack.backUp();
    await up();
    expect(stack.requests.length).toBeLessThanOrEqual(10 + 3 * count);
    expect(stack.changes).toEqual(["restore", "update", "delete", "purge"]);
  });

  it("gives the copy one tag, which names the resource and takes the place of the source's tags", async () => {
    await stack.backedUp({ tags: { team: "orders", "restore-drill-for": "nobody" } });
    let tags: unknown;
    stack.target.afterRequest("update", () => {
      tags = stack.target.keys.versions("orders").map((version) => version.tags);
    });
    await up();
    const { host } = new URL(stack.target.vaultUri);
    expect(tags).toEqual([{ "restore-drill-of": `${host} organization/project/dev/orders` }]);
  });

  it("shortens the tag to what the service takes, and still knows its copy", async () => {
    await stack.backedUp();
    let tag = "";
    stack.target.afterRequest("update", () => {
      [tag = ""] = stack.target.keys.versions("orders").map((version) => String(version.tags["restore-drill-of"]));
    });
    const owner = `organization/project/dev/${"a".repeat(300)}-end`;
    await up({ owner });
    expect([tag.length <= 256, isEmpty()]).toEqual([true, true]);
    const other = drillTag(stack.target.vaultUri, `${owner}-2`);
    expect(other).not.toEqual({ "restore-drill-of": tag });
  });

  it("compares the public keys with the source's if the backup does not record them", async () => {
    await stack.backedUp();
    stack.source.clearRequests();
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.source.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation)).toEqual(["get"]);
  });

  it("writes no part of a blob or of a token into records and lines", async () => {
    await stack.backedUp();
    await up();
    stack.target.keys.permissions.delete("update");
    await stack.drill.up(stack.drilling({ triggers: ["again"] }));
    const texts = JSON.stringify([stack.drill.outputs, stack.printed, stack.drill.failureMessage]);
    const token = service.service.identity.accessToken("https://vault.azure.net");
    expect(leaksIn(texts, { blob: String(stack.backupRef.blob), token })).toEqual([]);
  });

  it("works while the scratch vault takes its time to delete, and to free the name", async () => {
    const waits = { freeName: 5_000, notReady: [20], transient: 20 };
    stack = await service.newStack({ deletionMilliseconds: 100, purgeMilliseconds: 150 }, waits);
    await stack.backedUp();
    await up();
    await up({ triggers: ["again"] });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", triggers: ["again"] });
    expect(stack.changes.filter((operation) => operation === "purge")).toHaveLength(2);
  });

  it("takes turns with another one of a key of that name in that vault", async () => {
    await stack.backedUp();
    const another = stack.newDrill();
    const results = await Promise.all([
      stack.drill.up(stack.drilling()),
      another.up(stack.drilling({ owner: "organization/project/dev/orders-2" })),
    ]);
    expect(results).toEqual([true, true]);
    expect([stack.drill.outputs?.outcome, another.outputs?.outcome]).toEqual(["verified", "verified"]);
    const once = ["restore", "update", "delete", "purge"];
    expect(stack.changes).toEqual([...once, ...once]);
  });

  it("takes its turn after one that failed", async () => {
    await stack.backedUp();
    const another = stack.newDrill();
    stack.target.fail("restore", { kind: "status", status: 400 });
    const results = await Promise.all([stack.drill.up(stack.drilling()), another.up(stack.drilling())]);
    expect(results.sort()).toEqual([false, true]);
    expect(isEmpty()).toBe(true);
  });
});

describe("a drill of a version that cannot sign", () => {
  const seconds = () => Math.floor(stack.now() / 1000);

  it.each(["unwrapKey", "decrypt"] as const)("proves an expired RSA key by %s", async (operation) => {
    await stack.backedUp({ kty: "RSA", expires: seconds() - 60, keyOperations: ["sign", operation] });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.requests).toContain(operation);
    expect(stack.requests).not.toContain("sign");
  });

  it.each([
    ["is disabled", { enabled: false }, "not run: the version is disabled"],
    ["is expired and may not unwrap", { expires: 1 }, "not run: the version is outside its nbf and exp"],
    ["may only verify", { keyOperations: ["verify"] }, "not run: key_ops (verify) allow neither sign"],
  ] as const)("proves it partly if it %s, and the other versions wholly", async (_, change, because) => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    stack.source.keys.update("orders", first, change);
    await stack.backUp();
    await up();
    expect(stack.drill.outputs).toMatchObject({
      outcome: "partly",
      checks: [
        { version: second, ...passed },
        { version: first, ...passed, privateKey: expect.stringContaining(because) },
      ],
    });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
    expect(stack.drill.outputs).not.toHaveProperty("failure");
    expect(isEmpty()).toBe(true);
    stack.target.clearRequests();
    await up();
    expect(stack.target.requests).toEqual([]);
  });
});

describe("a drill proves a backup partly", () => {
  it("if neither the backup nor the source tells the public keys", async () => {
    await stack.backedUp();
    const { keyName, versions, blob } = stack.backupRef;
    await up({ backup: { keyName, versions, blob } });
    const publicKey = expect.stringContaining("not run: the backup does not record the public key");
    const privateKey = expect.stringContaining("not run: ");
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly", checks: [{ publicKey, privateKey }] });
    expect(stack.requests).not.toContain("sign");
  });

  it("if the backup does not say which versions it holds", async () => {
    const { version } = await stack.backedUp();
    await up({ backup: { ...stack.backupRef, versions: undefined } });
    const versionId = expect.stringContaining("not run: ");
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly", checks: [{ ...passed, version, versionId }] });
    expect(isEmpty()).toBe(true);
  });

  it.each(["sign", "get"] as const)("if the identity may not %s in the scratch vault", async (operation) => {
    await stack.backedUp();
    stack.target.fail(operation, { kind: "forbidden", reason: "rbac" });
    await up();
    const privateKey = expect.stringMatching(/^not run: Key Vault refused to /);
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly", checks: [{ versionId: "passed", privateKey }] });
    expect(isEmpty()).toBe(true);
  });
});

describe("no request is made", () => {
  beforeEach(async () => {
    await stack.backedUp();
    await up({ maxAgeDays: 30 });
    stack.target.clearRequests();
  });

  it("while nothing changed, by previews, updates and refreshes", async () => {
    const before = stack.drill.outputs;
    expect(await stack.drill.preview(stack.drilling({ maxAgeDays: 30 }))).toBe(false);
    await up({ maxAgeDays: 30 });
    expect(await stack.drill.refresh()).toBe(true);
    await stack.drill.up(stack.drilling({ maxAgeDays: 30 }), { refresh: true });
    expect(stack.drill.outputs).toEqual(before);
    expect(stack.target.requests).toEqual([]);
  });

  it("by the preview of a drill that is due", async () => {
    expect(await stack.drill.preview(stack.drilling({ triggers: ["1"] }))).toBe(true);
    expect(stack.target.requests).toEqual([]);
  });

  it("when the resource is deleted and no copy was left", async () => {
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.target.requests).toEqual([]);
  });

  it("by an unknown input, which the preview names", async () => {
    for (const name of ["vaultUri", "backup", "triggers", "maxAgeDays"]) {
      expect(await stack.drill.preview(stack.drilling({ maxAgeDays: 30, [name]: unknown }))).toBe(true);
      expect(stack.lines.at(-1)).toContain(`a drill may be run: ${name} will be known during the update`);
    }
    expect(await stack.drill.preview(stack.drilling({ maxAgeDays: 30, onFailure: unknown }))).toBe(false);
    expect(stack.target.requests).toEqual([]);
  });

  it("by an import, which says that the resource exists only in its own state", async () => {
    stack.drill.edit({});
    expect(await stack.drill.refresh()).toBe(false);
    expect(stack.drill.failureMessage).toContain("pulumi import are not available");
  });
});

describe("a drill is due again", () => {
  beforeEach(async () => {
    await stack.backedUp();
    await up({ maxAgeDays: 30 });
    stack.target.clearRequests();
  });

  it("for a new backup, triggers and its age, which a line says", async () => {
    const runs = () => stack.changes.filter((operation) => operation === "restore").length;
    await stack.backUp();
    await up({ maxAgeDays: 30 });
    expect([runs(), stack.lines.at(-1)]).toEqual([
      1,
      `RestoreDrill ${stack.target.vaultUri}keys/orders: a drill will be run, because the backup changed.`,
    ]);
    await up({ maxAgeDays: 30, triggers: ["2026"] });
    expect([runs(), stack.lines.at(-1)]).toEqual([2, expect.stringContaining("because triggers changed.")]);
    stack.pass(29 * day);
    expect(await stack.drill.preview(stack.drilling({ maxAgeDays: 30, triggers: ["2026"] }))).toBe(false);
    stack.pass(2 * day);
    await up({ maxAgeDays: 30, triggers: ["2026"] });
    expect([runs(), stack.lines.at(-1)]).toEqual([3, expect.stringContaining("is older than maxAgeDays (30).")]);
  });

  it("in another scratch vault, in place", async () => {
    const { id } = stack.drill;
    const other = await service.service.createVault();
    await up({ maxAgeDays: 30, vaultUri: other.vaultUri });
    expect(stack.drill.outputs).toMatchObject({ vaultUri: other.vaultUri, outcome: "verified" });
    expect(stack.drill.id).toBe(id);
    expect(stack.target.requests).toEqual([]);
  });

  it("if the state records no drill", async () => {
    stack.drill.edit({ keyName: "orders" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  });
});
