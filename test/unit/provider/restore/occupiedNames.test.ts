import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function refusal(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  return stack.restore.failureMessage;
}

describe("the name of a certificate", () => {
  beforeEach(async () => {
    stack = await service.stackOf(certificate);
    await stack.backedUp();
  });

  it.each(["keys", "certificates"] as const)(
    "is not said to be that of another kind if a soft-deleted secret has it and %s may not be listed",
    async (collection) => {
      await stack.target.secrets.create("orders");
      stack.target.secrets.delete("orders");
      stack.target[collection].permissions.delete("list");
      expect(await refusal()).not.toContain(`a soft-deleted ${collection.slice(0, -1)} has its name`);
    },
  );

  it("is said to be that of a secret even if keys may not be listed", async () => {
    await stack.target.secrets.create("orders");
    stack.target.keys.permissions.delete("list");
    expect(await refusal()).toContain("a secret has its name");
  });
});

describe.each([key, secret])("the name of a $noun", (kind) => {
  it.each([false, true])("is said to be that of a certificate (soft-deleted: %s)", async (isDeleted) => {
    stack = await service.stackOf(kind);
    await stack.backedUp();
    await stack.target.certificates.create("orders");
    if (isDeleted) stack.target.certificates.delete("orders");
    const message = await refusal();
    expect(message).toContain("certificate");
    expect(message).not.toContain(`az keyvault ${kind.noun} recover`);
    expect(message).not.toContain(`remove that ${kind.noun}`);
  });
});

it("a disabled secret whose version is unknown is not said to have another version", async () => {
  stack = await service.stackOf(secret);
  await stack.backedUp();
  await stack.restore.up(stack.restoring());
  await stack.rotated();
  stack.target.secrets.update("orders", undefined, { enabled: false });
  stack.target.secrets.delete("orders");
  expect(await refusal({ onNewVersions: "recreate" })).not.toContain("a version that the backup does not hold");
});

it("an HSM's blob for a secret is one mistake, and no HSM is suggested", async () => {
  stack = await service.stackOf(secret);
  const hsm = await service.service.createVault(undefined, { kind: "managedHsm" });
  await hsm.keys.create("orders");
  const message = await refusal({ backup: { blob: await hsm.keys.backUp("orders") } });
  expect(message).not.toContain("use a Managed HSM");
});

describe.each(objectKinds)("a $noun whose restore got no answer", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
    await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" });
  });

  it("is not said to be unchanged if it is soft-deleted by now", async () => {
    stack.target.afterRequest("restore", () => stack.copies.delete("orders"));
    expect(await refusal()).not.toContain("changed nothing");
  });

  it("is said to be perhaps restored if its versions may not be listed", async () => {
    stack.copies.permissions.delete("list");
    expect(await refusal()).toMatch(/may have (been )?restored/);
  });
});
