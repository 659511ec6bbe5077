import { capitalized } from "../../../src/keyVault/vaultUri";
import type { ObjectKind } from "../../../src/objects/objectKind";
import type { VaultRole } from "./modelService";

export interface BackupProgram {
  readonly vault: "source" | "otherSource";
  readonly name: string;
  /** Named in the object's URI. */
  readonly version?: string | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface RestoreProgram {
  readonly vault: "source" | "target";
  /** Whether only the blob is handed over, as from a file. */
  readonly isBare: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface DrillProgram {
  readonly vault: "scratch" | "protectedScratch";
  /** Whether the program names another object than the one in the blob. */
  readonly isMisnamed: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What the program declares; a resource that it does not declare is undefined. */
export interface Program {
  readonly backup: BackupProgram | undefined;
  readonly restore: RestoreProgram | undefined;
  readonly drill: DrillProgram | undefined;
}

export type ResourceName = keyof Program;

export const resourceNames: readonly ResourceName[] = ["backup", "restore", "drill"];

export function classNames({ noun }: ObjectKind): Readonly<Record<ResourceName, string>> {
  return { backup: `${capitalized(noun)}Backup`, restore: `${capitalized(noun)}Restore`, drill: "RestoreDrill" };
}

/** The vaults in which the user's own objects are. In the others, drills make copies. */
export const userVaults: readonly VaultRole[] = ["source", "otherSource", "target"];
