import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await BackupStack.start(service);
});

/** The key changed, a refresh saw it, and then the key was purged: a backup is due and cannot be made. */
async function dueForEver(): Promise<void> {
  await stack.backedUp();
  await stack.createAnew();
  await stack.mustUp({ triggers: [1] });
  await stack.vault.keys.rotate("orders");
  expect(await stack.engine.refresh()).toBe(true);
  stack.vault.keys.delete("orders");
  stack.vault.keys.purge("orders");
}

describe("an update whose backup fails", () => {
  it("records forceDelete all the same, so that the resource can be deleted", async () => {
    await dueForEver();
    expect(await stack.up({ triggers: [1], forceDelete: true })).toBe(false);
    expect(stack.engine.failureMessage).toContain("KeyNotFound");
    expect(stack.outputs).toMatchObject({ forceDelete: true, sourceStatus: "changed" });
    expect(await stack.engine.destroy()).toBe(true);
  });

  it("drops what forget names all the same, and nothing else", async () => {
    await dueForEver();
    const [earlier] = stack.previous;
    const { blobSha256 } = stack.outputs;
    expect(await stack.up({ triggers: [1], forget: [earlier?.blobSha256] })).toBe(false);
    expect(stack.previous).toEqual([]);
    expect(stack.outputs).toMatchObject({ blobSha256 });
  });

  it("leaves the record as it was if neither changed", async () => {
    await dueForEver();
    const { outputs } = stack;
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });
});

describe("a state that lost what it said of the newest backup", () => {
  it("keeps the earlier backups, and refuses to delete them", async () => {
    await stack.backedUp();
    await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    const { blob, blobSha256, ...others } = stack.outputs;
    stack.engine.edit(others);
    expect(await stack.engine.destroy()).toBe(false);
    await stack.mustUp({ triggers: [2] });
    expect(stack.previous.map(({ keptBecause }) => keptBecause)).toEqual([expect.stringContaining("no newer backup")]);
  });
});

it("A blob of unusual form makes no new backup at each refresh", async () => {
  await stack.backedUp();
  const unusual = Buffer.from("a form that nobody knows").toString("base64url");
  stack.vault.fail("backup", { kind: "value", value: unusual });
  await stack.mustUp({ triggers: [1] });
  expect(stack.outputs.versions).toEqual([]);
  expect(await stack.engine.refresh()).toBe(true);
  expect(stack.outputs.sourceStatus).toBe("current");
  expect(await stack.preview({ triggers: [1] })).toBe(false);
});
