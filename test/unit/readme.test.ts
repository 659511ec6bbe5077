import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import packageJson from "../../package.json";
import { defaultWaits } from "../../src/keyVault/vault";
import { readConfiguration } from "../../src/provider/configuration";
import { variablesOf } from "../../src/provider/identitySettings";

const root = path.resolve(__dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const readme = read("README.md");

describe("the README", () => {
  it("shows the example that is compiled, and run by the engine", () => {
    expect(readme).toContain(`\`\`\`ts\n${read("example/vault-with-backup/index.ts")}\`\`\``);
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
    expect(defaultWaits.attempt).toBe(60_000);
  });

  it("names each setting that chooses a credential", () => {
    for (const [name, [variable]] of Object.entries(variablesOf)) {
      expect(readme.includes(`\`${name}\``) || readme.includes(variable)).toBe(true);
    }
  });
});

describe("the CHANGELOG", () => {
  it("begins with the version of the package", () => {
    expect(/^## (\S+)/m.exec(read("CHANGELOG.md"))?.[1]).toBe(packageJson.version);
  });
});
