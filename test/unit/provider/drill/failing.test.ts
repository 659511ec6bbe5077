import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { copyUri, forbid, isEmpty, notRun, passed, permit, record } from "./drillStack";

type Properties = Readonly<Record<string, unknown>>;

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const notRunResult = expect.stringMatching(/^not run: /);

function half(blob: unknown): string {
  const bytes = Buffer.from(String(blob), "base64url");
  return bytes.subarray(0, bytes.length / 2).toString("base64url");
}

/** Drills a backup that fails; the record and the message say why. */
async function failed(backup: Properties, because: string): Promise<Properties> {
  const tampered = { ...stack.backupRef, ...backup };
  expect(await stack.drill.up(stack.drilling({ backup: tampered }))).toBe(false);
  const { failureMessage, outputs = {} } = stack.drill;
  expect(outputs).toMatchObject({ outcome: "failed" });
  expect(outputs).not.toHaveProperty("verifiedAt");
  expect(JSON.stringify(outputs)).toContain(JSON.stringify(because).slice(1, -1));
  expect(failureMessage).toContain(`RestoreDrill ${copyUri(stack)}: failed, because `);
  expect(failureMessage).toContain(because);
  expect(failureMessage).toContain("docs/troubleshooting.md#drill-failed");
  expect(failureMessage).not.toContain("..");
  expect(leaksIn(failureMessage + JSON.stringify([outputs, stack.printed]), { blob: String(tampered.blob) })).toEqual(
    [],
  );
  expect(isEmpty(stack.target)).toBe(true);
  return outputs;
}

describe.each(objectKinds)("a drill of a $noun fails without a request", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it.each<[string, (blob: unknown) => Promise<Properties> | Properties, string]>([
    [
      "if the blob is another text",
      () => ({ blob: "no backup!", blobSha256: undefined }),
      "blob is not a Key Vault backup",
    ],
    ["if the blob is cut short", (blob) => ({ blob: half(blob), blobSha256: undefined }), "blob is not a whole backup"],
    ["if the blob is not the recorded one", () => ({ blobSha256: "0".repeat(64) }), "blob is not the recorded backup"],
    [
      "if the blob is the backup of another kind of object",
      async () => {
        const others = stack.source.collection(kind.noun === "secret" ? "keys" : "secrets");
        await others.create("invoices");
        return { blob: await others.backUp("invoices"), blobSha256: undefined };
      },
      `blob is the backup of ${kind.noun === "secret" ? "a key or certificate" : "a secret"}, not of a ${kind.noun}`,
    ],
  ])("%s", async (_, backup, because) => {
    const { version } = await stack.backedUp();
    const outputs = await failed(await backup(stack.backupRef.blob), because);
    expect(outputs).toMatchObject({
      checks: [{ version, versionId: notRunResult, ...notRun(kind) }],
      restoredVersions: [],
    });
    expect(stack.target.requests).toEqual([]);
  });
});

describe.each(objectKinds)("a drill of a $noun fails", (kind) => {
  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  it("if the blob lacks a version that the backup names", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    const blob = await stack.objects.backUp("orders", { versions: [first] });
    const because = "failed: the restored object does not have it";
    const { checks } = await failed({ blob, blobSha256: undefined }, because);
    expect(checks).toEqual([
      { version: first, ...passed(kind) },
      { version: second, versionId: because, ...notRun(kind) },
    ]);
  });

  it("if the blob holds another object than the program names, whose copy is removed", async () => {
    await stack.backedUp();
    const { version } = await stack.objects.create("invoices");
    const blob = await stack.objects.backUp("invoices");
    const outputs = await failed(
      { blob, blobSha256: undefined },
      `the blob holds ${kind.noun} "invoices", not "orders"`,
    );
    expect(outputs).toMatchObject({ restoredVersions: [version] });
    expect(isEmpty(stack.target, "invoices")).toBe(true);
  });

  it("if the blob holds another object, whose name is taken in the scratch vault and is left as it is", async () => {
    await stack.backedUp();
    await stack.objects.create("invoices");
    const { version } = await stack.copies.create("invoices");
    const blob = await stack.objects.backUp("invoices");
    await failed({ blob, blobSha256: undefined }, `the blob holds ${kind.noun} "invoices", not "orders"`);
    expect(stack.copies.versions("invoices")).toMatchObject([{ version, tags: {} }]);
    expect(stack.changes).toEqual([]);
  });

  it("if the blob is of an object of that name in another vault", async () => {
    const { version } = await stack.backedUp();
    const others = (await service.service.createVault()).collection(kind.collection);
    const { version: other } = await others.create("orders");
    const blob = await others.backUp("orders");
    const { checks } = await failed({ blob, blobSha256: undefined }, "failed: the restored object does not have it");
    expect(checks).toMatchObject([
      { version: other, versionId: notRunResult },
      { version, versionId: expect.stringMatching(/^failed/) },
    ]);
  });

  it("if the service finds the blob damaged", async () => {
    await stack.backedUp();
    const bytes = Buffer.from(String(stack.backupRef.blob), "base64url");
    const at = bytes.length - 1_000;
    bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
    const blob = bytes.toString("base64url");
    await failed({ blob, blobSha256: undefined }, `Key Vault refused to restore ${kind.noun}`);
  });
});

describe("a failure with onFailure fail", () => {
  beforeEach(async () => {
    stack = await service.newStack();
  });

  it("fails the update with a record, and each update runs the drill again until it succeeds", async () => {
    await stack.backedUp();
    forbid(stack, "restore");
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    const { outputs, failure, id } = stack.drill;
    expect(failure).toMatchObject({ id: expect.any(String), stack: "" });
    expect(outputs).toMatchObject({ outcome: "failed", failure: expect.stringContaining("keys/restore/action") });
    stack.target.clearRequests();
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.requests).toContain("restore");
    permit(stack, "restore");
    expect(await stack.drill.preview(stack.drilling())).toBe(true);
    expect(stack.lines).toContain(
      `RestoreDrill ${copyUri(stack)}: a drill will be run, because the last drill failed.`,
    );
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("failure");
    expect(stack.drill.id).toBe(id);
  });

  it("takes the place of the evidence of a drill that succeeded", async () => {
    await stack.backedUp();
    await stack.drill.up(stack.drilling());
    forbid(stack, "restore");
    expect(await stack.drill.up(stack.drilling({ triggers: ["again"] }))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
  });

  it("is run again if an earlier failure was only recorded", async () => {
    await stack.backedUp();
    forbid(stack, "restore");
    expect(await stack.drill.up(stack.drilling(record))).toBe(true);
    expect(await stack.drill.preview(stack.drilling(record))).toBe(false);
    expect(await stack.drill.preview(stack.drilling())).toBe(true);
  });
});

describe.each(objectKinds)(
  "with onFailure record the update goes on, and the record and a line say of a $noun that",
  (kind) => {
    beforeEach(async () => {
      stack = await service.stackOf(kind);
    });

    const without = (operation: "list" | "restore" | "update" | "delete" | "purge") => () => forbid(stack, operation);
    const { list, restore, update, delete: deletion, purge } = kind.permissions;

    it.each<[string, () => unknown, string, string]>([
      ["another object has the name", () => stack.copies.create("orders"), "failed", "not known to be"],
      [
        "the scratch vault is unreachable",
        () => stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY),
        "failed",
        "ECONNRESET",
      ],
      ["the identity may not list", without("list"), "failed", list.dataAction],
      ["the identity may not restore", without("restore"), "failed", restore.dataAction],
      ["the identity may not tag the copy", without("update"), "failed", update.dataAction],
      ["the identity may not delete", without("delete"), "verified", deletion.dataAction],
      ["the identity may not purge", without("purge"), "verified", purge.dataAction],
      [
        "the scratch vault has purge protection",
        () => Object.assign(stack.target, { purgeProtection: true }),
        "failed",
        "set allowSoftDeletedCopies: true",
      ],
    ])("%s", async (_, happens, outcome, because) => {
      await stack.backedUp();
      await happens();
      expect(await stack.drill.up(stack.drilling(record))).toBe(true);
      expect(stack.drill.outputs).toMatchObject({ outcome });
      expect(JSON.stringify(stack.drill.outputs)).toContain(because);
      expect(stack.lines).toHaveLength(1);
      expect(stack.lines[0]).toContain(`RestoreDrill ${copyUri(stack)}: ${outcome}`);
      expect(stack.lines[0]).toContain(because);
      expect(stack.lines[0]).not.toContain("..");
      expect(stack.lines[0]).toMatch(/\.$/);
    });

    it("the copy was removed although it could not be tagged", async () => {
      await stack.backedUp();
      forbid(stack, "update");
      await stack.drill.up(stack.drilling(record));
      expect(stack.changes).toEqual(["restore", "delete", "purge"]);
      expect(isEmpty(stack.target)).toBe(true);
      expect(stack.drill.outputs).not.toHaveProperty("leftover");
    });
  },
);

describe("with onFailure record the update goes on, and the record and a line say that", () => {
  beforeEach(async () => {
    stack = await service.newStack();
  });

  it("the configuration is wrong", async () => {
    await stack.backedUp();
    const connect = () => {
      throw new Error("ARM_TENANT_ID is not set.");
    };
    const drill = stack.newDrill({ connect });
    expect(await drill.up(stack.drilling(record))).toBe(true);
    expect(drill.outputs).toMatchObject({ outcome: "failed", failure: "ARM_TENANT_ID is not set" });
    expect(stack.lines).toEqual([`RestoreDrill ${copyUri(stack)}: failed, because ARM_TENANT_ID is not set.`]);
    expect(await drill.preview(stack.drilling(record))).toBe(false);
  });

  it("the configuration is wrong, and an earlier drill left a copy in another vault, which stays on record", async () => {
    await stack.backedUp();
    forbid(stack, "delete");
    expect(await stack.drill.up(stack.drilling(record))).toBe(true);
    const connect = () => {
      throw new Error("ARM_TENANT_ID is not set.");
    };
    const drill = stack.newDrill({ connect });
    drill.edit(stack.drill.outputs ?? {});
    const other = await service.service.createVault();
    expect(await drill.up(stack.drilling({ ...record, vaultUri: other.vaultUri }))).toBe(true);
    expect(drill.outputs).toMatchObject({ leftover: { uri: copyUri(stack), command: expect.any(String) } });
  });
});
