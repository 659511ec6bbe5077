export type { BackupSource, BackupToRestore } from "./resources/backupToRestore";
export {
  KeyBackup,
  type KeyBackupArgs,
  type KeyByUri,
  type KeyByVaultAndName,
  type PreviousBackup,
} from "./resources/keyBackup";
export { KeyRestore, type KeyRestoreArgs, type RestoredFrom } from "./resources/keyRestore";
export { KeyVaultBackupProvider, type KeyVaultBackupProviderArgs } from "./resources/keyVaultBackupProvider";
export {
  type DrillCheck,
  type DrillCheckResult,
  type LeftoverCopy,
  RestoreDrill,
  type RestoreDrillArgs,
} from "./resources/restoreDrill";
