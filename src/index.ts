export { KeyBackup, type KeyBackupArgs, type KeyByUri, type KeyByVaultAndName } from "./keyBackup";
