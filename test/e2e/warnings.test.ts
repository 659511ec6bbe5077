import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import { diagnosticsIn, type PulumiProject } from "../../engine/pulumiProject";

const { "package.json": manifest = "", "index.js": program = "" } = programs.JavaScript ?? {};
// A second backup of the same key, and one of another.
const more = `
new KeyBackup("again", { keyUri: config.require("keyUri") });
new KeyBackup("other", { keyUri: config.require("otherUri") });
`;

let service: LocalKeyVault;
let vault: LocalVault;
let other: LocalVault;
let project: PulumiProject;
let keyUri: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault("many", { blobPadding: 0 });
  other = await service.createVault();
  for (let version = 0; version < 401; version += 1) {
    ({ keyUri } = await vault.createKey("orders"));
  }
  const { keyUri: otherUri } = await other.createKey("orders");
  const files = { "package.json": manifest, "index.js": program + more };
  project = await localProject(service, files, { config: { keyUri, otherUri } });
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

const warnings = (output: string) => diagnosticsIn(output).filter((line) => line.includes("warning:"));

it("of a key of more than 400 versions, `pulumi up` warns once", async () => {
  const output = await project.succeeds("up", "--skip-preview");
  expect(warnings(output)).toEqual([expect.stringContaining(`${keyUri} has 401 versions, and Key Vault fails to`)]);
});

it("of secrets that are encrypted with a key of the same vault, `pulumi up` warns once, and of others not", async () => {
  const settings = await project.read("Pulumi.dev.yaml");
  await project.write("settings.yaml", settings);
  const { host } = new URL(vault.vaultUri);
  const warned: string[][] = [];
  for (const provider of [`azurekeyvault://${host}/keys/state`, "azurekeyvault://kv.vault.azure.net/keys/state"]) {
    // The engine goes by another file, for a local vault does not encrypt for it.
    await project.write("Pulumi.dev.yaml", `${settings}secretsprovider: ${provider}\n`);
    warned.push(warnings(await project.succeeds("up", "--skip-preview", "--config-file", "settings.yaml")));
  }
  const ofVersions = expect.stringContaining("401 versions");
  const ofSecrets = `The secrets of this stack are encrypted with a key in ${host} (secretsprovider), the vault whose key`;
  expect(warned).toEqual([[expect.stringContaining(ofSecrets), ofVersions], [ofVersions]]);
});
