const { KeyBackup } = require("pulumi-azure-keyvault-backup");
const { keys } = require("./keys.json");

for (const { keyName, keyUriWithVersion } of keys) {
  new KeyBackup(keyName, { keyUri: keyUriWithVersion });
}
