import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from "@jest/globals";
import { leaksIn } from "../../support/leaks";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let first: string;
let second: string;

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
  stack = await service.newStack({}, { operation: 2_000 });
  first = await stack.backedUp();
  await stack.restore.up(stack.restoring());
  second = await stack.rotated();
  stack.target.clearRequests();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const versions = () => stack.target.keyVersions("orders").map(({ version }) => version);

/** Recreates the key from a blob of another geography, which is recorded as a newer backup of the key. */
async function recreatesFromElsewhere(): Promise<string> {
  const { geography } = stack.source;
  stack.source.geography = "Elsewhere";
  const blob = await stack.source.backUpKey("orders");
  stack.source.geography = geography;
  const backup = { ...stack.recorded, blob, blobSha256: undefined };
  expect(await stack.restore.up(stack.restoring({ backup, onNewVersions: "recreate" }))).toBe(false);
  const { message } = stack.restore.failure as Error;
  expect(leaksIn(message, { blob })).toEqual([]);
  return message;
}

it("a key is put back as it was where the newer backup cannot be restored", async () => {
  const before = [stack.target.publicJwk("orders", first), stack.restore.outputs];
  const told = await recreatesFromElsewhere();
  expect(told).toContain(
    "keys/orders could not be recreated from the newer backup, and was put back as it was: Key Vault",
  );
  expect(told).toContain("Cannot decrypt backup blob.");
  expect([stack.target.publicJwk("orders", first), stack.restore.outputs]).toEqual(before);
  expect(versions()).toEqual([first]);
  await stack.restore.up(stack.restoring({ onNewVersions: "recreate" }));
  expect(stack.restore.failure).toBeUndefined();
  expect(versions()).toEqual([first, second]);
});

it("a key that cannot be backed up first is not deleted", async () => {
  stack.target.permissions.delete("backup");
  expect(await recreatesFromElsewhere()).toContain(
    "Grant the data action Microsoft.KeyVault/vaults/keys/backup/action",
  );
  expect([versions(), stack.changes]).toEqual([[first], []]);
});

it("a key that can be neither recreated nor put back is told to be gone", async () => {
  stack.target.afterRequest("purge", () => void stack.target.permissions.delete("restore"));
  const told = await recreatesFromElsewhere();
  expect(told).toContain("keys/orders is not there any more: it could not be recreated from the newer backup:");
  expect(told).toContain("Neither could it be put back as it was:");
  stack.target.permissions.add("restore");
  await stack.restore.up(stack.restoring({ onNewVersions: "recreate" }));
  expect(versions()).toEqual([first, second]);
});
