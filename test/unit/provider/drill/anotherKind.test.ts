import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import { secret } from "../../../../src/objects/secret";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { copyUri, createAnew, forbid, isEmpty, once, passed, permit, record } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** Every object of the name in the scratch vault. */
function objectsIn({ target: { keys, secrets, certificates } }: TestStack): unknown {
  return [keys, secrets, certificates].map((objects) => [objects.versions("orders"), objects.deleted("orders")]);
}

/** The drill fails, and touches nothing. */
async function refused(): Promise<string> {
  const before = objectsIn(stack);
  expect(await stack.drill.up(stack.drilling())).toBe(false);
  expect(objectsIn(stack)).toEqual(before);
  expect(stack.changes).toEqual([]);
  expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
  expect(stack.drill.outputs).not.toHaveProperty("leftover");
  return stack.drill.failureMessage;
}

describe.each([key, secret])("a $noun that has the name of a certificate in the scratch vault", (other) => {
  beforeEach(async () => {
    stack = await service.stackOf(certificate);
    await stack.backedUp();
  });

  const blocker = () => stack.target.collection(other.collection);

  it.each(["in use", "soft-deleted"])("is not touched while it is %s, and the failure names it", async (state) => {
    await blocker().create("orders");
    if (state === "soft-deleted") blocker().delete("orders");
    const object = `a ${state === "soft-deleted" ? "soft-deleted " : ""}${other.noun} "orders"`;
    const message = await refused();
    expect(message).toContain(`the scratch vault has ${object}, which blocks the name. It was not touched`);
    expect(message).toContain("use another scratch vault");
    if (state === "in use") blocker().delete("orders");
    blocker().purge("orders");
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("is not touched if it takes the name between the look and the restore", async () => {
    stack.target.onRequest("restore", async () => {
      await blocker().create("orders");
    });
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain(`${other.noun} "orders", which blocks the name`);
    expect([blocker().has("orders"), stack.changes]).toEqual([true, []]);
  });

  it("is not touched if it takes the place of the copy before the copy is purged", async () => {
    stack.target.onRequest("purge", async () => {
      stack.copies.purge("orders");
      await blocker().create("orders");
    });
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(blocker().has("orders")).toBe(true);
    expect(stack.changes).not.toContain("purge");
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
  });

  it("is not touched if the blob holds another certificate than the program names, whose name it has", async () => {
    await stack.objects.create("invoices");
    await blocker().create("invoices");
    const blob = await stack.objects.backUp("invoices");
    const backup = { ...stack.backupRef, blob, blobSha256: undefined };
    expect(await stack.drill.up(stack.drilling({ backup }))).toBe(false);
    expect(stack.drill.failureMessage).toContain('the blob holds certificate "invoices"');
    expect([blocker().has("invoices"), stack.changes]).toEqual([true, []]);
  });

  it("fails the drill with the service's refusal if the identity may not look at it", async () => {
    await blocker().create("orders");
    blocker().permissions.clear();
    const message = await refused();
    expect(message).toContain('Key Vault refused to restore certificate "orders"');
    expect(message).toContain("A certificate or key or secret of that name is in use or was deleted");
  });
});

describe.each([key, secret])("a $noun", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
    await stack.backedUp();
  });

  it.each(["in use", "soft-deleted"])(
    "is not drilled while a certificate of its name is %s in the scratch vault",
    async (state) => {
      await stack.target.certificates.create("orders");
      if (state === "soft-deleted") stack.target.certificates.delete("orders");
      const object = `a ${state === "soft-deleted" ? "soft-deleted " : ""}${kind.noun} "orders"`;
      expect(await refused()).toContain(`the scratch vault has ${object} that belongs to a certificate`);
    },
  );

  it("is drilled beside an object of its name of the kind that shares no names with it", async () => {
    const others = kind === key ? stack.target.secrets : stack.target.keys;
    const { version } = await others.create("orders");
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(others.versions("orders")).toMatchObject([{ version, tags: {} }]);
  });
});

// Each kind comes before another one, and after another one.
const changes = [
  { from: key, to: secret },
  { from: secret, to: certificate },
  { from: certificate, to: key },
];

describe.each(changes.map(({ from, to }) => ({ from, to, before: from.noun, after: to.noun })))(
  "a drill whose backup is of a $before and then of a $after",
  ({ from, to }) => {
    let earlier: TestStack;
    beforeEach(async () => {
      earlier = await service.stackOf(from);
      stack = await service.stackOf(to);
      await earlier.backedUp();
      await stack.backedUp();
    });

    const inputs = () => ({ ...record, vaultUri: earlier.target.vaultUri });

    it("is due in place, and proves the new kind without a request for the earlier one if that left no copy", async () => {
      const { drill } = earlier;
      await drill.up(earlier.drilling(record));
      const { id } = drill;
      earlier.target.clearRequests();
      expect(await drill.preview(stack.drilling(inputs()))).toBe(true);
      expect(await drill.up(stack.drilling(inputs()))).toBe(true);
      expect(drill.id).toBe(id);
      expect(drill.outputs).toMatchObject({
        copyUri: `${earlier.target.vaultUri}${to.collection}/orders`,
        outcome: "verified",
        checks: [passed(to)],
      });
      expect(isEmpty(earlier.target)).toBe(true);
      expect(earlier.changes).toEqual(once);
      const collections = new Set(earlier.target.requests.map(({ collection }) => collection));
      expect(to === certificate || !collections.has(from.collection)).toBe(true);
    });

    it("removes the copy that the earlier kind left, and drills the new one", async () => {
      const { drill } = earlier;
      forbid(earlier, "delete");
      await drill.up(earlier.drilling(record));
      expect(drill.outputs).toMatchObject({ leftover: { uri: copyUri(earlier) } });
      permit(earlier, "delete");
      earlier.target.clearRequests();
      expect(await drill.up(stack.drilling(inputs()))).toBe(true);
      expect(earlier.changes).toEqual(["delete", "purge", ...once]);
      expect(drill.outputs).toMatchObject({ outcome: "verified", checks: [passed(to)] });
      expect(drill.outputs).not.toHaveProperty("leftover");
      expect(isEmpty(earlier.target)).toBe(true);
    });

    it("keeps the copy of the earlier kind on record as long as it cannot be removed, by the resource's deletion too", async () => {
      const { drill } = earlier;
      forbid(earlier, "delete");
      await drill.up(earlier.drilling(record));
      expect(await drill.up(stack.drilling(inputs()))).toBe(true);
      expect(drill.outputs).toMatchObject({
        outcome: "failed",
        failure: expect.stringContaining(`a copy of the last drill is still there (${copyUri(earlier)})`),
        leftover: { uri: copyUri(earlier), command: expect.stringContaining(`az keyvault ${from.noun} delete`) },
      });
      expect(await drill.destroy()).toBe(false);
      permit(earlier, "delete");
      expect(await drill.destroy()).toBe(true);
      expect(isEmpty(earlier.target)).toBe(true);
    });

    it("does not touch another object that has taken the name of the earlier copy", async () => {
      const { drill } = earlier;
      forbid(earlier, "delete");
      await drill.up(earlier.drilling(record));
      const version = await createAnew(earlier);
      permit(earlier, "delete");
      await drill.up(stack.drilling(inputs()));
      expect(earlier.copies.versions("orders")).toMatchObject([{ version, tags: {} }]);
      expect(earlier.lines.join("\n")).toContain(`${copyUri(earlier)}: not touched`);
    });
  },
);

describe.each([key, secret])("the $noun of a certificate that an earlier drill left", (kind) => {
  it("is not touched by a drill without a record", async () => {
    const earlier = await service.stackOf(certificate);
    stack = await service.stackOf(kind);
    await earlier.backedUp();
    await stack.backedUp();
    forbid(earlier, "delete");
    await earlier.drill.up(earlier.drilling(record));
    permit(earlier, "delete");
    earlier.target.clearRequests();
    expect(await stack.drill.up(stack.drilling({ vaultUri: earlier.target.vaultUri }))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect([earlier.copies.has("orders"), earlier.changes]).toEqual([true, []]);
  });
});

describe("drills of a key and of a certificate of one name in one scratch vault", () => {
  it("take turns, and neither sees the other's copy", async () => {
    const keys = await service.stackOf(key);
    stack = await service.stackOf(certificate);
    await keys.backedUp();
    await stack.backedUp();
    const { vaultUri } = stack.target;
    const owner = "organization/project/dev/orders-key";
    const results = await Promise.all([
      stack.drill.up(stack.drilling()),
      keys.drill.up(keys.drilling({ vaultUri, owner })),
    ]);
    expect([results, stack.drill.failureMessage, keys.drill.failureMessage]).toEqual([[true, true], "", ""]);
    expect([stack.drill.outputs?.outcome, keys.drill.outputs?.outcome]).toEqual(["verified", "verified"]);
    expect(stack.changes).toEqual([...once, ...once]);
  });
});
