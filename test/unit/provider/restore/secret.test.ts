import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { secret } from "../../../../src/objects/secret";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.stackOf(secret);
});

const values = { original: "original-8Kq", changed: "changed-3Zt", second: "second-5Wm" } as const;
const recreate = { onNewVersions: "recreate" } as const;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

/** The restore is refused, and leaves the secret as it is. */
async function refused(): Promise<string> {
  const before = stack.target.secrets.versions("orders");
  expect(await stack.restore.up(stack.restoring())).toBe(false);
  expect(stack.target.secrets.versions("orders")).toEqual(before);
  expect(stack.changes).toEqual([]);
  expect(stack.restore.outputs).toBeUndefined();
  return stack.restore.failureMessage;
}

/** A copy that the program did not restore. */
async function copied(): Promise<string> {
  const { version } = await stack.backedUp({ value: values.original });
  await stack.target.secrets.restore(String(stack.backupRef.blob));
  stack.target.clearRequests();
  stack.source.clearRequests();
  return version;
}

/** How often a value was read, from the source and from the target. */
const reads = () => [stack.source.count("get", "secrets"), stack.target.count("get", "secrets")];

/** Everything that a user or a state gets to see. */
const shown = () =>
  JSON.stringify([
    stack.backup.outputs,
    stack.restore.outputs,
    stack.printed,
    stack.restore.failureMessage,
    stack.restore.id,
  ]);

function expectNoValueShown(): void {
  for (const value of Object.values(values)) {
    expect(shown()).not.toContain(value);
    expect(shown()).not.toContain(Buffer.from(value).toString("base64").slice(0, 12));
  }
}

describe("a secret that is in the vault already", () => {
  it("is adopted after its value was compared with the source's, which nothing shows", async () => {
    const version = await copied();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version], status: "present" });
    expect(reads()).toEqual([1, 1]);
    expectNoValueShown();
  });

  it.each([
    ["the target", () => stack.target.secrets.update("orders", undefined, { value: values.changed })],
    ["the source", () => stack.source.secrets.update("orders", undefined, { value: values.changed })],
  ] as const)("is refused if its value is not the source's, because %s has another", async (_, changes) => {
    const version = await copied();
    changes();
    const message = await refused();
    expect(message).toMatch(new RegExp(`another secret has its name; version ${version}\\W+value\\b.* the source's`));
    expectNoValueShown();
  });

  it("is refused if the value of one of several versions is not the source's", async () => {
    const { version: first } = await stack.backedUp({ value: values.original });
    await stack.rotated();
    await stack.target.secrets.restore(String(stack.backupRef.blob));
    stack.target.secrets.update("orders", first, { value: values.changed });
    expect(await refused()).toMatch(new RegExp(`version ${first}\\W+value\\b`));
    expectNoValueShown();
  });

  it.each([
    ["the source", () => [stack.source]],
    ["the target", () => [stack.target]],
    ["both", () => [stack.source, stack.target]],
  ] as const)("is adopted if the values of %s may not be read, so that they cannot be compared", async (_, vaults) => {
    const version = await copied();
    stack.target.secrets.update("orders", undefined, { value: values.changed });
    stack.pass(1_000);
    for (const vault of vaults()) vault.secrets.permissions.delete("get");
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version], status: "present" });
    expectNoValueShown();
  });

  it("is adopted if it is disabled, so that its value cannot be read", async () => {
    const version = await copied();
    stack.pass(1_000);
    stack.target.secrets.update("orders", undefined, { enabled: false });
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
  });

  it("is refused if a version was created at another time than the source's", async () => {
    const version = await copied();
    const forged: object = { created: Math.floor(stack.now() / 1000) - 86_400 };
    stack.target.secrets.update("orders", version, forged);
    const message = await refused();
    expect(message).toMatch(
      new RegExp(`version ${version}\\W+attributes\\b.* created at another time than the source's`),
    );
  });

  it("is refused if it differs from the source although both changed last at the same time", async () => {
    const version = await copied();
    const second = 1_000;
    stack.pass(second - (stack.now() % second));
    stack.source.secrets.update("orders", version, {});
    stack.target.secrets.update("orders", version, { tags: { team: "sales" }, contentType: "text/plain" });
    const message = await refused();
    expect(message).toContain("the source's: contentType, tags");
    expect(message).not.toMatch(/sales|text\/plain/);
  });

  it("is adopted with values that differ in the versions that only the target has", async () => {
    const first = await copied();
    stack.pass(1_000);
    const { version: own } = await stack.target.secrets.create("orders", { value: values.changed });
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [own, first] });
    expect(reads()).toEqual([1, 1]);
    expectNoValueShown();
  });

  it("is adopted without a request to the source if the backup does not tell its source", async () => {
    const version = await copied();
    await up({ backup: { ...stack.backupRef, secretUri: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.source.requests).toEqual([]);
  });

  it("is compared like any other if only the answer to its restore was lost", async () => {
    await stack.backedUp({ value: values.original });
    stack.source.clearRequests();
    stack.target.fail("restore", { kind: "lostAnswer" });
    await up();
    expect(reads()).toEqual([1, 1]);
    expectNoValueShown();
  });
});

describe("the value of a secret", () => {
  it("is read neither by a restore, nor by a preview, nor by a refresh", async () => {
    await stack.backedUp({ value: values.original });
    stack.source.clearRequests();
    await up();
    await stack.restore.preview(stack.restoring());
    await stack.restore.refresh();
    expect(stack.restore.outputs).toMatchObject({ status: "present" });
    expect(reads()).toEqual([0, 0]);
  });

  it.each([
    ["missing", () => [stack.target.secrets.delete("orders"), stack.target.secrets.purge("orders")]],
    ["softDeleted", () => stack.target.secrets.delete("orders")],
  ] as const)("is not read by a refresh that finds the secret %s", async (status, happens) => {
    await stack.backedUp({ value: values.original });
    await up();
    happens();
    await stack.restore.refresh();
    expect(stack.restore.outputs).toMatchObject({ status });
    expect(reads()).toEqual([0, 0]);
    expectNoValueShown();
  });

  it("is not read by a recreation", async () => {
    await stack.backedUp({ value: values.original });
    await up(recreate);
    await stack.rotated();
    stack.target.clearRequests();
    await up(recreate);
    expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    expect(reads()).toEqual([0, 0]);
    expectNoValueShown();
  });

  it("is not read by an identity that may only restore and list, which suffices for all but a comparison", async () => {
    stack.target.secrets.permissions.clear();
    for (const permission of ["restore", "list"]) stack.target.secrets.permissions.add(permission);
    await stack.backedUp({ value: values.original });
    await up();
    stack.target.secrets.delete("orders");
    await stack.restore.refresh();
    expect(stack.restore.outputs).toMatchObject({ status: "softDeleted" });
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("a soft-deleted secret has its name");
  });
});

describe("a disabled secret", () => {
  /** A restored secret whose versions are disabled here, and a newer backup. */
  async function outdated(): Promise<[first: string, second: string]> {
    const { version: first } = await stack.backedUp({ value: values.original });
    await up();
    const second = await stack.rotated();
    stack.pass(1_000);
    stack.target.secrets.update("orders", undefined, { enabled: false });
    stack.target.clearRequests();
    return [first, second];
  }

  const versions = () => stack.target.secrets.versions("orders").map(({ version }) => version);

  it("is recreated to the end", async () => {
    const both = await outdated();
    await up(recreate);
    expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    expect(versions()).toEqual(both);
  });

  it("is recreated to the end if the newer backup holds it disabled, too", async () => {
    const [first] = await outdated();
    const { version } = await stack.source.secrets.create("orders", { value: values.second, enabled: false });
    await stack.backUp();
    await up(recreate);
    expect(versions()).toHaveLength(3);
    expect(versions()).toContain(version);
    expect(stack.restore.outputs?.versions).toContain(first);
    expectNoValueShown();
  });

  it("is found soft-deleted by a refresh", async () => {
    await outdated();
    stack.target.secrets.delete("orders");
    await stack.restore.refresh();
    expect(stack.restore.outputs).toMatchObject({ status: "softDeleted" });
  });

  it.each(["purge", "restore"] as const)(
    "is recreated by the next update if the process dies after the %s",
    async (step) => {
      const both = await outdated();
      await stack.killedAfter(step, () => stack.restore.up(stack.restoring(recreate), { isKilled: true }));
      await up(recreate);
      expect(versions()).toEqual(both);
    },
  );

  it("is not purged once only its deletion told its version, but recreated after it is recovered", async () => {
    const both = await outdated();
    await stack.killedAfter("delete", () => stack.restore.up(stack.restoring(recreate), { isKilled: true }));
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(stack.restore.failureMessage).toContain("az keyvault secret recover --vault-name localhost --name orders");
    expect(stack.changes).toEqual(["delete"]);
    stack.target.secrets.recover("orders");
    await up(recreate);
    expect(versions()).toEqual(both);
  });

  it("is not recreated if it is soft-deleted in a vault with purge protection", async () => {
    await outdated();
    stack.target.purgeProtection = true;
    stack.target.secrets.delete("orders");
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(stack.restore.failureMessage).toContain("The vault has purge protection");
    expect(stack.changes).toEqual([]);
  });
});
