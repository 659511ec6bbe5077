import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { serializedTexts } from "../../support/providerProcess/serializedText";

const root = path.resolve(__dirname, "../../..");
const mocks = path.join(root, "test/support/providerProcess/underMocks.cjs");

const classes = [
  ["KeyBackup", "keyBackup"],
  ["SecretBackup", "secretBackup"],
  ["CertificateBackup", "certificateBackup"],
  ["KeyRestore", "keyRestore"],
  ["SecretRestore", "secretRestore"],
  ["CertificateRestore", "certificateRestore"],
  ["RestoreDrill", "restoreDrill"],
] as const;

const names = classes.map(([name]) => name).join(", ");
const imports = {
  commonjs: `const { ${names} } = require("pulumi-azure-keyvault-backup");`,
  module: `import { ${names} } from "pulumi-azure-keyvault-backup";`,
};
const program = `
  const vaultUri = "https://kv.vault.azure.net/";
  const backup = { blob: "AAAA", keyName: "orders" };
  new KeyBackup("a", { vaultUri, keyName: "orders" });
  new SecretBackup("b", { vaultUri, secretName: "orders" });
  new CertificateBackup("c", { vaultUri, certificateName: "orders" });
  for (const Restore of [KeyRestore, SecretRestore, CertificateRestore]) new Restore(Restore.name, { vaultUri, blob: "AAAA" });
  new RestoreDrill("d", { vaultUri, backup });
`;

type Format = keyof typeof imports;

const texts = new Map<Format, ReadonlyMap<string, string>>();

/** The text of each resource's provider, as a program with the built package registers it. */
async function registeredBy(format: Format): Promise<ReadonlyMap<string, string>> {
  const options = ["--require", mocks, `--input-type=${format}`, "-e", `${imports[format]}${program}`];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: root });
  const { registered } = JSON.parse(stdout) as { registered: { type: string; inputs: { __provider: string } }[] };
  return new Map(registered.map(({ type, inputs }) => [type.replace(/^.*:/, ""), inputs.__provider]));
}

beforeAll(async () => {
  for (const format of ["commonjs", "module"] as const) texts.set(format, await registeredBy(format));
}, 60_000);

describe.each(classes)("the text that a state stores of a %s", (name, resource) => {
  const golden = serializedTexts[resource];

  it.each(["commonjs", "module"] as const)("is the recorded text, from a program in format %s", (format) => {
    expect(texts.get(format)?.get(name)).toBe(golden);
  });

  it("is smaller than 1.2 kB", () => {
    expect(Buffer.byteLength(golden)).toBeLessThan(1_200);
  });

  it("captures nothing of the program", () => {
    expect(golden.match(/with\(\{ (.*?) \}\)/g)).toEqual([
      "with({ this: undefined, arguments: undefined })",
      "with({ provider: __provider, this: undefined, arguments: undefined })",
    ]);
    expect(golden.match(/^var .*$/gm)).toEqual([`var __provider = {resource: "${resource}", configure: __f1};`]);
  });

  it("calls the provider of its own name in the installed package", async () => {
    const calls: unknown[] = [];
    const installed = { [resource]: { check: async (...args: unknown[]) => calls.push(args) } };
    const text = golden.replace(/import\("pulumi-azure-keyvault-backup\/provider"\)/, "installed");
    expect(text).not.toBe(golden);
    const module = { exports: {} as { handler(): Record<string, (...args: unknown[]) => Promise<void>> } };
    new Function("exports", "installed", text)(module.exports, installed);
    const provider = module.exports.handler();
    await provider.configure?.({ config: "config" });
    await provider.check?.("olds", "news");
    expect(calls).toEqual([["olds", "news", "config"]]);
  });
});
