const pulumi = require("@pulumi/pulumi");
const {
  CertificateBackup,
  CertificateRestore,
  KeyBackup,
  KeyRestore,
  KeyVaultBackupProvider,
  RestoreDrill,
  SecretBackup,
  SecretRestore,
} = require("pulumi-azure-keyvault-backup");

const provider = new KeyVaultBackupProvider("recorded", {
  tenantId: "6f0b6c1e-3a55-4e0c-9a0e-0d8f1f0a7b11",
  clientId: "0c4c1b1d-62c0-4a0f-8f5a-5a2d6f3f9b22",
  clientSecret: new pulumi.Config().requireSecret("clientSecret"),
  disableInstanceDiscovery: true,
  disableChallengeResourceVerification: true,
});
const vaultUri = "https://kv-recorded.vault.azure.net/";
const replica = "https://kv-recorded-replica.vault.azure.net/";
const scratch = "https://kv-recorded-scratch.vault.azure.net/";
const options = { triggers: [1, { team: "billing" }], retain: 1 };
const backups = {
  orders: new KeyBackup("orders", { vaultUri, keyName: "orders", ...options }, { provider }),
  password: new SecretBackup("password", { vaultUri, secretName: "password", ...options }, { provider }),
  web: new CertificateBackup("web", { vaultUri, certificateName: "web", ...options }, { provider }),
};
const replicas = [
  new KeyRestore("orders", { vaultUri: replica, backup: backups.orders }),
  new SecretRestore("password", { vaultUri: replica, backup: backups.password }),
  new CertificateRestore("web", { vaultUri: replica, backup: backups.web }),
];
const drills = Object.entries(backups).map(
  ([name, backup]) => new RestoreDrill(name, { backup, vaultUri: scratch, onFailure: "record" }),
);

module.exports = {
  blob: backups.orders.blob,
  versions: Object.values(backups).map(({ versions }) => versions),
  previous: backups.orders.previous,
  restoredFrom: replicas.map(({ restoredFrom }) => restoredFrom),
  checks: drills.map(({ checks }) => checks),
  verifiedAt: drills.map(({ verifiedAt }) => verifiedAt),
};
