import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { PulumiProject } from "../../engine/pulumiProject";
import { endProject } from "../support/pulumi/endProject";
import { installed } from "../support/pulumi/installed";
import { type RecordedVaults, startRecordedVaults } from "../support/pulumi/recordedState";

const recorded = path.join(__dirname, "recorded");

// Each folder holds a program, and the state and the configuration that a release wrote for it.
describe.each(readdirSync(recorded))("the state that release %s wrote for all resources and a provider", (release) => {
  let vaults: RecordedVaults;
  let project: PulumiProject;

  beforeAll(async () => {
    vaults = await startRecordedVaults();
    const file = (name: string) => vaults.fromRecording(readFileSync(path.join(recorded, release, name), "utf8"));
    project = await PulumiProject.create({
      ...installed(),
      files: { "package.json": '{ "name": "infrastructure", "main": "index.js" }', "index.js": file("index.js") },
      env: vaults.env,
    });
    await project.write("Pulumi.dev.yaml", file("configuration.yaml"));
    await project.write(".backend/.pulumi/stacks/infrastructure/dev.json", file("state.json"));
  });
  afterAll(async () => {
    await endProject(project);
    await vaults.service.stop();
  });

  it("previews without changes and without a request", async () => {
    expect(await project.succeeds("preview", "--diff", "--expect-no-changes")).toContain("11 unchanged");
    expect(vaults.service.vaults.flatMap((vault) => vault.requests)).toEqual([]);
  });

  it("keeps its blobs in a refresh that finds no object, and the next preview plans only the restores", async () => {
    const before = (await project.blobs()).sort();
    expect(before.length).toBe(6);
    await project.succeeds("refresh", "--skip-preview");
    expect(await project.records()).toMatchObject(Array(3).fill({ sourceStatus: "missing" }));
    expect((await project.blobs()).sort()).toEqual(before);
    const output = await project.succeeds("preview");
    expect(output).toMatch(/~ 3 to update/);
    expect(output).toContain("a restore is due, because");
  });
});
