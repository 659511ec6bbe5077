import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { type Layout, ProjectFolder } from "../support/providerProcess/projectFolder";
import { ProviderProcess, refusalOf, verificationOff } from "../support/providerProcess/providerProcess";
import { serializedText } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const repository = path.resolve(__dirname, "../..");

let service: LocalKeyVault;
let vault: LocalVault;
let provider: ProviderProcess | undefined;
let project: ProjectFolder | undefined;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  await vault.createKey("orders");
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
  const { inputs } = await process.check({ __provider: serializedText, keyUri: `${vault.vaultUri}keys/orders` });
  return process.create(inputs);
}

describe("the text in a state finds the package", () => {
  it.each([
    ["in the project's node_modules", "copy"],
    ["behind a link to a workspace's folder, as of npm link", "link"],
    ["behind a link into a store, as of pnpm", "store"],
  ] as const)("%s", async (_, layout) => {
    const { id } = await backUp(await startIn(layout));
    expect(id).toBe(`${vault.vaultUri}keys/orders`);
  });

  it("by its own name, where the project is a folder of the package's repository", async () => {
    const { id } = await backUp(await start(path.join(repository, "example")));
    expect(id).toBe(`${vault.vaultUri}keys/orders`);
  });
});

describe("where the package is not installed", () => {
  it("every method names the package that is missing", async () => {
    const process = await startIn("absent");
    const inputs = { __provider: serializedText, vaultUri: vault.vaultUri, keyName: "orders" };
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
});
