import { type Bench, type Stack, withFirstUp } from "./measure";
import { pulumiCommand } from "./pulumiCommand";
import { allSeries } from "./series";

export interface StateSize {
  /** Of a state without resources. */
  readonly emptyBytes: number;
  /** In characters. */
  readonly blobLength: number;
  /** What each character of a blob adds to the state, measured with blobs of two lengths. */
  readonly bytesPerCharacter: number;
  /** What a resource takes beside that. */
  readonly fixedBytes: number;
  /** Of one KeyBackup, as the state's file has them. */
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

/** Measures what KeyBackups take in a state. */
export async function measureStateSize(bench: Bench): Promise<StateSize> {
  const emptyBytes = await withFirstUp(bench, keyBackup, { keys: 0 }, bytesOf);
  const record = (stack: Stack) => recordedState(bench, stack, emptyBytes);
  const usual = await withFirstUp(bench, keyBackup, { keys }, record);
  const long = await withFirstUp(bench, keyBackup, { keys, vault: { blobPadding: 11_200 } }, record);
  const bytesPerCharacter = (long.bytesPerResource - usual.bytesPerResource) / (long.blobLength - usual.blobLength);
  return {
    emptyBytes,
    blobLength: usual.blobLength,
    bytesPerCharacter,
    fixedBytes: usual.bytesPerResource - bytesPerCharacter * usual.blobLength,
    parts: usual.parts,
  };
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
    throw new Error("The state of a KeyBackup has lost a part: the blob's ciphertext or __provider.");
  }
  return Buffer.byteLength(JSON.stringify(text));
}
