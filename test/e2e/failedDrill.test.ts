import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import type { PulumiProject, StateResource } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { stackLinesIn, timesPrinted } from "../support/pulumi/printed";
import { javaScript, javaScriptProject } from "../support/pulumi/programs";

let service: LocalKeyVault;
let source: LocalVault;
let scratch: LocalVault;
let project: PulumiProject;

function declaration(onFailure: "fail" | "record"): string {
  return `
const backup = new KeyBackup("orders", { keyUri: config.require("keyUri") });
const { outcome } = new RestoreDrill("orders", {
  backup, vaultUri: config.require("scratch"), onFailure: "${onFailure}",
});
module.exports = { outcome };`;
}

const foreignKey = "It was not touched; use another scratch vault";

beforeAll(async () => {
  service = await LocalKeyVault.start();
  source = await service.createVault("source");
  scratch = await service.createVault("scratch");
  const { uri: keyUri } = await source.keys.create("orders");
  await scratch.keys.create("orders");
  project = await localProject(service, javaScriptProject(declaration("record")), {
    config: { keyUri, scratch: scratch.vaultUri },
  });
});
beforeEach(() => scratch.clearRequests());
afterAll(async () => {
  const told = project.printed + (await project.stateHistory());
  expect(leaksIn(told, { blobs: await project.blobs(), tokens: service.identity.issued })).toEqual([]);
  await endProject(project);
  await service.stop();
});

async function drill(): Promise<StateResource | undefined> {
  return (await project.resources()).find(({ type }) => type.endsWith(":RestoreDrill"));
}

it("a drill that meets a foreign key is recorded and printed under onFailure record, and the update succeeds", async () => {
  const [foreign] = scratch.keys.versions("orders");
  const output = await project.succeeds("up", "--skip-preview");
  expect(output).toContain(foreignKey);
  expect(await project.outputs()).toEqual({ outcome: "failed" });
  expect((await drill())?.outputs).toMatchObject({ failure: expect.stringContaining(foreignKey) });
  expect(scratch.keys.versions("orders")).toEqual([foreign]);
});

it("a recorded failure is not repeated under onFailure record: the next update changes nothing", async () => {
  await project.succeeds("up", "--skip-preview", "--expect-no-changes");
  expect(scratch.requests).toEqual([]);
});

it("the same drill fails the update under onFailure fail, with one error, and the state has the evidence", async () => {
  await project.write("index.js", javaScript(declaration("fail")));
  const before = (await drill())?.outputs?.drilledAt;
  const { code, output } = await project.up("--skip-preview");
  expect(code).not.toBe(0);
  expect(stackLinesIn(output)).toEqual([]);
  const summary = output.split("\nDiagnostics:\n")[1] ?? "";
  expect(timesPrinted(summary, foreignKey)).toBe(1);
  const recorded = await drill();
  expect(recorded?.outputs).toMatchObject({
    outcome: "failed",
    failure: expect.stringContaining(foreignKey),
    checks: [{ privateKey: expect.stringContaining("not run") }],
  });
  expect(recorded?.outputs?.drilledAt).not.toBe(before);
  expect(scratch.keys.has("orders")).toBe(true);
});

it("the next update runs the failed drill again, and proves the backup once the foreign key is gone", async () => {
  scratch.keys.delete("orders");
  scratch.keys.purge("orders");
  expect(await project.succeeds("up", "--skip-preview")).toContain("because the last drill failed");
  expect(await project.outputs()).toEqual({ outcome: "verified" });
  expect(scratch.keys.names).toEqual([]);
});
