import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { descendantsOf } from "../../../engine/descendantsOf";
import { finished, type PulumiProject } from "../../../engine/pulumiProject";
import type { LocalVault } from "../../../localVault/localVault";
import type { Operation } from "../../../localVault/operation";

export type Interruption = (command: ChildProcess) => Promise<void>;

export const interruptions = {
  "one SIGINT": async (command) => void command.kill("SIGINT"),
  "a SIGKILL of the engine": async (command) => void command.kill("SIGKILL"),
  "a SIGKILL of the provider": async (command) => {
    const provider = descendantsOf(Number(command.pid)).find(({ args }) =>
      /node\S* .*cmd\/dynamic-provider/.test(args),
    );
    if (provider === undefined) throw new Error("The engine has no provider process.");
    process.kill(provider.id, "SIGKILL");
  },
} satisfies Record<string, Interruption>;

/** Runs `pulumi up`, and interrupts it while the vault is busy with an operation, which the vault then carries out. */
export async function interrupted(
  project: PulumiProject,
  vault: LocalVault,
  operation: Operation,
  interrupt: Interruption,
): Promise<string> {
  vault.clearRequests();
  vault.fail(operation, { kind: "delay", milliseconds: 2_500 });
  const command = project.start(["up", "--yes", "--skip-preview"]);
  const result = finished(command);
  for (let waited = 0; vault.count(operation) === 0 && waited < 120_000; waited += 20) {
    await sleep(20);
  }
  if (vault.count(operation) !== 1) throw new Error(`The vault was not asked for ${operation} once.`);
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
