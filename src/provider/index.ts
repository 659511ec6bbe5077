import type { DynamicProvider } from "./dynamicProvider";
import { createKeyBackupProvider } from "./keyBackup";
import { createKeyRestoreProvider } from "./keyRestore";
import { createRestoreDrillProvider } from "./restoreDrill";
import { vaultOf } from "./vaultOf";

// States of every release call these names: they are never renamed or removed.
export const keyBackup: DynamicProvider = createKeyBackupProvider(Date.now, vaultOf);
export const keyRestore: DynamicProvider = createKeyRestoreProvider(Date.now, vaultOf);
export const restoreDrill: DynamicProvider = createRestoreDrillProvider(Date.now, vaultOf);
