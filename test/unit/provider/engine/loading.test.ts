import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(__dirname, "../../../..");
const clients = ["@azure/keyvault-certificates", "@azure/keyvault-keys", "@azure/keyvault-secrets"];

/** The module that a name in a file leads to: a source file's path, or the name of a package. */
function target(file: string, name: string): string {
  return name.startsWith(".") ? `${path.resolve(path.dirname(file), name)}.ts` : name;
}

/** The modules that the text of a source file loads at run time, as soon as the file is loaded. */
function importedBy(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:([^;"]*?)\bfrom\s+)?"([^"]+)";/gms);
  return [...statements]
    .filter(([, names = ""]) => !/^\{(\s*type\s[^,}]+,?)*\s*\}\s*$/.test(names))
    .map(([, , name = ""]) => target(file, name));
}

/** The modules that the text of a source file loads when a function is called. */
function requiredLater(file: string): string[] {
  const calls = readFileSync(file, "utf8").matchAll(/\brequire\("([^"]+)"\)/g);
  return [...calls].map(([, name = ""]) => target(file, name));
}

/** Every module that a source file loads at run time, with the modules that those load. */
function loadedBy(
  file: string,
  modulesOf: (file: string) => readonly string[] = importedBy,
  loaded = new Set<string>(),
): Set<string> {
  loaded.add(file);
  for (const module of modulesOf(file)) {
    if (loaded.has(module)) continue;
    if (module.startsWith("/")) loadedBy(module, modulesOf, loaded);
    else loaded.add(module);
  }
  return loaded;
}

/** The files that a process of its own has loaded after the script. */
async function filesAfter(script: string): Promise<string[]> {
  const text = `${script}; console.log(JSON.stringify(Object.keys(require.cache)))`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", text], { cwd: root });
  return JSON.parse(stdout) as string[];
}

/** The packages of Key Vault's clients that are among the files. */
function clientsIn(files: readonly string[]): string[] {
  return clients.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)));
}

describe("the provider process", () => {
  const entry = path.join(root, "src/provider/index.ts");
  const loaded = [...loadedBy(entry)];
  const eventually = [...loadedBy(entry, (file) => [...importedBy(file), ...requiredLater(file)])];

  it("loads every room that it needs, and no source file of what a program loads", () => {
    for (const modules of [loaded, eventually]) {
      const files = modules.filter((file) => file.startsWith("/"));
      const rooms = files.map((file) => path.relative(root, file).split("/")[1]);
      expect([...new Set(rooms)].sort()).toEqual(["backup", "copies", "keyVault", "objects", "provider"]);
    }
  });

  it("never loads Pulumi's SDK, which would double the time to load", () => {
    expect(eventually.filter((name) => name.startsWith("@pulumi"))).toEqual([]);
  });

  it("loads the clients of Key Vault and of Blob Storage only when a function is called", () => {
    expect(loaded.filter((name) => name.startsWith("@azure/keyvault-"))).toEqual([]);
    expect(loaded).not.toContain("@azure/storage-blob");
    expect(eventually).toContain("@azure/storage-blob");
    expect(eventually.filter((name) => name.startsWith("@azure/keyvault-")).sort()).toEqual(clients);
  });

  it("loads neither Pulumi's SDK nor a client of Azure as it is built", async () => {
    const files = await filesAfter("require('./dist/provider/index.js')");
    expect(files).toContain(path.join(root, "dist/provider/engine/values.js"));
    expect(files.filter((file) => file.includes("/@pulumi/"))).toEqual([]);
    expect(files.filter((file) => /\/@azure\/(keyvault-|storage-)/.test(file))).toEqual([]);
  }, 30_000);

  it.each([
    ["key", "@azure/keyvault-keys"],
    ["secret", "@azure/keyvault-secrets"],
    ["certificate", "@azure/keyvault-certificates"],
  ])(
    "loads of Key Vault's clients only that of the kind when it connects for a %s",
    async (noun, client) => {
      const script = `
      const { ${noun} } = require('./dist/objects/${noun}.js');
      ${noun}.connect('https://kv.vault.azure.net/', { getToken: async () => null }, { serviceVersion: '7.4' })`;
      expect(clientsIn(await filesAfter(script))).toEqual([client]);
    },
    30_000,
  );
});

it("Copies in a directory load no client of Blob Storage", async () => {
  const script = `
    const { openCopies } = require('./dist/copies/copies.js');
    const { defaultWaits: waits, systemClock: clock } = require('./dist/keyVault/connection/waits.js');
    openCopies({ waits, clock }).look('file:///nowhere/kv/keys/orders/a').then(({ error }) => {
      console.log(JSON.stringify([error.code, ...Object.keys(require.cache)]));
      process.exit();
    })`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: root });
  const [code, ...files] = JSON.parse(stdout) as string[];
  expect(code).toBe("copy-place-missing");
  expect(files.filter((file) => file.includes("/@azure/storage-"))).toEqual([]);
}, 30_000);

describe("a program", () => {
  it("loads only what it may import, and nothing of Azure's SDK", () => {
    const loaded = [...loadedBy(path.join(root, "src/index.ts"))];
    expect(loaded).toContain("@pulumi/pulumi");
    expect(loaded.filter((name) => name.startsWith("@azure"))).toEqual([]);
    const others = loaded.filter((name) => name.startsWith("/") && !/src\/(index\.ts|resources\/)/.test(name));
    expect(others).toEqual([path.join(root, "src/objects/permissions.ts")]);
    expect(loaded.filter((name) => name.startsWith("/")).flatMap(requiredLater)).toEqual([]);
  });
});
