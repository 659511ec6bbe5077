import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { exampleProject } from "../support/pulumi/exampleProject";
import type { PulumiProject } from "../../engine/pulumiProject";

let service: LocalKeyVault;
let project: PulumiProject;
let vault: LocalVault;
let keyName: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await exampleProject(service, "restore-and-drill", { rolePropagationMilliseconds: 1_500 });
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

const versions = () => vault.keyVersions(keyName).map(({ version }) => version);

it("creates vaults, key, roles and backup, adopts the key and proves the backup in one `pulumi up`", async () => {
  await project.succeeds("up");
  vault = service.vaults.find(({ keyNames }) => keyNames.length > 0) as LocalVault;
  [keyName] = vault.keyNames as [string];
  expect(service.vaults.length).toBe(2);
  expect(await project.outputs()).toMatchObject({ isAdopted: true, keyStatus: "present", outcome: "verified" });
});

// What the README advises to run on a schedule.
const schedule = ["--refresh", "--target", "**KeyBackup::*", "--target", "**RestoreDrill::*"];

it("backs a rotated key up and proves the backup by what the README advises to run on a schedule", async () => {
  const { version } = await vault.rotateKey(keyName);
  await project.succeeds("up", ...schedule);
  expect(await project.outputs()).toMatchObject({ outcome: "verified" });
  const [backup] = await project.backups();
  expect(backup?.outputs?.keyVersions).toContain(version);
});

it("creates no other key by that, where the key is lost", async () => {
  const before = versions();
  const lost = await vault.backUpKey(keyName);
  vault.deleteKey(keyName);
  vault.purgeKey(keyName);
  expect(await project.succeeds("up", ...schedule)).toContain("the backup is kept, and the key is missing");
  expect(vault.keyNames).toEqual([]);
  await vault.restoreKey(lost);
  expect(versions()).toEqual(before);
});

it("brings a key back that azure-native manages, as the README says, and azure-native finds it", async () => {
  const before = versions();
  vault.deleteKey(keyName);
  vault.purgeKey(keyName);
  await project.succeeds("up", "--refresh", "--target", "**KeyRestore::signing");
  expect(versions()).toEqual(before);
  const output = await project.succeeds("up", "--refresh");
  expect(versions()).toEqual(before);
  expect(output).not.toMatch(/azure-native:keyvault:Key signing (create|replace|delete)/);
  expect(await project.outputs()).toMatchObject({ isAdopted: true, keyStatus: "present" });
});

it("keeps the backup of the lost key where azure-native creates another one instead", async () => {
  vault.deleteKey(keyName);
  vault.purgeKey(keyName);
  const { code, output } = await project.up("--refresh");
  expect(code).not.toBe(0);
  expect(output).toContain(`The backup of ${vault.vaultUri}keys/${keyName} is not deleted: it may be the only copy`);
  expect(vault.keyNames.length).toBe(1);
  expect(vault.keyNames).not.toContain(keyName);
  expect((await project.backups()).map((backup) => backup.outputs?.keyName)).toContain(keyName);
});
