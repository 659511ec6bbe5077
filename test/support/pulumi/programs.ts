// What each of these programs declares is set by stack configuration, so that a test changes it as a user would.
const body = `
const config = new pulumi.Config();
const backup = new KeyBackup("orders", {
  keyUri: config.require("keyUri"),
  triggers: config.getObject("triggers"),
  maxAgeDays: config.getNumber("maxAgeDays"),
  retain: config.getNumber("retain"),
  forget: config.getObject("forget"),
  forceDelete: config.getBoolean("forceDelete"),
}, config.getObject("options"));
`;
const outputs =
  "blob, keyUri, keyUriWithVersion, keyVersions, keyName, vaultUri, blobSha256, backedUpAt, keyUpdatedAt, keyTags, " +
  "sourceStatus, previous";

/** The same infrastructure repository in each of the languages in which users write it: texts by file name. */
export const programs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TypeScript: {
    "package.json": '{ "name": "infrastructure", "main": "index.ts" }',
    "tsconfig.json": '{ "compilerOptions": { "strict": true, "module": "nodenext", "target": "es2022" } }',
    "index.ts": `import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "pulumi-azure-keyvault-backup";
${body.replace('getObject("triggers")', 'getObject<unknown[]>("triggers") ?? []')}
export const { ${outputs} } = backup;
`,
  },
  JavaScript: {
    "package.json": '{ "name": "infrastructure", "main": "index.js" }',
    "index.js": `const pulumi = require("@pulumi/pulumi");
const { KeyBackup } = require("pulumi-azure-keyvault-backup");
${body}
const { ${outputs} } = backup;
module.exports = { ${outputs} };
`,
  },
  "ES module": {
    "package.json": '{ "name": "infrastructure", "type": "module", "main": "index.js" }',
    "index.js": `import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "pulumi-azure-keyvault-backup";
${body}
export const { ${outputs} } = backup;
`,
  },
};
