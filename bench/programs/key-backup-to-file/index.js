const { KeyBackup } = require("pulumi-azure-keyvault-backup");
const { keys, copyTo } = require("./keys.json");

for (const { keyName, keyUriWithVersion } of keys) {
  new KeyBackup(keyName, { keyUri: keyUriWithVersion, copyTo: [copyTo], keepBlobInState: false });
}
