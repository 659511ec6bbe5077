import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn } from "../support/pulumi/printed";
import { programs } from "../support/pulumi/programs";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let keyUri: string;

const elsewhere = "https://no-such-vault.vault.azure.net/";

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  ({ uri: keyUri } = await vault.keys.create("orders"));
  project = await localProject(service, programs.JavaScript, {
    config: { keyUri, "azure-keyvault-backup:timeoutSeconds": "5" },
  });
  await project.succeeds("up", "--skip-preview");
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

/** The record after a refresh that must succeed. */
async function refreshed() {
  const output = await project.succeeds("refresh", "--skip-preview");
  expect(stackLinesIn(output)).toEqual([]);
  expect(errorsIn(output)).toEqual([]);
  const [record = {}] = await project.records();
  return { output, record };
}

/** Puts the recorded vault into the place of another. */
function moveRecord(vaultUri: string, sourceStatus?: string): Promise<void> {
  return project.editRecord((outputs) => {
    const newKeyUri = `${vaultUri}keys/orders`;
    Object.assign(outputs, { vaultUri, keyUri: newKeyUri }, sourceStatus === undefined ? {} : { sourceStatus });
  });
}

describe("pulumi refresh on a machine that cannot resolve the vault's name", () => {
  it("succeeds, keeps the change that an earlier refresh recorded, and says what it could not reach", async () => {
    const { version } = await vault.keys.rotate("orders");
    const seen = {
      sourceStatus: "changed",
      sourceStatusReason: expect.stringContaining(version),
    };
    expect((await refreshed()).record).toMatchObject(seen);
    await moveRecord(elsewhere);
    const { output, record } = await refreshed();
    expect(record).toMatchObject(seen);
    expect(output).toContain("the backup is kept; the source is unreachable");
    expect(output).toContain("no-such-vault.vault.azure.net");
  });

  it("records unreachable with the reason when nothing else is known, and keeps the blob", async () => {
    const [before] = await project.blobs();
    await moveRecord(elsewhere, "current");
    const { record } = await refreshed();
    expect(record).toMatchObject({
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringMatching(/no-such-vault\.vault\.azure\.net.*(resolve|ENOTFOUND|EAI_AGAIN)/),
    });
    expect(await project.blobs()).toEqual([before]);
  });
});

describe("pulumi refresh when the vault cannot be asked safely", () => {
  it("succeeds and records the reason when TLS verification is turned off", async () => {
    await moveRecord(vault.vaultUri, "current");
    vault.clearRequests();
    project.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const { record } = await refreshed();
    delete project.env.NODE_TLS_REJECT_UNAUTHORIZED;
    expect(record).toMatchObject({
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringContaining("NODE_TLS_REJECT_UNAUTHORIZED=0"),
    });
    expect(vault.requests).toEqual([]);
  });

  it("succeeds and records the reason when the recorded configuration has a mistake, which pulumi up refuses", async () => {
    await project.configure({ "azure-keyvault-backup:timeoutSeconds": "soon" });
    const { code, output } = await project.up("--skip-preview");
    const mistake = "azure-keyvault-backup:timeoutSeconds must be a whole number from 1 to 3600.";
    expect(code).not.toBe(0);
    expect(errorsIn(output)).toEqual([expect.stringContaining(mistake)]);
    vault.clearRequests();
    expect((await refreshed()).record).toMatchObject({
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringContaining(mistake),
    });
    expect(vault.requests).toEqual([]);
  });
});
