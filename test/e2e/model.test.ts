import { afterAll, beforeAll, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { commands } from "../support/model/commands";
import { PulumiEngine } from "../support/model/pulumiEngine";
import { Restoring, World } from "../support/model/world";
import { localProject } from "../support/pulumi/localProject";
import { finished, type PulumiProject } from "../../engine/pulumiProject";
import { trustLocalCertificate } from "../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;
let restoring: Restoring;
let project: PulumiProject;
/** The state of a stack that has nothing. */
let nothing: string;
/** How far the vault's clock is ahead, in milliseconds. */
let ahead = 0;
let sequences = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => Date.now() + ahead });
  service.identity.tokenLifetimeSeconds = 10 * 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
  local = await service.createVault("kv-model");
  restoring = await Restoring.start(service);
  project = await localProject(
    service,
    { "package.json": '{ "name": "infrastructure", "main": "index.js" }', "index.js": "" },
    { config: { "azure-keyvault-backup:timeoutSeconds": "3" } },
  );
  nothing = (await finished(project.start(["stack", "export"]))).stdout;
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

async function newWorld(): Promise<World> {
  sequences += 1;
  await project.write("nothing.json", nothing);
  const { code } = await project.run(["stack", "import", "--force", "--file", "nothing.json"]);
  expect(code).toBe(0);
  local.clearFaults();
  for (const permission of ["list", "get", "backup"] as const) local.permissions.add(permission);
  const keyNames = [`orders-${sequences}`, `invoices-${sequences}`] as const;
  for (const name of keyNames) await local.createKey(name);
  const pass = (milliseconds: number) => {
    ahead += milliseconds;
  };
  const engine = new PulumiEngine(project, local);
  return new World({ engine, vault: local, restoring, keyNames, pass, isRepeated: false });
}

it("no sequence of operations, failures and kills loses a version that only the state holds", async () => {
  const seed = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`The seed of the model with the engine is ${seed}: MODEL_SEED=${seed} repeats its sequences.\n`);
  const property = fc.asyncProperty(fc.commands(commands, { maxCommands: 8, size: "max" }), async (sequence) => {
    const real = await newWorld();
    await real.engine.up(real.declaration);
    await fc.asyncModelRun(() => ({ model: {}, real }), sequence);
  });
  await fc.assert(property, { numRuns: 20, seed, endOnFailure: true });
  expect(restoring.count).toBeGreaterThan(20);
}, 1_200_000);
