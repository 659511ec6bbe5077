import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn, timesPrinted } from "../support/pulumi/printed";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let keyUri: string;
let version: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

function declaration(settings: Readonly<Record<string, unknown>>): string {
  return `const { blob, versions, previous } = new KeyBackup("orders", ${JSON.stringify(settings)});
module.exports = { blob, versions, previous };`;
}

function declare(settings: Readonly<Record<string, unknown>>): Promise<void> {
  return project.write("index.js", javaScript(declaration(settings)));
}

async function backUp(): Promise<void> {
  vault = await service.createVault();
  ({ uri: keyUri, version } = await vault.keys.create("orders"));
  project = await localProject(service, javaScriptProject(declaration({ keyUri })), {
    config: { "azure-keyvault-backup:timeoutSeconds": "5" },
  });
  await project.succeeds("up", "--skip-preview");
}

async function remove(): Promise<void> {
  const told = project.printed + (await project.stateHistory());
  expect(leaksIn(told, { blobs: await project.blobs(), tokens: service.identity.issued })).toEqual([]);
  await endProject(project);
}

function purge(name: string): void {
  vault.keys.delete(name);
  vault.keys.purge(name);
}

/** What a refused `pulumi destroy` printed. */
async function refusedDestroy(): Promise<string> {
  const { code, output } = await project.destroy("--skip-preview");
  expect(code).toBe(1);
  expect(stackLinesIn(output)).toEqual([]);
  return output;
}

describe("pulumi destroy, when the key is purged and the role to read has expired,", () => {
  beforeAll(backUp);
  afterAll(remove);

  const notDeleted = () => `Not deleted: the backup of ${keyUri} may be the only copy.`;

  it("is refused with exit code 1, in plain sight and without a stack trace, and keeps the blob", async () => {
    const { blob } = await project.outputs();
    purge("orders");
    vault.keys.permissions.delete("list");
    vault.keys.permissions.delete("get");
    const output = await refusedDestroy();
    expect(errorsIn(output)).toEqual([expect.stringContaining(notDeleted())]);
    expect(errorsIn(output)[0]).toContain("Microsoft.KeyVault/vaults/keys/read");
    expect(errorsIn(output)[0]).toContain("set forceDelete: true, run pulumi up");
    // The engine prints a refusal to delete several times.
    expect(timesPrinted(output, notDeleted())).toBeLessThanOrEqual(5);
    expect(await project.outputs()).toMatchObject({ blob });
    expect((await restore(service, String(blob))).versions).toEqual([version]);
  });

  it("succeeds without a request once pulumi up has recorded forceDelete", async () => {
    await declare({ keyUri, forceDelete: true });
    vault.clearRequests();
    expect(await project.succeeds("up", "--skip-preview")).toContain("forceDelete changed");
    await project.succeeds("destroy", "--skip-preview");
    expect(vault.requests).toEqual([]);
    expect(await project.backups()).toEqual([]);
  });
});

describe("a program that names another key", () => {
  let blob: string;
  let invoicesUri: string;

  beforeAll(async () => {
    await backUp();
    blob = String((await project.outputs()).blob);
    ({ uri: invoicesUri } = await vault.keys.create("invoices"));
    await declare({ keyUri: invoicesUri });
  });
  afterAll(remove);
  beforeEach(() => vault.clearRequests());

  it("updates the resource in place, and the plan contains no replacement", async () => {
    const plan = await project.succeeds("preview", "--diff");
    expect(plan).toContain("the program no longer names");
    expect(plan).toMatch(/~ 1 to update/);
    expect(plan).not.toMatch(/replace|\+-/);
    expect(vault.requests).toEqual([]);
    const [before] = await project.backups();
    expect(await project.succeeds("up", "--skip-preview")).toContain("1 updated");
    expect(await project.backups()).toMatchObject([{ urn: before?.urn, id: before?.id }]);
  });

  it("has both backups in the state, and only the blobs are encrypted, also after a refresh", async () => {
    await project.succeeds("refresh", "--skip-preview");
    const [{ outputs = {} } = {}] = await project.backups();
    const encrypted = expect.objectContaining({ ciphertext: expect.any(String) });
    const [[blobSha256 = "", earlier] = []] = Object.entries(outputs.previous as Record<string, unknown>);
    expect(outputs).toMatchObject({
      keyUri: invoicesUri,
      keyName: "invoices",
      blob: encrypted,
      sourceStatus: "current",
    });
    expect(earlier).toEqual({
      sourceUri: keyUri,
      versions: [version],
      blob: encrypted,
      blobSha256,
      blobBytes: expect.any(Number),
      backedUpAt: expect.any(String),
      keptBecause: expect.stringContaining(keyUri),
    });
    expect(await project.outputs()).toMatchObject({ previous: [{ blob, blobSha256 }] });
    expect(await project.succeeds("up", "--skip-preview", "--expect-no-changes")).toContain("2 unchanged");
  });

  it("cannot be destroyed while the earlier key is gone, until forget drops its backup", async () => {
    purge("orders");
    expect(errorsIn(await refusedDestroy())).toEqual([
      expect.stringContaining(`Not deleted: the backup of ${keyUri} may be the only copy.`),
    ]);
    const [{ blobSha256 = "" } = {}] = (await project.outputs()).previous as { blobSha256?: string }[];
    await declare({ keyUri: invoicesUri, forget: [blobSha256.toUpperCase()] });
    vault.clearRequests();
    expect(await project.succeeds("up", "--skip-preview")).toContain(`forget drops ${blobSha256}`);
    expect(vault.requests).toEqual([]);
    expect((await restore(service, blob)).versions).toEqual([version]);
    await project.succeeds("destroy", "--skip-preview");
    expect(await project.backups()).toEqual([]);
  });
});
