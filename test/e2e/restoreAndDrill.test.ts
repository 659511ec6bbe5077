import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { endProject } from "../support/pulumi/endProject";
import { exampleProject } from "../support/pulumi/exampleProject";

let service: LocalKeyVault;
let project: PulumiProject;
let vault: LocalVault;
let keyName: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await exampleProject(service, "restore-and-drill", { rolePropagationMilliseconds: 1_500 });
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

const backupOf = async (name: string) => (await project.backups()).find(({ urn }) => urn.endsWith(`::${name}`));
const versions = () => vault.keys.versions(keyName).map(({ version }) => version);

it("creates vaults, key, roles and backup, adopts the key and proves the backup in one `pulumi up`", async () => {
  const output = await project.succeeds("up");
  vault = service.vaults.find(({ keys }) => keys.names.length > 0) as LocalVault;
  [keyName] = vault.keys.names as [string];
  expect(service.vaults.length).toBe(2);
  expect(await project.outputs()).toMatchObject({
    status: "present",
    outcome: "verified",
    secretStatus: "present",
    secretOutcome: "verified",
  });
  expect(output).toContain(`keys/${keyName}: adopted`);
});

// The command that the README advises to run on a schedule, without `pulumi`.
const schedule = ["--refresh", "--target", "**keyvault:*Backup::*", "--target", "**RestoreDrill::*"];

it("backs up a rotated key and proves the backup with the scheduled command of the README", async () => {
  const { version } = await vault.keys.rotate(keyName);
  await project.succeeds("up", ...schedule);
  expect(await project.outputs()).toMatchObject({ outcome: "verified" });
  expect((await backupOf("signing"))?.outputs?.versions).toContain(version);
});

it("creates no other key with the scheduled command if the key is lost", async () => {
  const before = versions();
  const lost = await vault.keys.backUp(keyName);
  vault.keys.delete(keyName);
  vault.keys.purge(keyName);
  expect(await project.succeeds("up", ...schedule)).toMatch(/the backup is kept; the source is missing/);
  expect(vault.keys.names).toEqual([]);
  await vault.keys.restore(lost);
  expect(versions()).toEqual(before);
});

it("restores a key that azure-native manages, and azure-native finds the key", async () => {
  const before = versions();
  vault.keys.delete(keyName);
  vault.keys.purge(keyName);
  await project.succeeds("up", "--refresh", "--target", "**KeyRestore::signing");
  expect(versions()).toEqual(before);
  const output = await project.succeeds("up", "--refresh");
  expect(versions()).toEqual(before);
  expect(output).not.toMatch(/azure-native:keyvault:Key signing (create|replace|delete)/);
  expect(await project.outputs()).toMatchObject({ status: "present" });
});

it("restores a secret that azure-native manages, with the value that it had", async () => {
  const [name = ""] = vault.secrets.names;
  const value = vault.secrets.value(name);
  vault.secrets.delete(name);
  vault.secrets.purge(name);
  await project.succeeds("up", "--refresh", "--target", "**SecretRestore::password");
  expect(vault.secrets.value(name)).toBe(value);
  const output = await project.succeeds("up", "--refresh");
  expect(output).not.toMatch(/azure-native:keyvault:Secret password (create|replace|delete)/);
  expect(await project.outputs()).toMatchObject({ secretStatus: "present" });
});

it("keeps the backup of the lost key in `previous` if azure-native creates another key instead", async () => {
  const lost = `${vault.vaultUri}keys/${keyName}`;
  vault.keys.delete(keyName);
  vault.keys.purge(keyName);
  await project.succeeds("up", "--refresh");
  expect(vault.keys.names.length).toBe(1);
  expect(vault.keys.names).not.toContain(keyName);
  const backup = await backupOf("signing");
  expect((await project.backups()).length).toBe(2);
  expect(backup?.outputs?.keyName).toBe(vault.keys.names[0]);
  const previous = Object.values((backup?.outputs?.previous ?? {}) as Record<string, { sourceUri: string }>);
  expect(previous.map(({ sourceUri }) => sourceUri)).toContain(lost);
  expect(await project.destroy()).toMatchObject({ code: 1, output: expect.stringContaining("Not deleted") });
});
