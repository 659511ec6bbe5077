import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const hashes = () => stack.previous.map(({ blobSha256 }) => blobSha256);

/** A backup of an object that was created anew, with the only backup of the first object in `previous`. Returns that one. */
async function withAnOnlyCopy(): Promise<Record<string, unknown>> {
  await stack.backedUp();
  await stack.createAnew();
  await stack.mustUp({ triggers: [1] });
  stack.pass(1_000);
  return { ...stack.previous[0] };
}

describe.each(objectKinds)("an earlier backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("is dropped if the new one holds all of its versions", async () => {
    await stack.backedUp();
    await stack.rotate();
    await stack.mustUp({ triggers: [1] });
    expect(stack.outputs.previous).toEqual({});
  });

  it("is kept if the object was created anew, with its source, its versions and the reason", async () => {
    const version = await stack.backedUp();
    const { blob, blobSha256, blobBytes, backedUpAt } = stack.outputs;
    await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    const keptBecause = `no newer backup is known to hold version ${version}`;
    expect(stack.outputs.previous).toEqual({
      [String(blobSha256)]: {
        sourceUri: stack.uri,
        versions: [version],
        blob,
        blobSha256,
        blobBytes,
        backedUpAt,
        keptBecause,
      },
    });
    expect(stack.printed).toContain(
      `${capitalized(kind.noun)}Backup ${stack.uri}: the backup of ${backedUpAt} (${blobSha256}) is kept in previous, because ${keptBecause}.`,
    );
  });

  it("stays through further backups of the object that was created anew", async () => {
    const { blobSha256 } = await withAnOnlyCopy();
    await stack.mustUp({ triggers: [2] });
    await stack.mustUp({ triggers: [3] });
    expect(hashes()).toEqual([blobSha256]);
  });

  it("is dropped once it was restored and backed up again, and then the other object's backup is kept", async () => {
    const { blob, versions } = await withAnOnlyCopy();
    const { blobSha256 } = stack.outputs;
    stack.purge();
    expect(await stack.objects.restore(String(blob))).toBe(true);
    await stack.mustUp({ triggers: [2] });
    expect(stack.outputs.versions).toEqual(versions);
    expect(hashes()).toEqual([blobSha256]);
  });

  it("is kept if the versions that the newer one holds are unknown", async () => {
    await stack.backedUp();
    const { blobSha256 } = stack.outputs;
    stack.objects.permissions.delete("list");
    await stack.mustUp({ triggers: [1] });
    expect(stack.previous).toMatchObject([
      { blobSha256, keptBecause: "the versions that the newer backup holds are unknown" },
    ]);
  });

  it("is kept if the versions that it holds are unknown", async () => {
    stack.objects.permissions.delete("list");
    await stack.backedUp();
    const { blobSha256 } = stack.outputs;
    stack.objects.permissions.add("list");
    await stack.mustUp({ triggers: [1] });
    expect(stack.previous).toMatchObject([
      { blobSha256, versions: [], keptBecause: "the versions that it holds are unknown" },
    ]);
  });

  it("is not lost with a backup that fails, or with an engine that is killed", async () => {
    await withAnOnlyCopy();
    const { outputs } = stack;
    stack.vault.fail("backup", { kind: "reset" }, 9);
    expect(await stack.up({ triggers: [2] })).toBe(false);
    stack.vault.clearFaults();
    expect(await stack.engine.up(stack.declaring({ triggers: [2] }), { isKilled: true })).toBe(false);
    expect(stack.outputs).toEqual(outputs);
  });
});

describe.each(objectKinds)("retain of a $noun's backups", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("keeps so many of the backups that a newer one replaces", async () => {
    await stack.backedUp();
    const made = [stack.outputs.blobSha256];
    for (const [trigger, retain, kept] of [
      [1, 0, 0],
      [2, 2, 1],
      [3, 2, 2],
      [4, 2, 2],
    ] as const) {
      await stack.mustUp({ triggers: [trigger], retain });
      expect(hashes()).toEqual(made.slice(made.length - kept));
      made.push(stack.outputs.blobSha256);
      stack.pass(1_000);
    }
    expect(stack.previous[0]?.keptBecause).toBe("retain keeps it; a newer backup holds all of its versions");
  });

  it("counts only backups that are kept for nothing else", async () => {
    const { blobSha256 } = await withAnOnlyCopy();
    const second = stack.outputs.blobSha256;
    await stack.mustUp({ triggers: [2], retain: 1 });
    expect(hashes()).toEqual([blobSha256, second]);
  });

  it("takes effect with the next backup that succeeds", async () => {
    await stack.backedUp();
    for (const trigger of [1, 2]) {
      await stack.mustUp({ triggers: [trigger], retain: 2 });
      stack.pass(1_000);
    }
    await stack.mustUp({ triggers: [2], retain: 0 });
    expect(stack.asked).toEqual([]);
    stack.vault.fail("backup", { kind: "status", status: 400 });
    expect(await stack.up({ triggers: [3], retain: 0 })).toBe(false);
    expect(hashes()).toHaveLength(2);
    await stack.mustUp({ triggers: [3], retain: 0 });
    expect(hashes()).toEqual([]);
  });

  it("does not keep a damaged backup that a newer one replaces", async () => {
    await stack.backedUp({ retain: 1 });
    stack.engine.edit({ ...stack.outputs, blob: "AAAA" });
    await stack.mustUp({ retain: 1 });
    expect(hashes()).toEqual([]);
  });
});

describe.each(objectKinds)("forget of a $noun's backups", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("drops an earlier backup without a request, after the preview said which one", async () => {
    const { blobSha256 } = await withAnOnlyCopy();
    const declared = { triggers: [1], forget: [String(blobSha256).toUpperCase()] };
    expect(await stack.preview(declared)).toBe(true);
    expect(stack.printed).toContain(`no new backup; the record changes, because forget drops ${blobSha256}.`);
    expect(hashes()).toEqual([blobSha256]);
    await stack.mustUp(declared);
    expect(stack.outputs.previous).toEqual({});
    expect(stack.asked).toEqual([]);
    expect(await stack.preview(declared)).toBe(false);
  });

  it("does not drop the newest backup until a newer one is made", async () => {
    await stack.backedUp();
    const { blobSha256, blob } = stack.outputs;
    await stack.createAnew();
    await stack.mustUp({ forget: [blobSha256] });
    expect(stack.outputs.blob).toBe(blob);
    stack.pass(0);
    expect(await stack.preview({ forget: [blobSha256], triggers: [1] })).toBe(true);
    expect(stack.printed).toContain(`because triggers changed; forget drops ${blobSha256}.`);
    await stack.mustUp({ forget: [blobSha256], triggers: [1] });
    expect(stack.outputs.previous).toEqual({});
  });

  it("drops only the backups that it names", async () => {
    const first = await withAnOnlyCopy();
    const { blobSha256 } = stack.outputs;
    await stack.createAnew();
    await stack.mustUp({ triggers: [2] });
    expect(hashes()).toEqual([first.blobSha256, blobSha256]);
    await stack.mustUp({ triggers: [2], forget: [first.blobSha256] });
    expect(hashes()).toEqual([blobSha256]);
  });
});

describe.each(objectKinds)("a damaged earlier backup of a $noun", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  async function withADamagedOnlyCopy(): Promise<Record<string, unknown>> {
    const kept = await withAnOnlyCopy();
    const previous = { [String(kept.blobSha256)]: { ...kept, blob: "AAAA" } };
    stack.engine.edit({ ...stack.outputs, previous });
    return kept;
  }

  it("stays as it is, with its reason, and stops no new backup", async () => {
    const { blobSha256 } = await withADamagedOnlyCopy();
    await stack.mustUp({ triggers: [2] });
    expect(stack.asked).toEqual(stack.newBackup);
    expect(stack.previous).toMatchObject([{ blobSha256, blob: "AAAA" }]);
    expect(stack.previous[0]?.keptBecause).toMatch(
      /^no newer backup is known .*; the blob is damaged: its SHA-256 is /,
    );
  });

  it("makes no update due, and stops neither a refresh nor a change of the record", async () => {
    await withADamagedOnlyCopy();
    expect(await stack.preview({ triggers: [1] })).toBe(false);
    expect(await stack.engine.refresh()).toBe(true);
    await stack.mustUp({ triggers: [1], forceDelete: true });
    expect(stack.previous).toMatchObject([{ blob: "AAAA" }]);
  });

  it("is dropped by forget", async () => {
    const { blobSha256 } = await withADamagedOnlyCopy();
    await stack.mustUp({ triggers: [1], forget: [blobSha256] });
    expect(hashes()).toEqual([]);
  });

  it("replaces no older backup of the same versions", async () => {
    stack.objects.permissions.delete("list");
    await stack.backedUp();
    stack.objects.permissions.add("list");
    await stack.mustUp({ triggers: [1] });
    const [unlisted] = stack.previous;
    const { blobSha256, versions } = stack.outputs;
    const previous = { [String(unlisted?.blobSha256)]: { ...unlisted, versions } };
    stack.engine.edit({ ...stack.outputs, blob: "AAAA", previous });
    await stack.createAnew();
    await stack.mustUp({ triggers: [2] });
    expect(hashes()).toEqual([unlisted?.blobSha256, blobSha256]);
  });
});

describe.each(objectKinds)("a $noun's blob that is neither in the state nor in a copy", (kind) => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  /** The newest backup is recorded without its blob. */
  async function withoutBlob(): Promise<void> {
    await stack.backedUp();
    const { blob, ...others } = stack.outputs;
    stack.engine.edit(others);
  }

  it("is replaced by a new backup", async () => {
    await withoutBlob();
    await stack.mustUp();
    expect(stack.printed).toContain("because the state has no blob, and no copy of the backup is left");
    expect(stack.outputs).toHaveProperty("blob");
  });

  it("stays recorded in previous without a blob if it may be the only copy", async () => {
    await withoutBlob();
    const { blobSha256, versions } = stack.outputs;
    await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    expect(stack.previous).toMatchObject([{ blobSha256, versions }]);
    expect(stack.previous[0]).not.toHaveProperty("blob");
  });
});

it.each(objectKinds)(
  "A state that was edited in any way gets a new backup of the $noun, and nothing of it is lost",
  async (kind) => {
    stack = await BackupStack.start(service, kind);
    await stack.backedUp();
    const kept = { "0": null, "1": { blobSha256: 5, versions: "all" }, "2": "text" };
    stack.engine.edit({ ...stack.outputs, versions: [{}, 1], tags: 1, sourceStatus: "odd", previous: kept });
    await stack.mustUp({ triggers: [1] });
    const kinds = Object.keys(stack.outputs.previous as object).map((name) =>
      /^[0-9a-f]{64}$/.test(name) ? "hash" : name,
    );
    expect(kinds.sort()).toEqual(["0", "1", "2", "hash"]);
  },
);
