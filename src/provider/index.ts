import { createKeyBackupProvider, type KeyBackupProvider } from "./keyBackup";
import { vaultOf } from "./vaultOf";

// States of every release call this name: it is never renamed or removed.
export const keyBackup: KeyBackupProvider = createKeyBackupProvider(Date.now, vaultOf);
