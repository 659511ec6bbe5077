import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { exampleProject } from "../support/pulumi/exampleProject";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let project: PulumiProject;
let vault: LocalVault;
let keyName: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await exampleProject(service, "vault-with-backup", { rolePropagationMilliseconds: 2_500 });
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

it("previews a vault, a key and a backup of which nothing is known yet", async () => {
  const output = await project.succeeds("preview");
  expect(output).toContain("keyvault:KeyBackup signing create");
  expect(output).toMatch(/blob *: \[secret\]/);
  expect(output).toMatch(/keyVersions *: \[unknown\]/);
  expect(service.vaults).toEqual([]);
});

it("creates vault, key, role and backup in one `pulumi up`, and waits until the role has taken effect", async () => {
  const output = await project.succeeds("up");
  [vault] = service.vaults as [LocalVault];
  [keyName] = vault.keyNames as [string];
  expect(output).toContain("Waiting up to 180 s for a role assignment or access policy on localhost");
  const created = output.split("\n").filter((line) => /^ \+ .* created/.test(line));
  const position = (type: string) => created.findIndex((line) => line.includes(type));
  expect(position("keyvault:Vault")).toBeLessThan(position("keyvault:Key "));
  expect(position("keyvault:Key ")).toBeLessThan(position("keyvault:KeyBackup"));
  expect(position("RoleAssignment")).toBeLessThan(position("keyvault:KeyBackup"));
  expect(vault.requestsOf("backup").filter(({ status }) => status === 200).length).toBe(1);
});

it("has nothing to do in the next `pulumi up`", async () => {
  vault.clearRequests();
  expect(await project.up()).toMatchObject({ code: 0, output: expect.stringContaining("unchanged") });
  expect(vault.requests.filter(({ operation }) => operation === "backup")).toEqual([]);
});

it("follows a rotation of the key that azure-native sees in a refresh", async () => {
  const { version } = await vault.rotateKey(keyName);
  expect(await project.refresh()).toMatchObject({ code: 0 });
  const output = await project.succeeds("up");
  expect(output).toContain(`because the recorded backup does not hold version ${version}.`);
  const { blob, keyVersions } = await project.outputs();
  expect((keyVersions as string[])[0]).toBe(version);
  expect((await restore(service, String(blob))).versions.length).toBe(2);
  expect(leaksIn(project.printed + (await project.stateHistory()), { blob: String(blob) })).toEqual([]);
});

it("follows a rotation in one `pulumi up --refresh`, and in no plain `pulumi up`", async () => {
  const { version } = await vault.rotateKey(keyName);
  expect(await project.succeeds("up")).not.toContain("a new backup will be made");
  const output = await project.succeeds("up", "--refresh");
  expect(output).toContain(`because the recorded backup does not hold version ${version}.`);
  expect(((await project.outputs()).keyVersions as string[])[0]).toBe(version);
});

it("destroys the backup before its key, and asks the vault for no backup", async () => {
  vault.clearRequests();
  const output = await project.succeeds("destroy");
  const deleted = output.split("\n").filter((line) => /^ - .* deleted/.test(line));
  const position = (type: string) => deleted.findIndex((line) => line.includes(type));
  expect(position("keyvault:KeyBackup")).toBeLessThan(position("keyvault:Key "));
  expect(vault.requests.every(({ operation }) => operation === "listVersions")).toBe(true);
  expect(vault.count("listVersions")).toBe(1);
});
