import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
});

const unknown = pulumi.runtime.unknownValue;
const versions = () => stack.target.keys.versions("orders").map(({ version }) => version);

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
  stack.target.keys.delete("orders");
  stack.target.keys.purge("orders");
}

const unreachable = () => stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY);

describe("a refresh", () => {
  beforeEach(async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
  });

  it("finds the key present, and only looks", async () => {
    const before = stack.restore.outputs;
    expect(await refreshed()).toEqual(before);
    expect(stack.requests).toEqual(["listVersions"]);
  });

  it("records the versions that the key has by now", async () => {
    const [first] = versions();
    stack.pass(1_000);
    const { version } = await stack.target.keys.rotate("orders");
    const keyUriWithVersion = `${stack.target.vaultUri}keys/orders/${version}`;
    expect(await refreshed()).toMatchObject({ versions: [version, first], status: "present", keyUriWithVersion });
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
  });

  it("finds the key missing, and the next update restores it", async () => {
    remove();
    expect(await refreshed()).toMatchObject({ status: "missing", statusReason: expect.stringContaining("is not in") });
    expect(await stack.restore.preview(stack.restoring())).toBe(true);
    await up();
    expect(stack.restore.outputs).toMatchObject({ status: "present" });
    expect(stack.restore.outputs).not.toHaveProperty("statusReason");
    expect(versions()).toEqual(stack.backupRef.versions);
    expect(stack.lines.at(-1)).toContain('it will be restored, because Key "orders" is not in');
  });

  it("finds the key soft-deleted with the command that recovers it, and the next update does not touch it", async () => {
    stack.target.keys.delete("orders");
    expect(await refreshed()).toMatchObject({
      status: "softDeleted",
      statusReason: expect.stringContaining("az keyvault key recover"),
    });
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("a soft-deleted key has its name");
    stack.target.keys.recover("orders");
    expect(await refreshed()).toMatchObject({ status: "present" });
  });

  it("finds another key in its place, which the next update does not touch", async () => {
    remove();
    await stack.target.keys.create("orders");
    const { status, versions: recorded } = (await refreshed()) ?? {};
    expect([status, recorded]).toEqual(["replaced", stack.backupRef.versions]);
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("another key has its name");
    expect(stack.changes).toEqual([]);
  });

  it("does not know what became of the key if the vault is unreachable, and nothing is due", async () => {
    unreachable();
    expect(await refreshed()).toMatchObject({
      status: "unreachable",
      statusReason: expect.stringContaining("ECONNRESET"),
    });
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
    stack.target.clearFaults();
    expect(await refreshed()).toMatchObject({ status: "present" });
  });

  it("does not know what became of the key if the identity may not list", async () => {
    stack.target.keys.permissions.delete("list");
    expect(await refreshed()).toMatchObject({ status: "unreachable", statusReason: expect.stringContaining("403") });
  });

  it.each([
    ["missing", remove],
    ["softDeleted", () => stack.target.keys.delete("orders")],
  ] as const)("keeps in mind that the key was seen %s while the vault is unreachable", async (status, happens) => {
    happens();
    const seen = await refreshed();
    expect(seen).toMatchObject({ status });
    unreachable();
    expect(await refreshed()).toEqual(seen);
  });

  it("keeps in mind that another key was seen while the vault is unreachable", async () => {
    remove();
    await stack.target.keys.create("orders");
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
  it("is restored into in place, and the earlier key stays without a request", async () => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    const { id } = stack.restore;
    const other = await service.service.createVault();
    await up({ vaultUri: other.vaultUri });
    expect(stack.restore.outputs).toMatchObject({ vaultUri: other.vaultUri, keyUri: `${other.vaultUri}keys/orders` });
    expect(stack.restore.id).toBe(id);
    expect(stack.lines).toEqual([expect.stringContaining("it will be restored, because vaultUri changed.")]);
    expect(other.keys.has("orders")).toBe(true);
    expect(stack.target.requests).toEqual([]);
    expect(stack.target.keys.has("orders")).toBe(true);
  });
});

describe("another key", () => {
  it("is restored in place, and the earlier key stays", async () => {
    await stack.backedUp();
    await up();
    const { version } = await stack.source.keys.create("invoices");
    const blob = await stack.source.keys.backUp("invoices");
    const backup = { blob, keyUri: `${stack.source.vaultUri}keys/invoices`, versions: [version] };
    await up({ backup });
    expect(stack.restore.outputs).toMatchObject({ keyName: "invoices", versions: [version] });
    expect(stack.lines).toEqual([expect.stringContaining("because the backup is of another object.")]);
    expect(stack.target.keys.names).toEqual(["invoices", "orders"]);
    expect(stack.changes).toEqual(["restore", "restore"]);
  });

  it("in a blob that comes without a name is restored in place, too", async () => {
    await stack.backedUp();
    await up();
    await stack.source.keys.create("invoices");
    await up({ backup: { blob: await stack.source.keys.backUp("invoices") } });
    expect(stack.restore.outputs).toMatchObject({ keyName: "invoices" });
    expect(stack.lines).toEqual([expect.stringContaining("because the backup changed.")]);
  });
});

describe("a newer backup, with onNewVersions keep", () => {
  it("leaves the key as it is without a request, and the versions that it lacks are recorded", async () => {
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

  it("has no missing versions once a refresh finds them in the key", async () => {
    await stack.backedUp();
    await up();
    const second = await stack.rotated();
    await up();
    remove();
    await stack.target.keys.restore(String(stack.backupRef.blob));
    const { versions: [newest] = [], missingVersions } = (await refreshed()) as {
      versions?: string[];
      missingVersions?: unknown;
    };
    expect([newest, missingVersions]).toEqual([second, []]);
  });

  it("is what a key that went missing is restored from", async () => {
    const { version: first } = await stack.backedUp();
    await up();
    const second = await stack.rotated();
    remove();
    await refreshed();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [] });
  });
});

describe("a key that is restored into the vault of its source", () => {
  it("is put back after it was purged, and lacks no version after it is rotated and backed up anew", async () => {
    await stack.backedUp();
    const home = { vaultUri: stack.source.vaultUri };
    stack.source.keys.delete("orders");
    stack.source.keys.purge("orders");
    await up(home);
    expect(stack.source.keys.has("orders")).toBe(true);
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
    ["backup", { backup: { blob: unknown, keyName: "orders" } }],
  ])("says that what is due depends on %s", async (name, inputs) => {
    await stack.backedUp();
    await up();
    stack.target.clearRequests();
    expect(await stack.restore.preview(stack.restoring(inputs))).toBe(true);
    expect(stack.lines).toEqual([expect.stringContaining(`${name} will be known during the update.`)]);
    expect(stack.target.requests).toEqual([]);
  });

  it("knows already that another vault or another key is to be restored", async () => {
    await stack.backedUp();
    await up();
    const other = { vaultUri: "https://kv-other.vault.azure.net/", backup: unknown };
    const invoices = { backup: { blob: unknown, keyName: "invoices" } };
    for (const inputs of [other, invoices]) {
      expect(await stack.restore.preview(stack.restoring(inputs))).toBe(true);
      expect(stack.lines.at(-1)).toContain("it will be restored, because");
    }
  });
});

describe("a state that somebody edited", () => {
  it("without the date of the restore is restored anew, and adopts the key that is there", async () => {
    await stack.backedUp();
    await up();
    stack.restore.edit({ keyName: "orders" });
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
