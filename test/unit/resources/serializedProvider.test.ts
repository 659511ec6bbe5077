import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "@jest/globals";

const root = path.resolve(__dirname, "../../..");
const mocks = path.join(root, "test/support/providerProcess/underMocks.cjs");
const names = ["KeyBackup", "KeyRestore", "RestoreDrill"] as const;

const imports = {
  commonjs: 'const { KeyBackup, KeyRestore, RestoreDrill } = require("pulumi-azure-keyvault-backup");',
  module: 'import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";',
};
const program = `
  const vaultUri = "https://kv.vault.azure.net/";
  const backup = { blob: "AAAA", keyName: "orders" };
  new KeyBackup("a", { vaultUri, keyName: "orders" });
  new KeyRestore("b", { vaultUri, backup });
  new RestoreDrill("c", { vaultUri, backup });
`;

type Format = keyof typeof imports;
type Name = (typeof names)[number];

const texts = new Map<Format, ReadonlyMap<string, string>>();

/** What every state of every release stores, beside this test. */
function golden(name: Name): string {
  return readFileSync(path.join(__dirname, `serializedProvider.${name}.txt`), "utf8");
}

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

describe.each(names)("the text that a state stores of a %s", (name) => {
  it.each(["commonjs", "module"] as const)("is that of every release, from a program in format %s", (format) => {
    expect(texts.get(format)?.get(name)).toBe(golden(name));
  });

  it("is smaller than 1.2 kB", () => {
    expect(Buffer.byteLength(golden(name))).toBeLessThan(1_200);
  });

  it("captures nothing of the program", () => {
    expect(golden(name).match(/with\(\{ (.*?) \}\)/g)).toEqual([
      "with({ this: undefined, arguments: undefined })",
      "with({ provider: __provider, this: undefined, arguments: undefined })",
    ]);
  });

  it("calls its own provider in the installed package, and differs from the others by nothing else", () => {
    const own = `${name[0]?.toLowerCase()}${name.slice(1)}`;
    expect(golden(name)).toContain(
      `(await import("pulumi-azure-keyvault-backup/provider")).${own}[name](...args, config)`,
    );
    expect(golden(name)).toBe(golden("KeyBackup").replaceAll("keyBackup", own));
  });
});
