import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "../../src";

const keyVersions = { few: 400, many: 401 };
const secretsprovider = (vault: string) => `secretsprovider: azurekeyvault://${vault}/keys/stack\nencryptedkey: abc\n`;

let folder: string;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "project-"));
  await writeFile(path.join(folder, "Pulumi.yaml"), "name: infrastructure\nruntime: nodejs\n");
  warnings = [];
  jest.spyOn(process, "cwd").mockReturnValue(path.join(folder, "program"));
  jest.spyOn(console, "warn").mockImplementation((text) => warnings.push(String(text)));
  await pulumi.runtime.setMocks(
    {
      newResource: ({ inputs: { vaultUri, keyName } }) => ({
        id: "id",
        state: {
          vaultUri,
          keyUri: `${vaultUri}keys/${keyName}`,
          keyVersions: Array.from({ length: keyVersions[keyName as "few"] ?? 1 }, (_, index) => `${index}`),
        },
      }),
      call: () => ({}),
    },
    "infrastructure",
    "prod",
  );
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

/** The warnings of a program that backs a key up twice. */
async function warned(vault: string, keyName = "orders"): Promise<string[]> {
  for (const name of ["one", "two"]) {
    new KeyBackup(`${vault}-${keyName}-${name}`, { vaultUri: `https://${vault}/`, keyName });
  }
  await settle();
  return warnings;
}

describe("a program is warned, once", () => {
  it("of a stack whose secrets are encrypted by the vault that it backs up", async () => {
    await writeFile(path.join(folder, "Pulumi.prod.yaml"), secretsprovider("KV1.vault.azure.net"));
    expect(await warned("kv1.vault.azure.net")).toEqual([
      expect.stringContaining(
        "The secrets of this stack are encrypted with a key in kv1.vault.azure.net (secretsprovider)",
      ),
    ]);
  });

  it("of that in the folder of the stacks' settings too", async () => {
    await writeFile(
      path.join(folder, "Pulumi.yaml"),
      'name: infrastructure\nruntime: nodejs\nstackConfigDir: "stacks"\n',
    );
    await mkdir(path.join(folder, "stacks"));
    await writeFile(path.join(folder, "stacks/Pulumi.prod.yaml"), secretsprovider("kv2.vault.azure.net"));
    expect((await warned("kv2.vault.azure.net")).length).toBe(1);
  });

  it("of a key of more than 400 versions", async () => {
    expect(await warned("kv3.vault.azure.net", "many")).toEqual([
      expect.stringContaining(
        "https://kv3.vault.azure.net/keys/many has 401 versions, and Key Vault fails to back up a key",
      ),
    ]);
  });
});

it.each<[string, Record<string, string>]>([
  ["of another vault", { "Pulumi.prod.yaml": secretsprovider("another.vault.azure.net") }],
  ["of another stack", { "Pulumi.dev.yaml": secretsprovider("kv4.vault.azure.net") }],
  ["of another kind", { "Pulumi.prod.yaml": "secretsprovider: passphrase\nencryptionsalt: v1:abc\n" }],
  ["that no file names", {}],
])("a program is not warned of a secrets provider %s", async (_, files) => {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  expect(await warned("kv4.vault.azure.net", "few")).toEqual([]);
});
