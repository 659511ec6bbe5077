import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import packageJson from "../../package.json";
import { serializedTexts } from "../support/providerProcess/serializedText";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

// npm, publint and attw are processes of their own.
jest.setTimeout(60_000);

let folder: string;
let tarball: string;
let packed: Packed;
let files: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "packed-"));
  const options = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", options, { cwd: root });
  [packed] = JSON.parse(stdout) as [Packed];
  files = packed.files.map((file) => file.path);
  tarball = path.join(folder, packed.filename);
});
afterAll(() => rm(folder, { recursive: true }));

/** The declarations that a program reads from one on. */
function declarationsFrom(file: string, found = new Set<string>()): Set<string> {
  if (!found.has(file)) {
    found.add(file);
    const text = readFileSync(path.join(root, file), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
      declarationsFrom(path.join(path.dirname(file), `${name}.d.ts`), found);
    }
  }
  return found;
}

describe("the packed package", () => {
  it("is smaller than 160 kB", () => {
    expect(packed.size).toBeLessThan(160_000);
  });

  it("has the built code of each source file", async () => {
    const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "src"], {
      cwd: root,
    });
    const sources = stdout.split("\n").filter((file) => file.endsWith(".ts"));
    expect(sources).toContain("src/provider/index.ts");
    // A file of types alone is built to an empty module.
    expect(files).toEqual(
      expect.arrayContaining(sources.map((file) => file.replace("src/", "dist/").replace(/ts$/, "js"))),
    );
  });

  it.each(["dist/index.d.ts", "dist/provider/index.d.ts"])(
    "has every declaration that a program reads from %s",
    (entry) => {
      expect(files).toEqual(expect.arrayContaining([...declarationsFrom(entry)]));
    },
  );

  it("has the source of each declaration of a resource, to which an editor goes", () => {
    const resources = files.filter((file) => file.startsWith("dist/resources/") && file.endsWith(".d.ts"));
    expect(resources).toContain("dist/resources/keyBackup.d.ts");
    for (const file of [...resources, "dist/index.d.ts"]) {
      const source = file.replace(/^dist/, "src").replace(/\.d\.ts$/, ".ts");
      expect(files).toEqual(expect.arrayContaining([`${file}.map`, source]));
    }
  });

  it("has the documentation, the licence and nothing else", () => {
    const others = files.filter((file) => !/^(dist|src)\//.test(file));
    const pages = others.filter((file) => file.startsWith("docs/"));
    expect(pages).toContain("docs/troubleshooting.md");
    expect(pages.every((page) => /^docs\/[\w-]+\.md$/.test(page))).toBe(true);
    expect(others.filter((file) => !pages.includes(file)).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
    ]);
  });

  it("is clean for publint", async () => {
    const { stdout } = await run("npx", ["publint", "--strict", tarball], { cwd: root });
    expect(stdout).toContain("All good!");
  });

  it("has the right types for each entry and each way to import it, as attw says", async () => {
    const options = ["attw", tarball, "--profile", "node16", "--format", "json"];
    const { stdout } = await run("npx", options, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
    const { analysis, problems } = JSON.parse(stdout) as {
      analysis: { entrypoints: object };
      problems: Record<string, { resolutionKind: string }[]>;
    };
    expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining([".", "./provider"]));
    const kinds = Object.values(problems).flatMap((list) => list.map(({ resolutionKind }) => resolutionKind));
    // Node 10 knows no sub-paths.
    expect(kinds.filter((kind) => kind !== "node10")).toEqual([]);
  });

  it("lets a program import the resources, their provider and the lists of data actions, and nothing else", async () => {
    const script = "console.log(JSON.stringify(Object.keys(require('pulumi-azure-keyvault-backup')).sort()))";
    const { stdout } = await run(process.execPath, ["-e", script], { cwd: root });
    expect(JSON.parse(stdout)).toEqual([
      "CertificateBackup",
      "CertificateRestore",
      "KeyBackup",
      "KeyRestore",
      "KeyVaultBackupProvider",
      "RestoreDrill",
      "SecretBackup",
      "SecretRestore",
      "backupDataActions",
      "copyDataActions",
      "drillDataActions",
    ]);
  });

  it("lets states import the providers that they call", async () => {
    const script = "console.log(JSON.stringify(Object.keys(require('pulumi-azure-keyvault-backup/provider')).sort()))";
    const { stdout } = await run(process.execPath, ["-e", script], { cwd: root });
    expect(JSON.parse(stdout)).toEqual(Object.keys(serializedTexts).sort());
  });
});

describe("package.json", () => {
  it("has the version that the changelog begins with", () => {
    const changelog = readFileSync(path.join(root, "CHANGELOG.md"), "utf8");
    expect(/^## (\S+)/m.exec(changelog)?.[1]).toBe(packageJson.version);
  });

  it("names dependencies of a permissive licence alone", () => {
    for (const name of [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)]) {
      const text = readFileSync(path.join(root, "node_modules", name, "package.json"), "utf8");
      const { license } = JSON.parse(text) as { license: string };
      expect([name, license]).toEqual([name, expect.stringMatching(/^(MIT|Apache-2\.0)$/)]);
    }
  });

  it("names each package that the source imports", async () => {
    const pattern = 'from "[@a-z][^"]*"';
    const { stdout } = await run("git", ["grep", "--untracked", "-hoE", pattern, "--", "src"], { cwd: root });
    const imported = stdout.split("\n").flatMap((line) => /"((?:@[^/"]+\/)?[^/":]+)[^":]*"/.exec(line)?.[1] ?? []);
    const named = [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)];
    expect([...new Set(imported)].sort()).toEqual(named.sort());
  });
});
