import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { backupDataActions, drillDataActions } from "../../../src";
import { certificate } from "../../../src/objects/certificate";
import type { ObjectKind } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../support/provider/testStack";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** Backs the object up, refreshes, and backs up what changed. */
async function backUp(stack: TestStack): Promise<void> {
  await stack.backedUp({ tags: { team: "sales" } });
  await stack.rotated();
  if (!(await stack.backup.refresh())) throw stack.backup.failure;
}

/** Everything that a refusal of the vault made a stack say. */
function said({ printed, backup, drill }: TestStack): string {
  return [...printed, backup.failureMessage, JSON.stringify(backup.outputs), JSON.stringify(drill.outputs)].join("\n");
}

async function drill(stack: TestStack): Promise<boolean> {
  await backUp(stack);
  return stack.drill.up(stack.drilling({ onFailure: "record" }));
}

describe.each(objectKinds)("a role with the data actions for a $noun, and no other,", (kind: ObjectKind) => {
  it("is enough for backups and refreshes, also of an object that was deleted", async () => {
    const stack = await service.stackOf(kind);
    stack.source.grantDataActions(backupDataActions(kind.collection));
    await backUp(stack);
    expect(stack.backup.outputs).toMatchObject({
      sourceStatus: "current",
      versions: [expect.any(String), expect.any(String)],
    });
    expect(stack.source.requests.filter(({ status }) => status === 403)).toEqual([]);
    stack.objects.delete("orders");
    await stack.backup.refresh();
    expect(stack.backup.outputs).toMatchObject({ sourceStatus: "missing" });
    expect(stack.backup.outputs?.sourceStatusReason).toMatch(/soft-deleted\. Recover it/);
  });

  it("is enough in the scratch vault for a drill that proves everything and leaves nothing", async () => {
    const stack = await service.stackOf(kind);
    stack.target.grantDataActions(drillDataActions(kind.collection));
    expect(await drill(stack)).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
    expect(stack.target.requests.filter(({ status }) => status === 403)).toEqual([]);
    for (const { collection } of objectKinds) {
      const objects = stack.target.collection(collection);
      expect([...objects.names, objects.isDeleted("orders")]).toEqual([false]);
    }
  });

  it.each(backupDataActions(kind.collection))(
    "does not do for backups without %s, which the user is told",
    async (action) => {
      const stack = await service.stackOf(kind);
      stack.source.grantDataActions(backupDataActions(kind.collection).filter((one) => one !== action));
      await backUp(stack).catch(() => undefined);
      expect(said(stack)).toContain(action);
    },
  );

  // A key that may sign is not asked to unwrap or to decrypt.
  const used = drillDataActions(kind.collection).filter((action) => !/(unwrap|decrypt)\/action$/.test(action));
  it.each(used)("does not do for drills without %s, which the user is told", async (action) => {
    const stack = await service.stackOf(kind);
    stack.target.grantDataActions(drillDataActions(kind.collection).filter((one) => one !== action));
    await drill(stack);
    expect(stack.drill.outputs?.outcome === "verified" && stack.drill.outputs.leftover === undefined).toBe(false);
    expect(said(stack)).toContain(action);
  });
});

describe("a role for drills of a key that may not sign", () => {
  it.each([
    ["unwrapKey", "unwrap/action"],
    ["decrypt", "decrypt/action"],
  ] as const)("needs what the key may do: %s", async (use, action) => {
    const stack = await service.newStack();
    await stack.source.keys.create("orders", { kty: "RSA", keyOperations: [use] });
    await stack.backUp();
    await drillWithout(stack, `Microsoft.KeyVault/vaults/keys/${action}`, "keys");
  });

  it("needs to unwrap with the key of an expired certificate", async () => {
    const stack = await service.stackOf(certificate);
    await stack.source.certificates.create("orders", { kty: "RSA", expires: 1_600_000_000, notBefore: 1_500_000_000 });
    await stack.backUp();
    await drillWithout(stack, "Microsoft.KeyVault/vaults/keys/unwrap/action", "certificates");
  });

  async function drillWithout(stack: TestStack, action: string, collection: "keys" | "certificates"): Promise<void> {
    stack.target.grantDataActions(drillDataActions(collection).filter((one) => one !== action));
    await stack.drill.up(stack.drilling({ onFailure: "record" }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly" });
    expect(said(stack)).toContain(action);
    stack.target.grantDataActions(drillDataActions(collection));
    await stack.drill.up(stack.drilling({ triggers: [1] }));
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  }
});
