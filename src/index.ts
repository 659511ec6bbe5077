export {
  KeyBackup,
  type KeyBackupArgs,
  type KeyByUri,
  type KeyByVaultAndName,
  type PreviousKeyBackup,
} from "./keyBackup";
