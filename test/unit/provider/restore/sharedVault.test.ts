import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import { TestService, type TestStack } from "../../../support/provider/testStack";

const owner = "organization/project/dev/orders";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const versionsIn = () => stack.copies.versions("orders").map(({ version }) => version);
const restoreBehindTheProgram = () => stack.copies.restore(String(stack.backupRef.blob));

describe.each(objectKinds)("one $noun in one vault", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
    await stack.backedUp();
  });

  /** The backup without what tells its source. */
  function withoutSource(): Record<string, unknown> {
    const { [kind.properties.uri]: _, ...backup } = stack.backupRef;
    return backup;
  }

  describe("of a restore and a drill", () => {
    it("is theirs in turn, so that the drill does not remove what the restore adopted", async () => {
      let restored: Promise<boolean> | undefined;
      stack.target.afterRequest("restore", () => {
        restored = stack.restore.up(stack.restoring());
      });
      expect(await stack.drill.up(stack.drilling())).toBe(true);
      expect(await restored).toBe(true);
      expect(versionsIn()).toEqual(stack.backupRef.versions);
    });

    it("is not adopted by the restore if it is the copy of a drill", async () => {
      await restoreBehindTheProgram();
      const tags = drillTag(stack.target.vaultUri, "organization/other/dev/orders");
      stack.copies.update("orders", undefined, { tags });
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain("the copy of a restore drill has its name");
      expect(stack.restore.outputs).toBeUndefined();
    });

    it("is not adopted by the restore if one of several versions has the tag of a drill", async () => {
      const [first] = stack.backupRef.versions as string[];
      await stack.rotated();
      await restoreBehindTheProgram();
      stack.copies.update("orders", first, { tags: drillTag(stack.target.vaultUri, owner) });
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain("the copy of a restore drill has its name");
    });

    it("is adopted by the restore if the tag came from a drill into another vault", async () => {
      await restoreBehindTheProgram();
      stack.pass(1_000);
      stack.copies.update("orders", undefined, { tags: drillTag(stack.source.vaultUri, owner) });
      expect(await stack.restore.up(stack.restoring())).toBe(true);
      expect(stack.restore.outputs).toMatchObject({ status: "present" });
    });
  });

  describe("of a drill", () => {
    it("is not taken for its copy if the tag was made for another vault", async () => {
      await restoreBehindTheProgram();
      stack.copies.update("orders", undefined, { tags: drillTag(stack.source.vaultUri, owner) });
      await stack.drill.up(stack.drilling({ onFailure: "record" }));
      expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
      expect(stack.copies.has("orders")).toBe(true);
    });

    it("is not removed if it got a version of its own", async () => {
      await restoreBehindTheProgram();
      stack.copies.update("orders", undefined, { tags: drillTag(stack.target.vaultUri, owner) });
      stack.pass(1_000);
      await stack.copies.rotate("orders");
      await stack.drill.up(stack.drilling({ onFailure: "record" }));
      expect(stack.drill.outputs).toMatchObject({ outcome: "failed", leftover: { isSoftDeleted: false } });
      expect(versionsIn()).toHaveLength(2);
    });

    it("is still known as its copy after the stack was renamed", async () => {
      stack.copies.permissions.delete("delete");
      await stack.drill.up(stack.drilling({ onFailure: "record" }));
      const uri = `${stack.target.vaultUri}${kind.collection}/orders`;
      expect(stack.drill.outputs?.leftover).toMatchObject({ uri, isSoftDeleted: false });
      stack.copies.permissions.add("delete");
      await stack.drill.up(stack.drilling({ onFailure: "record", owner: "organization/project/production/orders" }));
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(stack.copies.has("orders")).toBe(false);
    });

    it("is in no printed command that removes it if the vault may be the source's own", async () => {
      const backup = withoutSource();
      await stack.drill.up({ ...stack.drilling({ backup, onFailure: "record" }), vaultUri: stack.source.vaultUri });
      expect(JSON.stringify(stack.drill.outputs)).not.toContain(`az keyvault ${kind.noun} delete`);
      expect(stack.objects.has("orders")).toBe(true);
    });

    it("is in no such command either when the drill is deleted", async () => {
      const backup = withoutSource();
      await stack.drill.up({ ...stack.drilling({ backup, onFailure: "record" }), vaultUri: stack.source.vaultUri });
      stack.printed.length = 0;
      expect(await stack.drill.destroy()).toBe(true);
      expect(stack.printed.join()).toContain("not touched");
      expect(stack.printed.join()).not.toMatch(/az keyvault|undefined/);
      expect(stack.objects.has("orders")).toBe(true);
    });
  });
});
