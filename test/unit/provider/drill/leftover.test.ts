import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { LocalVault } from "../../../../localVault/localVault";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { command, copyUri, createAnew, forbid, isEmpty, passed, permit, record, tagAsCopy } from "./drillStack";

interface Leftover {
  readonly uri: string;
  readonly blockedUntil?: string;
  readonly command?: string;
}

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const day = 86_400_000;
const leftover = () => stack.drill.outputs?.leftover as Leftover | undefined;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

/** A drill that could not remove its copy. */
async function leaves(permission: "delete" | "purge", inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.backedUp();
  forbid(stack, permission);
  await up(inputs);
  expect(leftover()).toBeDefined();
  stack.target.clearRequests();
}

describe.each(objectKinds)("a scratch vault with purge protection and a drill of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind, { purgeProtection: true, retentionDays: 7 });
  });

  it("fails the drill, which records until when the copy blocks the name", async () => {
    const { version } = await stack.backedUp();
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.outputs).toMatchObject({
      outcome: "failed",
      failure: expect.stringContaining("set allowSoftDeletedCopies: true"),
      checks: [{ version, ...passed(kind) }],
      leftover: { isSoftDeleted: true, because: "the scratch vault has purge protection", version },
    });
    const until = Date.parse(leftover()?.blockedUntil ?? "") - stack.now();
    expect(Math.abs(until - 7 * day)).toBeLessThan(60_000);
    expect(stack.drill.failureMessage).toContain(String(leftover()?.blockedUntil));
    expect(leftover()).not.toHaveProperty("command");
    expect(stack.requests).not.toContain("purge");
  });

  it("does not fail the drill with allowSoftDeletedCopies, and a line says what stays", async () => {
    await stack.backedUp();
    await up({ allowSoftDeletedCopies: true });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", leftover: { isSoftDeleted: true } });
    expect(leftover()?.blockedUntil).toEqual(expect.any(String));
    expect(stack.lines).toEqual([
      expect.stringContaining("verified. A copy is still there, soft-deleted: the scratch vault has purge protection."),
    ]);
    stack.target.clearRequests();
    await up({ allowSoftDeletedCopies: true });
    expect(stack.target.requests).toEqual([]);
  });

  it.each([
    ["with allowSoftDeletedCopies", { allowSoftDeletedCopies: true }],
    ["without it", {}],
  ])("keeps the next drill from being due until the copy is purged by the service, %s", async (_, inputs) => {
    await stack.backedUp();
    await stack.drill.up(stack.drilling(inputs));
    const until = leftover()?.blockedUntil;
    stack.target.clearRequests();
    const again = { ...inputs, triggers: ["again"] };
    expect(await stack.drill.preview(stack.drilling(again))).toBe(false);
    await up(again);
    expect(stack.lines.at(-1)).toBe(
      `RestoreDrill ${copyUri(stack)}: no drill: triggers changed, but a soft-deleted copy blocks the name until ${until}.`,
    );
    stack.pass(7 * day - 60_000);
    expect(await stack.drill.preview(stack.drilling(again))).toBe(false);
    expect(stack.target.requests).toEqual([]);
    stack.pass(120_000);
    stack.copies.purge("orders");
    expect(await stack.drill.preview(stack.drilling(again))).toBe(true);
    await stack.drill.up(stack.drilling(again));
    expect(stack.changes).toContain("restore");
    expect(Date.parse(leftover()?.blockedUntil ?? "")).toBeGreaterThan(Date.parse(until ?? ""));
  });

  it("does not keep a drill from running in another scratch vault", async () => {
    await stack.backedUp();
    await up({ allowSoftDeletedCopies: true });
    stack.target.clearRequests();
    const other = await service.service.createVault();
    await up({ vaultUri: other.vaultUri });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", vaultUri: other.vaultUri });
    expect(leftover()).toBeUndefined();
    expect(stack.target.requests).toEqual([]);
  });

  it("fails the drill with the date if the state was lost and the tagged copy still blocks the name", async () => {
    await stack.backedUp();
    await up({ allowSoftDeletedCopies: true });
    const again = stack.newDrill();
    expect(await again.up(stack.drilling({ allowSoftDeletedCopies: true }))).toBe(false);
    const until = leftover()?.blockedUntil;
    expect(again.failureMessage).toContain(`still there, and blocks the name until ${until}`);
    expect(again.outputs).toMatchObject({ outcome: "failed", leftover: { blockedUntil: until } });
  });

  it("needs no request when the resource is deleted", async () => {
    await stack.backedUp();
    await up({ allowSoftDeletedCopies: true });
    stack.target.clearRequests();
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.target.requests).toEqual([]);
  });
});

describe.each(objectKinds)("a copy of a $noun that cannot be removed", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it.each([
    ["deleted", "delete", ["delete", "purge"]],
    ["purged", "purge", ["purge"]],
  ] as const)("because it cannot be %s is recorded and printed with the command", async (_, step, actions) => {
    const text = actions.map((action) => command(stack, action)).join(" && ");
    const { version } = await stack.backedUp();
    stack.target.fail(step, { kind: "status", status: 503 }, Number.POSITIVE_INFINITY);
    await up();
    expect(stack.drill.outputs).toMatchObject({
      outcome: "verified",
      leftover: {
        uri: copyUri(stack),
        version,
        isSoftDeleted: step === "purge",
        command: text,
        because: expect.stringContaining(`Key Vault refused to ${step} ${kind.noun} "orders"`),
      },
    });
    expect(leftover()).not.toHaveProperty("blockedUntil");
    expect(stack.lines).toEqual([expect.stringContaining(`Remove it: ${text}.`)]);
  });

  it.each(["delete", "purge"] as const)(
    "(%s) is removed by the next update, which runs the drill again",
    async (step) => {
      await leaves(step);
      expect(await stack.drill.preview(stack.drilling())).toBe(true);
      expect(stack.lines.at(-1)).toContain("because the last drill left a copy behind");
      permit(stack, step);
      await up();
      expect(leftover()).toBeUndefined();
      expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
      expect(isEmpty(stack.target)).toBe(true);
    },
  );

  it("fails the next drill as long as it cannot be removed, with the command", async () => {
    await leaves("delete");
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.drill.failureMessage).toContain("the copy of an earlier drill is still there");
    expect(stack.drill.failureMessage).toContain(
      `Remove it: ${command(stack, "delete")} && ${command(stack, "purge")}.`,
    );
    expect(leftover()).toMatchObject({ uri: copyUri(stack) });
    expect(stack.changes).toEqual([]);
  });

  it("is told with the reason of a drill that fails", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    forbid(stack, "delete");
    const blob = await stack.objects.backUp("orders", { versions: [first] });
    const backup = { ...stack.backupRef, blob, blobSha256: undefined };
    expect(await stack.drill.up(stack.drilling({ backup }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(`version ${second}: versionId failed: `);
    expect(stack.drill.failureMessage).toContain("A copy is still there: Key Vault refused to delete");
  });

  it("of another object than the program names is removed by the next drill", async () => {
    await stack.backedUp();
    await stack.objects.create("invoices");
    const blob = await stack.objects.backUp("invoices");
    forbid(stack, "delete");
    const backup = { ...stack.backupRef, blob, blobSha256: undefined };
    expect(await stack.drill.up(stack.drilling({ backup }))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ leftover: { uri: copyUri(stack, "invoices") } });
    permit(stack, "delete");
    await up();
    expect(isEmpty(stack.target, "invoices")).toBe(true);
  });

  it("stays on record if the next blob is damaged", async () => {
    await leaves("delete");
    const before = leftover();
    expect(await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, blob: "AAAA" } }))).toBe(false);
    expect(leftover()).toEqual(before);
  });

  it("stays on record if the scratch vault is unreachable at the next drill", async () => {
    await leaves("delete");
    const before = leftover();
    stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(leftover()).toEqual(before);
  });

  it("leaves the record once another object has its name, which the drill does not touch", async () => {
    await leaves("delete");
    await createAnew(stack);
    permit(stack, "delete");
    await up(record);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(leftover()).toBeUndefined();
    expect(stack.changes).toEqual([]);
    expect(await stack.drill.preview(stack.drilling(record))).toBe(false);
  });

  it("that an operator removed does no harm", async () => {
    await leaves("delete");
    stack.copies.delete("orders");
    stack.copies.purge("orders");
    permit(stack, "delete");
    await up();
    expect(leftover()).toBeUndefined();
  });
});

describe.each(objectKinds)("a copy of a $noun in a scratch vault that the program does not name any more", (kind) => {
  let other: LocalVault;
  const elsewhere = () => ({ ...record, vaultUri: other.vaultUri });

  beforeEach(async () => {
    stack = await service.stackOf(kind);
    other = await service.service.createVault();
  });

  it.each(["delete", "purge"] as const)("is removed before the next drill (%s)", async (step) => {
    await leaves(step);
    permit(stack, step);
    await up(elsewhere());
    expect(isEmpty(stack.target)).toBe(true);
    expect(isEmpty(other)).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ vaultUri: other.vaultUri, outcome: "verified" });
    expect(leftover()).toBeUndefined();
  });

  it("stays on record as long as it cannot be removed, and is removed once it can", async () => {
    await leaves("delete");
    const before = leftover();
    for (let count = 0; count < 2; count += 1) {
      await up(elsewhere());
      expect(stack.drill.outputs).toMatchObject({ outcome: "failed", vaultUri: other.vaultUri });
      expect(leftover()).toMatchObject({ uri: before?.uri, command: before?.command });
    }
    expect(stack.copies.has("orders")).toBe(true);
    permit(stack, "delete");
    await up(elsewhere());
    expect(isEmpty(stack.target)).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
  });

  it("is removed from that vault when the resource is deleted", async () => {
    await leaves("delete");
    await up(elsewhere());
    permit(stack, "delete");
    expect(await stack.drill.destroy()).toBe(true);
    expect(isEmpty(stack.target)).toBe(true);
    expect(other.requests).toEqual([]);
  });

  it("leaves the record once it is removed, even if the next scratch vault is unreachable", async () => {
    await leaves("delete");
    permit(stack, "delete");
    other.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);
    await up(elsewhere());
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(leftover()).toBeUndefined();
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("is not mistaken for another object that has its name by now, which does not stop the drill", async () => {
    await leaves("delete");
    await createAnew(stack);
    permit(stack, "delete");
    await up(elsewhere());
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.changes).toEqual([]);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.lines.at(-1)).toContain("it is not known to be a copy of this drill");
  });

  it("does not stop the drill if that vault turns out to have purge protection", async () => {
    await leaves("purge");
    permit(stack, "purge");
    stack.target.purgeProtection = true;
    await up(elsewhere());
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(leftover()).toBeUndefined();
  });
});

describe.each(objectKinds)("the deletion of a resource that drills a $noun", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it.each(["delete", "purge"] as const)("removes the tagged copy that the last drill left (%s)", async (step) => {
    await leaves(step);
    permit(stack, step);
    expect(await stack.drill.destroy()).toBe(true);
    expect(isEmpty(stack.target)).toBe(true);
    expect(stack.drill.outputs).toBeUndefined();
  });

  it("removes the copy of another object than the program names", async () => {
    await stack.backedUp();
    await stack.objects.create("invoices");
    const blob = await stack.objects.backUp("invoices");
    forbid(stack, "delete");
    await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, blob, blobSha256: undefined } }));
    permit(stack, "delete");
    expect(await stack.drill.destroy()).toBe(true);
    expect(isEmpty(stack.target, "invoices")).toBe(true);
  });

  it("fails with the command if the copy cannot be removed, and can be repeated", async () => {
    await leaves("delete");
    expect(await stack.drill.destroy()).toBe(false);
    const { failureMessage, failure } = stack.drill;
    expect(failureMessage).toContain(`${leftover()?.uri}, left by a drill, is still in the scratch vault: `);
    expect(failureMessage).toContain(`Officer. Remove it: ${leftover()?.command}.`);
    expect(failureMessage).toContain("troubleshooting.md#copy-left");
    expect(failure).toMatchObject({ stack: "" });
    permit(stack, "delete");
    expect(await stack.drill.destroy()).toBe(true);
    expect(isEmpty(stack.target)).toBe(true);
  });

  it.each(["in use", "soft-deleted"])(
    "leaves another object %s that has the name by now, with a line",
    async (state) => {
      await leaves("delete");
      const version = await createAnew(stack);
      if (state === "soft-deleted") stack.copies.delete("orders");
      permit(stack, "delete");
      const { uri } = leftover() as Leftover;
      expect(await stack.drill.destroy()).toBe(true);
      expect(stack.changes).toEqual([]);
      expect((stack.copies.deleted("orders")?.versions ?? stack.copies.versions("orders"))[0]).toMatchObject({
        version,
      });
      expect(stack.lines.at(-1)).toContain(
        `${uri}: not touched, although the last drill left a copy here: it is not known`,
      );
    },
  );

  it("leaves a copy that was never tagged, with a line", async () => {
    await stack.backedUp();
    await stack.copies.restore(String(stack.backupRef.blob));
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.copies.has("orders")).toBe(true);
    expect(stack.lines.at(-1)).toContain("not touched");
  });

  it("leaves the copy of another resource that has the name by now", async () => {
    await leaves("delete");
    tagAsCopy(stack, "prod");
    permit(stack, "delete");
    expect(await stack.drill.destroy()).toBe(true);
    expect(stack.copies.has("orders")).toBe(true);
  });
});

describe.each(objectKinds)("a vault with a copy of a $noun that becomes the vault of the backup's source", (kind) => {
  it("is not touched by the next drill, which a line says", async () => {
    stack = await service.stackOf(kind);
    await leaves("delete", record);
    permit(stack, "delete");
    const { name, uri } = kind.properties;
    const scratch = await service.service.createVault();
    const backup = { ...stack.backupRef, [name]: "orders", [uri]: copyUri(stack) };
    stack.printed.length = 0;
    await up({ ...record, backup, vaultUri: scratch.vaultUri });
    expect(stack.drill.outputs).toMatchObject({ vaultUri: scratch.vaultUri });
    expect([stack.changes, stack.copies.has("orders"), isEmpty(scratch)]).toEqual([[], true, true]);
    expect(stack.lines.join("\n")).toContain("the backup is now of an object in this vault");
  });
});
