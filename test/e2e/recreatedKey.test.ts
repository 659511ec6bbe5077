import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../support/localKeyVault";
import type { LocalVault } from "../support/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../support/pulumi/pulumiProject";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  const { keyUri } = await vault.createKey("orders");
  project = await localProject(service, programs.JavaScript ?? {}, { config: { keyUri } });
  await project.succeeds("up");
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

it("keeps the backup of a key that was created anew, until its user replaces the resource", async () => {
  const { blob } = await project.outputs();
  vault.deleteKey("orders");
  vault.purgeKey("orders");
  const { version } = await vault.createKey("orders");
  await project.configure({ triggers: '["again"]' });
  const { code, output } = await project.up();
  expect(code).not.toBe(0);
  expect(output).toContain("may be their only copy");
  expect((await project.outputs()).blob).toBe(blob);
  const [{ urn } = { urn: "" }] = await project.backups();
  await project.succeeds("up", "--replace", urn);
  expect((await project.outputs()).keyVersions).toEqual([version]);
});
