import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { PulumiProject, StateResource } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { clientConfig } from "../support/azureNative/clientConfig";
import { type Azurite, startAzurite } from "../support/azurite/startAzurite";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { exampleProject } from "../support/pulumi/exampleProject";
import { restore } from "../support/restore";

interface Copy {
  readonly uri: string;
  readonly status: string;
}

let service: LocalKeyVault;
let azurite: Azurite;
let project: PulumiProject;
let vault: LocalVault;
let keyName: string;
/** Every blob that was ever a copy, base64 and base64url. */
const seen: string[] = [];

beforeAll(async () => {
  service = await LocalKeyVault.start();
  azurite = await startAzurite(service.certificate);
  project = await exampleProject(service, "copies-outside-the-state", { rolePropagationMilliseconds: 1_500 });
  project.env.LOCAL_STORAGE_URI = azurite.url;
});
afterAll(async () => {
  await azurite.stop();
  await service.stop();
  await endProject(project, { blob: seen });
});

/** What the state says of the backup. */
async function record() {
  const [backup] = await project.backups();
  return backup?.outputs as { blobSha256: string; versions: string[]; copies: Copy[] };
}

/** The path in Azurite of the newest backup's copy. */
async function newestCopy(): Promise<string> {
  const [copy] = (await record()).copies;
  return String(copy?.uri).slice(azurite.url.length + 1);
}

async function bytesAt(path: string): Promise<Buffer> {
  const { bytes } = (await azurite.read(path)) ?? {};
  if (bytes === undefined) throw new Error(`There is no blob ${path}.`);
  seen.push(bytes.toString("base64"), bytes.toString("base64url"));
  return bytes;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const versions = () => vault.keys.versions(keyName).map(({ version }) => version);
/** Requests that change what is in Azurite, by method and path. */
const writes = () =>
  azurite.requests
    .filter(({ method }) => method !== "GET" && method !== "HEAD")
    .map(({ method, path }) => `${method} ${path.split("/").slice(2).join("/")}`);

async function resource(type: string, name: string): Promise<StateResource | undefined> {
  return (await project.resources()).find((one) => one.type === type && one.urn.endsWith(`::${name}`));
}

/** What the program declares, as far as it is in the state: `type::name`. */
async function declared(): Promise<string[]> {
  return (await project.resources())
    .filter(({ type }) => /^(azure-native|pulumi-nodejs):/.test(type))
    .map(({ type, urn }) => `${type.split(":").slice(1).join(":")}::${urn.split("::").at(-1)}`)
    .sort();
}

const whatHoldsTheCopies = [
  "resources:ResourceGroup::copies",
  "storage:BlobContainer::copies",
  "storage:BlobContainerImmutabilityPolicy::copies",
  "storage:BlobServiceProperties::copies",
  "storage:ManagementPolicy::copies",
  "storage:StorageAccount::copies",
];

/** The lines about deleted resources, in their order. */
const deletedIn = (output: string) => output.split("\n").filter((line) => /^ - .* deleted \(/.test(line));

it("creates vault, key, container, policies, roles and backup in one `pulumi up`, and writes one copy", async () => {
  await project.succeeds("up");
  [vault] = service.vaults as [LocalVault];
  [keyName] = vault.keys.names as [string];
  const copy = await newestCopy();
  expect(await azurite.list()).toEqual([copy]);
  expect(copy).toContain(`key-vault/${new URL(vault.vaultUri).host.replace(":", "-")}/keys/${keyName}/`);
  const bytes = await bytesAt(copy);
  expect(sha256(bytes)).toBe((await record()).blobSha256);
  expect((await restore(service, bytes.toString("base64url"))).versions).toEqual(versions());
  expect(await project.outputs()).toMatchObject({
    vaultUri: vault.vaultUri,
    copies: [{ uri: `${azurite.url}/${copy}`, status: "verified" }],
    blobSha256: sha256(bytes),
  });
});

it("writes no copy before the container is protected and the roles are assigned", async () => {
  const [backup] = (await project.backups()) as (StateResource & { readonly dependencies: string[] })[];
  for (const needed of [
    "storage:BlobContainerImmutabilityPolicy::copies",
    "storage:BlobServiceProperties::copies",
    "authorization:RoleAssignment::back-up-keys",
    "authorization:RoleAssignment::write-copies",
  ]) {
    expect(backup?.dependencies).toContainEqual(expect.stringContaining(needed));
  }
});

it("has no blob in the state, neither in clear nor encrypted", async () => {
  expect(await project.blobs()).toEqual([]);
  expect(leaksIn((await project.stateText()) + (await project.stateHistory()), { blob: seen })).toEqual([]);
});

it("has a role with the two data actions that copies need, on the container alone", async () => {
  const role = await resource("azure-native:authorization:RoleDefinition", "copies");
  const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
  expect(role?.inputs?.permissions).toEqual([{ dataActions: [`${blobs}/add/action`, `${blobs}/read`] }]);
  const container = await resource("azure-native:storage:BlobContainer", "copies");
  const assignment = await resource("azure-native:authorization:RoleAssignment", "write-copies");
  expect(assignment?.inputs).toMatchObject({
    scope: container?.id,
    roleDefinitionId: role?.id,
    principalId: clientConfig.objectId,
  });
});

it("has nothing to do in the next `pulumi up`, and asks neither the vault nor Azurite", async () => {
  vault.clearRequests();
  azurite.clearRequests();
  const output = await project.succeeds("up");
  expect(output).toMatch(/Resources:\n +\d+ unchanged\n/);
  expect(vault.requests).toEqual([]);
  expect(azurite.requests).toEqual([]);
});

it("writes a second copy when the key is rotated, and leaves the first one as it is", async () => {
  const first = await newestCopy();
  const before = await azurite.read(first);
  const { version } = await vault.keys.rotate(keyName);
  azurite.clearRequests();
  expect(await project.succeeds("up", "--refresh", "--skip-preview")).toContain(`does not hold version ${version}`);
  const second = await newestCopy();
  expect(second).not.toBe(first);
  expect((await azurite.list()).sort()).toEqual([first, second].sort());
  expect(await azurite.read(first)).toEqual(before);
  expect(sha256(await bytesAt(second))).toBe((await record()).blobSha256);
  expect((await record()).versions).toEqual(versions().toReversed());
  expect(writes()).toEqual([`PUT ${second}`]);
});

it("shows in a refresh that the newest copy is missing, and makes a new backup in the next `pulumi up`", async () => {
  const missing = await newestCopy();
  await azurite.remove(missing);
  const [left] = await azurite.list();
  expect(await project.succeeds("refresh", "--skip-preview")).toContain(
    `the copy ${azurite.url}/${missing} is missing`,
  );
  expect((await record()).copies).toMatchObject([{ status: "missing" }]);
  azurite.clearRequests();
  expect(await project.succeeds("up", "--skip-preview")).toContain(
    "the state has no blob, and no copy of the backup is left",
  );
  const newest = await newestCopy();
  expect((await azurite.list()).sort()).toEqual([left, newest].sort());
  expect(sha256(await bytesAt(newest))).toBe((await record()).blobSha256);
  expect(writes()).toEqual([`PUT ${newest}`]);
});

it("refuses to destroy what holds the copies", async () => {
  const before = await declared();
  const { code, output } = await project.destroy();
  expect(code).not.toBe(0);
  expect(output).toMatch(/cannot be deleted\s+because it is protected/);
  expect(await declared()).toEqual(before);
});

it("refuses to destroy the backup of a lost key while its copy is missing", async () => {
  vault.keys.delete(keyName);
  vault.keys.purge(keyName);
  const newest = await newestCopy();
  const blob = await azurite.read(newest);
  await azurite.remove(newest);
  const { code, output } = await project.destroy("--exclude-protected");
  expect(code).not.toBe(0);
  expect(output).toContain("Not deleted: the backup of");
  expect((await project.backups()).length).toBe(1);
  // The user undeletes the blob.
  await azurite.overwrite(newest, blob?.bytes ?? Buffer.alloc(0), blob?.metadata);
});

it("destroys the backup of the lost key without forceDelete, since its copy stays", async () => {
  const [before, newest] = [await azurite.list(), await newestCopy()];
  azurite.clearRequests();
  const output = await project.succeeds("destroy", "--exclude-protected");
  expect(output).toContain(`It stays in ${azurite.url}/${newest}.`);
  const position = (type: string) => deletedIn(output).findIndex((line) => line.includes(type));
  expect(position("keyvault:KeyBackup")).toBe(0);
  // The look at the copies needs the role.
  expect(position("RoleAssignment write-copies")).toBeGreaterThan(0);
  expect(position("keyvault:Key ")).toBeGreaterThan(0);
  expect(await declared()).toEqual(whatHoldsTheCopies);
  expect(await azurite.list()).toEqual(before);
  expect(before).toContain(newest);
  expect(writes()).toEqual([]);
});

it("leaves the copies in Azure even if what holds them is unprotected and destroyed", async () => {
  const before = await azurite.list();
  azurite.clearRequests();
  expect(await project.run(["state", "unprotect", "--all", "--yes"])).toMatchObject({ code: 0 });
  const deleted = deletedIn(await project.succeeds("destroy")).filter((line) => line.includes("azure-native:"));
  expect(await declared()).toEqual([]);
  // Azure would delete all that is in a group with the group.
  expect(deleted.filter((line) => line.includes("[retain]")).length).toBe(whatHoldsTheCopies.length);
  expect(deleted.length).toBe(whatHoldsTheCopies.length);
  expect(await azurite.list()).toEqual(before);
  expect(before.length).toBe(2);
  expect(azurite.requests).toEqual([]);
});
