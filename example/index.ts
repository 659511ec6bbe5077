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
// Where the backups also go, outside the state.
const place = config.get("copyTo");
const copyTo = place ? [place] : [];

const backups = {
  key: new KeyBackup("key", { vaultUri, keyName: config.require("key"), copyTo }),
  secret: new SecretBackup("secret", { vaultUri, secretName: config.require("secret"), copyTo }),
  certificate: new CertificateBackup("certificate", {
    vaultUri,
    certificateName: config.require("certificate"),
    copyTo,
  }),
};

export const recorded = Object.entries(backups).map(([kind, { versions, backedUpAt, blobSha256, blob, copies }]) => ({
  kind,
  versions,
  backedUpAt,
  blobSha256,
  blob,
  copies,
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
