import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { exampleProject } from "../support/pulumi/exampleProject";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let project: PulumiProject;
let vault: LocalVault;
let keyName: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await exampleProject(service, "vault-with-backup", { rolePropagationMilliseconds: 20_000 });
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

it("previews a vault, a key and a backup that do not exist yet", async () => {
  const output = await project.succeeds("preview");
  expect(output).toContain("keyvault:KeyBackup signing create");
  expect(output).toMatch(/blob *: \[secret\]/);
  expect(output).toMatch(/versions *: \[unknown\]/);
  expect(service.vaults).toEqual([]);
});

it("creates vault, key, role and backup in one `pulumi up`, and waits until the role has taken effect", async () => {
  const output = await project.succeeds("up");
  [vault] = service.vaults as [LocalVault];
  [keyName] = vault.keys.names as [string];
  expect(output).toMatch(/wait.*role assignment/i);
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

it("makes a new backup when azure-native sees a rotated key in a refresh", async () => {
  const { version } = await vault.keys.rotate(keyName);
  expect(await project.refresh()).toMatchObject({ code: 0 });
  const output = await project.succeeds("up");
  expect(output).toContain(`does not hold version ${version}`);
  const { blob, versions } = await project.outputs();
  expect((versions as string[])[0]).toBe(version);
  expect((await restore(service, String(blob))).versions.length).toBe(2);
  expect(leaksIn(project.printed + (await project.stateHistory()), { blob: String(blob) })).toEqual([]);
});

it("notices a rotation in `pulumi up --refresh`, but not in a plain `pulumi up`", async () => {
  const { version } = await vault.keys.rotate(keyName);
  expect(await project.succeeds("up")).not.toContain("a new backup will be made");
  const output = await project.succeeds("up", "--refresh");
  expect(output).toContain(`does not hold version ${version}`);
  expect(((await project.outputs()).versions as string[])[0]).toBe(version);
});

it("destroys the backup before its key, and only lists the versions of the key", async () => {
  vault.clearRequests();
  const output = await project.succeeds("destroy");
  const deleted = output.split("\n").filter((line) => /^ - .* deleted/.test(line));
  const position = (type: string) => deleted.findIndex((line) => line.includes(type));
  expect(position("keyvault:KeyBackup")).toBeLessThan(position("keyvault:Key "));
  expect(vault.requests.every(({ operation }) => operation === "listVersions")).toBe(true);
  expect(vault.count("listVersions")).toBe(1);
});
