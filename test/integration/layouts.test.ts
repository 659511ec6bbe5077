import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { type Layout, ProjectFolder } from "../support/providerProcess/projectFolder";
import { ProviderProcess, refusalOf, sentBack, verificationOff } from "../support/providerProcess/providerProcess";
import { serializedTexts } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const repository = path.resolve(__dirname, "../..");

let service: LocalKeyVault;
let vault: LocalVault;
let provider: ProviderProcess | undefined;
let project: ProjectFolder | undefined;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  await vault.keys.create("orders");
});
afterAll(() => service.stop());
afterEach(async () => {
  await provider?.stop();
  await project?.remove();
  [provider, project] = [undefined, undefined];
});

async function start(folder: string): Promise<ProviderProcess> {
  provider = await ProviderProcess.start(folder, service, verificationOff);
  return provider;
}

async function startIn(layout: Layout): Promise<ProviderProcess> {
  project = await ProjectFolder.create(installed().installed, layout);
  return start(project.path);
}

async function backUp(process: ProviderProcess) {
  const keyUri = `${vault.vaultUri}keys/orders`;
  const { inputs } = await process.check({ __provider: serializedTexts.keyBackup, keyUri });
  return process.create(inputs);
}

describe("the provider's text in a state finds the package", () => {
  it.each([
    ["as npm installs it", "copy"],
    ["as a workspace or npm link has it, behind a link to a folder elsewhere", "link"],
    ["as pnpm installs it, behind a link into a store", "store"],
  ] as const)("%s", async (_, layout) => {
    const { outputs } = await backUp(await startIn(layout));
    expect(outputs).toMatchObject({ keyUri: `${vault.vaultUri}keys/orders`, sourceStatus: "current" });
  });

  it("in a project inside the package's own repository", async () => {
    const { outputs } = await backUp(await start(path.join(repository, "example")));
    expect(outputs).toMatchObject({ keyUri: `${vault.vaultUri}keys/orders`, sourceStatus: "current" });
  });
});

it("the text of each resource calls that resource's provider", async () => {
  const process = await startIn("copy");
  const { outputs } = await backUp(process);
  const { blob, blobSha256, keyUri, versions, thumbprints } = sentBack(outputs);
  const backup = { blob, blobSha256, keyUri, keyName: "orders", versions, thumbprints };
  const [replica, scratch] = [await service.createVault(), await service.createVault()];
  const restored = await process.create({
    __provider: serializedTexts.keyRestore,
    vaultUri: replica.vaultUri,
    backup,
  });
  expect(restored.outputs).toMatchObject({ status: "present", missingVersions: [] });
  const drilled = await process.create({
    __provider: serializedTexts.restoreDrill,
    vaultUri: scratch.vaultUri,
    owner: "organization/project/stack/drill",
    backup,
  });
  expect(drilled.outputs).toMatchObject({ outcome: "verified" });
  expect([replica.keys.has("orders"), scratch.keys.has("orders")]).toEqual([true, false]);
});

it("every method names the package when it is not installed", async () => {
  const process = await startIn("absent");
  const inputs = { __provider: serializedTexts.keyBackup, vaultUri: vault.vaultUri, keyName: "orders" };
  const requests = [
    process.check(inputs),
    process.diff("id", inputs, inputs),
    process.create(inputs),
    process.read("id", { outputs: inputs }),
    process.update("id", inputs, inputs),
    process.delete("id", inputs),
  ];
  for (const { details } of await Promise.all(requests.map(refusalOf))) {
    expect(details).toContain("Cannot find package 'pulumi-azure-keyvault-backup' imported from ");
  }
});
