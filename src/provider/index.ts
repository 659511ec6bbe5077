import { key } from "../objects/key";
import { backupFamily } from "./backup/family";
import { drillFamily } from "./drill/family";
import { defineProvider } from "./engine/defineProvider";
import { restoreFamily } from "./restore/family";

// States call these names: they are never renamed or removed.
export const keyBackup = defineProvider(backupFamily("KeyBackup", key));
export const keyRestore = defineProvider(restoreFamily("KeyRestore", key));
export const restoreDrill = defineProvider(drillFamily("RestoreDrill", key));
