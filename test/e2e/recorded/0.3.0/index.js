const pulumi = require("@pulumi/pulumi");
const { KeyBackup, KeyRestore, RestoreDrill } = require("pulumi-azure-keyvault-backup");

const config = new pulumi.Config();
const backup = new KeyBackup("orders", { keyUri: config.require("keyUri"), triggers: [{ a: 1 }] });
const copy = new KeyRestore("copy", { vaultUri: config.require("second"), backup, onDestroy: "delete" });
const drill = new RestoreDrill("orders", { vaultUri: config.require("scratch"), backup, triggers: ["b"], maxAgeDays: 36500 });

module.exports = {
  blob: backup.blob,
  previous: backup.previous,
  keyThumbprints: backup.keyThumbprints,
  missingVersions: copy.missingVersions,
  outcome: drill.outcome,
};
