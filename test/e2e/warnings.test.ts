import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { diagnosticsIn, type PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { javaScriptProject } from "../support/pulumi/programs";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  const { uri: keyUri } = await vault.keys.create("orders");
  const { uri: otherUri } = await (await service.createVault()).keys.create("orders");
  const declarations = `
for (const name of ["orders", "again"]) new KeyBackup(name, { keyUri: config.require("keyUri") });
new KeyBackup("other", { keyUri: config.require("otherUri") });
`;
  project = await localProject(service, javaScriptProject(declarations), { config: { keyUri, otherUri } });
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

it("warns once when a key of the backed-up key's own vault encrypts the secrets of the stack", async () => {
  const settings = await project.read("Pulumi.dev.yaml");
  // The engine reads another file, because it cannot encrypt with a key of a local vault.
  await project.write("settings.yaml", settings);
  const { host } = new URL(vault.vaultUri);
  await project.write("Pulumi.dev.yaml", `${settings}secretsprovider: azurekeyvault://${host}/keys/state\n`);
  const output = await project.succeeds("up", "--skip-preview", "--config-file", "settings.yaml");
  const warnings = diagnosticsIn(output).filter((line) => line.includes("warning:"));
  expect(warnings).toEqual([expect.stringContaining(`encrypted with a key in ${host}`)]);
  expect(warnings[0]).toContain("pulumi stack change-secrets-provider");
});
