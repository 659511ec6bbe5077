import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(__dirname, "../../../..");

/** Every module that a source file loads at run time, with the modules that those load. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  loaded.add(file);
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:([^;"]*?)\bfrom\s+)?"([^"]+)";/gms);
  for (const [, names = "", name = ""] of statements) {
    const areAllTypes = /^\{(\s*type\s[^,}]+,?)*\s*\}\s*$/.test(names);
    const target = name.startsWith(".") ? `${path.resolve(path.dirname(file), name)}.ts` : name;
    if (areAllTypes || loaded.has(target)) continue;
    if (target.startsWith("/")) loadedBy(target, loaded);
    else loaded.add(target);
  }
  return loaded;
}

describe("the provider process", () => {
  const loaded = [...loadedBy(path.join(root, "src/provider/index.ts"))];

  it("loads every room that it needs, and no source file of what a program loads", () => {
    const rooms = loaded.filter((file) => file.startsWith("/")).map((file) => path.relative(root, file).split("/")[1]);
    expect([...new Set(rooms)].sort()).toEqual(["backup", "keyVault", "objects", "provider"]);
  });

  it("does not load Pulumi's SDK, which would double the time to load", () => {
    expect(loaded.filter((name) => name.startsWith("@pulumi"))).toEqual([]);
    expect(loaded).toContain("@azure/keyvault-keys");
  });

  it("does not load Pulumi's SDK as it is built either", async () => {
    const script = "require('./dist/provider/index.js'); console.log(JSON.stringify(Object.keys(require.cache)))";
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: root });
    const files = JSON.parse(stdout) as string[];
    expect(files).toContain(path.join(root, "dist/provider/engine/values.js"));
    expect(files.filter((file) => file.includes("/@pulumi/"))).toEqual([]);
  }, 30_000);
});

describe("a program", () => {
  it("loads only what it may import, and nothing of Azure's SDK", () => {
    const loaded = [...loadedBy(path.join(root, "src/index.ts"))];
    expect(loaded).toContain("@pulumi/pulumi");
    expect(loaded.filter((name) => name.startsWith("@azure"))).toEqual([]);
    expect(loaded.filter((name) => name.startsWith("/") && !/src\/(index\.ts|resources\/)/.test(name))).toEqual([]);
  });
});
