import { readlink, symlink, unlink } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn } from "../support/pulumi/printed";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let blob: string;

const declarations = `new KeyBackup("orders", { keyUri: config.require("keyUri") });`;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  const { uri: keyUri } = await vault.keys.create("orders");
  blob = await vault.keys.backUp("orders");
  project = await localProject(service, javaScriptProject(declarations), { config: { keyUri } });
  await project.configure({ blob }, true);
});
beforeEach(async () => {
  vault.clearRequests();
  await project.write("index.js", javaScript(declarations));
});
afterAll(async () => {
  const told = project.printed + (await project.stateHistory());
  expect(leaksIn(told, { blob, tokens: service.identity.issued })).toEqual([]);
  await endProject(project);
  await service.stop();
});

/** The errors of a command that failed without a stack trace. */
async function errorsOf(command: Promise<{ code: number | null; output: string }>): Promise<string[]> {
  const { code, output } = await command;
  expect(code).not.toBe(0);
  expect(stackLinesIn(output)).toEqual([]);
  return errorsIn(output);
}

it("each mistake in a program gets one error at preview, which does not repeat the value", async () => {
  await project.write(
    "index.js",
    javaScript(
      `new KeyBackup("orders", { keyUri: "https://user:hunter2@kv.vault.azure.net/keys/orders", retain: -1 });`,
    ),
  );
  const { code, output } = await project.preview();
  expect(code).not.toBe(0);
  expect(errorsIn(output).sort()).toEqual([
    expect.stringContaining("KeyBackup resource 'orders' has a problem: keyUri"),
    expect.stringContaining("KeyBackup resource 'orders' has a problem: retain must be a whole number"),
  ]);
  expect(output).not.toContain("hunter2");
  expect(stackLinesIn(output)).toEqual([]);
  expect(vault.requests).toEqual([]);
});

it("a resource that no state holds cannot be read by its id, and the error says why", async () => {
  await project.write(
    "index.js",
    javaScript(`new KeyBackup("orders", { keyUri: config.require("keyUri") }, { id: "x" });`),
  );
  expect(await errorsOf(project.preview())).toContainEqual(
    expect.stringContaining("A KeyBackup exists only in the state that made it"),
  );
});

describe("a vault whose firewall refuses the backup", () => {
  it("is reported once under Diagnostics, with the remedy, and leaves nothing in the state", async () => {
    vault.fail("any", { kind: "forbidden", reason: "firewall" }, 1_000);
    const errors = await errorsOf(project.up("--skip-preview"));
    vault.clearFaults();
    expect(errors).toEqual([expect.stringContaining("403 Forbidden (ForbiddenByFirewall)")]);
    expect(errors[0]).toContain("Add this machine's address to the vault's firewall");
    expect(await project.backups()).toEqual([]);
  });

  it("is backed up by the next update once the firewall lets it", async () => {
    await project.succeeds("up", "--skip-preview");
    expect(await project.records()).toMatchObject([{ sourceStatus: "current" }]);
  });
});

it("a project whose package was removed cannot be refreshed, and the error names the package", async () => {
  const modules = path.join(project.folder, "node_modules");
  const installed = await readlink(modules);
  await unlink(modules);
  // The SDK stays, as npm uninstall leaves it.
  await symlink(path.resolve(__dirname, "../../node_modules"), modules, "dir");
  const { code, output } = await project.refresh("--skip-preview");
  await unlink(modules);
  await symlink(installed, modules, "dir");
  expect(code).not.toBe(0);
  expect(output).toContain("Cannot find package 'pulumi-azure-keyvault-backup'");
});
