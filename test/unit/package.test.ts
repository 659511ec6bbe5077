import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import packageJson from "../../package.json";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let folder: string;
let packed: Packed;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "packed-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
  });
  [packed] = JSON.parse(stdout) as [Packed];
});
afterAll(() => rm(folder, { recursive: true }));

describe("the packed package", () => {
  it("is smaller than 100 kB", () => {
    expect(packed.size).toBeLessThan(100_000);
  });

  it("holds the built code, the declarations that a program can reach with their maps and sources, and the texts", () => {
    const files = packed.files.map((file) => file.path);
    expect(files).toEqual(
      expect.arrayContaining(["dist/index.js", "dist/provider/index.js", "dist/keyVault/vault.js"]),
    );
    const declarations = files.filter((file) => file.endsWith(".d.ts") && !file.startsWith("dist/provider/"));
    expect(declarations).toEqual(expect.arrayContaining(["dist/index.d.ts", "dist/keyBackup.d.ts"]));
    for (const file of declarations) {
      const source = file.replace(/^dist/, "src").replace(/\.d\.ts$/, ".ts");
      expect(files).toEqual(expect.arrayContaining([`${file}.map`, source]));
    }
    expect(files).toEqual(expect.arrayContaining(["README.md", "CHANGELOG.md", "LICENSE", "package.json"]));
    expect(files.filter((file) => !/^(dist|src)\//.test(file)).length).toBe(4);
  });

  it("is clean for publint", async () => {
    const { stdout } = await run("npx", ["publint", "--strict", path.join(folder, packed.filename)], { cwd: root });
    expect(stdout).toContain("All good!");
  });

  it("has the right types for every way to import it", async () => {
    const tarball = path.join(folder, packed.filename);
    const { stdout } = await run("npx", ["attw", tarball, "--profile", "node16", "--format", "ascii", "--no-color"], {
      cwd: root,
    });
    // The exit code is the verdict; this is to see that it looked at both entries.
    expect(stdout.match(/node16 \(from ESM\): 🟢 \(CJS\)/g)?.length).toBe(2);
  });

  it("needs no package that it does not name, and no licence that is not permissive", async () => {
    expect(Object.keys(packageJson.dependencies)).toEqual([
      "@azure/core-auth",
      "@azure/core-rest-pipeline",
      "@azure/identity",
      "@azure/keyvault-keys",
      "jose",
    ]);
    for (const name of [...Object.keys(packageJson.dependencies), "@pulumi/pulumi"]) {
      const { license } = require(`${root}/node_modules/${name}/package.json`) as { license: string };
      expect(["MIT", "Apache-2.0"]).toContain(license);
    }
  });
});
