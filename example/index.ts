import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const backup = new KeyBackup("key", { keyUri: config.require("keyUri") });

export const { keyUriWithVersion, versions, backedUpAt, blobSha256, blob, sourceStatus } = backup;

// Restores the key into its own vault when it is lost.
const restore = config.getBoolean("bringBack")
  ? new KeyRestore("key", { vaultUri: backup.vaultUri, backup })
  : undefined;

export const restoreStatus = restore?.status ?? "not configured: set bringBack";

// Proves each backup in a vault for drills.
const scratchVaultUri = config.get("scratchVaultUri");
const drill = scratchVaultUri ? new RestoreDrill("key", { vaultUri: scratchVaultUri, backup }) : undefined;

export const evidence =
  drill === undefined
    ? "not configured: set scratchVaultUri"
    : { outcome: drill.outcome, verifiedAt: drill.verifiedAt, durationMs: drill.durationMs, checks: drill.checks };
