import { randomUUID } from "node:crypto";
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
let elsewhere: LocalVault;
let keyName: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  elsewhere = await service.createVault("elsewhere");
  const { uri: certificateUri } = await elsewhere.certificates.create("web");
  const options = { rolePropagationMilliseconds: 20_000, config: { certificateUri } };
  project = await exampleProject(service, "vault-with-backup", options);
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

it("previews a vault, a key, a secret and backups that do not exist yet", async () => {
  const output = await project.succeeds("preview");
  expect(output).toContain("keyvault:KeyBackup signing create");
  expect(output).toContain("keyvault:SecretBackup password create");
  expect(output).toContain("keyvault:CertificateBackup web create");
  expect(output).toMatch(/blob *: \[secret\]/);
  expect(output).toMatch(/versions *: \[unknown\]/);
  expect(service.vaults).toEqual([elsewhere]);
  expect(elsewhere.requests).toEqual([]);
});

it("creates vault, key, secret, roles and backups in one `pulumi up`, and waits until the roles have taken effect", async () => {
  const output = await project.succeeds("up");
  vault = service.vaults.find((one) => one !== elsewhere) as LocalVault;
  [keyName] = vault.keys.names as [string];
  expect(output).toMatch(/wait.*role assignment/i);
  const created = output.split("\n").filter((line) => /^ \+ .* created/.test(line));
  const position = (type: string) => created.findIndex((line) => line.includes(type));
  expect(position("keyvault:Vault")).toBeLessThan(position("keyvault:Key "));
  expect(position("keyvault:Key ")).toBeLessThan(position("keyvault:KeyBackup"));
  expect(position("RoleAssignment")).toBeLessThan(position("keyvault:KeyBackup"));
  expect(position("keyvault:Secret ")).toBeLessThan(position("keyvault:SecretBackup"));
  const backups = [...vault.requestsOf("backup"), ...elsewhere.requestsOf("backup")];
  expect(
    backups
      .filter(({ status }) => status === 200)
      .map(({ collection }) => collection)
      .sort(),
  ).toEqual(["certificates", "keys", "secrets"]);
  expect(vault.requestsOf("get", "secrets")).toEqual([]);
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

it("makes a new backup in the same `pulumi up` that sets a new value", async () => {
  const before = (await project.backups()).map(({ id, outputs }) => [id, outputs?.blobSha256]);
  await project.configure({ password: `secret-value-${randomUUID()}` }, true);
  await project.succeeds("up");
  const [name = ""] = vault.secrets.names;
  const versions = vault.secrets.versions(name).map(({ version }) => version);
  expect(versions.length).toBe(2);
  const after = await project.backups();
  const [backup] = after.filter(
    ({ id, outputs }) => !before.some(([one, hash]) => one === id && hash === outputs?.blobSha256),
  );
  expect(backup?.type).toMatch(/SecretBackup$/);
  expect(backup?.outputs?.versions).toEqual(versions.toReversed());
});

it("notices a rotation in `pulumi up --refresh`, but not in a plain `pulumi up`", async () => {
  const { version } = await vault.keys.rotate(keyName);
  expect(await project.succeeds("up")).not.toContain("a new backup will be made");
  const output = await project.succeeds("up", "--refresh");
  expect(output).toContain(`does not hold version ${version}`);
  expect(((await project.outputs()).versions as string[])[0]).toBe(version);
});

it("destroys the backups before what they are of, and only lists versions", async () => {
  vault.clearRequests();
  const output = await project.succeeds("destroy");
  const deleted = output.split("\n").filter((line) => /^ - .* deleted/.test(line));
  const position = (type: string) => deleted.findIndex((line) => line.includes(type));
  expect(position("keyvault:KeyBackup")).toBeLessThan(position("keyvault:Key "));
  expect(vault.requests.every(({ operation }) => operation === "listVersions")).toBe(true);
  expect(vault.count("listVersions", "keys")).toBe(1);
  expect(vault.count("listVersions", "secrets")).toBe(1);
});
