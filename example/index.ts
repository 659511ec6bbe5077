import * as pulumi from "@pulumi/pulumi";
import {
  CertificateBackup,
  CertificateRestore,
  KeyBackup,
  KeyRestore,
  RestoreDrill,
  SecretBackup,
  SecretRestore,
} from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const vaultUri = config.require("vaultUri");

const backups = {
  key: new KeyBackup("key", { vaultUri, keyName: config.require("key") }),
  secret: new SecretBackup("secret", { vaultUri, secretName: config.require("secret") }),
  certificate: new CertificateBackup("certificate", { vaultUri, certificateName: config.require("certificate") }),
};

export const recorded = Object.entries(backups).map(([kind, { versions, backedUpAt, blobSha256, blob }]) => ({
  kind,
  versions,
  backedUpAt,
  blobSha256,
  blob,
}));

// Adopts what is there. Restores what a refresh has found to be lost, into its own vault.
const restores = config.getBoolean("bringBack")
  ? [
      new KeyRestore("key", { vaultUri, backup: backups.key }),
      new SecretRestore("secret", { vaultUri, backup: backups.secret }),
      new CertificateRestore("certificate", { vaultUri, backup: backups.certificate }),
    ]
  : [];

export const restored = restores.map(({ status }) => status);

// Proves each backup in a vault for drills.
const scratchVaultUri = config.get("scratchVaultUri");
const drills = scratchVaultUri
  ? Object.entries(backups).map(([kind, backup]) => new RestoreDrill(kind, { vaultUri: scratchVaultUri, backup }))
  : [];

export const evidence = drills.map(({ copyUri, outcome, verifiedAt, durationMs, checks }) => ({
  copyUri,
  outcome,
  verifiedAt,
  durationMs,
  checks,
}));
