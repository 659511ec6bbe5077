import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { ProjectFolder } from "../support/providerProcess/projectFolder";
import { ProviderProcess, refusalOf, verificationOff } from "../support/providerProcess/providerProcess";
import { serializedTexts } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const __provider = serializedTexts.keyBackup;

let service: LocalKeyVault;
let vault: LocalVault;
let project: ProjectFolder;
let provider: ProviderProcess;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await ProjectFolder.create(installed().installed, "copy");
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});
beforeEach(async () => {
  vault = await service.createVault();
});
afterEach(() => provider.stop());

async function start(configuration: Readonly<Record<string, string>>): Promise<void> {
  provider = await ProviderProcess.start(project.path, service, configuration);
}

/** The inputs of a backup of each of so many new keys. */
async function newInputs(count: number) {
  const names = Array.from({ length: count }, (_, index) => `key-${index + 1}`);
  await Promise.all(names.map((name) => vault.keys.create(name)));
  return names.map((keyName) => ({ __provider, vaultUri: vault.vaultUri, keyName }));
}

describe("the configuration of the stack", () => {
  it.each([1, 2, 3])("reaches each of ten first calls that arrive at once, in process %i", async () => {
    const inputs = await newInputs(10);
    await start(verificationOff);
    const created = await Promise.all(inputs.map((each) => provider.create(each)));
    expect(created.map(({ outputs }) => outputs.keyName)).toEqual(inputs.map(({ keyName }) => keyName));
  });

  it("decides whether a host outside Azure's domains gets a token, and by default it gets none", async () => {
    const [inputs = {}] = await newInputs(1);
    const issued = service.identity.issued.length;
    await start({});
    const { details } = await refusalOf(provider.create(inputs));
    expect(details).toContain("azure-keyvault-backup:disableChallengeResourceVerification");
    expect(service.identity.issued.length).toBe(issued);
    expect(vault.requests.filter(({ hasToken }) => hasToken)).toEqual([]);
  });

  it("is checked before anything is created", async () => {
    await start({ "azure-keyvault-backup:timeoutSeconds": "soon" });
    const { failures } = await provider.check({ __provider, keyUri: "https://kv.vault.azure.net/keys/orders" });
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("timeoutSeconds must be a whole number from 1 to 3600") },
    ]);
  });
});

it("200 keys are backed up at once with one challenge, one token, and three requests for each key", async () => {
  const inputs = await newInputs(200);
  const issued = service.identity.issued.length;
  await start(verificationOff);
  const created = await Promise.all(inputs.map((each) => provider.create(each)));
  expect(created.map(({ outputs }) => outputs.keyName)).toEqual(inputs.map(({ keyName }) => keyName));
  expect(new Set(created.map(({ id }) => id)).size).toBe(200);
  expect(new Set(created.map(({ outputs }) => outputs.blobSha256)).size).toBe(200);
  expect(vault.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
  expect(service.identity.issued.length - issued).toBe(1);
  for (const { keyName } of inputs) {
    const requests = vault.requests.filter((request) => request.hasToken && request.objectName === keyName);
    expect(requests.map(({ operation }) => operation)).toEqual(["listVersions", "backup", "get"]);
  }
});

it("resources share one challenge and one token although their states hold different texts of the provider", async () => {
  const [inputs = {}] = await newInputs(1);
  const texts = [__provider, `${__provider}// An earlier release.\n`, `\n${__provider}`];
  const issued = service.identity.issued.length;
  await start(verificationOff);
  for (const text of texts) {
    const { outputs } = await provider.create({ ...inputs, __provider: text });
    expect(outputs.__provider).toBe(text);
  }
  expect(vault.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
  expect(vault.count("backup")).toBe(3);
  expect(service.identity.issued.length - issued).toBe(1);
});
