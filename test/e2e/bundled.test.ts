import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn, timesPrinted } from "../support/pulumi/printed";

const tsx = path.dirname(require.resolve("tsx/package.json"));
const esbuild = path.join(path.dirname(require.resolve("esbuild/package.json", { paths: [tsx] })), "bin/esbuild");

const program = {
  "package.json": '{ "name": "infrastructure", "main": "bundle.js" }',
  "index.ts": `import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "pulumi-azure-keyvault-backup";
const backup = new KeyBackup("orders", { keyUri: new pulumi.Config().require("keyUri") });
export const { versions } = backup;
`,
};

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
let version: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  const key = await vault.keys.create("orders");
  version = key.version;
  project = await localProject(service, program, { config: { keyUri: key.uri } });
});
afterAll(async () => {
  await endProject(project);
  await service.stop();
});

function bundle(...options: string[]): Promise<unknown> {
  const args = ["index.ts", "--bundle", "--platform=node", "--outfile=bundle.js", "--log-level=error", ...options];
  return promisify(execFile)(esbuild, args, { cwd: project.folder, timeout: 60_000 });
}

describe("a program that esbuild has bundled", () => {
  it.each([
    ["without the SDK", ["--external:@pulumi/pulumi"]],
    ["without the SDK and minified", ["--external:@pulumi/pulumi", "--minify"]],
  ])("with the package inside and %s gets one short error, which says how to bundle", async (_, options) => {
    await bundle(...options);
    const { code, output } = await project.preview();
    expect(code).not.toBe(0);
    expect(errorsIn(output)).toEqual([expect.stringContaining("must not be bundled into the program")]);
    expect(errorsIn(output)[0]).toContain("--packages=external");
    expect(timesPrinted(output, "must not be bundled")).toBeLessThanOrEqual(3);
    expect(stackLinesIn(output)).toEqual([]);
    expect(output.split("\n").length).toBeLessThan(40);
  });

  it("with --packages=external works", async () => {
    await bundle("--packages=external");
    await project.succeeds("up", "--skip-preview");
    expect(await project.outputs()).toEqual({ versions: [version] });
    await project.succeeds("destroy", "--skip-preview");
    expect([vault.count("backup"), await project.backups()]).toEqual([1, []]);
  });
});
