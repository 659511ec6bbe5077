import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** The object changed, a refresh saw it, and then the object was purged: a backup is due and cannot be made. */
async function dueForEver(): Promise<void> {
  await stack.backedUp();
  await stack.createAnew();
  await stack.mustUp({ triggers: [1] });
  await stack.rotate();
  expect(await stack.engine.refresh()).toBe(true);
  stack.purge();
}

describe.each(objectKinds)("an update whose backup of a $noun fails", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("records forceDelete all the same, so that the resource can be deleted", async () => {
    await dueForEver();
    expect(await stack.up({ triggers: [1], forceDelete: true })).toBe(false);
    expect(stack.engine.failureMessage).toContain(`${capitalized(kind.noun)}NotFound`);
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

describe.each(objectKinds)("a backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("whose state lost what it said of the newest backup keeps the earlier backups, and is not deleted", async () => {
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
