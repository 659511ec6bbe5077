import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { secret } from "../../../../src/objects/secret";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { command, copyUri, forbid, isEmpty, once, passed, record } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.stackOf(secret);
});

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

const { attributes, value } = { attributes: "passed", value: "passed" };

/** Drills the backup of one version; says what the checks found. Nothing is left. */
async function checked(outcome: string, inputs: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  await stack.drill.up(stack.drilling({ ...record, ...inputs }));
  expect(stack.drill.failureMessage).toBe("");
  expect(stack.drill.outputs).toMatchObject({ outcome });
  expect(stack.drill.outputs).not.toHaveProperty("leftover");
  expect(isEmpty(stack.target)).toBe(true);
  const [check = {}] = (stack.drill.outputs?.checks ?? []) as Record<string, unknown>[];
  return check;
}

describe("a drill of a secret", () => {
  it("compares everything that a version has, also the tags that the drill's own mark replaced", async () => {
    const seconds = Math.floor(stack.now() / 1000);
    await stack.backedUp({
      tags: { team: "orders" },
      contentType: "text/plain",
      notBefore: seconds - 60,
      expires: seconds + 60,
    });
    expect(await checked("verified")).toMatchObject(passed(secret));
  });

  it("proves an expired secret, whose value the service still gives", async () => {
    await stack.backedUp({ expires: Math.floor(stack.now() / 1000) - 60 });
    expect(await checked("verified")).toMatchObject(passed(secret));
  });

  it("reads the value of each version once in each vault, and none of it is told", async () => {
    await stack.backedUp({ value: "the first value of the secret" });
    const newest = await stack.rotated();
    const restored = stack.source.secrets.value("orders", newest);
    stack.source.secrets.update("orders", newest, { value: "another value than the backup's" });
    stack.source.clearRequests();
    await stack.drill.up(stack.drilling());
    const { outputs, failureMessage } = stack.drill;
    expect(failureMessage).toContain("value failed: it differs from the source's");
    expect([stack.source.count("get"), stack.target.count("get")]).toEqual([2, 2]);
    const values = ["the first value of the secret", restored, "another value than the backup's"];
    expect(leaksIn(JSON.stringify([outputs, failureMessage, stack.printed]), { values })).toEqual([]);
  });
});

describe("a drill of a secret fails", () => {
  it("if a value is not the source's, which the message says of the version", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    stack.source.secrets.update("orders", first, { value: "another value" });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain(`version ${first}: `);
    expect(stack.drill.failureMessage).toContain("value failed: it differs from the source's");
    expect(stack.drill.failureMessage).not.toContain("another value");
    expect(stack.drill.outputs).toMatchObject({
      outcome: "failed",
      checks: [
        { version: second, ...passed(secret) },
        { version: first, versionId: "passed", value: "failed: it differs from the source's" },
      ],
    });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
    expect(isEmpty(stack.target)).toBe(true);
  });

  it.each([
    ["contentType", { contentType: "other" }],
    ["tags", { tags: { team: "other" } }],
    ["enabled", { enabled: false }],
    ["nbf", { notBefore: 1 }],
    ["exp", { expires: 4_000_000_000 }],
  ])("if %s is not the source's, and neither was changed at another time", async (name, change) => {
    const { version } = await stack.backedUp({ contentType: "text/plain", tags: { team: "orders" } });
    const [{ created } = { created: 0 }] = stack.source.secrets.versions("orders");
    const since = stack.now() - created * 1000;
    stack.pass(-since);
    stack.source.secrets.update("orders", version, change);
    stack.pass(since);
    expect(await checked("failed")).toMatchObject({ attributes: `failed: different from the source's: ${name}` });
  });

  it("if the copy of a version has no value", async () => {
    const { version } = await stack.backedUp();
    const body = { id: `${copyUri(stack)}/${version}`, attributes: { enabled: true } };
    stack.target.fail("get", { kind: "status", status: 200, body });
    expect(await checked("failed")).toMatchObject({ attributes, value: "failed: it has no value" });
  });
});

describe("a drill proves the backup of a secret partly", () => {
  const notRun = (...words: string[]) => expect.stringMatching(new RegExp(`^not run: .*${words.join(".*")}`));

  it("if the newest version is disabled, whose value the service does not give, and removes the copy", async () => {
    const { version } = await stack.backedUp({ enabled: false });
    const check = await checked("partly");
    expect(check).toMatchObject({ version, versionId: "passed", attributes, value: notRun("SecretDisabled") });
    expect(stack.changes).toEqual(once);
  });

  it("if the source's attributes changed after the backup", async () => {
    const { version } = await stack.backedUp();
    stack.pass(2_000);
    stack.source.secrets.update("orders", version, { tags: { team: "other" } });
    expect(await checked("partly")).toMatchObject({ attributes: notRun("changed after the backup"), value });
  });

  it("if the source is gone, and still reads each value of the copy", async () => {
    await stack.backedUp();
    stack.source.secrets.delete("orders");
    stack.source.secrets.purge("orders");
    expect(await checked("partly")).toMatchObject({ attributes: notRun("the source"), value });
    expect(stack.target.count("get")).toBe(1);
  });

  it("if the source does not have a version any more", async () => {
    await stack.backedUp();
    stack.source.secrets.delete("orders");
    stack.source.secrets.purge("orders");
    await stack.source.secrets.create("orders");
    expect(await checked("partly")).toMatchObject({
      attributes: notRun("the source does not have the version"),
      value,
    });
  });

  it("if the source's vault is unreachable", async () => {
    await stack.backedUp();
    stack.source.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await checked("partly")).toMatchObject({ attributes: notRun("cannot be listed", "ECONNRESET"), value });
  });

  it("if the backup does not say of which vault it is", async () => {
    await stack.backedUp();
    const { secretName, versions, blob } = stack.backupRef;
    stack.source.clearRequests();
    const check = await checked("partly", { backup: { secretName, versions, blob } });
    expect(check).toMatchObject({ attributes: notRun("the source is unknown"), value });
    expect(stack.source.requests).toEqual([]);
  });

  it("if the identity may not list the source's versions, and still compares the values", async () => {
    await stack.backedUp();
    stack.source.secrets.permissions.delete("list");
    const because = notRun("the source cannot be listed", "secrets/readMetadata/action");
    expect(await checked("partly")).toMatchObject({ attributes: because, value });
    stack.source.secrets.update("orders", undefined, { value: "changed" });
    const check = await checked("failed", { triggers: ["again"] });
    expect(check).toMatchObject({ attributes: because, value: "failed: it differs from the source's" });
  });

  it("if the identity may read no value in the scratch vault, and removes the copy", async () => {
    await stack.backedUp();
    forbid(stack, "get");
    expect(await checked("partly")).toMatchObject({ attributes, value: notRun("secrets/getSecret/action") });
    expect(stack.changes).toEqual(once);
  });

  it("if a role lets the identity manage secrets and read no value", async () => {
    await stack.backedUp();
    const actions = ["restore/action", "update/action", "readMetadata/action", "delete", "purge/action"];
    stack.target.grantDataActions(actions.map((action) => `Microsoft.KeyVault/vaults/secrets/${action}`));
    expect(await checked("partly")).toMatchObject({ attributes, value: notRun("secrets/getSecret/action") });
  });
});

describe("a value that can be read in the scratch vault alone", () => {
  it("is proved, and the source's vault refuses at most one request for each of the first eight versions", async () => {
    await stack.source.secrets.create("orders");
    for (let version = 1; version < 20; version += 1) await stack.source.secrets.rotate("orders");
    await stack.backUp();
    stack.source.secrets.permissions.delete("get");
    stack.source.clearRequests();
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs?.checks).toHaveLength(20);
    expect(stack.target.count("get")).toBe(20);
    expect(stack.source.count("get")).toBeLessThanOrEqual(8);
    expect(stack.source.count("get")).toBeGreaterThan(0);
  });
});

describe("the copy of a secret whose newest version is disabled", () => {
  beforeEach(async () => {
    await stack.backedUp();
    const newest = await stack.rotated();
    stack.source.secrets.update("orders", newest, { enabled: false });
    await stack.backUp();
  });

  it("is removed by the next drill if the process died before the deletion", async () => {
    await stack.killedAfter("update", () => stack.drill.up(stack.drilling(record), { isKilled: true }));
    expect(stack.copies.has("orders")).toBe(true);
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly" });
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("is not purged if the process died after the deletion, because its version is unknown; the command is told", async () => {
    await stack.killedAfter("delete", () => stack.drill.up(stack.drilling(record), { isKilled: true }));
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain("the copy of an earlier drill is still there");
    expect(stack.drill.failureMessage).toContain(`Remove it: ${command(stack, "purge")}.`);
    expect(stack.drill.outputs).toMatchObject({ leftover: { uri: copyUri(stack), isSoftDeleted: true } });
    expect(stack.copies.isDeleted("orders")).toBe(true);
    stack.copies.purge("orders");
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
  });
});
