const pulumi = require("@pulumi/pulumi");
const { KeyBackup, KeyRestore, RestoreDrill, KeyVaultBackupProvider } = require("pulumi-azure-keyvault-backup");

const provider = new KeyVaultBackupProvider("recorded", {
  tenantId: "6f0b6c1e-3a55-4e0c-9a0e-0d8f1f0a7b11",
  clientId: "0c4c1b1d-62c0-4a0f-8f5a-5a2d6f3f9b22",
  clientSecret: new pulumi.Config().requireSecret("clientSecret"),
  disableInstanceDiscovery: true,
  disableChallengeResourceVerification: true,
});
const backup = new KeyBackup(
  "orders",
  { vaultUri: "https://kv-recorded.vault.azure.net/", keyName: "orders", triggers: [1, { team: "billing" }], retain: 1 },
  { provider },
);
const replica = new KeyRestore("replica", { vaultUri: "https://kv-recorded-replica.vault.azure.net/", backup });
const drill = new RestoreDrill(
  "orders",
  { backup, vaultUri: "https://kv-recorded-scratch.vault.azure.net/", onFailure: "record" },
);

module.exports = {
  blob: backup.blob,
  versions: backup.versions,
  previous: backup.previous,
  restoredFrom: replica.restoredFrom,
  checks: drill.checks,
  verifiedAt: drill.verifiedAt,
};
