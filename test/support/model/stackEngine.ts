/** What a program declares of a `KeyBackup`; undefined where it declares none. */
export type Declaration = Readonly<Record<string, unknown>> | undefined;

/** What a state holds of one backup. */
export interface HeldBackup {
  readonly blob: string;
  readonly blobSha256: string;
  /** The versions that it is recorded to hold. */
  readonly keyVersions: readonly string[];
  readonly backedUpAt: string;
  /** Of an earlier backup. */
  readonly keptBecause?: string;
}

/** A resource as a state holds it. */
export interface HeldRecord {
  readonly keyName: string;
  /** Whether another one took its place, so that it is to be deleted. */
  readonly isPendingDelete: boolean;
  readonly forceDelete: boolean;
  readonly sourceStatus: string | undefined;
  /** Newest first. */
  readonly backups: readonly HeldBackup[];
}

/** One stack with one `KeyBackup`, and the commands of the Pulumi CLI; each says whether it succeeded. */
export interface StackEngine {
  up(declaration: Declaration, options?: UpOptions): Promise<boolean>;
  refresh(): Promise<boolean>;
  destroy(): Promise<boolean>;
  records(): Promise<HeldRecord[]>;
}

export interface UpOptions {
  /** `pulumi up --refresh`. @default false */
  readonly refresh?: boolean;
  /** Whether the engine is killed while the vault's answer to the backup is on its way. @default false */
  readonly isKilled?: boolean;
}

/** The backups in the outputs that a state holds, secrets in clear, newest first. */
export function heldBackups(outputs: Readonly<Record<string, unknown>>): HeldBackup[] {
  const previous = Object.values((outputs.previous ?? {}) as Record<string, HeldBackup>);
  previous.sort((one, other) => (one.backedUpAt < other.backedUpAt ? 1 : -1));
  return [outputs as unknown as HeldBackup, ...previous];
}

/** A record by the outputs that a state holds, secrets in clear. */
export function heldRecord(outputs: Readonly<Record<string, unknown>>, isPendingDelete: boolean): HeldRecord {
  return {
    keyName: String(outputs.keyName),
    isPendingDelete,
    forceDelete: outputs.forceDelete === true,
    sourceStatus: outputs.sourceStatus as string | undefined,
    backups: heldBackups(outputs),
  };
}
