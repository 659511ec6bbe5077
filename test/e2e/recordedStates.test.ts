import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "@jest/globals";
import packageJson from "../../package.json";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import { installed } from "../support/pulumi/installed";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import { PulumiProject } from "../../engine/pulumiProject";

const recorded = path.join(__dirname, "recorded");
const files = programs.JavaScript ?? {};

// Each folder holds the state and the stack's configuration that a release wrote for a program, with vaults that no network
// has: a request would fail.
it("there is a recorded state of each release, and a test of each of them", () => {
  expect(readdirSync(recorded)).toEqual(["0.1.0", "0.2.0", packageJson.version]);
});

it("a state of release 0.3.0 previews with no changes and asks for nothing, and a refresh keeps what it says", async () => {
  const file = (name: string) => readFileSync(path.join(recorded, "0.3.0", name), "utf8");
  const project = await PulumiProject.create({
    ...installed(),
    files: { ...files, "index.js": file("index.js") },
    env: {},
  });
  await project.write("Pulumi.dev.yaml", file("configuration.yaml"));
  await project.write(".backend/.pulumi/stacks/infrastructure/dev.json", file("state.json"));
  await project.configure({ "azure-keyvault-backup:timeoutSeconds": "3" });
  const outputsOf = async (type: string) =>
    (await project.resources()).find((resource) => resource.type.endsWith(`:${type}`))?.outputs;
  const [restored, drilled] = [await outputsOf("KeyRestore"), await outputsOf("RestoreDrill")];
  const unchanged = async () => {
    expect(await project.succeeds("preview", "--diff", "--expect-no-changes")).toContain("4 unchanged");
    expect(await project.succeeds("up", "--expect-no-changes")).toContain("4 unchanged");
  };
  await unchanged();
  expect([await outputsOf("KeyRestore"), await outputsOf("RestoreDrill")]).toEqual([restored, drilled]);
  await project.succeeds("refresh");
  const keyStatusReason = expect.stringContaining("kv-recorded-second.vault.azure.net does not resolve (ENOTFOUND).");
  expect(await outputsOf("KeyRestore")).toEqual({ ...restored, keyStatus: "unreachable", keyStatusReason });
  expect(await outputsOf("RestoreDrill")).toEqual(drilled);
  await unchanged();
  const { code, output } = await project.destroy();
  expect(code).not.toBe(0);
  expect(output).toContain("is not deleted with its KeyRestore: whether it is there could not be learnt:");
  expect((await project.blobs()).length).toBe(1);
  await project.remove();
});

it.each(["0.1.0", "0.2.0"])(
  "a state of release %s previews with no changes and asks for nothing, and a refresh keeps its blob",
  async (release) => {
    const file = (name: string) => readFileSync(path.join(recorded, release, name), "utf8");
    const project = await PulumiProject.create({ ...installed(), files, env: {} });
    await project.write("Pulumi.dev.yaml", file("configuration.yaml"));
    await project.write(".backend/.pulumi/stacks/infrastructure/dev.json", file("state.json"));
    await project.configure({ "azure-keyvault-backup:timeoutSeconds": "3" });
    const [before] = await project.records();
    const unchanged = async () => {
      expect(await project.succeeds("preview", "--diff", "--expect-no-changes")).toContain("2 unchanged");
      expect(await project.succeeds("up", "--expect-no-changes")).toContain("2 unchanged");
      const { blob, previous } = await project.outputs();
      expect(Buffer.from(String(blob), "base64url").toString("latin1")).toContain("AzureKeyVaultKeyBackupV1");
      expect((previous as unknown[]).length).toBe(Object.keys(before?.previous ?? {}).length);
    };
    await unchanged();
    expect(await project.records()).toEqual([before]);
    await project.succeeds("refresh");
    const reason = expect.stringContaining("the name kv-recorded.vault.azure.net does not resolve (ENOTFOUND).");
    const missing = { sourceStatus: "missing", sourceStatusReason: reason };
    expect(await project.records()).toEqual([{ previous: {}, ...before, ...missing }]);
    await unchanged();
    const { code, output } = await project.destroy();
    expect(code).not.toBe(0);
    expect(output).toContain("is not deleted: it may be the only copy of the key: Could not read key");
    expect((await project.backups()).length).toBe(1);
    await project.remove();
  },
);

it("a record of release 0.1.0 is upgraded where it is: by its first refresh, and by its next backup", async () => {
  const service = await LocalKeyVault.start();
  const vault = await service.createVault();
  const { keyUri, version } = await vault.createKey("orders");
  const project = await localProject(service, files, { config: { keyUri } });
  await project.succeeds("up");
  await project.editRecord((outputs) => {
    for (const name of ["previous", "sourceStatus", "keyTags", "keyUpdatedAt"]) {
      delete outputs[name];
    }
  });
  const [first] = await project.records();
  expect(first).not.toHaveProperty("previous");
  vault.clearRequests();
  expect(await project.succeeds("preview", "--diff", "--expect-no-changes")).toContain("2 unchanged");
  await project.succeeds("refresh");
  expect(await project.records()).toEqual([{ ...first, sourceStatus: "current", previous: {} }]);
  const rotated = await vault.rotateKey("orders");
  await project.succeeds("refresh");
  const sourceStatusReason = `the key has newer version ${rotated.version}`;
  expect(await project.records()).toMatchObject([{ sourceStatus: "changed", sourceStatusReason }]);
  expect(vault.count("backup")).toBe(0);
  expect(await project.succeeds("up")).toContain(`a new backup will be made, because ${sourceStatusReason}.`);
  expect(vault.count("backup")).toBe(1);
  const [renewed] = await project.records();
  expect(renewed).toMatchObject({ keyVersions: [rotated.version, version], keyTags: {}, sourceStatus: "current" });
  expect(renewed).toHaveProperty("keyUpdatedAt");
  await project.remove();
  await service.stop();
});
