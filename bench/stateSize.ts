import { allSeries } from "./measure";
import { type Bench, pulumiCommand, type Stack, type StackOptions, up, withStack } from "./stack";

export interface StateSize {
  /** Size of a state without resources. */
  readonly emptyBytes: number;
  /** Characters of a blob. */
  readonly blobLength: number;
  /** What each character of a blob adds to a state, computed from blobs of two lengths. */
  readonly bytesPerCharacter: number;
  /** What a resource adds to a state beside its blob. */
  readonly fixedBytes: number;
  /** The largest parts of one KeyBackup in the state file, in bytes. */
  readonly parts: StateParts;
}

interface StateParts {
  readonly ciphertext: number;
  readonly providerInInputs: number;
  readonly providerInOutputs: number;
  readonly rest: number;
}

interface RecordedState {
  readonly blobLength: number;
  readonly bytesPerResource: number;
  readonly parts: StateParts;
}

const keys = 10;
const [keyBackup] = allSeries;

/** Measures what a KeyBackup adds to a state. */
export async function measureStateSize(bench: Bench): Promise<StateSize> {
  const emptyBytes = await afterFirstUp(bench, { keys: 0 }, bytesOf);
  const record = (stack: Stack) => recordedState(bench, stack, emptyBytes);
  const usual = await afterFirstUp(bench, { keys }, record);
  const long = await afterFirstUp(bench, { keys, vault: { blobPadding: 11_200 } }, record);
  const bytesPerCharacter = (long.bytesPerResource - usual.bytesPerResource) / (long.blobLength - usual.blobLength);
  return {
    emptyBytes,
    blobLength: usual.blobLength,
    bytesPerCharacter,
    fixedBytes: usual.bytesPerResource - bytesPerCharacter * usual.blobLength,
    parts: usual.parts,
  };
}

function afterFirstUp<T>(
  bench: Bench,
  options: Omit<StackOptions, "program">,
  read: (stack: Stack) => Promise<T>,
): Promise<T> {
  return withStack(bench, { ...options, program: keyBackup.program }, async (stack) => {
    await pulumiCommand(stack.project, up, bench.signal);
    return read(stack);
  });
}

async function recordedState(bench: Bench, stack: Stack, emptyBytes: number): Promise<RecordedState> {
  const bytesPerResource = ((await bytesOf(stack)) - emptyBytes) / keys;
  const [first] = await stack.project.backups();
  const { ciphertext } = (first?.outputs?.blob ?? {}) as { ciphertext?: string };
  const parts = {
    ciphertext: jsonBytes(ciphertext),
    providerInInputs: jsonBytes(first?.inputs?.__provider),
    providerInOutputs: jsonBytes(first?.outputs?.__provider),
  };
  const rest = bytesPerResource - parts.ciphertext - parts.providerInInputs - parts.providerInOutputs;
  return { blobLength: await lengthOfBlob(bench, stack), bytesPerResource, parts: { ...parts, rest } };
}

async function bytesOf({ project }: Stack): Promise<number> {
  return Buffer.byteLength(await project.stateText());
}

async function lengthOfBlob(bench: Bench, { project }: Stack): Promise<number> {
  const { stdout } = await pulumiCommand(project, ["stack", "export", "--show-secrets"], bench.signal);
  const { deployment } = JSON.parse(stdout) as {
    deployment: { resources: { outputs?: { blob?: { plaintext: string } } }[] };
  };
  const blob = deployment.resources.find(({ outputs }) => outputs?.blob !== undefined)?.outputs?.blob;
  return (JSON.parse(blob?.plaintext ?? '""') as string).length;
}

function jsonBytes(text: unknown): number {
  if (typeof text !== "string") {
    throw new Error(
      "The state of a KeyBackup has no encrypted blob or no __provider: bench/stateSize.ts must be adapted.",
    );
  }
  return Buffer.byteLength(JSON.stringify(text));
}
