import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { ProjectFolder } from "../support/providerProcess/projectFolder";
import { ProviderProcess, refusalOf, verificationOff } from "../support/providerProcess/providerProcess";
import { serializedText } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

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

/** Inputs as `check` completes them, of as many new keys. */
async function checkedInputs(count: number) {
  const names = Array.from({ length: count }, (_, index) => `key-${index + 1}`);
  await Promise.all(names.map((name) => vault.createKey(name)));
  return names.map((keyName) => ({
    __provider: serializedText,
    vaultUri: vault.vaultUri,
    keyName,
    keyUri: `${vault.vaultUri}keys/${keyName}`,
  }));
}

describe("the stack's configuration", () => {
  it.each([1, 2, 3])("reaches each of many first calls at once (process %i)", async () => {
    const inputs = await checkedInputs(10);
    await start(verificationOff);
    const created = await Promise.all(inputs.map((each) => provider.create(each)));
    expect(created.map(({ id }) => id)).toEqual(inputs.map(({ keyUri }) => keyUri));
  });

  it("decides whether a vault gets a token that asks for one of another service: without it, it gets none", async () => {
    const [inputs = {}] = await checkedInputs(1);
    const issued = service.identity.issued.length;
    await start({});
    const { details } = await refusalOf(provider.create(inputs));
    expect(details).toContain("asks for a token of another service, which it may be out to steal, so it got none.");
    expect(service.identity.issued.length).toBe(issued);
    expect(vault.requests.filter(({ hasToken }) => hasToken)).toEqual([]);
  });

  it("is checked before anything is made", async () => {
    await start({ "azure-keyvault-backup:timeoutSeconds": "soon" });
    const { failures } = await provider.check({ __provider: serializedText, keyUri: "https://kv/keys/orders" });
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("timeoutSeconds is not a whole number from 1 to 3600") },
    ]);
  });
});

describe("the resources of a process", () => {
  it("are backed up 200 at once with one challenge, one token, and four requests for each key", async () => {
    const inputs = await checkedInputs(200);
    const issued = service.identity.issued.length;
    await start(verificationOff);
    const created = await Promise.all(inputs.map((each) => provider.create(each)));
    expect(created.map(({ id }) => id)).toEqual(inputs.map(({ keyUri }) => keyUri));
    expect(new Set(created.map(({ outputs }) => outputs.blobSha256)).size).toBe(200);
    expect(vault.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
    expect(service.identity.issued.length - issued).toBe(1);
    for (const { keyName } of inputs) {
      const requests = vault.requests.filter((request) => request.hasToken && request.keyName === keyName);
      expect(requests.map(({ operation }) => operation)).toEqual(["listVersions", "get", "backup", "listVersions"]);
    }
  });

  it("share one challenge and one token, whatever texts the states of several releases hold", async () => {
    const [inputs = {}] = await checkedInputs(1);
    const texts = [serializedText, serializedText, `${serializedText}// An earlier release.\n`, `\n${serializedText}`];
    const issued = service.identity.issued.length;
    await start(verificationOff);
    for (const __provider of texts) {
      const { outputs } = await provider.create({ ...inputs, __provider });
      expect(outputs.__provider).toBe(__provider);
    }
    expect(vault.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
    expect(vault.count("backup")).toBe(4);
    expect(service.identity.issued.length - issued).toBe(1);
  });
});
