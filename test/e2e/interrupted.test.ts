import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { type Interruption, interrupted, interruptions } from "../support/pulumi/interrupted";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault();
  const { keyUri } = await vault.createKey("orders");
  project = await localProject(service, programs.JavaScript ?? {}, { config: { keyUri } });
});
afterEach(() => project.remove());

/** Runs `pulumi up`, and interrupts it while the vault is busy with the backup. */
function interruptedUp(interrupt: Interruption): Promise<string> {
  return interrupted(project, vault, "backup", interrupt);
}

async function restorable(): Promise<number> {
  const { blob } = await project.outputs();
  return (await restore(service, String(blob))).versions.length;
}

describe.each(Object.entries(interruptions))("after %s", (_, interrupt) => {
  it("during the first backup, the next `pulumi up` succeeds", async () => {
    await interruptedUp(interrupt);
    await project.succeeds("up");
    expect((await project.backups()).length).toBe(1);
    expect(await restorable()).toBe(1);
  });

  it("during a later backup, the recorded one is still there, and the next `pulumi up` succeeds", async () => {
    await project.succeeds("up");
    const [before] = await project.backups();
    await project.configure({ triggers: '["again"]' });
    await vault.rotateKey("orders");
    await interruptedUp(interrupt);
    const [recorded, ...more] = await project.backups();
    expect(more).toEqual([]);
    expect(recorded?.id).toBe(before?.id);
    expect(typeof recorded?.outputs?.blob).toBe("object");
    expect(await restorable()).toBeGreaterThanOrEqual(1);
    await project.succeeds("up");
    expect(await restorable()).toBe(2);
  });
});
