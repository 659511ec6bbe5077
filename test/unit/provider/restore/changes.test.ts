import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const unknown = pulumi.runtime.unknownValue;
const versions = () => stack.copies.versions("orders").map(({ version }) => version);

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

async function refreshed(): Promise<Record<string, unknown> | undefined> {
  await stack.restore.refresh();
  expect(stack.restore.failureMessage).toBe("");
  return stack.restore.outputs;
}

function remove(): void {
  stack.copies.delete("orders");
  stack.copies.purge("orders");
}

const unreachable = () => stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);

describe.each(objectKinds)("a restored $noun:", (kind) => {
  const { noun, collection, properties } = kind;

  beforeEach(async () => {
    stack = await service.stackOf(kind);
  });

  describe("a refresh", () => {
    beforeEach(async () => {
      await stack.backedUp();
      await up();
      stack.target.clearRequests();
    });

    it("finds the object present, and only looks", async () => {
      const before = stack.restore.outputs;
      expect(await refreshed()).toEqual(before);
      expect(stack.requests).toEqual(["listVersions"]);
    });

    it("records the versions that the object has by now", async () => {
      const [first] = versions();
      stack.pass(1_000);
      const { version } = await stack.copies.rotate("orders");
      expect(await refreshed()).toMatchObject({
        versions: [version, first],
        status: "present",
        [properties.uriWithVersion]: `${stack.target.vaultUri}${collection}/orders/${version}`,
      });
      expect(await stack.restore.preview(stack.restoring())).toBe(false);
    });

    it("finds the object missing, and the next update restores it", async () => {
      remove();
      expect(await refreshed()).toMatchObject({
        status: "missing",
        statusReason: expect.stringContaining("is not in"),
      });
      expect(await stack.restore.preview(stack.restoring())).toBe(true);
      await up();
      expect(stack.restore.outputs).toMatchObject({ status: "present" });
      expect(stack.restore.outputs).not.toHaveProperty("statusReason");
      expect(versions()).toEqual(stack.backupRef.versions);
      expect(stack.lines.at(-1)).toContain(`a restore is due, because ${capitalized(noun)} "orders" is not in`);
    });

    it("finds the object soft-deleted with the command that recovers it, and the next update does not touch it", async () => {
      stack.copies.delete("orders");
      expect(await refreshed()).toMatchObject({
        status: "softDeleted",
        statusReason: expect.stringContaining(`az keyvault ${noun} recover`),
      });
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain(`a soft-deleted ${noun} has its name`);
      stack.copies.recover("orders");
      expect(await refreshed()).toMatchObject({ status: "present" });
    });

    it("finds another object in its place, which the next update does not touch", async () => {
      remove();
      await stack.copies.create("orders");
      const { status, versions: recorded } = (await refreshed()) ?? {};
      expect([status, recorded]).toEqual(["replaced", stack.backupRef.versions]);
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(stack.restore.failureMessage).toContain(`another ${noun} has its name`);
      expect(stack.changes).toEqual([]);
    });

    it("does not know what became of the object if the vault is unreachable, and nothing is due", async () => {
      unreachable();
      expect(await refreshed()).toMatchObject({
        status: "unreachable",
        statusReason: expect.stringContaining("ECONNRESET"),
      });
      expect(await stack.restore.preview(stack.restoring())).toBe(false);
      stack.target.clearFaults();
      expect(await refreshed()).toMatchObject({ status: "present" });
    });

    it("does not know what became of the object if the identity may not list", async () => {
      stack.copies.permissions.delete("list");
      expect(await refreshed()).toMatchObject({ status: "unreachable", statusReason: expect.stringContaining("403") });
    });

    it.each([
      ["missing", remove],
      ["softDeleted", () => stack.copies.delete("orders")],
    ] as const)("keeps in mind that the object was seen %s while the vault is unreachable", async (status, happens) => {
      happens();
      const seen = await refreshed();
      expect(seen).toMatchObject({ status });
      unreachable();
      expect(await refreshed()).toEqual(seen);
    });

    it("keeps in mind that another object was seen while the vault is unreachable", async () => {
      remove();
      await stack.copies.create("orders");
      const seen = await refreshed();
      unreachable();
      expect(await refreshed()).toEqual(seen);
    });

    it("of a resource that no state holds says that it cannot be imported", async () => {
      stack.restore.edit({});
      expect(await stack.restore.refresh()).toBe(false);
      expect(stack.restore.failureMessage).toContain("pulumi import are not available");
    });
  });

  describe("another vault", () => {
    it("is restored into in place, and the earlier object stays without a request", async () => {
      await stack.backedUp();
      await up();
      stack.target.clearRequests();
      const { id } = stack.restore;
      const other = await service.service.createVault();
      await up({ vaultUri: other.vaultUri });
      expect(stack.restore.outputs).toMatchObject({
        vaultUri: other.vaultUri,
        [properties.uri]: `${other.vaultUri}${collection}/orders`,
      });
      expect(stack.restore.id).toBe(id);
      expect(stack.lines).toEqual([expect.stringContaining("a restore is due, because vaultUri changed.")]);
      expect(other.collection(collection).has("orders")).toBe(true);
      expect(stack.target.requests).toEqual([]);
      expect(stack.copies.has("orders")).toBe(true);
    });
  });

  describe("another object", () => {
    it("is restored in place, and the earlier object stays", async () => {
      await stack.backedUp();
      await up();
      const { version } = await stack.objects.create("invoices");
      const blob = await stack.objects.backUp("invoices");
      const backup = { blob, [properties.uri]: `${stack.source.vaultUri}${collection}/invoices`, versions: [version] };
      await up({ backup });
      expect(stack.restore.outputs).toMatchObject({ [properties.name]: "invoices", versions: [version] });
      expect(stack.lines).toEqual([expect.stringContaining("because the backup is of another object.")]);
      expect(stack.copies.names).toEqual(["invoices", "orders"]);
      expect(stack.changes).toEqual(["restore", "restore"]);
    });

    it("in a blob that comes without a name is restored in place, too", async () => {
      await stack.backedUp();
      await up();
      await stack.objects.create("invoices");
      await up({ backup: { blob: await stack.objects.backUp("invoices") } });
      expect(stack.restore.outputs).toMatchObject({ [properties.name]: "invoices" });
      expect(stack.lines).toEqual([expect.stringContaining("because the backup changed.")]);
    });
  });

  describe("a newer backup, with onNewVersions keep", () => {
    it("leaves the object as it is without a request, and the versions that it lacks are recorded", async () => {
      const { version: first } = await stack.backedUp();
      await up();
      const before = stack.restore.outputs;
      const second = await stack.rotated();
      stack.target.clearRequests();
      expect(await stack.restore.preview(stack.restoring())).toBe(true);
      expect(stack.lines).toEqual([
        expect.stringContaining(
          `it stays as it is; the record changes, because version ${second} of the backup is missing from the restored object.`,
        ),
      ]);
      await up();
      expect(stack.restore.outputs).toEqual({ ...before, missingVersions: [second] });
      expect(await stack.restore.preview(stack.restoring())).toBe(false);
      expect(stack.target.requests).toEqual([]);
      expect(versions()).toEqual([first]);
    });

    it("of the same versions changes nothing", async () => {
      await stack.backedUp();
      await up();
      await stack.backUp();
      expect(await stack.restore.preview(stack.restoring())).toBe(false);
    });

    it("that the program gives up again leaves no version on record as missing", async () => {
      await stack.backedUp();
      const backup = stack.backupRef;
      await up();
      await stack.rotated();
      await up();
      await up({ backup });
      expect(stack.restore.outputs).toMatchObject({ missingVersions: [] });
    });

    it("has no missing versions once a refresh finds them in the object", async () => {
      await stack.backedUp();
      await up();
      const second = await stack.rotated();
      await up();
      remove();
      await stack.copies.restore(String(stack.backupRef.blob));
      const { versions: [newest] = [], missingVersions } = (await refreshed()) as {
        versions?: string[];
        missingVersions?: unknown;
      };
      expect([newest, missingVersions]).toEqual([second, []]);
    });

    it("is what an object that went missing is restored from", async () => {
      const { version: first } = await stack.backedUp();
      await up();
      const second = await stack.rotated();
      remove();
      await refreshed();
      await up();
      expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [] });
    });
  });

  describe("an object that is restored into the vault of its source", () => {
    it("is put back after it was purged, and lacks no version after it is rotated and backed up anew", async () => {
      await stack.backedUp();
      const home = { vaultUri: stack.source.vaultUri };
      stack.objects.delete("orders");
      stack.objects.purge("orders");
      await up(home);
      expect(stack.objects.has("orders")).toBe(true);
      await stack.rotated();
      for (const onNewVersions of ["keep", "recreate"]) {
        expect(await stack.restore.preview(stack.restoring({ ...home, onNewVersions }))).toBe(false);
      }
      expect(stack.restore.outputs).toMatchObject({ missingVersions: [] });
    });
  });

  describe("a preview with inputs that are not known yet", () => {
    it.each([
      ["vaultUri", { vaultUri: unknown }],
      ["backup", { backup: unknown }],
      ["backup", { backup: { blob: unknown, [properties.name]: "orders" } }],
    ])("says that what is due depends on %s", async (name, inputs) => {
      await stack.backedUp();
      await up();
      stack.target.clearRequests();
      expect(await stack.restore.preview(stack.restoring(inputs))).toBe(true);
      expect(stack.lines).toEqual([expect.stringContaining(`${name} will be known during the update.`)]);
      expect(stack.target.requests).toEqual([]);
    });

    it("knows already that another vault or another object is to be restored", async () => {
      await stack.backedUp();
      await up();
      const other = { vaultUri: "https://kv-other.vault.azure.net/", backup: unknown };
      const invoices = { backup: { blob: unknown, [properties.name]: "invoices" } };
      for (const inputs of [other, invoices]) {
        expect(await stack.restore.preview(stack.restoring(inputs))).toBe(true);
        expect(stack.lines.at(-1)).toContain("a restore is due, because");
      }
    });
  });

  describe("a state that somebody edited", () => {
    it("without the date of the restore is restored anew, and adopts the object that is there", async () => {
      await stack.backedUp();
      await up();
      stack.restore.edit({ [properties.name]: "orders" });
      await up();
      expect(stack.restore.outputs).toMatchObject({ status: "present", versions: stack.backupRef.versions });
    });

    it("with a status that there is not counts as unreachable, and a refresh puts it right", async () => {
      await stack.backedUp();
      await up();
      stack.restore.edit({ ...stack.restore.outputs, status: "fine" });
      expect(await stack.restore.preview(stack.restoring())).toBe(false);
      expect(await refreshed()).toMatchObject({ status: "present" });
    });
  });
});
