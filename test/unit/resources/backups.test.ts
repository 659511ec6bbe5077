import { beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import {
  CertificateBackup,
  type CertificateBackupArgs,
  KeyBackup,
  type KeyBackupArgs,
  SecretBackup,
  type SecretBackupArgs,
} from "../../../src";
import { documentedOutputs, inputsOf, known, mockEngine } from "./mocks";

/** What receives the requests of a program. */
interface Monitor {
  registerResource(request: RegisterResourceRequest): void;
}

type AnyBackupResource = KeyBackup | SecretBackup | CertificateBackup;

/** Makes a backup resource of a kind; the inputs are typed in each kind's own test. */
type Make = (name: string, args: object, opts?: pulumi.CustomResourceOptions) => AnyBackupResource;

const vaultUri = "https://kv.vault.azure.net/";
const previous = {
  b: { blobSha256: "b", backedUpAt: "2026-02-01T00:00:00.000Z" },
  a: { blobSha256: "a", backedUpAt: "2026-01-01T00:00:00.000Z" },
  c: { blobSha256: "c", backedUpAt: "2026-03-01T00:00:00.000Z" },
};
const state = { blob: "AAAA", versions: ["v1"], previous };

const kinds: readonly [resource: string, noun: string, collection: string, make: Make][] = [
  ["KeyBackup", "key", "keys", (name, args, opts) => new KeyBackup(name, args as KeyBackupArgs, opts)],
  ["SecretBackup", "secret", "secrets", (name, args, opts) => new SecretBackup(name, args as SecretBackupArgs, opts)],
  [
    "CertificateBackup",
    "certificate",
    "certificates",
    (name, args, opts) => new CertificateBackup(name, args as CertificateBackupArgs, opts),
  ],
];

describe.each(kinds)("a %s", (resource, noun, collection, make) => {
  const [nameInput, uriInput] = [`${noun}Name`, `${noun}Uri`];
  const uri = `${vaultUri}${collection}/orders`;
  const byUri = { [uriInput]: uri };
  const outputs = documentedOutputs(`${noun}Backup.ts`);

  beforeEach(() => mockEngine({ state: { [resource]: state } }));

  it("has the type that states know", async () => {
    expect(await known(make("orders", byUri).urn)).toContain(`::pulumi-nodejs:dynamic/keyvault:${resource}::orders`);
  });

  it.each([true, false])(
    "has every documented output, and blob and previous are secret (preview: %s)",
    async (isPreview) => {
      await mockEngine({ isPreview });
      const backup = make("orders", byUri);
      const members = backup as unknown as Readonly<Record<string, pulumi.Output<unknown>>>;
      const own = [nameInput, uriInput, `${uriInput}WithVersion`];
      const common = ["vaultUri", "blob", "blobSha256", "blobBytes", "previous", "sourceStatus", "versions", "tags"];
      expect(outputs).toEqual(expect.arrayContaining([...common, ...own]));
      for (const name of outputs) {
        const output = members[name];
        const isSecret = pulumi.Output.isInstance(output) ? await pulumi.isSecret(output) : "no output";
        expect([name, isSecret]).toEqual([name, ["blob", "previous"].includes(name)]);
      }
    },
  );

  it("has no output that names another kind of object", () => {
    const backup = make("orders", byUri);
    const others = ["key", "secret", "certificate"].filter((other) => other !== noun);
    const names = Object.keys(backup).filter((name) => others.some((other) => name.startsWith(other)));
    expect(names).toEqual([]);
  });

  it("has the outputs that the engine gives it", async () => {
    const backup = make("orders", byUri);
    expect(await known(backup.blob)).toBe("AAAA");
    expect(await known(backup.versions)).toEqual(["v1"]);
    const members = backup as unknown as Readonly<Record<string, pulumi.Output<unknown>>>;
    expect(await known(pulumi.output(members[uriInput]))).toBe(uri);
  });

  it("has its earlier backups newest first", async () => {
    const hashes = (await known(make("orders", byUri).previous)).map(({ blobSha256 }) => blobSha256);
    expect(hashes).toEqual(["c", "b", "a"]);
  });

  it("has no earlier backups if the state has none", async () => {
    await mockEngine();
    expect(await known(make("orders", byUri).previous)).toEqual([]);
  });

  it("hands all of its inputs to the provider, and asks for nothing else", async () => {
    const choices = { triggers: [1, { a: [null] }], maxAgeDays: 0.5, retain: 2, forget: ["a"], forceDelete: true };
    const args = { vaultUri: pulumi.output(vaultUri), [nameInput]: pulumi.output("orders"), ...choices };
    expect(await inputsOf(make("all", args), "all")).toEqual({ vaultUri, [nameInput]: "orders", ...choices });
    expect(await inputsOf(make("uri", byUri), "uri")).toEqual(byUri);
  });

  it("keeps the options of its user", async () => {
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const request = jest.spyOn(monitor, "registerResource");
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const backup = make("child", byUri, { parent, additionalSecretOutputs: ["tags"] });
    expect(await known(backup.urn)).toContain(`test:index:Parent$pulumi-nodejs:dynamic/keyvault:${resource}`);
    expect(request.mock.lastCall?.[0].getAdditionalsecretoutputsList().sort()).toEqual(["blob", "tags"]);
  });

  it("does not change the arguments that it is given", () => {
    const args = Object.freeze({ vaultUri, [nameInput]: "orders" });
    make("one", args);
    make("two", args);
    expect(args).toEqual({ vaultUri, [nameInput]: "orders" });
  });
});

describe("the inputs of a backup do not compile with two ways to name the object, with half of one, or with a wrong name", () => {
  it("of a key", () => {
    const keyUri = `${vaultUri}keys/orders`;
    // @ts-expect-error the key is missing
    const neither: KeyBackupArgs = {};
    // @ts-expect-error the name is missing
    const half: KeyBackupArgs = { vaultUri };
    // @ts-expect-error the key is named twice
    const both: KeyBackupArgs = { keyUri, vaultUri, keyName: "orders" };
    // @ts-expect-error there is no such input
    const misspelled: KeyBackupArgs = { keyUri, trigers: [] };
    // @ts-expect-error a secret is no key
    const another: KeyBackupArgs = { vaultUri, secretName: "orders" };
    expect([neither, half, both, misspelled, another]).toHaveLength(5);
  });

  it("of a secret", () => {
    const secretUri = `${vaultUri}secrets/orders`;
    // @ts-expect-error the secret is missing
    const neither: SecretBackupArgs = {};
    // @ts-expect-error the name is missing
    const half: SecretBackupArgs = { vaultUri };
    // @ts-expect-error the secret is named twice
    const both: SecretBackupArgs = { secretUri, vaultUri, secretName: "orders" };
    // @ts-expect-error there is no such input
    const misspelled: SecretBackupArgs = { secretUri, trigers: [] };
    // @ts-expect-error a key is no secret
    const another: SecretBackupArgs = { vaultUri, keyName: "orders" };
    expect([neither, half, both, misspelled, another]).toHaveLength(5);
  });

  it("of a certificate", () => {
    const certificateUri = `${vaultUri}certificates/orders`;
    // @ts-expect-error the certificate is missing
    const neither: CertificateBackupArgs = {};
    // @ts-expect-error the name is missing
    const half: CertificateBackupArgs = { vaultUri };
    // @ts-expect-error the certificate is named twice
    const both: CertificateBackupArgs = { certificateUri, vaultUri, certificateName: "orders" };
    // @ts-expect-error there is no such input
    const misspelled: CertificateBackupArgs = { certificateUri, trigers: [] };
    // @ts-expect-error a key is no certificate
    const another: CertificateBackupArgs = { keyUri: `${vaultUri}keys/orders` };
    expect([neither, half, both, misspelled, another]).toHaveLength(5);
  });
});

it("A program that reads an output of another kind of object does not compile.", () => {
  // @ts-expect-error a secret has no thumbprints
  expect((backup: SecretBackup) => backup.thumbprints).toBeDefined();
  // @ts-expect-error a key has no secret's name
  expect((backup: KeyBackup) => backup.secretName).toBeDefined();
});
