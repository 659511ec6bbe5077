import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import packageJson from "../../package.json";
import { defaultWaits } from "../../src/keyVault/vaultConnection";
import { readConfiguration } from "../../src/provider/configuration";
import { variablesOf } from "../../src/provider/identitySettings";

const root = path.resolve(__dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const readme = read("README.md");

describe("the README", () => {
  it("shows the example that is compiled, and run by the engine", () => {
    expect(readme).toContain(`\`\`\`ts\n${read("example/vault-with-backup/index.ts")}\`\`\``);
  });

  it("shows nothing else of a program than parts of another such example", () => {
    const parts = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].slice(1).map(([, part = ""]) => part);
    expect(parts.length).toBe(2);
    const statements = parts.flatMap((part) => part.trim().split("\n\n"));
    for (const statement of statements) {
      expect(read("example/restore-and-drill/index.ts")).toContain(statement);
    }
  });

  it("names commands that there are", () => {
    const scripts: Record<string, string> = packageJson.scripts;
    const named = [...readme.matchAll(/npm run (\w+)/g)].map(([, name = ""]) => name);
    expect(named).toEqual(expect.arrayContaining(["demo", "check", "bench"]));
    for (const name of named) {
      expect(scripts).toHaveProperty(name);
    }
    expect(read(".ci/run")).toContain("\nnpm ci && npm test\n");
    expect(readme).toContain("\nnpm ci && npm test\n");
  });

  it("names the requirements of the package", () => {
    expect(packageJson.engines.node).toBe(">=22");
    expect(readme).toContain("Node.js 22 or newer, `@pulumi/pulumi` 3.249 or newer");
    expect(packageJson.peerDependencies).toEqual({ "@pulumi/pulumi": "^3.249.0" });
  });

  it("names the defaults", () => {
    expect(defaultWaits.operation).toBe(180_000);
    expect(readConfiguration(undefined)).toEqual({
      timeout: 180_000,
      disableChallengeResourceVerification: false,
      mistakes: [],
    });
    expect(defaultWaits.throttled).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(defaultWaits.newKey).toBe(10_000);
    expect(defaultWaits.lookUp).toBe(30_000);
    expect(defaultWaits.attempt).toBe(60_000);
    expect(defaultWaits.freeName).toBe(120_000);
  });

  it("names each setting that chooses a credential", () => {
    for (const [name, [variable]] of Object.entries(variablesOf)) {
      expect(readme.includes(`\`${name}\``) || readme.includes(variable)).toBe(true);
    }
  });
});

/** The first cells of the table in a section. */
function rows(section: string): string[] {
  const [, text = ""] = readme.split(`\n## ${section}\n`);
  const [, , ...lines] = (text.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) => line.split(" | ")[0]?.slice(2) ?? "");
}

/** The first cells of the table with this header. */
function rowsUnder(header: string): string[] {
  const [, text = ""] = readme.split(`\n| ${header} |`);
  const [, , ...lines] = (text.split("\n\n")[0] ?? "").split("\n");
  return lines.map((line) => line.split(" | ")[0]?.slice(2) ?? "");
}

/** The names in the code marks of these texts. */
const names = (texts: readonly string[]) =>
  texts.flatMap((text) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name));

describe("in the README", () => {
  it.each([
    ["When a new backup is made", "test/unit/provider/whenABackupIsMade.test.ts"],
    ["What is never thrown away", "test/unit/provider/whatIsKept.test.ts"],
  ])('each row of the table "%s" is the title of a test, and each of those tests a row', (section, file) => {
    const [, tested = ""] = read(file).split("in these cases");
    const titles = [...(tested.split("\n});")[0] ?? "").matchAll(/^ {2}it\("(.*?)", async/gm)].map(
      ([, title]) => title,
    );
    expect(titles.length).toBeGreaterThan(10);
    expect(rows(section)).toEqual(titles);
  });

  it.each([
    ["src/keyBackup.ts", rows("Inputs"), rows("Outputs"), []],
    [
      "src/keyRestore.ts",
      rowsUnder("inputs of `KeyRestore`"),
      rowsUnder("outputs of `KeyRestore`"),
      ["backup", "blob"],
    ],
    ["src/restoreDrill.ts", rowsUnder("inputs of `RestoreDrill`"), rowsUnder("outputs of `RestoreDrill`"), ["backup"]],
  ])("the tables of inputs and outputs name what is declared in %s", (file, inputs, outputs, shared) => {
    const source = read(file);
    const declared = [...source.matchAll(/declare readonly (\w+):/g)].map(([, name]) => name);
    expect(names(outputs).sort()).toEqual(declared.sort());
    const args = [...source.matchAll(/^ {2}(\w+)\??: pulumi\.Input/gm)].map(([, name]) => name);
    expect(names(inputs).sort()).toEqual([...new Set([...args, ...shared])].sort());
  });

  it("the tables of a drill's inputs name their defaults", () => {
    const source = read("src/restoreDrill.ts");
    const [, table = ""] = readme.split("\n| inputs of `RestoreDrill` |");
    for (const [, text, name] of source.matchAll(/@default (.*)\n {3}\*\/\n {2}(\w+)\?:/g)) {
      const row = table.split("\n").find((line) => line.startsWith(`| \`${name}\` |`)) ?? "";
      expect(row.replaceAll("`", "")).toContain(`| ${text} |`);
    }
  });
});

describe("the CHANGELOG", () => {
  it("begins with the version of the package", () => {
    expect(/^## (\S+)/m.exec(read("CHANGELOG.md"))?.[1]).toBe(packageJson.version);
  });
});
