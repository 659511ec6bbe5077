import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");

let service: LocalKeyVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  const { keyUri } = await (await service.createVault()).createKey("orders");
  project = await localProject(service, programs.JavaScript ?? {}, { config: { keyUri } });
  await project.succeeds("up");
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

it("the README's recipe writes the file that az keyvault key restore takes", async () => {
  const [recipe] = /^pulumi stack output blob[\s\S]*?(?=```)/m.exec(readme) ?? [];
  const { stdout } = await run("sh", ["-euc", String(recipe)], { cwd: project.folder, env: project.env });
  const { blob, blobSha256 } = await project.outputs();
  expect(stdout.split(" ")[0]).toBe(blobSha256);
  const file = readFileSync(path.join(project.folder, "key.keyvaultbackup"));
  expect(file.toString("base64url")).toBe(blob);
  // What az does with the file: it sends its bytes.
  expect((await restore(service, file.toString("base64url"))).versions.length).toBe(1);
});

it("the README's demo does what it says", async () => {
  const { stdout } = await run("npx", ["tsx", "demo/demo.ts"], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  for (const text of [
    "+ 4 created",
    "~ 2 updated",
    "is not deleted: it may be the only copy of the key",
    "Signature from before the loss: verified. New signature by the restored key, verified by the lost one's public key: true.",
    "- 4 deleted",
  ]) {
    expect(stdout).toContain(text);
  }
  expect(stdout).toContain("pulumi config set keyUri https://<vault>.vault.azure.net/keys/<key>");
});
