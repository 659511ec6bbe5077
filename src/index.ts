export type {
  AnyBackup,
  BackupSource,
  CertificateBackupToRestore,
  KeyBackupToRestore,
  SecretBackupToRestore,
} from "./resources/backupToRestore";
export {
  CertificateBackup,
  type CertificateBackupArgs,
  type CertificateByUri,
  type CertificateByVaultAndName,
} from "./resources/certificateBackup";
export { CertificateRestore, type CertificateRestoreArgs } from "./resources/certificateRestore";
export { backupDataActions, copyDataActions, drillDataActions } from "./resources/dataActions";
export { KeyBackup, type KeyBackupArgs, type KeyByUri, type KeyByVaultAndName } from "./resources/keyBackup";
export { KeyRestore, type KeyRestoreArgs } from "./resources/keyRestore";
export { KeyVaultBackupProvider, type KeyVaultBackupProviderArgs } from "./resources/keyVaultBackupProvider";
export type { BackupCopy, BackupOptions, PreviousBackup } from "./resources/objectBackup";
export type { RestoredFrom, RestoreOptions } from "./resources/objectRestore";
export {
  type DrillCheck,
  type DrillCheckResult,
  type LeftoverCopy,
  RestoreDrill,
  type RestoreDrillArgs,
} from "./resources/restoreDrill";
export {
  SecretBackup,
  type SecretBackupArgs,
  type SecretByUri,
  type SecretByVaultAndName,
} from "./resources/secretBackup";
export { SecretRestore, type SecretRestoreArgs } from "./resources/secretRestore";
