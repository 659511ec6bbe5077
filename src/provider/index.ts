import { certificate } from "../objects/certificate";
import { key } from "../objects/key";
import { secret } from "../objects/secret";
import { backupFamily } from "./backup/family";
import { drillFamily } from "./drill/family";
import { defineProvider } from "./engine/defineProvider";
import { restoreFamily } from "./restore/family";

// States call these names: they are never renamed or removed.
export const keyBackup = defineProvider(backupFamily("KeyBackup", key));
export const secretBackup = defineProvider(backupFamily("SecretBackup", secret));
export const certificateBackup = defineProvider(backupFamily("CertificateBackup", certificate));
export const keyRestore = defineProvider(restoreFamily("KeyRestore", key));
export const secretRestore = defineProvider(restoreFamily("SecretRestore", secret));
export const certificateRestore = defineProvider(restoreFamily("CertificateRestore", certificate));
export const restoreDrill = defineProvider(drillFamily("RestoreDrill"));
