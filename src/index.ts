export type { BackupSource, BackupToRestore } from "./backupToRestore";
export {
  KeyBackup,
  type KeyBackupArgs,
  type KeyByUri,
  type KeyByVaultAndName,
  type PreviousKeyBackup,
} from "./keyBackup";
export { KeyRestore, type KeyRestoreArgs, type RestoredFrom } from "./keyRestore";
export {
  type LeftoverCopy,
  RestoreDrill,
  type RestoreDrillArgs,
  type RestoreDrillCheck,
  type RestoreDrillResult,
} from "./restoreDrill";
