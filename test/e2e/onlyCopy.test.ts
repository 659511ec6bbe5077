import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

interface Previous {
  readonly blob: string;
  readonly blobSha256: string;
}

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let keyUri: string;
let version: string;
let blob: string;
let blobSha256: string;
const blobs: string[] = [];

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

/** A project whose key is backed up. */
async function backUp(): Promise<void> {
  vault = await service.createVault();
  ({ keyUri, version } = await vault.createKey("orders"));
  project = await localProject(service, programs.JavaScript ?? {}, {
    config: { keyUri, "azure-keyvault-backup:timeoutSeconds": "3" },
  });
  await project.succeeds("up", "--skip-preview");
  ({ blob, blobSha256 } = (await project.outputs()) as unknown as Previous);
  blobs.push(blob);
  vault.clearRequests();
}

/** Nothing that was printed, and no state that was stored, tells a blob. */
async function remove(): Promise<void> {
  const told = project.printed + (await project.stateHistory());
  expect(leaksIn(told, { blobs, tokens: service.identity.issued })).toEqual([]);
  await project.remove();
}

function lose(): void {
  vault.deleteKey("orders");
  vault.purgeKey("orders");
}

/** Changes `triggers` and runs `pulumi up`, which makes one backup more. */
async function backUpAgain(): Promise<string> {
  const made = vault.count("backup");
  await project.configure({ triggers: JSON.stringify([Math.random()]) });
  const output = await project.succeeds("up", "--skip-preview");
  expect(vault.count("backup")).toBe(made + 1);
  blobs.push(String((await project.outputs()).blob));
  return output;
}

async function previous(): Promise<Previous[]> {
  return (await project.outputs()).previous as Previous[];
}

async function refused(command: "up" | "destroy" | "refresh", ...args: string[]): Promise<string> {
  const { code, output } = await project[command](...args);
  expect(code).not.toBe(0);
  expect(output).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  return output;
}

describe("of a key that was created anew", () => {
  beforeAll(async () => {
    await backUp();
    lose();
  });
  afterAll(remove);

  it("the old backup is kept beside the new one, encrypted, and can be restored", async () => {
    const { backedUpAt } = (await project.records())[0] ?? {};
    const recreated = await vault.createKey("orders");
    const output = await backUpAgain();
    const keptBecause = `no newer backup is known to hold version ${version}`;
    expect(output).toContain(`the backup of ${backedUpAt} (${blobSha256}) is kept in previous: ${keptBecause}.`);
    const outputs = await project.outputs();
    const metadata = { blobSha256, keyVersions: [version], backedUpAt, keptBecause };
    expect(outputs).toMatchObject({ keyVersions: [recreated.version], sourceStatus: "current" });
    expect(outputs.previous).toEqual([{ ...metadata, blob }]);
    const encrypted = expect.objectContaining({ ciphertext: expect.any(String) });
    for (const command of ["refresh", "up"] as const) {
      expect((await project.backups())[0]?.outputs?.previous).toEqual({
        [blobSha256]: { ...metadata, blob: encrypted },
      });
      expect(await project.succeeds(command)).toContain("2 unchanged");
    }
    expect((await restore(service, String((await previous())[0]?.blob))).versions).toEqual([version]);
  });

  it("it stays beside each further backup, and no other does", async () => {
    await backUpAgain();
    expect(await previous()).toMatchObject([{ blobSha256 }]);
  });

  it("forget drops it, without a new backup", async () => {
    await project.configure({ forget: JSON.stringify([blobSha256.toUpperCase()]) });
    const told = `updated without a new backup, because forget names ${blobSha256}, which will be dropped.`;
    vault.clearRequests();
    expect(await project.succeeds("preview")).toContain(told);
    expect((await previous()).length).toBe(1);
    expect(await project.succeeds("up")).toContain("1 updated");
    expect(await previous()).toEqual([]);
    expect(await project.succeeds("up")).toContain("2 unchanged");
    expect(vault.requests).toEqual([]);
  });
});

describe("retain", () => {
  beforeAll(backUp);
  afterAll(remove);

  it("keeps as many backups as it says although a newer one holds their versions, from the next backup on", async () => {
    await project.configure({ retain: "2" });
    for (let backup = 0; backup < 3; backup += 1) {
      await backUpAgain();
    }
    const keptBecause = "retain: a newer backup holds all of its versions";
    expect(await previous()).toMatchObject([1, 0].map((index) => ({ blob: blobs.at(index - 3), keptBecause })));
    await project.configure({ retain: "1" });
    expect(await project.succeeds("up")).toContain("2 unchanged");
    expect((await previous()).length).toBe(2);
    await backUpAgain();
    expect(await previous()).toMatchObject([{ blob: blobs.at(-2) }]);
  });
});

describe("`pulumi destroy`, with the key gone,", () => {
  beforeEach(async () => {
    await backUp();
    vault.deleteKey("orders");
  });
  afterEach(remove);

  async function refusedWithWayOut(): Promise<string> {
    const output = await refused("destroy");
    expect(output).toContain(
      `The backup of ${keyUri} is not deleted: it may be the only copy of the key: key "orders" in`,
    );
    expect(output).toContain(
      "is soft-deleted. Recover it: az keyvault key recover --vault-name localhost --name orders.",
    );
    for (const way of ["stack export --show-secrets", "forceDelete: true", `["${blobSha256}"]`, "state delete <urn>"]) {
      expect(output).toContain(way);
    }
    expect((await project.outputs()).blob).toBe(blob);
    return output;
  }

  it("is refused, and succeeds once the key is recovered", async () => {
    await refusedWithWayOut();
    vault.recoverKey("orders");
    await project.succeeds("destroy");
    expect(await project.backups()).toEqual([]);
  });

  it("is refused, and succeeds once `pulumi up` has recorded forceDelete", async () => {
    await refusedWithWayOut();
    await project.configure({ forceDelete: "true" });
    await refused("destroy");
    vault.clearRequests();
    expect(await project.succeeds("up")).toContain("updated without a new backup, because forceDelete changed.");
    await project.succeeds("destroy");
    expect(vault.requests).toEqual([]);
    expect(await project.backups()).toEqual([]);
  });

  it("is refused, and has nothing left to refuse after `pulumi state delete`", async () => {
    await refusedWithWayOut();
    const [{ urn } = { urn: "" }] = await project.backups();
    expect(await project.run(["state", "delete", urn, "--yes"])).toMatchObject({ code: 0 });
    await project.succeeds("destroy");
    expect(await project.backups()).toEqual([]);
  });

  it("is the engine's to refuse where protect is set, and asks for nothing where retainOnDelete is", async () => {
    await project.configure({ options: '{"protect":true}' });
    await project.succeeds("up");
    vault.clearRequests();
    expect(await refused("destroy")).toContain("protect");
    await project.configure({ options: '{"retainOnDelete":true}' });
    await project.succeeds("up");
    await project.succeeds("destroy");
    expect(vault.requests).toEqual([]);
    expect(await project.backups()).toEqual([]);
  });
});

describe("`pulumi destroy`, where it is not known whether the key is there,", () => {
  beforeAll(backUp);
  afterAll(remove);

  it("is refused for want of an answer", async () => {
    vault.fail("listVersions", { kind: "stall" });
    const output = await refused("destroy");
    expect(output).toContain(
      `The backup of ${keyUri} is not deleted: whether the key is still there could not be learnt`,
    );
    expect(output).toContain("gave no answer within 3 s.");
    expect((await project.backups()).length).toBe(1);
  });

  it("goes on for want of the permission to read, and says so", async () => {
    vault.permissions.delete("list");
    expect(await project.succeeds("destroy")).toContain(
      `KeyBackup ${keyUri}: deleted, and whether the key is still there is not known: Key Vault refused to read`,
    );
    expect(await project.backups()).toEqual([]);
  });
});

describe.each<[string, () => Promise<string[]>, () => string]>([
  [
    "where the program names another key, and the old one is gone,",
    async () => {
      await project.configure({ keyUri: (await vault.createKey("invoices")).keyUri });
      return [];
    },
    () => "it may be the only copy of the key: key ",
  ],
  [
    "where the resource is replaced, and its key was created anew,",
    async () => {
      await vault.createKey("orders");
      const [{ urn } = { urn: "" }] = await project.backups();
      return ["--replace", urn];
    },
    () => `it may hold the only copy: the key in the vault lacks version ${version}.`,
  ],
])("%s", (_, replace, because) => {
  let options: string[];
  beforeAll(async () => {
    await backUp();
    lose();
    options = await replace();
  });
  afterAll(remove);

  it("the new one is backed up, and the old backup stays in the state as one to delete", async () => {
    for (const args of [options, []]) {
      expect(await refused("up", ...args)).toContain(`The backup of ${keyUri} is not deleted: ${because()}`);
      const [toDelete, ...more] = (await project.backups()).filter((backup) => backup.delete === true);
      expect(toDelete?.outputs).toMatchObject({ blobSha256, keyVersions: [version] });
      expect(more).toEqual([]);
    }
    expect((await project.backups()).length).toBe(2);
    expect(vault.count("backup")).toBe(1);
  });

  it("neither forceDelete nor `pulumi state delete` lets it go, as two records have one URN", async () => {
    await project.configure({ forceDelete: "true" });
    await refused("up");
    await project.configure({ forceDelete: "false" });
    const [{ urn } = { urn: "" }] = await project.backups();
    const { code, output } = await project.run(["state", "delete", urn, "--yes"]);
    expect([code === 0, output]).toEqual([false, expect.stringContaining("ambiguous")]);
    expect((await project.backups()).length).toBe(2);
  });

  it("forget in the program lets it go", async () => {
    await project.configure({ forget: JSON.stringify([blobSha256]) });
    await project.succeeds("up");
    const [{ blobSha256: newest, previous: kept } = {}, ...more] = await project.records();
    expect(newest).not.toBe(blobSha256);
    expect([kept, more]).toEqual([{}, []]);
    expect(await project.succeeds("up")).toContain("2 unchanged");
    expect(vault.count("backup")).toBe(1);
  });
});

it("with deleteBeforeReplace, the other key is backed up only once forget lets the old backup go", async () => {
  await backUp();
  lose();
  const { keyUri: another } = await vault.createKey("invoices");
  await project.configure({ keyUri: another, options: '{"deleteBeforeReplace":true}' });
  await refused("up");
  expect([vault.count("backup"), (await project.backups()).length]).toEqual([0, 1]);
  await project.configure({ forget: JSON.stringify([blobSha256]) });
  await project.succeeds("up");
  expect(await project.records()).toMatchObject([{ keyName: "invoices", previous: {} }]);
  await remove();
});

describe("a state whose blob is not the one that was recorded", () => {
  const wrong = "0".repeat(64);
  const damages: [string, (outputs: Record<string, unknown>) => void, () => string, () => string][] = [
    [
      "blob",
      (outputs) => Object.assign(outputs.blob as object, { plaintext: '"AAAA"' }),
      () => "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c",
      () => blobSha256,
    ],
    ["blobSha256", (outputs) => Object.assign(outputs, { blobSha256: wrong }), () => blobSha256, () => wrong],
  ];

  describe.each(damages)("(another %s)", (_, damage, found, recorded) => {
    const told = () => `its SHA-256 is ${found()}, and blobSha256 says ${recorded()}.`;
    beforeAll(async () => {
      await backUp();
      await project.editRecord(damage);
    });
    afterAll(remove);

    it("fails a refresh, which names both", async () => {
      expect(await refused("refresh")).toContain(told());
      expect(vault.requests).toEqual([]);
    });

    it("is never kept beside a new backup, unless forget drops it", async () => {
      lose();
      await vault.createKey("orders");
      expect(await refused("up")).toContain(told());
      expect(await project.records()).toMatchObject([{ keyVersions: [version], blobSha256: recorded() }]);
      await project.configure({ forget: JSON.stringify([recorded()]) });
      expect(await project.succeeds("up")).toContain("1 updated");
      expect(await previous()).toEqual([]);
    });
  });

  it("is replaced by a plain `pulumi up`, which the preview says", async () => {
    await backUp();
    await project.editRecord((outputs) => Object.assign(outputs, { blobSha256: wrong }));
    const because = `because the recorded blob is damaged: its SHA-256 is ${blobSha256}, and blobSha256 says ${wrong}.`;
    expect(await project.succeeds("preview")).toContain(`a new backup will be made, ${because}`);
    expect(await project.succeeds("up")).toContain("1 updated");
    expect(vault.count("backup")).toBe(1);
    expect(await project.records()).toEqual([expect.objectContaining({ previous: {}, sourceStatus: "current" })]);
    await project.succeeds("refresh");
    await remove();
  });
});
