import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { objectKinds } from "../../../../src/objects/objectKinds";
import type { Properties } from "../../../support/provider/memoryEngine";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;
let folder: string;
/** Two places for copies. */
let first: string;
let second: string;

interface Copy {
  readonly uri: string;
  readonly writtenAt: string;
  readonly contentMd5: string;
  readonly status: string;
}

beforeAll(async () => {
  service = await TestService.start();
  folder = await mkdtemp(path.join(tmpdir(), "copies-"));
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});

const uriOf = (directory: string) => pathToFileURL(directory).href;
const pathOf = ({ uri }: Copy) => fileURLToPath(uri);
const copies = (backup: Properties = stack.outputs) => (backup.copies ?? []) as readonly Copy[];
const statuses = () => copies().map(({ status }) => status);
const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes);

function blobInState(): Buffer {
  return Buffer.from(String(stack.outputs.blob), "base64url");
}

/** All files below a directory. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Puts something else in the place of a copy. */
async function change(copy: Copy): Promise<void> {
  await writeFile(pathOf(copy), "something else");
}

async function unmounted<T>(act: () => Promise<T>): Promise<T> {
  const directory = fileURLToPath(first);
  await rename(directory, `${directory}-away`);
  try {
    return await act();
  } finally {
    await rename(`${directory}-away`, directory);
  }
}

async function sourceIsLost(): Promise<void> {
  stack.purge();
  stack.forgetRequests();
}

describe.each(objectKinds)("a backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
    const places = await mkdtemp(path.join(folder, "places-"));
    await mkdir(path.join(places, "first"));
    await mkdir(path.join(places, "second"));
    [first, second] = [uriOf(path.join(places, "first")), uriOf(path.join(places, "second"))];
  });

  it("is written into each place as the file that the Azure CLI restores", async () => {
    await stack.backedUp({ copyTo: [first, second] });
    const { blobSha256, backedUpAt, blobUri } = stack.outputs;
    const host = new URL(stack.vault.vaultUri).host.replace(":", "-");
    const time = String(backedUpAt).slice(0, 19).replace(/[-:]/g, "");
    const name = `${host}/${kind.collection}/orders/${time}Z-${String(blobSha256).slice(0, 8)}.${kind.noun}backup`;
    expect(copies()).toEqual(
      [first, second].map((place) => ({
        uri: `${place}/${name}`,
        writtenAt: expect.any(String),
        contentMd5: digest("md5", blobInState()).digest("base64"),
        status: "verified",
      })),
    );
    for (const copy of copies()) {
      expect(await readFile(pathOf(copy))).toEqual(blobInState());
    }
    expect(blobUri).toBeUndefined();
  });

  it("has beside each copy what is known of it, and nobody else may read either", async () => {
    const version = await stack.backedUp({ copyTo: [first] });
    const [copy] = copies() as [Copy];
    const { blobSha256, backedUpAt } = stack.outputs;
    expect(JSON.parse(await readFile(`${pathOf(copy)}.json`, "utf8"))).toEqual({
      sourceUri: stack.uri,
      backedUpAt,
      sha256: blobSha256,
      versions: [version],
    });
    for (const file of await filesIn(fileURLToPath(first))) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
  });

  it("has copies and no blob in the state if keepBlobInState is false", async () => {
    await stack.backedUp({ copyTo: [first, second], keepBlobInState: false });
    const { blob, blobUri, blobSha256, blobBytes } = stack.outputs;
    expect(blob).toBeUndefined();
    expect(blobUri).toBe(copies()[0]?.uri);
    const bytes = await readFile(fileURLToPath(String(blobUri)));
    expect([digest("sha256", bytes).digest("hex"), bytes.length]).toEqual([blobSha256, blobBytes]);
    stack.pass(0);
    expect(await stack.preview({ copyTo: [first, second], keepBlobInState: false })).toBe(false);
  });

  it("needs no request and writes nothing in an unchanged update", async () => {
    await stack.backedUp({ copyTo: [first] });
    const before = await filesIn(fileURLToPath(first));
    await stack.mustUp({ copyTo: [`${first}/`] });
    expect(stack.asked).toEqual([]);
    expect(await filesIn(fileURLToPath(first))).toEqual(before);
  });

  it("gets a new copy with each backup, and no copy is ever removed", async () => {
    await stack.backedUp({ copyTo: [first] });
    const [earlier] = copies() as [Copy];
    await stack.mustUp({ copyTo: [first], triggers: [1] });
    const [newer] = copies() as [Copy];
    const files = await filesIn(fileURLToPath(first));
    expect(files).toEqual(expect.arrayContaining([pathOf(earlier), pathOf(newer)]));
    expect(files).toHaveLength(4);
  });

  it("is copied from the state into a place that the program adds, without a request to the vault", async () => {
    await stack.backedUp();
    await stack.mustUp({ copyTo: [first] });
    expect(statuses()).toEqual(["verified"]);
    expect(stack.asked).toEqual([]);
    expect(stack.printed).toContain(
      `no new backup; the record changes, because the copy ${copies()[0]?.uri} is not written yet.`,
    );
  });

  it("is copied from another copy if the state has no blob", async () => {
    await stack.backedUp({ copyTo: [first], keepBlobInState: false });
    await stack.mustUp({ copyTo: [first, second], keepBlobInState: false });
    expect(statuses()).toEqual(["verified", "verified"]);
    expect(stack.asked).toEqual([]);
  });

  it("leaves copies where they are in a place that the program no longer names, and says so", async () => {
    await stack.backedUp({ copyTo: [first] });
    const [earlier] = copies() as [Copy];
    await stack.mustUp({ copyTo: [second] });
    expect(copies().map(({ uri }) => uri.startsWith(second))).toEqual([true]);
    expect(stack.printed).toContain(
      `the copy ${earlier.uri}. The copy stays there, and the state no longer records it.`,
    );
    expect(await readFile(pathOf(earlier))).toEqual(blobInState());
  });

  it.each([
    ["out of the state", true, false],
    ["into the state", false, true],
  ])("moves %s without a new backup, and its earlier backups with it", async (_, before, after) => {
    await stack.backedUp({ copyTo: [first], retain: 1, keepBlobInState: before });
    await stack.mustUp({ copyTo: [first], retain: 1, triggers: [1], keepBlobInState: before });
    const hashes = [stack.outputs, ...stack.previous].map(({ blobSha256 }) => blobSha256);
    expect(hashes).toHaveLength(2);
    stack.pass(0);
    await stack.mustUp({ copyTo: [first], retain: 1, triggers: [1], keepBlobInState: after });
    const moved = [stack.outputs, ...stack.previous];
    expect(moved.map(({ blobSha256 }) => blobSha256)).toEqual(hashes);
    expect(moved.map(({ blob }) => blob !== undefined)).toEqual([after, after]);
    expect(moved.map((backup) => copies(backup).map(({ status }) => status))).toEqual([["verified"], ["verified"]]);
    expect(stack.asked).toEqual([]);
  });

  it("stays in the state while a place cannot be written, and leaves it then", async () => {
    await stack.backedUp();
    const { blob } = stack.outputs;
    await unmounted(async () => {
      expect(await stack.up({ copyTo: [first], keepBlobInState: false })).toBe(false);
    });
    expect(stack.outputs.blob).toBe(blob);
    await stack.mustUp({ copyTo: [first], keepBlobInState: false });
    expect(stack.outputs.blob).toBeUndefined();
    expect(statuses()).toEqual(["verified"]);
  });

  it("is kept in the state if a place cannot be written, and the next update writes the copy", async () => {
    await stack.create("orders");
    await unmounted(async () => {
      expect(await stack.up({ copyTo: [first, second] })).toBe(false);
    });
    expect(stack.engine.failureMessage).toMatch(
      /^Could not write the copy file:.*: there is no directory .*\. Create the container or the directory, or correct copyTo\. The backup is kept: the next pulumi up tries again\. More: .*troubleshooting\.md#copy-place-missing$/,
    );
    expect(copies().map(({ uri }) => uri.startsWith(second))).toEqual([true]);
    const { blobSha256 } = stack.outputs;
    stack.pass(0);
    await stack.mustUp({ copyTo: [first, second] });
    expect(stack.outputs.blobSha256).toBe(blobSha256);
    expect(statuses()).toEqual(["verified", "verified"]);
    expect(stack.asked).toEqual([]);
  });

  it("is kept in the one copy that could be written if the state keeps no blobs", async () => {
    await stack.create("orders");
    await unmounted(async () => {
      expect(await stack.up({ copyTo: [first, second], keepBlobInState: false })).toBe(false);
    });
    expect(stack.outputs.blob).toBeUndefined();
    expect(String(stack.outputs.blobUri).startsWith(second)).toBe(true);
    await stack.mustUp({ copyTo: [first, second], keepBlobInState: false });
    expect(statuses()).toEqual(["verified", "verified"]);
  });

  it("is discarded, which is said, if no copy could be written and the state keeps no blobs", async () => {
    await stack.backedUp({ copyTo: [first], keepBlobInState: false });
    const before = stack.outputs;
    await stack.rotate();
    await unmounted(async () => {
      expect(await stack.up({ copyTo: [first], keepBlobInState: false, triggers: [1] })).toBe(false);
    });
    expect(stack.engine.failureMessage).toContain("A backup was made and discarded: no copy of it could be written");
    expect(stack.outputs).toEqual(before);
  });

  describe("is refreshed", () => {
    it("without reading a copy of which nothing changed", async () => {
      await stack.backedUp({ copyTo: [first] });
      await stack.engine.refresh();
      expect(statuses()).toEqual(["verified"]);
      expect(stack.printed).toBe("");
    });

    it("and a copy that was removed is written again from the state", async () => {
      await stack.backedUp({ copyTo: [first] });
      const [copy] = copies() as [Copy];
      await rm(pathOf(copy));
      await stack.engine.refresh();
      expect(statuses()).toEqual(["missing"]);
      expect(stack.printed).toContain(`the copy ${copy.uri} is missing.`);
      stack.pass(0);
      await stack.mustUp({ copyTo: [first] });
      expect(statuses()).toEqual(["verified"]);
      expect(await readFile(pathOf(copy))).toEqual(blobInState());
      expect(stack.asked).toEqual([]);
    });

    it("and a copy that was removed is written again from another one", async () => {
      await stack.backedUp({ copyTo: [first, second], keepBlobInState: false });
      const [copy, other] = copies() as [Copy, Copy];
      await rm(pathOf(copy));
      await stack.engine.refresh();
      expect(stack.outputs.blobUri).toBe(other.uri);
      stack.pass(0);
      await stack.mustUp({ copyTo: [first, second], keepBlobInState: false });
      expect(await readFile(pathOf(copy))).toEqual(await readFile(pathOf(other)));
      expect(stack.asked).toEqual([]);
    });

    it("and if the only copy was removed, a new backup is made", async () => {
      await stack.backedUp({ copyTo: [first], keepBlobInState: false });
      await rm(pathOf((copies() as [Copy])[0]));
      await stack.engine.refresh();
      stack.pass(0);
      await stack.mustUp({ copyTo: [first], keepBlobInState: false });
      expect(stack.printed).toContain("because the state has no blob, and no copy of the backup is left");
      expect(statuses()).toEqual(["verified"]);
      expect(stack.asked).toEqual(stack.newBackup);
    });

    it("and a copy that was changed stays as it is, and a new backup is made", async () => {
      await stack.backedUp({ copyTo: [first] });
      const [copy] = copies() as [Copy];
      await change(copy);
      await stack.engine.refresh();
      expect(statuses()).toEqual(["different"]);
      expect(stack.printed).toContain(`the copy ${copy.uri} has other content than the backup. It is not overwritten.`);
      await stack.mustUp({ copyTo: [first] });
      expect(stack.printed).toContain(`a new backup will be made, because the copy ${copy.uri} has other content.`);
      expect(statuses()).toEqual(["verified"]);
      expect(await readFile(pathOf(copy), "utf8")).toBe("something else");
    });

    it("and a changed copy of a lost source needs no update, which is told", async () => {
      await stack.backedUp({ copyTo: [first] });
      await change((copies() as [Copy])[0]);
      await sourceIsLost();
      await stack.engine.refresh();
      expect(await stack.preview({ copyTo: [first] })).toBe(false);
      expect(stack.printed).toContain("has other content, but the source was missing at the last refresh");
    });

    it("and a place that cannot be reached says nothing of its copies", async () => {
      await stack.backedUp({ copyTo: [first], keepBlobInState: false });
      await unmounted(() => stack.engine.refresh());
      expect(statuses()).toEqual(["unreachable"]);
      expect(stack.printed).toMatch(/Could not look at the copy file:.*: there is no directory/);
      expect(await stack.preview({ copyTo: [first], keepBlobInState: false })).toBe(false);
      await stack.engine.refresh();
      expect(statuses()).toEqual(["verified"]);
    });
  });

  describe("is deleted", () => {
    it("although its source is gone, if a copy is whole, and the copy stays", async () => {
      await stack.backedUp({ copyTo: [first] });
      const [copy] = copies() as [Copy];
      await sourceIsLost();
      expect(await stack.engine.destroy()).toBe(true);
      expect(stack.printed).toContain(`the backup is deleted from the state. It stays in ${copy.uri}.`);
      expect(await filesIn(fileURLToPath(first))).toContain(pathOf(copy));
    });

    it("not if its source is gone, and the copy was removed a moment ago", async () => {
      await stack.backedUp({ copyTo: [first] });
      await rm(pathOf((copies() as [Copy])[0]));
      await sourceIsLost();
      expect(await stack.engine.destroy()).toBe(false);
      expect(stack.engine.failureMessage).toContain("may be the only copy");
    });

    it("not if its source is gone, and an earlier backup has no copy", async () => {
      await stack.backedUp({ copyTo: [first] });
      await stack.createAnew();
      await stack.engine.refresh();
      await stack.mustUp({ copyTo: [first] });
      const [{ copies: ofEarlier } = {}] = stack.previous;
      await rm(pathOf((ofEarlier as [Copy])[0]));
      await sourceIsLost();
      expect(await stack.engine.destroy()).toBe(false);
    });
  });

  it("is not replaced by a newer one of unknown versions although its copy is whole", async () => {
    await stack.backedUp({ copyTo: [first], keepBlobInState: false });
    const { blobSha256 } = stack.outputs;
    await stack.createAnew();
    await stack.engine.refresh();
    await stack.mustUp({ copyTo: [first], keepBlobInState: false });
    expect(stack.previous.map((backup) => backup.blobSha256)).toEqual([blobSha256]);
    expect(stack.previous.map(({ blob }) => blob)).toEqual([undefined]);
  });

  it("is not replaced by a blob that is none, although the state has no blob to compare it with", async () => {
    const version = await stack.backedUp({ copyTo: [first], keepBlobInState: false });
    const { blobSha256 } = stack.outputs;
    stack.vault.fail("backup", { kind: "value", value: "AAAA" });
    await stack.mustUp({ copyTo: [first], keepBlobInState: false, triggers: [1] });
    expect(stack.outputs.versions).toEqual([]);
    expect(stack.previous).toMatchObject([{ blobSha256, versions: [version] }]);
  });

  it.each([
    ["into the state", () => ({})],
    ["to another place", () => ({ copyTo: [second], keepBlobInState: false })],
  ])("fails to move %s while its only copy cannot be reached, and moves in the next update", async (_, inputs) => {
    await stack.backedUp({ copyTo: [first], keepBlobInState: false });
    const { blobSha256 } = stack.outputs;
    await unmounted(async () => {
      expect(await stack.up(inputs())).toBe(false);
      expect(stack.engine.failureMessage).toContain("Could not read the copy");
      expect(await stack.up(inputs())).toBe(false);
    });
    stack.pass(0);
    await stack.mustUp(inputs());
    expect(stack.asked).toEqual([]);
    expect(stack.outputs.blobSha256).toBe(blobSha256);
    const isInState = Object.keys(inputs()).length === 0;
    expect(stack.outputs.blob !== undefined).toBe(isInState);
    expect(statuses()).toEqual(isInState ? [] : ["verified"]);
  });

  it("is repaired from a copy if the blob in the state is damaged", async () => {
    await stack.backedUp({ copyTo: [first] });
    const { blob } = stack.outputs;
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    await stack.mustUp({ copyTo: [first] });
    expect(stack.printed).toContain("because the blob in the state is damaged, and a copy has it");
    expect(stack.outputs.blob).toBe(blob);
    expect(stack.asked).toEqual([]);
  });

  it("waits once for a place that cannot be written, however many backups it is to get", async () => {
    await stack.backedUp({ retain: 2 });
    await stack.mustUp({ retain: 2, triggers: [1] });
    await stack.mustUp({ retain: 2, triggers: [2] });
    const writes: string[] = [];
    const usual = stack.stack.copiesOutside();
    const provider = stack.newProvider({
      reachCopies: () => ({
        ...usual,
        write: (uri, ...others) => {
          writes.push(uri);
          return usual.write(uri, ...others);
        },
      }),
    });
    const inputs = { ...stack.declaring({ retain: 2, triggers: [2] }), copyTo: [`${first}-nowhere`, second] };
    await expect(provider.update("id", stack.outputs, inputs, undefined)).rejects.toThrow("there is no directory");
    expect(writes.filter((uri) => uri.startsWith(`${first}-nowhere`))).toHaveLength(1);
    expect(writes.filter((uri) => uri.startsWith(second))).toHaveLength(3);
  });

  it("does not hang if a place answers nothing", async () => {
    await stack.backedUp({ copyTo: [first] });
    const [copy] = copies() as [Copy];
    await rm(pathOf(copy));
    execFileSync("mkfifo", [pathOf(copy)]);
    const usual = stack.stack.copiesOutside({ read: 200 });
    const seen = await usual.look(copy.uri);
    expect(seen).toMatchObject({ kind: "unreachable", error: { code: "copy-timeout" } });
    // The read ends with its other side.
    await writeFile(pathOf(copy), "");
  });

  it("shows nothing of a shared access signature in an edited state", async () => {
    await stack.backedUp({ copyTo: [first] });
    const [copy] = copies() as [Copy];
    const uri = "https://a.blob.core.windows.net/c/d?sig=SIGNATURE";
    stack.engine.edit({ ...stack.outputs, copies: [copy, { ...copy, uri }] });
    await stack.engine.refresh();
    expect(copies()).toMatchObject([{ uri: copy.uri, status: "verified" }]);
    expect(stack.printed).not.toContain("SIGNATURE");
  });

  it("leaves no half-written file under a final name when a write fails", async () => {
    await stack.create("orders");
    const directory = fileURLToPath(first);
    await mkdir(path.join(directory, new URL(stack.vault.vaultUri).host.replace(":", "-")));
    await writeFile(path.join(directory, new URL(stack.vault.vaultUri).host.replace(":", "-"), kind.collection), "");
    expect(await stack.up({ copyTo: [first] })).toBe(false);
    expect(stack.engine.failureMessage).toContain("Could not write the copy");
    expect(await filesIn(directory)).toHaveLength(1);
  });
});
