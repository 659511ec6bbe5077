import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { CertificateBackup, KeyBackup, SecretBackup } from "../../../src";
import "./mocks";

let folder: string;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "project-"));
  warnings = [];
  jest.spyOn(process, "cwd").mockReturnValue(path.join(folder, "program"));
  jest.spyOn(console, "warn").mockImplementation((text) => warnings.push(String(text)));
  await pulumi.runtime.setMocks(
    {
      newResource: ({ inputs }) => {
        const { vaultUri, keyName, keyUri = `${vaultUri}keys/${keyName}` } = inputs;
        const named = inputs.secretUri ?? inputs.certificateUri ?? keyUri;
        const versions = Array.from({ length: Number(/\d+$/.exec(named)?.[0] ?? 1) }, (_, index) => `${index}`);
        return { id: "id", state: { keyUri, ...inputs, versions } };
      },
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

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
  await writeFile(path.join(folder, file), text);
}

function secretsProvider(vault: string): string {
  return `secretsprovider: azurekeyvault://${vault}/keys/stack\nencryptedkey: abc\n`;
}

/** The warnings of a program that backs each of the keys up twice. */
async function warnedOf(vault: string, keyNames: readonly string[] = ["orders"]): Promise<string[]> {
  for (const keyName of keyNames) {
    for (const name of ["one", "two"]) {
      const backup = new KeyBackup(`${vault}-${keyName}-${name}`, { vaultUri: `https://${vault}/`, keyName });
      await new Promise((resolve) => pulumi.all([backup.keyUri, backup.versions]).apply(resolve));
    }
  }
  await wait(20);
  return warnings;
}

describe("a program is warned of a key with more than 400 versions", () => {
  it("once for each key, before Key Vault's limit of 500", async () => {
    expect(await warnedOf("kv1.example", ["orders-401", "invoices-500"])).toEqual([
      expect.stringContaining("https://kv1.example/keys/orders-401 has 401 versions, and Key Vault cannot back up"),
      expect.stringContaining("https://kv1.example/keys/invoices-500 has 500 versions"),
    ]);
  });

  it("and also of such a secret or certificate", async () => {
    const secret = new SecretBackup("many", { secretUri: "https://kv1.example/secrets/orders-402" });
    const certificate = new CertificateBackup("many", { certificateUri: "https://kv1.example/certificates/web-403" });
    await new Promise((resolve) => pulumi.all([secret.versions, certificate.versions]).apply(resolve));
    await wait(20);
    expect(warnings.sort()).toEqual([
      expect.stringContaining("https://kv1.example/certificates/web-403 has 403 versions"),
      expect.stringContaining("https://kv1.example/secrets/orders-402 has 402 versions"),
    ]);
  });

  it("and not of fewer", async () => {
    expect(await warnedOf("kv2.example", ["orders-400"])).toEqual([]);
  });
});

describe("a program is warned once of a stack whose secrets are encrypted by the vault that it backs up", () => {
  it("as the file of the stack's settings says", async () => {
    await write("Pulumi.yaml", "name: infrastructure\nruntime: nodejs\n");
    await write("Pulumi.prod.yaml", secretsProvider("KV3.example"));
    expect(await warnedOf("kv3.example", ["orders", "invoices"])).toEqual([
      expect.stringContaining(
        "The secrets of this stack are encrypted with a key in kv3.example, the vault of this back",
      ),
    ]);
    expect(warnings[0]).toContain("pulumi stack change-secrets-provider");
  });

  it("also if the backup is of a secret that is named by its URI", async () => {
    await write("Pulumi.yaml", "name: infrastructure\nruntime: nodejs\n");
    await write("Pulumi.prod.yaml", secretsProvider("kv8.example"));
    const secret = new SecretBackup("own", { secretUri: "https://kv8.example/secrets/orders" });
    await new Promise((resolve) => secret.versions.apply(resolve));
    await wait(20);
    expect(warnings).toEqual([expect.stringContaining("a key in kv8.example")]);
  });

  it("as a file in the folder of the stacks' settings says", async () => {
    await write("Pulumi.yaml", 'name: infrastructure\nstackConfigDir: "stacks"\n');
    await write("stacks/Pulumi.prod.yaml", secretsProvider("kv4.example"));
    expect(await warnedOf("kv4.example")).toHaveLength(1);
  });

  it("as a JSON file says", async () => {
    await write("Pulumi.json", "{}");
    await write("Pulumi.prod.json", '{\n  "secretsprovider": "azurekeyvault://kv5.example/keys/stack"\n}');
    expect(await warnedOf("kv5.example")).toHaveLength(1);
  });

  it("as a file beside the program itself says", async () => {
    await write("program/Pulumi.yaml", "name: infrastructure\n");
    await write("program/Pulumi.prod.yaml", secretsProvider("kv6.example"));
    expect(await warnedOf("kv6.example")).toHaveLength(1);
  });
});

it.each<[string, Record<string, string>]>([
  ["of another vault", { "Pulumi.prod.yaml": secretsProvider("another.example") }],
  ["of another stack", { "Pulumi.dev.yaml": secretsProvider("kv7.example") }],
  ["of another kind", { "Pulumi.prod.yaml": "secretsprovider: passphrase\nencryptionsalt: v1:abc\n" }],
  ["that no file names", {}],
])("A program is not warned of a secrets provider %s.", async (_, files) => {
  await write("Pulumi.yaml", "name: infrastructure\n");
  for (const [name, text] of Object.entries(files)) await write(name, text);
  expect(await warnedOf("kv7.example")).toEqual([]);
});
