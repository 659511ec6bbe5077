import { allSeries, type ByBackup, backupSeries } from "./series";
import { type Bench, pulumiCommand, type Stack, type StackOptions, up, withStack } from "./stack";

export interface StateSize {
  /** Size of a state without resources. */
  readonly emptyBytes: number;
  /** Characters of a blob. */
  readonly blobLength: number;
  readonly backups: ByBackup<BackupSize>;
}

/** What one backup resource adds to a state. */
export interface BackupSize {
  /** What each character of a blob adds, computed from blobs of two lengths. */
  readonly bytesPerCharacter: number;
  /** What a resource adds beside its blob. */
  readonly fixedBytes: number;
  /** The largest parts in the state file, in bytes. */
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

/** Measures what backup resources add to a state. */
export async function measureStateSize(bench: Bench): Promise<StateSize> {
  const emptyBytes = await afterFirstUp(bench, { keys: 0, program: keyBackup.program }, bytesOf);
  const sizes: Partial<Record<keyof ByBackup<BackupSize>, BackupSize>> = {};
  let blobLength = 0;
  for (const { name, program } of backupSeries) {
    const record = (stack: Stack) => recordedState(stack, emptyBytes, name === "keyBackup");
    const usual = await afterFirstUp(bench, { keys, program }, record);
    const long = await afterFirstUp(bench, { keys, program, vault: { blobPadding: 11_200 } }, record);
    const bytesPerCharacter = (long.bytesPerResource - usual.bytesPerResource) / (long.blobLength - usual.blobLength);
    const fixedBytes = usual.bytesPerResource - bytesPerCharacter * usual.blobLength;
    sizes[name] = { bytesPerCharacter, fixedBytes, parts: usual.parts };
    blobLength = usual.blobLength;
  }
  return { emptyBytes, blobLength, backups: sizes as StateSize["backups"] };
}

function afterFirstUp<T>(bench: Bench, options: StackOptions, read: (stack: Stack) => Promise<T>): Promise<T> {
  return withStack(bench, options, async (stack) => {
    await pulumiCommand(stack.project, up, bench.signal);
    return read(stack);
  });
}

async function recordedState(stack: Stack, emptyBytes: number, hasBlob: boolean): Promise<RecordedState> {
  const bytesPerResource = ((await bytesOf(stack)) - emptyBytes) / keys;
  const [first] = await stack.project.backups();
  const { blob, blobBytes } = (first?.outputs ?? {}) as { blob?: { ciphertext?: string }; blobBytes?: number };
  if (hasBlob !== (blob !== undefined) || blobBytes === undefined) {
    throw notAsExpected();
  }
  const parts = {
    ciphertext: hasBlob ? jsonBytes(blob?.ciphertext) : 0,
    providerInInputs: jsonBytes(first?.inputs?.__provider),
    providerInOutputs: jsonBytes(first?.outputs?.__provider),
  };
  const rest = bytesPerResource - parts.ciphertext - parts.providerInInputs - parts.providerInOutputs;
  // Base64url without padding.
  return { blobLength: Math.ceil((blobBytes * 4) / 3), bytesPerResource, parts: { ...parts, rest } };
}

async function bytesOf({ project }: Stack): Promise<number> {
  return Buffer.byteLength(await project.stateText());
}

function jsonBytes(text: unknown): number {
  if (typeof text !== "string") {
    throw notAsExpected();
  }
  return Buffer.byteLength(JSON.stringify(text));
}

function notAsExpected(): Error {
  return new Error("The state of a KeyBackup is not as bench/stateSize.ts expects, which must be adapted.");
}
