import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { interrupted, interruptions } from "../support/pulumi/interrupted";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";

const program = {
  ...programs.JavaScript,
  "index.js": `const pulumi = require("@pulumi/pulumi");
const { KeyBackup, KeyRestore, RestoreDrill } = require("pulumi-azure-keyvault-backup");
const config = new pulumi.Config();
const backup = new KeyBackup("orders", { keyUri: config.require("keyUri") });
if (config.get("second")) {
  module.exports.isAdopted = new KeyRestore("copy", { vaultUri: config.get("second"), backup, onDestroy: "purge" }).isAdopted;
}
if (config.get("scratch")) {
  const { outcome, failure, checks } = new RestoreDrill("orders", {
    vaultUri: config.get("scratch"), backup, onFailure: config.get("onFailure"),
  });
  Object.assign(module.exports, { outcome, failure, checks });
}
`,
};

let service: LocalKeyVault;
let source: LocalVault;
let other: LocalVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  source = await service.createVault();
  other = await service.createVault();
  const { keyUri } = await source.createKey("orders");
  project = await localProject(service, program, { config: { keyUri } });
  // The backup is there before what follows is interrupted.
  await project.succeeds("up", "--skip-preview");
});
afterEach(() => project.remove());

describe.each([
  ["the engine", interruptions["a SIGKILL of the engine"]],
  ["the provider", interruptions["a SIGKILL of the provider"]],
])("after a SIGKILL of %s", (_, interrupt) => {
  it("during a restore, the next `pulumi up` adopts the key, which then outlives the resource", async () => {
    await project.configure({ second: other.vaultUri });
    await interrupted(project, other, "restore", interrupt);
    await waitFor(() => other.hasKey("orders"));
    expect(await project.succeeds("up")).toContain("adopted, not restored");
    expect(await project.outputs()).toMatchObject({ isAdopted: true });
    await project.succeeds("destroy");
    expect(other.hasKey("orders")).toBe(true);
  });

  it("during a drill's proof, the next `pulumi up` removes the copy and proves the backup", async () => {
    await project.configure({ scratch: other.vaultUri });
    await interrupted(project, other, "sign", interrupt);
    expect(other.hasKey("orders")).toBe(true);
    await project.succeeds("up");
    expect(await project.outputs()).toMatchObject({ outcome: "verified" });
    expect([other.keyNames, other.isDeleted("orders")]).toEqual([[], false]);
  });
});

it("a KeyRestore that is declared after the loss of the key brings it back by a targeted update", async () => {
  const [before] = source.keyVersions("orders");
  source.deleteKey("orders");
  source.purgeKey("orders");
  await project.configure({ second: source.vaultUri });
  await project.succeeds("up", "--target", "**KeyRestore::copy");
  expect(source.keyVersions("orders")).toEqual([before]);
  // What a KeyRestore takes in the state is what the README says: the blob once more, and as much beside as a backup.
  const bytes = (resource: object | undefined) => JSON.stringify(resource).length;
  const resources = await project.resources();
  const [backup, restore] = ["KeyBackup", "KeyRestore"].map((type) =>
    bytes(resources.find((resource) => resource.type.endsWith(`:${type}`))),
  );
  expect(Number(restore) / Number(backup)).toBeLessThan(1.2);
});

it("a failed drill fails the update with its evidence, which the state has too, until a later one succeeds", async () => {
  await project.configure({ scratch: other.vaultUri });
  other.fail("sign", { kind: "value", value: Buffer.alloc(64, 1).toString("base64url") });
  const { code, output } = await project.up();
  expect(code).not.toBe(0);
  const failed = "private key failed: its signature does not verify by the source's public key.";
  expect(output).toContain(`The restore drill of key "orders" in ${new URL(other.vaultUri).host} failed`);
  expect(output).toContain(failed);
  expect(output).not.toMatch(/\n\s+at /);
  expect(await project.outputs()).not.toMatchObject({ outcome: "verified" });
  const [drill] = (await project.resources()).filter(({ type }) => type.endsWith(":RestoreDrill"));
  expect(drill?.outputs).toMatchObject({ outcome: "failed", checks: [{ publicKey: "passed" }] });
  expect(await project.succeeds("preview")).toContain("a restore drill will be run, because the last one failed.");
  await project.succeeds("up");
  expect(await project.outputs()).toMatchObject({ outcome: "verified" });
});

it("a failed drill that is to be recorded lets the update go on, and says so", async () => {
  await project.configure({ scratch: other.vaultUri, onFailure: "record" });
  other.fail("restore", { kind: "status", status: 400 });
  expect(await project.succeeds("up")).toContain("The restore drill of key");
  expect(await project.outputs()).toMatchObject({ outcome: "failed", failure: expect.stringContaining("400") });
  other.clearRequests();
  expect(await project.succeeds("up")).toContain("3 unchanged");
  expect(other.requests).toEqual([]);
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition() && waited < 10_000; waited += 50) {
    await sleep(50);
  }
}
