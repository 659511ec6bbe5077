import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { copyUri, forbid, isEmpty, once, passed } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const unknown = pulumi.runtime.unknownValue;
const day = 86_400_000;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

describe.each(objectKinds)("a drill of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it("proves each version, records the evidence and leaves nothing in the scratch vault", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await up();
    const { drilledAt, durationMs, ...facts } = stack.drill.outputs ?? {};
    expect(facts).toEqual({
      vaultUri: stack.target.vaultUri,
      copyUri: copyUri(stack),
      owner: "organization/project/dev/orders",
      blobSha256: stack.backupRef.blobSha256,
      verifiedAt: drilledAt,
      outcome: "verified",
      checks: [
        { version: second, ...passed(kind) },
        { version: first, ...passed(kind) },
      ],
      restoredVersions: [second, first],
    });
    expect(Math.abs(Date.parse(String(drilledAt)) - stack.now())).toBeLessThan(10_000);
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(stack.changes).toEqual(once);
    expect(isEmpty(stack.target)).toBe(true);
    expect(stack.lines).toEqual([]);
  });

  it.each([1, 4])(
    "makes at most 10 requests to the scratch vault and 3 more for each of %d versions",
    async (count) => {
      await stack.objects.create("orders");
      for (let version = 1; version < count; version += 1) await stack.objects.rotate("orders");
      await stack.backUp();
      await up();
      expect(stack.requests.length).toBeLessThanOrEqual(10 + 3 * count);
      expect(stack.changes).toEqual(once);
    },
  );

  it("gives the copy one tag, which names the resource and takes the place of the source's tags", async () => {
    await stack.backedUp({ tags: { team: "orders", "restore-drill-for": "nobody" } });
    let tags: unknown;
    stack.target.afterRequest("update", () => {
      tags = stack.copies.versions("orders").map((version) => version.tags);
    });
    await up();
    const { host } = new URL(stack.target.vaultUri);
    expect(tags).toEqual([{ "restore-drill-of": `${host} organization/project/dev/orders` }]);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  });

  it("makes no request by a preview while the backup, or a part of it, is not known yet", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    for (const backup of [unknown, { ...stack.backupRef, blob: unknown, blobSha256: unknown }]) {
      stack.printed.length = 0;
      expect(await stack.drill.preview(stack.drilling({ backup }))).toBe(true);
      expect(stack.lines).toEqual([
        `RestoreDrill ${copyUri(stack)}: a drill may be run: backup will be known during the update.`,
      ]);
    }
    expect(await stack.newDrill().preview(stack.drilling({ backup: unknown }))).toBeUndefined();
    expect(stack.target.requests).toEqual([]);
  });

  it("proves the backup partly if the backup does not say which versions it holds", async () => {
    const { version } = await stack.backedUp();
    await up({ backup: { ...stack.backupRef, versions: undefined } });
    const versionId = expect.stringContaining("not run: ");
    expect(stack.drill.outputs).toMatchObject({
      outcome: "partly",
      checks: [{ ...passed(kind), version, versionId }],
    });
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("proves the backup partly if the identity may not read in the scratch vault", async () => {
    await stack.backedUp();
    forbid(stack, "get");
    await up();
    const [lastCheck = ""] = kind.checks.slice(-1);
    expect(stack.drill.outputs).toMatchObject({
      outcome: "partly",
      checks: [{ versionId: "passed", [lastCheck]: expect.stringMatching(/^not run: Key Vault refused to read /) }],
    });
    expect(stack.copies.has("orders")).toBe(false);
  });

  it("writes no part of a blob, a value or a token into records and lines", async () => {
    await stack.backedUp();
    await stack.rotated();
    const values = stack.source.secrets.has("orders") ? valuesIn(stack) : [];
    await up();
    const first = stack.drill.outputs;
    forbid(stack, "update");
    await stack.drill.up(stack.drilling({ triggers: ["again"] }));
    const texts = JSON.stringify([first, stack.drill.outputs, stack.printed, stack.drill.failureMessage]);
    const token = service.service.identity.accessToken("https://vault.azure.net");
    expect(leaksIn(texts, { blob: String(stack.backupRef.blob), token, values })).toEqual([]);
  });

  it("works while the scratch vault takes its time to delete, and to free the name", async () => {
    const waits = { freeName: 5_000, notReady: [20], transient: 20 };
    stack = await service.stackOf(kind, { deletionMilliseconds: 100, purgeMilliseconds: 150 }, waits);
    await stack.backedUp();
    await up();
    await up({ triggers: ["again"] });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", triggers: ["again"] });
    expect(stack.changes.filter((operation) => operation === "purge")).toHaveLength(2);
  });
});

/** All values that the source's secrets have. */
function valuesIn({ source }: TestStack): string[] {
  return source.secrets.versions("orders").map(({ version }) => source.secrets.value("orders", version));
}

describe("a drill", () => {
  beforeEach(async () => {
    stack = await service.newStack();
  });

  it("shortens the tag to what the service takes, and still knows its copy", async () => {
    await stack.backedUp();
    let tag = "";
    stack.target.afterRequest("update", () => {
      [tag = ""] = stack.copies.versions("orders").map((version) => String(version.tags["restore-drill-of"]));
    });
    const owner = `organization/project/dev/${"a".repeat(300)}-end`;
    await up({ owner });
    expect([tag.length <= 256, isEmpty(stack.target)]).toEqual([true, true]);
    const other = drillTag(stack.target.vaultUri, `${owner}-2`);
    expect(other).not.toEqual({ "restore-drill-of": tag });
  });

  it("takes turns with another drill of an object of that name in that vault", async () => {
    await stack.backedUp();
    const another = stack.newDrill();
    const results = await Promise.all([
      stack.drill.up(stack.drilling()),
      another.up(stack.drilling({ owner: "organization/project/dev/orders-2" })),
    ]);
    expect(results).toEqual([true, true]);
    expect([stack.drill.outputs?.outcome, another.outputs?.outcome]).toEqual(["verified", "verified"]);
    expect(stack.changes).toEqual([...once, ...once]);
  });

  it("takes its turn after one that failed", async () => {
    await stack.backedUp();
    const another = stack.newDrill();
    stack.target.fail("restore", { kind: "status", status: 400 });
    const results = await Promise.all([stack.drill.up(stack.drilling()), another.up(stack.drilling())]);
    expect(results.sort()).toEqual([false, true]);
    expect(isEmpty(stack.target)).toBe(true);
  });
});

describe("no request is made", () => {
  beforeEach(async () => {
    stack = await service.newStack();
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
    stack = await service.newStack();
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
      `RestoreDrill ${copyUri(stack)}: a drill will be run, because the backup changed.`,
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
    stack.drill.edit({ copyUri: copyUri(stack) });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  });
});
