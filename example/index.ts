import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const backup = new KeyBackup("key", { keyUri: config.require("keyUri") });

export const { keyUriWithVersion, keyVersions, backedUpAt, blobSha256, blob } = backup;

// Restores the key into its own vault when it is gone.
const restore = config.getBoolean("bringBack")
  ? new KeyRestore("key", { vaultUri: backup.vaultUri, backup })
  : undefined;

export const keyStatus = restore?.keyStatus ?? "not looked for: bringBack is not configured";

// Proves each backup in a vault for drills.
const scratch = config.get("scratchVaultUri");
const drill = scratch === undefined ? undefined : new RestoreDrill("key", { vaultUri: scratch, backup });

export const evidence =
  drill === undefined
    ? "none: scratchVaultUri is not configured"
    : { outcome: drill.outcome, verifiedAt: drill.verifiedAt, checks: drill.checks };
