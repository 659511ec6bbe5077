import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type * as built from "../../src";

const goldenFiles = {
  KeyBackup: "serializedProvider.golden.txt",
  KeyRestore: "serializedProvider.keyRestore.golden.txt",
  RestoreDrill: "serializedProvider.restoreDrill.golden.txt",
} as const;

type Name = keyof typeof goldenFiles;

const texts = new Map<string, string>();
const golden = (name: Name) => readFileSync(path.join(__dirname, goldenFiles[name]), "utf8");

beforeAll(async () => {
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, inputs }) => {
      texts.set(type.replace(/^.*:/, ""), inputs.__provider);
      return { id: "id", state: inputs };
    },
    call: () => ({}),
  };
  pulumi.runtime.setMocks(mocks, "shop", "dev", false, "acme");
  // From the built package: what TypeScript emits is what states store.
  const { KeyBackup, KeyRestore, RestoreDrill } = require("../../dist") as typeof built;
  const vaultUri = "https://kv.vault.azure.net/";
  const resources = [
    new KeyBackup("orders", { keyUri: `${vaultUri}keys/orders` }),
    new KeyRestore("orders", { vaultUri, blob: "AAAA" }),
    new RestoreDrill("orders", { vaultUri, backup: { blob: "AAAA", keyName: "orders" } }),
  ];
  await Promise.all(resources.map(({ urn }) => new Promise((resolve) => urn.apply(resolve))));
}, 30_000);

describe.each(Object.keys(goldenFiles) as Name[])("the text of a %s in a state", (name) => {
  it("is that of every release, and shorter than 800 bytes", () => {
    expect(texts.get(name)).toBe(golden(name));
    expect(Buffer.byteLength(texts.get(name) ?? "")).toBeLessThan(800);
  });

  it("captures nothing of the program", () => {
    expect(texts.get(name)?.match(/with\(\{ (.*?) \}\)/g)).toEqual([
      "with({ this: undefined, arguments: undefined })",
      "with({ provider: __provider, this: undefined, arguments: undefined })",
    ]);
  });

  it("calls its own provider in the installed package, and differs from the others by nothing else", () => {
    const own = `${name[0]?.toLowerCase()}${name.slice(1)}`;
    expect(texts.get(name)).toContain(
      `(await import("pulumi-azure-keyvault-backup/provider")).${own}[name](...args, config)`,
    );
    expect(texts.get(name)).toBe(golden("KeyBackup").replaceAll("keyBackup", own));
  });
});
