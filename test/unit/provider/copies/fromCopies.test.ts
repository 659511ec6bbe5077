import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;
let place: string;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
afterEach(() => rm(place, { recursive: true, force: true }));

const uri = () => String(stack.backupRef.blobUri);

/** Backs the object up into a directory alone. */
async function backUp(): Promise<void> {
  await stack.backUp({ copyTo: [pathToFileURL(place).href], keepBlobInState: false });
}

/** Changes the content of the copy. */
async function damage(): Promise<void> {
  await writeFile(fileURLToPath(uri()), "something else");
}

describe.each(objectKinds)("a backup of a $noun whose blob is in a copy", (kind) => {
  const { noun, properties } = kind;

  beforeEach(async () => {
    stack = await service.stackOf(kind);
    place = await mkdtemp(path.join(tmpdir(), "place-"));
    await stack.objects.create("orders");
    await backUp();
  });

  it("is restored from the copy, and the state of the restore has no blob", async () => {
    expect(await stack.restore.up(stack.restoring())).toBe(true);
    expect(stack.restore.outputs).toMatchObject({ status: "present", versions: stack.backupRef.versions });
    expect(stack.restore.outputs).not.toHaveProperty("blob");
    expect(await stack.restore.preview(stack.restoring())).toBe(false);
  });

  it("is restored by its URI and hash alone, as another stack knows them", async () => {
    const { blobSha256, [properties.name]: name } = stack.backupRef;
    const backup = { blobUri: uri(), blobSha256: String(blobSha256).toUpperCase(), [properties.name]: name };
    expect(await stack.restore.up(stack.restoring({ backup }))).toBe(true);
  });

  it("is not restored, and nothing is asked of the vault, if the copy has other content", async () => {
    await damage();
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toMatch(/^Could not read the copy .*: its SHA-256 is .*#copy-different$/);
    expect(stack.requests).toEqual([]);
  });

  it("is not restored if the copy is gone", async () => {
    await rm(fileURLToPath(uri()));
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain("it is not there (ENOENT). Check the URI.");
  });

  it("replaces a replica only after the copy has been read", async () => {
    const inputs = { onNewVersions: "recreate" };
    expect(await stack.restore.up(stack.restoring(inputs))).toBe(true);
    stack.pass(1_000);
    await stack.objects.rotate("orders");
    await backUp();
    const copy = await readFile(fileURLToPath(uri()));
    await damage();
    expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
    expect(stack.restore.failureMessage).toContain(
      "is not recreated, and nothing was changed. Could not read the copy",
    );
    expect(stack.changes).toEqual(["restore"]);
    await writeFile(fileURLToPath(uri()), copy);
    expect(await stack.restore.up(stack.restoring(inputs))).toBe(true);
    expect(stack.copies.versions("orders")).toHaveLength(2);
  });

  it.each(["blob", "blobUri"])(
    "is not restored or proved anew because a preview does not know its %s, which its state lacks",
    async (member) => {
      expect(await stack.restore.up(stack.restoring())).toBe(true);
      stack.copies.delete("orders");
      stack.copies.purge("orders");
      expect(await stack.drill.up(stack.drilling())).toBe(true);
      const backup = { ...stack.backupRef, [member]: pulumi.runtime.unknownValue };
      expect(await stack.restore.preview(stack.restoring({ backup }))).toBe(false);
      expect(await stack.drill.preview(stack.drilling({ backup }))).toBe(false);
      const due = { ...backup, blobSha256: pulumi.runtime.unknownValue };
      expect(await stack.restore.preview(stack.restoring({ backup: due }))).toBe(true);
      expect(await stack.drill.preview(stack.drilling({ backup: due }))).toBe(true);
    },
  );

  it("is proved by a drill", async () => {
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", blobSha256: stack.backupRef.blobSha256 });
    expect(await stack.drill.preview(stack.drilling())).toBe(false);
  });

  it("fails a drill if the copy has other content, without a request to the scratch vault", async () => {
    await damage();
    expect(await stack.drill.up(stack.drilling({ onFailure: "record" }))).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(stack.drill.outputs?.failure).toContain("Could not read the copy");
    expect(stack.requests).toEqual([]);
  });

  it.each([
    [
      "without a hash",
      () => ({ blobUri: uri() }),
      "backup.blobSha256 is missing: the copy at backup.blobUri is verified",
    ],
    ["beside a blob", () => ({ ...stack.backupRef, blob: "AAAA" }), "backup.blob and backup.blobUri are both set"],
    [
      "on a host that is not Azure's",
      () => ({ blobUri: "https://example.com/a/b", blobSha256: "0".repeat(64) }),
      "backup.blobUri names a host that is not in Azure Blob Storage",
    ],
    ["that is none", () => ({ blobUri: "backups/a", blobSha256: "0".repeat(64) }), "backup.blobUri is neither"],
  ])("is refused offline if the program names a URI %s", async (_, backup, mistake) => {
    const named = () => ({ [properties.name]: "orders", ...backup() });
    expect(await stack.restore.up(stack.restoring({ backup: named() }))).toBe(false);
    expect(stack.restore.failureMessage).toContain(mistake);
    expect(await stack.drill.up(stack.drilling({ backup: named() }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(mistake);
  });

  it(`is told from the backup of another kind than a ${noun} when it is read`, async () => {
    const other =
      kind.noun === "secret" ? "AzureKeyVaultKeyBackupV1.microsoft.com" : "AzureKeyVaultSecretBackupV1.microsoft.com";
    const bytes = Buffer.from(`${String.fromCharCode(other.length)}${other}a.b.c.d.e`, "latin1");
    const file = path.join(place, "other");
    await writeFile(file, bytes);
    const blobSha256 = createHash("sha256").update(bytes).digest("hex");
    const backup = { [properties.name]: "orders", blobUri: pathToFileURL(file).href, blobSha256 };
    expect(await stack.restore.up(stack.restoring({ backup }))).toBe(false);
    expect(stack.restore.failureMessage).toContain(`not of a ${noun}: use the backup of a ${noun}.`);
    expect(stack.requests).toEqual([]);
  });
});
