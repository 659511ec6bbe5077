import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../support/localKeyVault";
import type { LocalVault } from "../support/localVault";
import { descendantsOf } from "../support/pulumi/descendantsOf";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";

import { finished, type PulumiProject } from "../support/pulumi/pulumiProject";
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

type Interruption = (command: ChildProcess) => Promise<void>;

const interruptions: [string, Interruption][] = [
  ["one SIGINT", async (command) => void command.kill("SIGINT")],
  [
    "two SIGINTs",
    async (command) => {
      command.kill("SIGINT");
      await sleep(300);
      command.kill("SIGINT");
    },
  ],
  ["a SIGKILL of the engine", async (command) => void command.kill("SIGKILL")],
  [
    "a SIGKILL of the provider",
    async (command) => {
      const provider = descendantsOf(Number(command.pid)).find(({ args }) =>
        /node\S* .*cmd\/dynamic-provider/.test(args),
      );
      process.kill(provider?.id ?? Number.NaN, "SIGKILL");
    },
  ],
];

/** Runs `pulumi up`, and interrupts it while the vault is busy with the backup. */
async function interruptedUp(interrupt: Interruption): Promise<string> {
  vault.clearRequests();
  vault.fail("backup", { kind: "delay", milliseconds: 2_500 });
  const command = project.start(["up", "--yes", "--skip-preview"]);
  const result = finished(command);
  for (let waited = 0; vault.count("backup") === 0 && waited < 60_000; waited += 20) {
    await sleep(20);
  }
  expect(vault.count("backup")).toBe(1);
  const plugins = descendantsOf(Number(command.pid));
  await interrupt(command);
  const { output } = await result;
  endOrphans(plugins.map(({ id }) => id));
  vault.clearFaults();
  // What a killed engine leaves locked, its user unlocks as the engine's next error says.
  await project.run(["cancel", "--yes"]);
  return output;
}

// A killed engine does not end its plugins.
function endOrphans(ids: readonly number[]): void {
  for (const id of ids) {
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // It has ended with its engine.
    }
  }
}

async function restorable(): Promise<number> {
  const { blob } = await project.outputs();
  return (await restore(service, String(blob))).versions.length;
}

describe.each(interruptions)("after %s", (_, interrupt) => {
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
