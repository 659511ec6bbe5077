const manifest = '{ "name": "infrastructure", "main": "index.js" }';

const prologue = `const pulumi = require("@pulumi/pulumi");
const { KeyBackup, KeyRestore, RestoreDrill, KeyVaultBackupProvider } = require("pulumi-azure-keyvault-backup");
const config = new pulumi.Config();
`;

/** The text of an index.js with these declarations, which find the SDK, the resources and `config` in scope. */
export function javaScript(declarations: string): string {
  return prologue + declarations;
}

/** The files of a project in JavaScript with these declarations. */
export function javaScriptProject(declarations: string): Readonly<Record<string, string>> {
  return { "package.json": manifest, "index.js": javaScript(declarations) };
}

/** The files of a project in TypeScript, as `pulumi new` makes them. */
export function typeScriptProject(index: string): Readonly<Record<string, string>> {
  return {
    "package.json": '{ "name": "infrastructure", "main": "index.ts" }',
    "tsconfig.json":
      '{ "compilerOptions": { "strict": true, "module": "nodenext", "target": "es2022", "types": ["node"] }, "files": ["index.ts"] }',
    "index.ts": index,
  };
}

/** One backup, whose arguments are the stack's configuration, so that a test changes them as a user would. */
export const programs = {
  JavaScript: javaScriptProject(`
const backup = new KeyBackup("orders", {
  keyUri: config.require("keyUri"),
  triggers: config.getObject("triggers"),
  maxAgeDays: config.getNumber("maxAgeDays"),
  retain: config.getNumber("retain"),
  forget: config.getObject("forget"),
  forceDelete: config.getBoolean("forceDelete"),
}, config.getObject("options"));
const {
  blob, keyUri, keyUriWithVersion, versions, keyName, vaultUri, blobSha256, blobBytes, backedUpAt, updatedAt, tags, sourceStatus, previous,
} = backup;
module.exports = {
  blob, keyUri, keyUriWithVersion, versions, keyName, vaultUri, blobSha256, blobBytes, backedUpAt, updatedAt, tags, sourceStatus, previous,
};
`),
} as const;
