import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { endProject } from "../support/pulumi/endProject";
import { interrupted, interruptions } from "../support/pulumi/interrupted";
import { localProject } from "../support/pulumi/localProject";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let source: LocalVault;
let replica: LocalVault;
let scratch: LocalVault;
let project: PulumiProject;

const backup = `const backup = new KeyBackup("orders", { keyUri: config.require("keyUri") });
module.exports.blob = backup.blob;
`;
const copy = `module.exports.status = new KeyRestore("replica", { vaultUri: config.require("replica"), backup }).status;
`;
const drill = `module.exports.outcome = new RestoreDrill("orders", { vaultUri: config.require("scratch"), backup }).outcome;
`;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

async function newProject(): Promise<void> {
  source = await service.createVault();
  replica = await service.createVault();
  scratch = await service.createVault();
  const { uri: keyUri } = await source.keys.create("orders");
  project = await localProject(service, javaScriptProject(backup), {
    config: { keyUri, replica: replica.vaultUri, scratch: scratch.vaultUri },
  });
}

const declare = (...declarations: string[]) => project.write("index.js", javaScript(declarations.join("")));

async function restorable(): Promise<number> {
  const { blob } = await project.outputs();
  return (await restore(service, String(blob))).versions.length;
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition() && waited < 20_000; waited += 50) {
    await sleep(50);
  }
  expect(condition()).toBe(true);
}

describe("one Ctrl-C", () => {
  beforeAll(newProject);
  afterAll(() => endProject(project));

  it("during a backup lets it complete, and the next update changes nothing", async () => {
    await interrupted(project, source, "backup", interruptions["one SIGINT"]);
    const [{ blobSha256 } = {}, ...others] = await project.records();
    expect([blobSha256, others]).toEqual([expect.any(String), []]);
    await project.succeeds("up", "--skip-preview");
    expect(await project.records()).toMatchObject([{ blobSha256 }]);
    expect(await restorable()).toBe(1);
  });
});

describe.each([
  ["the engine", interruptions["a SIGKILL of the engine"]],
  ["the provider", interruptions["a SIGKILL of the provider"]],
])("a SIGKILL of %s", (_, interrupt) => {
  beforeAll(newProject);
  afterAll(() => endProject(project));

  it("during a backup records nothing, and the next update backs up", async () => {
    await interrupted(project, source, "backup", interrupt);
    expect(await project.backups()).toEqual([]);
    await project.succeeds("up", "--skip-preview");
    expect(await restorable()).toBe(1);
  });

  it("during a restore does not hinder the next update, which adopts the restored key", async () => {
    await declare(backup, copy);
    await interrupted(project, replica, "restore", interrupt);
    await waitFor(() => replica.keys.has("orders"));
    expect(await project.succeeds("up", "--skip-preview")).toContain("adopted, not restored");
    expect(await project.outputs()).toMatchObject({ status: "present" });
    expect(replica.keys.versions("orders").length).toBe(1);
  });

  it("during a drill's proof leaves a copy, which the next update removes before it proves the backup", async () => {
    await declare(backup, copy, drill);
    await interrupted(project, scratch, "sign", interrupt);
    expect(scratch.keys.has("orders")).toBe(true);
    await project.succeeds("up", "--skip-preview");
    expect(await project.outputs()).toMatchObject({ outcome: "verified" });
    expect([scratch.keys.names, scratch.keys.isDeleted("orders")]).toEqual([[], false]);
    expect((await project.backups()).length).toBe(1);
  });
});
