import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type * as built from "../../src";

let text: string;

beforeAll(async () => {
  text = await new Promise<string>((resolve) => {
    pulumi.runtime.setMocks({
      newResource: ({ inputs }) => {
        resolve(inputs.__provider);
        return { id: "id", state: inputs };
      },
      call: () => ({}),
    });
    // From the built package: what TypeScript emits is what states store.
    const { KeyBackup } = require("../../dist") as typeof built;
    new KeyBackup("orders", { keyUri: "https://kv.vault.azure.net/keys/orders" });
  });
});

it("the text in a state is that of every release, and shorter than 800 bytes", () => {
  expect(text).toBe(readFileSync(path.join(__dirname, "serializedProvider.golden.txt"), "utf8"));
  expect(Buffer.byteLength(text)).toBeLessThan(800);
});

it("the text in a state captures nothing of the program", () => {
  expect(text.match(/with\(\{ (.*?) \}\)/g)).toEqual([
    "with({ this: undefined, arguments: undefined })",
    "with({ provider: __provider, this: undefined, arguments: undefined })",
  ]);
});
