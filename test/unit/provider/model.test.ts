import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import type { DynamicProvider } from "../../../src/provider/dynamicProvider";
import { createKeyBackupProvider } from "../../../src/provider/keyBackup";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { commands } from "../../support/model/commands";
import { impatientVault } from "../../support/model/impatientVault";
import { MemoryEngine } from "../../support/model/memoryEngine";
import { Restoring, World } from "../../support/model/world";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;
let restoring: Restoring;
/** How far the clock of all is ahead, in milliseconds. */
let ahead = 0;
let sequences = 0;
const now = () => Date.now() + ahead;

beforeAll(async () => {
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
  service = await LocalKeyVault.start({ now });
  service.identity.tokenLifetimeSeconds = 100 * 365 * 86_400;
  trustLocalCertificate(service.certificatePem);
  local = await service.createVault("kv-model", { blobPadding: 0 });
  restoring = await Restoring.start(service);
});
afterAll(() => service.stop());

/** A stack and two keys of its own. */
async function newWorld(mutate: (provider: DynamicProvider) => DynamicProvider): Promise<World> {
  sequences += 1;
  ahead = 0;
  local.clearFaults();
  local.clearRequests();
  const keyNames = [`orders-${sequences}`, `invoices-${sequences}`] as const;
  for (const permission of ["list", "get", "backup"] as const) local.permissions.add(permission);
  for (const name of keyNames) await local.createKey(name);
  const vault = impatientVault(service, local);
  const engine = new MemoryEngine(() => mutate(createKeyBackupProvider(now, () => vault)));
  const pass = (milliseconds: number) => {
    ahead += milliseconds;
  };
  return new World({ engine, vault: local, restoring, keyNames, pass, isRepeated: true });
}

const asItIs = (provider: DynamicProvider) => provider;

const property = (mutate = asItIs) =>
  fc.asyncProperty(fc.commands(commands, { maxCommands: 25, size: "max" }), async (sequence) => {
    const real = await newWorld(mutate);
    await real.engine.up(real.declaration);
    await fc.asyncModelRun(() => ({ model: {}, real }), sequence);
  });

const seed = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);

it("no sequence of operations, failures and kills loses a version that only the state holds", async () => {
  process.stderr.write(`The model's seed is ${seed}: MODEL_SEED=${seed} repeats its sequences.\n`);
  await fc.assert(property(), { numRuns: 2_000, seed });
  expect(restoring.count).toBeGreaterThan(2_000);
}, 600_000);

type Mutant = [name: string, caught: RegExp, mutate: (provider: DynamicProvider) => Partial<DynamicProvider>];

/** Providers with one defect each, and what must catch them. */
const mutants: Mutant[] = [
  [
    "drops what an update is to keep",
    /^No blob holds/,
    ({ update }) => ({ update: async (...args) => ({ outs: { ...(await update(...args)).outs, previous: {} } }) }),
  ],
  [
    "drops what a refresh is to keep",
    /^No blob holds/,
    ({ read }) => ({
      read: async (...args) => {
        const { id = "", props } = await read(...args);
        return { id, props: { ...props, previous: {} } };
      },
    }),
  ],
  [
    "reports the backup of a missing key as gone",
    /^No blob holds/,
    ({ read }) => ({
      read: async (...args) => {
        const { id = "", props } = await read(...args);
        return props?.sourceStatus === "missing" ? {} : { id, props };
      },
    }),
  ],
  ["deletes whatever has become of the key", /^No blob holds/, () => ({ delete: async () => {} })],
  [
    "takes no notice of a changed key",
    /^A backup stays stale/,
    ({ diff }) => ({ diff: (id, { sourceStatus, ...olds }, news, config) => diff(id, olds, news, config) }),
  ],
  [
    "records versions that the backup does not hold",
    /^A blob is recorded to hold/,
    ({ update }) => ({
      update: async (id, olds, news, config) => {
        const { outs } = await update(id, olds, news, config);
        const keyVersions = [...new Set([...(outs?.keyVersions ?? []), ...((olds.keyVersions ?? []) as string[])])];
        return { outs: { ...outs, keyVersions } };
      },
    }),
  ],
];

it.each(mutants)(
  "the model catches a provider that %s",
  async (_, caught, mutate) => {
    const mutated = property((provider) => ({ ...provider, ...mutate(provider) }));
    const { errorInstance } = await fc.check(mutated, { numRuns: 2_000, seed, endOnFailure: true });
    expect(errorInstance).toMatchObject({ message: expect.stringMatching(caught) });
  },
  600_000,
);
