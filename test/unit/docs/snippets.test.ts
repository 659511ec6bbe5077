import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compileFunction } from "node:vm";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import * as ts from "typescript";
import { sha256OfBlob } from "../../../src/backup/blob";
import * as thePackage from "../../../src/index";
import { codeBlocks, type Page, pages, read, root } from "./pages";

interface Snippet {
  /** The page, and the number of the block in it. */
  readonly name: string;
  readonly code: string;
}

const snippets: readonly Snippet[] = pages.flatMap((page) =>
  codeBlocks(page, "ts").map((code, index) => ({ name: `${page.file} ${index + 1}`, code })),
);

/** What the compiler says of the snippets: one program for all of them, as a user's folder would have it. */
function compilerErrors(): string[] {
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const texts = new Map(
    snippets.map(({ name, code }) => [path.join(root, `${name.replace(/[^\w/]/g, "_")}.ts`), code]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  const program = ts.createProgram([...texts.keys()], options, host);
  const diagnostics = [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  return diagnostics.map(
    ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
  );
}

// Reading the types of azure-native takes a while.
jest.setTimeout(300_000);

it("every TypeScript block of every page compiles", () => {
  expect(snippets.length).toBeGreaterThan(5);
  expect(compilerErrors()).toEqual([]);
});

describe("under Pulumi's mocks", () => {
  let registered: pulumi.runtime.MockResourceArgs[] = [];

  beforeAll(async () => {
    await pulumi.runtime.setMocks(
      {
        newResource(args) {
          registered.push(args);
          const { vaultName, ...inputs } = args.inputs;
          const uriIn = (collection: string) =>
            `https://${vaultName}.vault.azure.net/${collection}/${args.name}/0123456789abcdef0123456789abcdef`;
          const vaultUri = `https://${args.name}.vault.azure.net/`;
          return {
            id: args.name,
            state: {
              name: args.name,
              blob: "blob",
              vaultUri,
              keyUriWithVersion: uriIn("keys"),
              ...inputs,
              properties: { vaultUri, secretUriWithVersion: uriIn("secrets") },
            },
          };
        },
        call: () => ({}),
      },
      "infrastructure",
      "dev",
    );
    const settings = ["blob", "tenantId", "tenantB", "clientB", "clientSecretB", "password"].map((name) => [
      `infrastructure:${name}`,
      name,
    ]);
    pulumi.runtime.setAllConfig(Object.fromEntries(settings));
  });
  beforeEach(() => {
    registered = [];
  });

  /** Runs a snippet until it has registered all that it declares. */
  async function run({ code }: Snippet): Promise<Record<string, pulumi.Output<unknown>>> {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023, esModuleInterop: false },
    });
    const exports = {};
    const load = (name: string) => (name === "pulumi-azure-keyvault-backup" ? thePackage : require(name));
    compileFunction(outputText, ["require", "exports"])(load, exports);
    const declared = code.match(/\bnew (?!pulumi\.Config\b)/g)?.length ?? 0;
    for (let tries = 0; registered.length < declared && tries < 500; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(registered.length).toBe(declared);
    return exports;
  }

  it.each(snippets.map((snippet) => [snippet.name, snippet] as const))("the program in %s runs", async (_, snippet) => {
    await run(snippet);
    expect(registered.length).toBeGreaterThan(0);
  });

  const [existing, declared] = snippets.filter(({ name }) => name.startsWith("README"));

  it("the quick start backs up the key that it names, and its blob is secret", async () => {
    const { blob } = await run(existing as Snippet);
    expect(registered.map(({ type }) => type)).toEqual(["pulumi-nodejs:dynamic/keyvault:KeyBackup"]);
    expect(registered[0]?.inputs.keyUri).toBe("https://my-vault.vault.azure.net/keys/orders");
    expect(await pulumi.isSecret(blob as pulumi.Output<unknown>)).toBe(true);
  });

  it("the quick start has at most ten lines", () => {
    expect(existing?.code.trim().split("\n").length).toBeLessThanOrEqual(10);
  });

  it("the quick start next to azure-native backs up the versions that azure-native made, and a certificate by its name", async () => {
    await run(declared as Snippet);
    const inputsOf = (type: string) => registered.find((one) => one.type.endsWith(`:${type}`))?.inputs;
    expect(registered.filter(({ type }) => type.startsWith("azure-native:keyvault:")).length).toBe(3);
    expect(inputsOf("KeyBackup")?.keyUri).toBe(
      "https://orders.vault.azure.net/keys/signing/0123456789abcdef0123456789abcdef",
    );
    expect(inputsOf("SecretBackup")?.secretUri).toBe(
      "https://orders.vault.azure.net/secrets/password/0123456789abcdef0123456789abcdef",
    );
    expect(inputsOf("CertificateBackup")).toMatchObject({
      vaultUri: "https://orders.vault.azure.net/",
      certificateName: "web",
    });
  });

  it("the custom roles for backups can neither delete nor read values, and those for drills are assigned in the scratch vault", async () => {
    const custom = snippets.find(({ code }) => code.includes("drillDataActions"));
    await run(custom as Snippet);
    const inputsOf = (type: string, name: string) =>
      registered.find((one) => one.type.endsWith(`:${type}`) && one.name === name)?.inputs;
    // An array of a snippet is of another realm, so Pulumi takes it for an object.
    const [permission] = Object.values<{ dataActions: string[] }>(inputsOf("RoleDefinition", "backups")?.permissions);
    expect(permission?.dataActions.length).toBe(6);
    expect(permission?.dataActions.filter((action) => /delete|purge|restore|getSecret/.test(action))).toEqual([]);
    expect(inputsOf("RoleAssignment", "backups")).toMatchObject({
      roleDefinitionId: "backups",
      scope: expect.stringMatching(/my-vault$/),
    });
    expect(inputsOf("RoleAssignment", "drills")).toMatchObject({
      roleDefinitionId: "drills",
      scope: expect.stringMatching(/my-scratch$/),
    });
  });
});

describe("a shell recipe", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "recipe-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs the block of the page that contains the text, with a `pulumi` that prints what it is given. */
  function runRecipe(page: Page, text: string, printed: string): string {
    const recipe = codeBlocks(page, "sh").find((block) => block.includes(text));
    writeFileSync(path.join(folder, "printed"), printed);
    writeFileSync(path.join(folder, "pulumi"), `#!/bin/sh\ncat "${folder}/printed"\n`);
    chmodSync(path.join(folder, "pulumi"), 0o755);
    const env = {
      PATH: `${folder}:${path.dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      PROGRAM: folder,
      STACK: "dev",
    };
    return execFileSync("sh", ["-euc", String(recipe)], { cwd: folder, env, encoding: "utf8" });
  }

  const blobs = ["_-8A", "-_8AAQ", "AAEC_w", "AAEC_wA"];

  it.each(blobs)("writes the file that az keyvault key restore takes, for the blob %s", (blob) => {
    const stdout = runRecipe(read("docs/key-backup.md"), "pulumi stack output blob", `${blob}\n`);
    expect(stdout.split(" ")[0]).toBe(sha256OfBlob(blob));
    expect(readFileSync(path.join(folder, "key.keyvaultbackup")).toString("base64url")).toBe(blob);
  });

  it("of the runbook writes one file for each backup in the state, and prints one line for each, even if its blob is kept elsewhere", () => {
    const secret = (value: string) => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      plaintext: JSON.stringify(value),
    });
    const backup = (blob: string, key: string) => ({
      blob: secret(blob),
      blobSha256: sha256OfBlob(blob),
      backedUpAt: "2026-01-01T00:00:00.000Z",
      versions: [`of-${key}`],
    });
    const [newest = "", earlier = "", other = "", another = ""] = blobs;
    const resources = [
      { type: "pulumi:pulumi:Stack", outputs: { blob: secret(newest) } },
      { type: "azure-native:keyvault:Key" },
      { type: "user:index:Message", outputs: { message: { plaintext: "not JSON" } } },
      {
        type: "pulumi-nodejs:dynamic/keyvault:KeyBackup",
        outputs: {
          ...backup(newest, "orders"),
          keyUri: "https://kv/keys/orders",
          previous: {
            [sha256OfBlob(earlier)]: { ...backup(earlier, "invoices"), sourceUri: "https://kv/keys/invoices" },
            abc: {
              blobSha256: "abc",
              sourceUri: "https://kv/keys/elsewhere",
              backedUpAt: "2025-01-01T00:00:00.000Z",
              versions: ["first", "second"],
              copies: [
                { uri: "file:///one", status: "missing" },
                { uri: "file:///two", status: "verified" },
              ],
            },
          },
        },
      },
      {
        type: "pulumi-nodejs:dynamic/keyvault:SecretBackup",
        outputs: { ...backup(other, "password"), secretUri: "https://kv/secrets/password", previous: {} },
      },
      {
        type: "pulumi-nodejs:dynamic/keyvault:CertificateBackup",
        outputs: { ...backup(another, "web"), certificateUri: "https://kv/certificates/web", previous: {} },
      },
      { type: "pulumi-nodejs:dynamic/keyvault:KeyRestore", outputs: { keyUri: "https://kv/keys/orders" } },
    ];
    const exported = JSON.stringify({ version: 3, deployment: { resources } });
    const lines = runRecipe(read("docs/when-an-object-is-lost.md"), "stack export", exported).trim().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual([
      "https://kv/keys/orders",
      "https://kv/keys/invoices",
      "https://kv/keys/elsewhere",
      "https://kv/secrets/password",
      "https://kv/certificates/web",
    ]);
    const [withoutBlob] = lines.splice(2, 1);
    expect(withoutBlob).toBe(
      "https://kv/keys/elsewhere 2025-01-01T00:00:00.000Z NO BLOB IN THE STATE abc " +
        "file:///one (missing) file:///two (verified) first second",
    );
    const [written = ""] = readdirSync(folder).filter((name) => name.startsWith("lost-object-"));
    for (const [index, blob] of blobs.entries()) {
      const file = `${sha256OfBlob(blob)}.keyvaultbackup`;
      expect(lines[index]?.split(" ")).toContain(file);
      expect(readFileSync(path.join(folder, written, file)).toString("base64url")).toBe(blob);
    }
    expect(readdirSync(path.join(folder, written)).length).toBe(blobs.length);
  });
});
