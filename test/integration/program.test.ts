import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Layout, ProjectFolder } from "../support/providerProcess/projectFolder";
import { type ProgramRun, runProgram } from "../support/providerProcess/runProgram";
import { serializedTexts } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const declaration = `
new KeyBackup("orders", { keyUri: "https://kv.vault.azure.net/keys/orders" });
new KeyBackup("invoices", { vaultUri: "https://kv.vault.azure.net/", keyName: "invoices", triggers: [1] });
`;
const asModule = `import { KeyBackup } from "pulumi-azure-keyvault-backup";${declaration}`;
const asCommonJs = `const { KeyBackup } = require("pulumi-azure-keyvault-backup");${declaration}`;

const installedTypeScript = expect.stringMatching(/\/node_modules\/typescript\/lib\/typescript\.js$/);
const vendoredTypeScript = expect.stringMatching(/\/vendor\/typescript@3\.8\.3\/typescript\.js$/);

const serializedText = serializedTexts.keyBackup;
const projects: ProjectFolder[] = [];
afterAll(() => Promise.all(projects.map((project) => project.remove())));

async function run(layout: Layout, file: string, text: string): Promise<ProgramRun> {
  const project = await ProjectFolder.create(installed().installed, layout);
  projects.push(project);
  return runProgram(project, file, text);
}

function textsOf({ registered }: ProgramRun): unknown[] {
  return registered.map(({ inputs }) => inputs.__provider);
}

describe("the provider's text in the state is the same, byte for byte,", () => {
  it("for a CommonJS program", async () => {
    const result = await run("copy", "index.cjs", asCommonJs);
    expect(textsOf(result)).toEqual([serializedText, serializedText]);
    expect(result.loaded).toContainEqual(installedTypeScript);
  });

  it("for an ES module", async () => {
    expect(textsOf(await run("copy", "index.mjs", asModule))).toEqual([serializedText, serializedText]);
  });

  it("for a TypeScript program", async () => {
    const text = asModule.replace("new KeyBackup", "const orders: KeyBackup = new KeyBackup");
    expect(textsOf(await run("copy", "index.ts", text))).toEqual([serializedText, serializedText]);
  });

  it("for a program without TypeScript, which Pulumi reads with its own copy of TypeScript", async () => {
    const result = await run("withoutTypeScript", "index.mjs", asModule);
    expect(textsOf(result)).toEqual([serializedText, serializedText]);
    expect(result.loaded).toContainEqual(vendoredTypeScript);
    expect(result.loaded).not.toContainEqual(installedTypeScript);
  });

  it.each([
    ["is a link to a folder elsewhere", "link"],
    ["is a link into a store", "store"],
  ] as const)("for a program whose package %s", async (_, layout) => {
    expect(textsOf(await run(layout, "index.cjs", asCommonJs))).toEqual([serializedText, serializedText]);
    expect(textsOf(await run(layout, "index.mjs", asModule))).toEqual([serializedText, serializedText]);
  });
});

describe("a program", () => {
  let loaded: readonly string[];

  beforeAll(async () => {
    ({ loaded } = await run("copy", "index.mjs", asModule));
  });

  it("loads no file that runs in the provider process", () => {
    const files = loaded.flatMap((file) => /\/node_modules\/pulumi-azure-keyvault-backup\/(.+)$/.exec(file)?.[1] ?? []);
    expect(files).toEqual(expect.arrayContaining(["dist/index.js", "dist/resources/keyBackup.js"]));
    // The permissions are the data of the exported roles.
    const isLight = (file: string) => /^dist\/(index|resources\/\w+|objects\/permissions)\.js$/.test(file);
    expect(files.filter((file) => !isLight(file))).toEqual([]);
  });

  it("loads nothing of Azure's libraries", () => {
    expect(loaded.filter((file) => /\/@(azure|azure-rest|typespec)\//.test(file))).toEqual([]);
  });
});
