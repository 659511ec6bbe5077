import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import { diagnosticsIn, type PulumiProject } from "../../engine/pulumiProject";

const files = programs.JavaScript ?? {};

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let keyUri: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  ({ keyUri } = await vault.createKey("orders", { tags: { team: "billing" } }));
  project = await localProject(service, files, { config: { keyUri } });
  await project.succeeds("up", "--skip-preview");
});
beforeEach(() => vault.clearRequests());
afterAll(async () => {
  await project.remove();
  await service.stop();
});

/** What `pulumi refresh` has recorded of the key, without making a backup. */
async function refreshed() {
  const made = vault.count("backup");
  await project.succeeds("refresh");
  expect(vault.count("backup")).toBe(made);
  return status();
}

async function status() {
  const [{ sourceStatus, sourceStatusReason } = {}] = await project.records();
  return { sourceStatus, sourceStatusReason };
}

const current = { sourceStatus: "current", sourceStatusReason: undefined };

describe("after a change of the key that its URI does not tell", () => {
  const changes: [string, () => Promise<string>][] = [
    ["a rotation", async () => `the key has newer version ${(await vault.rotateKey("orders")).version}`],
    [
      "other tags",
      async () => {
        const { updated } = vault.updateKey("orders", undefined, { tags: { team: "shipping" } });
        return `attributes or tags of the key changed at ${new Date(updated * 1000).toISOString()}`;
      },
    ],
    [
      "a version that was disabled",
      async () => {
        const { updated } = vault.updateKey("orders", undefined, { enabled: false });
        return `attributes or tags of the key changed at ${new Date(updated * 1000).toISOString()}`;
      },
    ],
    [
      "a key created anew",
      async () => {
        const versions = vault.keyVersions("orders").map(({ version }) => version);
        vault.deleteKey("orders");
        vault.purgeKey("orders");
        await vault.createKey("orders");
        const lacking = versions.reverse().join(", ");
        return `the key was created anew or restored: it lacks versions ${lacking} of the backup`;
      },
    ],
  ];

  it.each(changes)("(%s) a refresh records it, the preview tells it, and `pulumi up` follows it", async (_, change) => {
    const sourceStatusReason = await change();
    expect(await project.succeeds("up")).toContain("2 unchanged");
    expect(vault.requests).toEqual([]);
    expect(await refreshed()).toEqual({ sourceStatus: "changed", sourceStatusReason });
    const told = `KeyBackup ${keyUri}: a new backup will be made, because ${sourceStatusReason}.`;
    expect(await project.succeeds("preview")).toContain(told);
    expect(vault.count("backup")).toBe(0);
    expect(await project.succeeds("up")).toContain("1 updated");
    expect(vault.count("backup")).toBe(1);
    expect(await status()).toEqual(current);
    expect(await refreshed()).toEqual(current);
  });

  it("one `pulumi up --refresh` does it all", async () => {
    const { version } = await vault.rotateKey("orders");
    expect(await project.succeeds("up", "--refresh")).toContain(`because the key has newer version ${version}.`);
    expect(vault.count("backup")).toBe(1);
    expect(await status()).toEqual(current);
    expect(await project.succeeds("up", "--refresh")).toContain("2 unchanged");
    expect(vault.count("backup")).toBe(1);
  });
});

describe("a key that a refresh does not find", () => {
  const causes: [string, string, () => void, () => void, string][] = [
    [
      "deleted",
      "missing",
      () => vault.deleteKey("orders"),
      () => vault.recoverKey("orders"),
      `az keyvault key recover --vault-name localhost --name orders.`,
    ],
    [
      "unreadable",
      "unreachable",
      () => vault.permissions.delete("list"),
      () => vault.permissions.add("list"),
      "Grant the data action Microsoft.KeyVault/vaults/keys/read",
    ],
  ];

  it.each(causes)(
    "(%s) is recorded as %s, which keeps the backup and makes no other",
    async (_, as, lose, find, way) => {
      const [before] = await project.records();
      lose();
      const { sourceStatus, sourceStatusReason } = await refreshed();
      expect(sourceStatus).toBe(as);
      expect(sourceStatusReason).toContain(way);
      expect(project.printed).toContain(`KeyBackup ${keyUri}: the backup is kept, and the key is ${as}: `);
      expect(await project.records()).toEqual([{ ...before, sourceStatus, sourceStatusReason }]);
      vault.clearRequests();
      expect(await project.succeeds("up")).toContain("2 unchanged");
      expect(vault.requests).toEqual([]);
      find();
      expect(await refreshed()).toEqual(current);
    },
  );
});

describe("a backup of eight days", () => {
  const madeAt = new Date(Date.now() - 8 * 86_400_000).toISOString();
  const tooOld = (days: number) => `the recorded backup was made at ${madeAt}, longer ago than maxAgeDays (${days})`;
  beforeEach(() =>
    project.editRecord((outputs) => {
      outputs.backedUpAt = madeAt;
    }),
  );

  it("stays where maxAgeDays allows nine, and is renewed by a plain `pulumi up` where it does not", async () => {
    await project.configure({ maxAgeDays: "9" });
    expect(await project.succeeds("up")).toContain("2 unchanged");
    await project.configure({ maxAgeDays: "7.5" });
    expect(await project.succeeds("preview")).toContain(`a new backup will be made, because ${tooOld(7.5)}.`);
    expect(vault.requests).toEqual([]);
    expect(await project.succeeds("up")).toContain("1 updated");
    expect(vault.count("backup")).toBe(1);
    expect(await project.succeeds("up")).toContain("2 unchanged");
  });

  it("stays while the key is missing, which `pulumi up` tells", async () => {
    vault.deleteKey("orders");
    await refreshed();
    vault.clearRequests();
    const output = await project.succeeds("up");
    expect(output).toContain(
      `no new backup is made, because the key was not there at the last refresh; ${tooOld(7.5)}. Where it is back: ` +
        "pulumi up --refresh.",
    );
    expect(output).toContain("2 unchanged");
    expect(vault.requests).toEqual([]);
    vault.recoverKey("orders");
    expect(await project.succeeds("up", "--refresh")).toContain("1 updated");
    expect(vault.count("backup")).toBe(1);
  });
});

describe("an input that is none", () => {
  afterEach(() => project.write("index.js", String(files["index.js"])));

  it.each([
    ["maxAgeDays", "NaN", "a positive, finite number of days"],
    ["maxAgeDays", "Infinity", "a positive, finite number of days"],
    ["maxAgeDays", "0", "a positive, finite number of days"],
    ["maxAgeDays", "-1", "a positive, finite number of days"],
    ["maxAgeDays", '"7"', "a positive, finite number of days"],
    ["retain", "-1", "a whole number of backups, 0 or more"],
    ["retain", "1.5", "a whole number of backups, 0 or more"],
    ["forget", '"all"', "an array of blobSha256 values, of 64 hexadecimal digits each"],
    ["forget", '["all"]', "an array of blobSha256 values, of 64 hexadecimal digits each"],
    ["forceDelete", '"yes"', "true or false"],
  ])("(%s: %s) gets one error, and changes nothing", async (name, value, wanted) => {
    const before = await project.records();
    const program = String(files["index.js"]).replace(new RegExp(`${name}: .*`), `${name}: ${value},`);
    await project.write("index.js", program);
    const { code, output } = await project.up("--skip-preview");
    expect(code).not.toBe(0);
    const errors = diagnosticsIn(output).filter((line) => line.includes("error:"));
    expect(errors).toEqual([expect.stringContaining(`${name} is not ${wanted}.`)]);
    expect(output).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
    expect(await project.records()).toEqual(before);
    expect(vault.requests).toEqual([]);
  });
});
