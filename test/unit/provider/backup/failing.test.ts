import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

describe.each(objectKinds)("a new backup of a $noun that fails", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
    await stack.backedUp();
  });

  it("leaves the record as it was, and is made by the next update", async () => {
    const { outputs } = stack;
    stack.vault.fail("backup", { kind: "status", status: 400 });
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
    stack.pass(0);
    expect(await stack.preview({ triggers: [1] })).toBe(true);
    expect(stack.printed).toContain("a new backup will be made, because triggers changed.");
    await stack.mustUp({ triggers: [1] });
    expect(stack.asked).toEqual(stack.newBackup);
    expect(stack.outputs.blobSha256).not.toBe(outputs.blobSha256);
  });

  it("leaves the record as it was if the object is missing", async () => {
    stack.objects.delete("orders");
    await stack.engine.refresh();
    const { outputs } = stack;
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.engine.failureMessage).toMatch(new RegExp(`404 ${kind.noun}NotFound`, "i"));
    expect(stack.engine.failureMessage).toContain(`recover it: az keyvault ${kind.noun} recover`);
    expect(stack.outputs).toEqual(outputs);
  });

  it("leaves the record as it was if the object lacks the declared version", async () => {
    const { outputs } = stack;
    expect(await stack.up(stack.at(`${stack.uri}/${"b".repeat(32)}`))).toBe(false);
    expect(stack.engine.failureMessage).toContain(`version ${"b".repeat(32)} does not exist`);
    expect(stack.asked).toEqual(["listVersions"]);
    expect(stack.outputs).toEqual(outputs);
  });

  it("leaves the record as it was without the permission to back up, and says what to grant", async () => {
    const { outputs } = stack;
    stack.objects.permissions.delete("backup");
    expect(await stack.up({ triggers: [1] })).toBe(false);
    expect(stack.engine.failureMessage).toContain(`Grant ${kind.permissions.backup.dataAction},`);
    expect(stack.outputs).toEqual(outputs);
  });

  it("leaves the record as it was if the engine is killed before it writes the state", async () => {
    const { outputs } = stack;
    expect(await stack.engine.up(stack.declaring({ triggers: [1] }), { isKilled: true })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });
});

const managedKinds: readonly ObjectKind[] = [key, secret];

describe.each(managedKinds)("a $noun that belongs to a certificate", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
    await stack.vault.certificates.create("orders");
  });

  /** The update fails with the line that backs up the certificate. */
  async function isRefused(asked: string[], inputs = stack.declaring()): Promise<void> {
    stack.pass(0);
    expect(await stack.engine.up(inputs)).toBe(false);
    const { failureMessage } = stack.engine;
    expect(failureMessage).toContain(`back up ${kind.noun} "orders" in localhost`);
    expect(failureMessage).toContain(`Back up the certificate that it belongs to.`);
    expect(failureMessage).toContain(
      `new CertificateBackup("orders", { vaultUri: "${stack.vault.vaultUri}", certificateName: "orders" })`,
    );
    expect(failureMessage).toContain("troubleshooting.md#managed-by-certificate");
    expect(failureMessage).not.toContain("\n");
    expect(stack.asked).toEqual(asked);
    expect(stack.vault.requestsOf("backup").filter(({ status }) => status === 200)).toEqual([]);
  }

  it("is refused by what the listing says, without a request for a backup", async () => {
    await isRefused(["listVersions"]);
    expect(stack.engine.outputs).toBeUndefined();
  });

  it("is refused by the service if the versions cannot be listed", async () => {
    stack.objects.permissions.delete("list");
    await isRefused(["listVersions", "backup"]);
    expect(stack.engine.outputs).toBeUndefined();
  });

  it("is refused if the program names it by its URI with a version", async () => {
    const [version] = stack.objects.versions("orders");
    await isRefused(["listVersions"], stack.at(version?.uriWithVersion));
  });

  it("is refused to a resource that has a backup of another object, whose record stays", async () => {
    await stack.create("invoices");
    await stack.mustUp(stack.named("invoices"));
    const { outputs } = stack;
    await isRefused(["listVersions"]);
    expect(stack.outputs).toEqual(outputs);
    await stack.mustUp(stack.named("invoices"));
  });

  it("is not looked for: the backup that the line names is made", async () => {
    const other = await BackupStack.start(service, certificate);
    const { vaultUri } = stack.vault;
    await other.mustUp({ vaultUri, certificateName: "orders" });
    expect(other.outputs).toMatchObject({ certificateUri: `${vaultUri}certificates/orders`, sourceStatus: "current" });
  });
});

it.each(managedKinds)(
  "A $noun that was replaced by one of a certificate is seen by a refresh, and its backup is neither replaced nor deleted",
  async (kind) => {
    stack = await BackupStack.start(service, kind);
    const version = await stack.backedUp();
    const { blob } = stack.outputs;
    stack.purge();
    await stack.vault.certificates.create("orders");
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs).toMatchObject({ sourceStatus: "changed" });
    expect(stack.outputs.sourceStatusReason).toContain(`no longer has version ${version} of the backup`);
    expect(await stack.up()).toBe(false);
    expect(stack.engine.failureMessage).toContain('new CertificateBackup("orders"');
    expect(await stack.engine.destroy()).toBe(false);
    expect(stack.outputs).toMatchObject({ blob, versions: [version] });
  },
);
