import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { restore } from "../support/restore";

// An ES module of a user's own, with the infrastructure inline.
const program = `
import { KeyBackup } from "pulumi-azure-keyvault-backup";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";

const stack = await LocalWorkspace.createOrSelectStack({
  stackName: "inline",
  projectName: "inline",
  program: async () => {
    const { blob, versions } = new KeyBackup("orders", { keyUri: process.env.KEY_URI });
    return { blob, versions };
  },
});
await stack.setConfig("azure-keyvault-backup:disableChallengeResourceVerification", { value: "true" });
const events = [];
const up = await stack.up({ onEvent: (event) => events.push(event), onOutput: (text) => process.stderr.write(text) });
const again = await stack.up();
const { blob, versions } = up.outputs;
await stack.destroy();
process.stdout.write(JSON.stringify({
  changes: [up.summary.resourceChanges, again.summary.resourceChanges],
  blob,
  versions: versions.value,
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
  await endProject(project);
  await service.stop();
});

it("an inline program of the Automation API backs up once, and its events contain no blob and no token", async () => {
  const { uri: keyUri, version } = await vault.keys.create("orders");
  const { stdout, stderr } = await promisify(execFile)("node", ["automation.mjs"], {
    cwd: project.folder,
    env: { ...project.env, KEY_URI: keyUri },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 200_000,
  });
  const { changes, blob, versions, events } = JSON.parse(stdout);
  expect(changes).toEqual([{ create: 2 }, { same: 2 }]);
  expect(versions).toEqual([version]);
  expect(blob.secret).toBe(true);
  expect((await restore(service, blob.value)).versions).toEqual([version]);
  expect(vault.count("backup")).toBe(1);
  expect(events.length).toBeGreaterThan(0);
  const secrets = { blob: blob.value, tokens: service.identity.issued };
  expect(leaksIn(stderr + JSON.stringify(events), secrets)).toEqual([]);
});
