import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { LocalVault } from "../../../../localVault/localVault";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

type BlobIn = (vault: LocalVault) => Promise<string>;

/** Backups that begin otherwise than the kind's own. A key's and a certificate's begin alike. */
function blobsOfOthers({ noun }: ObjectKind): [string, BlobIn][] {
  const blobOf = (collection: ObjectKind["collection"]) => async (vault: LocalVault) => {
    await vault.collection(collection).create("returns");
    return vault.collection(collection).backUp("returns");
  };
  const ofHsm = async () => {
    const hsm = await service.service.createVault(undefined, { kind: "managedHsm" });
    return blobOf("keys")(hsm);
  };
  const blobs: [string, BlobIn, ObjectKind["noun"][]][] = [
    ["that of a key", blobOf("keys"), ["secret"]],
    ["that of a secret", blobOf("secrets"), ["key", "certificate"]],
    ["that of a certificate", blobOf("certificates"), ["secret"]],
    ["that of a Managed HSM's key", ofHsm, ["secret", "certificate"]],
  ];
  return blobs.flatMap(([title, blobIn, foreignTo]) => (foreignTo.includes(noun) ? [[title, blobIn]] : []));
}

describe.each(objectKinds)("an earlier backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("is kept if the new blob does not look like one of Key Vault, which a line says", async () => {
    const version = await stack.backedUp();
    stack.vault.fail("backup", { kind: "value", value: "AAAA" });
    await stack.mustUp({ triggers: [1] });
    expect(stack.printed).toContain(
      `warning: the backup looks unusual: it does not begin as Key Vault's backups of ${kind.collection} do.`,
    );
    expect(stack.outputs.versions).toEqual([]);
    expect(stack.previous).toMatchObject([{ versions: [version] }]);
  });

  it("is kept if the new blob is cut short, which a line says", async () => {
    const version = await stack.backedUp();
    const whole = await stack.objects.backUp("orders");
    stack.vault.fail("backup", { kind: "value", value: whole.slice(0, 400) });
    await stack.mustUp({ triggers: [1] });
    expect(stack.printed).toContain("warning: the backup looks unusual: it is cut short or changed.");
    expect(stack.previous).toMatchObject([{ versions: [version] }]);
  });

  it.each(blobsOfOthers(kind))("is kept if the new blob is %s, which a line says", async (_, blobIn) => {
    const version = await stack.backedUp();
    stack.vault.fail("backup", { kind: "value", value: await blobIn(stack.stack.target) });
    await stack.mustUp({ triggers: [1] });
    expect(stack.printed).toContain(`it does not begin as Key Vault's backups of ${kind.collection} do.`);
    expect(stack.outputs.versions).toEqual([]);
    expect(stack.previous).toMatchObject([{ versions: [version] }]);
  });

  it("is replaced by a new blob of an emulator if it is an emulator's too", async () => {
    await stack.create("orders");
    for (const [trigger, value] of ["AAAA", "BBBB"].entries()) {
      stack.vault.fail("backup", { kind: "value", value });
      await stack.mustUp({ triggers: [trigger] });
    }
    expect(stack.outputs).toMatchObject({ blob: "BBBB", versions: [expect.anything()], previous: {} });
  });
});

describe.each(objectKinds)("a backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("in an unusual form makes no new backup at each refresh", async () => {
    await stack.backedUp();
    const unusual = Buffer.from("a form that nobody knows").toString("base64url");
    stack.vault.fail("backup", { kind: "value", value: unusual });
    await stack.mustUp({ triggers: [1] });
    expect(stack.outputs.versions).toEqual([]);
    expect(await stack.engine.refresh()).toBe(true);
    expect(stack.outputs.sourceStatus).toBe("current");
    expect(await stack.preview({ triggers: [1] })).toBe(false);
  });
});
