import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { descendantsOf } from "../../engine/descendantsOf";
import { finished, type PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { sha256OfBytes } from "../../src/backup/blob";
import { type Azurite, startAzurite } from "../support/azurite/startAzurite";
import { noPermission } from "../support/azurite/storageErrors";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn, timesPrinted } from "../support/pulumi/printed";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let vault: LocalVault;
let scratch: LocalVault;
let replica: LocalVault;
let keyUri: string;
let version: string;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

interface Copy {
  readonly uri: string;
  readonly status: string;
}

const backup = (
  settings: object,
) => `const backup = new KeyBackup("orders", ${JSON.stringify({ keyUri, ...settings })});
const { blob, blobUri, blobSha256, copies, sourceStatus } = backup;
module.exports = { blob, blobUri, blobSha256, copies, sourceStatus };
`;

async function newProject(settings: () => object): Promise<void> {
  vault = await service.createVault();
  scratch = await service.createVault();
  replica = await service.createVault();
  ({ uri: keyUri, version } = await vault.keys.create("orders"));
  project = await localProject(service, javaScriptProject(backup(settings())), {
    config: { "azure-keyvault-backup:timeoutSeconds": "20", scratch: scratch.vaultUri, replica: replica.vaultUri },
  });
}

const declare = (settings: object, ...others: string[]) =>
  project.write("index.js", javaScript([backup(settings), ...others].join("")));

describe("a stack whose copies are in a directory", () => {
  let folder: string;
  let settings: { readonly copyTo: string[]; readonly keepBlobInState?: boolean };

  beforeAll(async () => {
    // Outside the project, in whose files nothing may be in clear.
    folder = await mkdtemp(path.join(tmpdir(), "copies-"));
    await mkdir(path.join(folder, "backups"));
    settings = { copyTo: [pathToFileURL(path.join(folder, "backups")).href], keepBlobInState: false };
    await newProject(() => settings);
  });
  afterAll(async () => {
    await endProject(project);
    await rm(folder, { recursive: true });
  });

  const record = async () =>
    (await project.outputs()) as { blob: string | null; blobUri: string; blobSha256: string; copies: Copy[] };

  it("has the backup there and nowhere else", async () => {
    await project.succeeds("up", "--skip-preview");
    const { blob, blobUri, blobSha256, copies } = await record();
    expect(blob).toBeNull();
    expect(copies).toMatchObject([{ uri: blobUri, status: "verified" }]);
    const bytes = await readFile(fileURLToPath(blobUri));
    expect(sha256OfBytes(bytes)).toBe(blobSha256);
    expect(await project.blobs()).toEqual([]);
    expect((await restore(service, bytes.toString("base64url"))).versions).toEqual([version]);
  });

  it("changes nothing in another update, and asks nothing", async () => {
    vault.clearRequests();
    expect(await project.succeeds("preview", "--expect-no-changes")).toContain("unchanged");
    expect(await project.succeeds("up", "--skip-preview")).toContain("unchanged");
    expect(vault.requests).toEqual([]);
  });

  it("restores and proves the backup from the copy", async () => {
    const replicas = 'new KeyRestore("replica", { vaultUri: config.require("replica"), backup });\n';
    const drills = `module.exports.outcome = new RestoreDrill("orders", { vaultUri: config.require("scratch"), backup }).outcome;\n`;
    await declare(settings, replicas, drills);
    await project.succeeds("up");
    expect(await project.outputs()).toMatchObject({ outcome: "verified" });
    expect(replica.keys.versions("orders").map((one) => one.version)).toEqual([version]);
    expect(await project.blobs()).toEqual([]);
    await project.succeeds("refresh", "--skip-preview");
    expect(await project.succeeds("preview", "--expect-no-changes")).toContain("4 unchanged");
    await declare(settings);
    await project.succeeds("up", "--skip-preview");
  });

  it("fails with one error while the disk is not mounted, and keeps the record", async () => {
    await vault.keys.rotate("orders");
    const before = await record();
    await rename(path.join(folder, "backups"), path.join(folder, "away"));
    expect(await project.succeeds("refresh", "--skip-preview")).toContain("Could not look at the copy");
    expect(await project.records()).toMatchObject([{ copies: [{ status: "unreachable" }], sourceStatus: "changed" }]);
    const { code, output } = await project.up("--skip-preview");
    expect(code).not.toBe(0);
    expect(errorsIn(output)).toHaveLength(1);
    expect(errorsIn(output)[0]).toMatch(
      /Could not write the copy .*: there is no directory .*A backup was made and discarded/,
    );
    expect(stackLinesIn(output)).toEqual([]);
    expect(await record()).toMatchObject({ blobSha256: before.blobSha256 });
    await rename(path.join(folder, "away"), path.join(folder, "backups"));
    await project.succeeds("up", "--skip-preview");
    expect(await project.outputs()).toMatchObject({ copies: [{ status: "verified" }], sourceStatus: "current" });
  });

  it("takes the blob into the state and out of it, without a request to the vault", async () => {
    vault.clearRequests();
    await declare({ ...settings, keepBlobInState: true });
    await project.succeeds("up", "--skip-preview");
    const { blob, blobUri, blobSha256 } = await record();
    expect(sha256OfBytes(Buffer.from(String(blob), "base64url"))).toBe(blobSha256);
    expect(blobUri).toBeUndefined();
    expect(await project.blobs()).toEqual([blob]);
    await declare(settings);
    await project.succeeds("up", "--skip-preview");
    expect(await project.blobs()).toEqual([]);
    expect(vault.requests).toEqual([]);
  });

  it("lets the backup be deleted although the key is purged, and says where the copy stays", async () => {
    const { blobUri } = await record();
    vault.keys.delete("orders");
    vault.keys.purge("orders");
    expect(await project.succeeds("destroy", "--skip-preview")).toContain(
      `the backup is deleted from the state. It stays in ${blobUri}.`,
    );
    const files = await readdir(path.join(folder, "backups"), { recursive: true });
    expect(files.filter((file) => file.endsWith(".keybackup"))).toHaveLength(2);
    expect(
      (await restore(service, (await readFile(fileURLToPath(blobUri))).toString("base64url"))).versions.length,
    ).toBe(2);
  });
});

describe("a stack whose copies are in Azure Blob Storage", () => {
  let azurite: Azurite;
  const settings = () => ({ copyTo: [`${azurite.url}/backups/prod`] });

  beforeAll(async () => {
    azurite = await startAzurite(service.certificate);
    await azurite.createContainer("backups");
    await newProject(settings);
  });
  afterAll(async () => {
    await endProject(project);
    await azurite.stop();
  });

  it("has two copies and one record after the engine was killed between the writing of a copy and its recording", async () => {
    azurite.fail({ method: "GET", connection: "hang" });
    const command = project.start(["up", "--yes", "--skip-preview"]);
    const result = finished(command);
    for (let waited = 0; !azurite.requests.some(({ method }) => method === "GET") && waited < 120_000; waited += 20) {
      await sleep(20);
    }
    const plugins = descendantsOf(Number(command.pid));
    command.kill("SIGKILL");
    await result;
    for (const { id } of plugins) {
      try {
        process.kill(id, "SIGKILL");
      } catch {
        // It has ended with its engine.
      }
    }
    azurite.clearFaults();
    await project.run(["cancel", "--yes"]);
    const [orphan = ""] = await azurite.list();
    const before = await azurite.read(orphan);
    expect(await project.backups()).toEqual([]);
    await project.succeeds("up", "--skip-preview");
    const copies = await azurite.list();
    expect(copies).toHaveLength(2);
    expect(copies).toContain(orphan);
    expect(await azurite.read(orphan)).toEqual(before);
    expect(await project.outputs()).toMatchObject({ copies: [{ status: "verified" }] });
  });

  it("keeps a new backup in the state if the role is missing, with one error that names the role, and writes the copy later", async () => {
    await vault.keys.rotate("orders");
    azurite.fail({ method: "PUT", times: 1_000, answer: noPermission });
    const { code, output } = await project.up("--refresh", "--skip-preview");
    expect(code).not.toBe(0);
    expect(output).toContain("Waiting up to 20 s for a role assignment");
    expect(timesPrinted(output, "Could not write the copy")).toBe(1);
    expect(output).toMatch(
      /Could not write the copy .*: 403 AuthorizationPermissionMismatch\. Grant the role Storage Blob Data Contributor.*waited \d+ s.* The backup is kept: .*troubleshooting\.md#copy-forbidden/,
    );
    const [{ blobSha256 } = {}] = await project.records();
    // The outputs of the stack still have the earlier blob.
    const blobs = await project.blobs();
    const blob = blobs.find((one) => sha256OfBytes(Buffer.from(one, "base64url")) === blobSha256);
    expect((await restore(service, String(blob))).versions.length).toBe(2);
    expect(stackLinesIn(output)).toEqual([]);
    azurite.clearFaults();
    vault.clearRequests();
    await project.succeeds("up", "--skip-preview");
    expect(await project.outputs()).toMatchObject({ blobSha256, copies: [{ status: "verified" }] });
    expect(vault.requests).toEqual([]);
  });
});
