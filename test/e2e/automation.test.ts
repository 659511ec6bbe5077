import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

const run = promisify(execFile);

// A user's own program around the Automation API, with the infrastructure inline.
const program = `
import { KeyBackup } from "pulumi-azure-keyvault-backup";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";

const stack = await LocalWorkspace.createOrSelectStack({
  stackName: "inline",
  projectName: "inline",
  program: async () => {
    const { blob, keyVersions } = new KeyBackup("orders", { keyUri: process.env.KEY_URI });
    return { blob, keyVersions };
  },
});
await stack.setConfig("azure-keyvault-backup:disableChallengeResourceVerification", { value: "true" });
const events = [];
const up = await stack.up({ onEvent: (event) => events.push(event), onOutput: (text) => process.stderr.write(text) });
const again = await stack.up();
const { blob, keyVersions } = up.outputs;
await stack.destroy();
process.stdout.write(JSON.stringify({
  kinds: [up.summary.resourceChanges, again.summary.resourceChanges],
  blob,
  keyVersions: keyVersions.value,
  events,
}));
`;

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  project = await localProject(service, { "automation.mjs": program });
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

it("works in an inline program of the Automation API, and its events tell no blob", async () => {
  const { keyUri, version } = await vault.createKey("orders");
  const { stdout, stderr } = await run("node", ["automation.mjs"], {
    cwd: project.folder,
    env: { ...project.env, KEY_URI: keyUri },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  const { kinds, blob, keyVersions, events } = JSON.parse(stdout);
  expect(kinds).toEqual([{ create: 2 }, { same: 2 }]);
  expect(keyVersions).toEqual([version]);
  expect(blob.secret).toBe(true);
  expect((await restore(service, blob.value)).versions).toEqual([version]);
  expect(vault.count("backup")).toBe(1);
  const secrets = { blob: blob.value, tokens: service.identity.issued };
  expect(events.length).toBeGreaterThan(0);
  expect(leaksIn(stderr + JSON.stringify(events), secrets)).toEqual([]);
});
