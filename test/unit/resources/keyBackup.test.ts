import { beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { KeyBackup, type KeyBackupArgs } from "../../../src";
import { documentedOutputs, inputsOf, known, mockEngine } from "./mocks";

/** What receives the requests of a program. */
interface Monitor {
  registerResource(request: RegisterResourceRequest): void;
}

const keyUri = "https://kv.vault.azure.net/keys/orders";
const vaultUri = "https://kv.vault.azure.net/";
const outputs = documentedOutputs("keyBackup.ts");
const previous = {
  b: { blobSha256: "b", backedUpAt: "2026-02-01T00:00:00.000Z" },
  a: { blobSha256: "a", backedUpAt: "2026-01-01T00:00:00.000Z" },
  c: { blobSha256: "c", backedUpAt: "2026-03-01T00:00:00.000Z" },
};

beforeEach(() => mockEngine({ state: { KeyBackup: { blob: "AAAA", versions: ["v1"], previous } } }));

describe("a KeyBackup", () => {
  it("has the type that states know", async () => {
    expect(await known(new KeyBackup("orders", { keyUri }).urn)).toContain(
      "::pulumi-nodejs:dynamic/keyvault:KeyBackup::orders",
    );
  });

  it.each([true, false])(
    "has every documented output, and blob and previous are secret (preview: %s)",
    async (isPreview) => {
      await mockEngine({ isPreview });
      const backup = new KeyBackup("orders", { keyUri });
      expect(outputs).toEqual(expect.arrayContaining(["blob", "blobSha256", "previous", "sourceStatus", "versions"]));
      for (const name of outputs) expect(pulumi.Output.isInstance(backup[name as keyof KeyBackup])).toBe(true);
      for (const name of outputs) {
        const isSecret = await pulumi.isSecret(backup[name as "blob"]);
        expect([name, isSecret]).toEqual([name, ["blob", "previous"].includes(name)]);
      }
    },
  );

  it("has the outputs that the engine gives it", async () => {
    const backup = new KeyBackup("orders", { keyUri });
    expect(await known(backup.blob)).toBe("AAAA");
    expect(await known(backup.versions)).toEqual(["v1"]);
    expect(await known(backup.keyUri)).toBe(keyUri);
  });

  it("has its earlier backups newest first", async () => {
    const hashes = (await known(new KeyBackup("orders", { keyUri }).previous)).map(({ blobSha256 }) => blobSha256);
    expect(hashes).toEqual(["c", "b", "a"]);
  });

  it("has no earlier backups if the state has none", async () => {
    await mockEngine();
    expect(await known(new KeyBackup("orders", { keyUri }).previous)).toEqual([]);
  });

  it("hands all of its inputs to the provider, and asks for nothing else", async () => {
    const choices = { triggers: [1, { a: [null] }], maxAgeDays: 0.5, retain: 2, forget: ["a"], forceDelete: true };
    const args = { vaultUri: pulumi.output(vaultUri), keyName: pulumi.output("orders"), ...choices };
    expect(await inputsOf(new KeyBackup("all", args), "all")).toEqual({ vaultUri, keyName: "orders", ...choices });
    expect(await inputsOf(new KeyBackup("uri", { keyUri }), "uri")).toEqual({ keyUri });
  });

  it("keeps the options of its user", async () => {
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const request = jest.spyOn(monitor, "registerResource");
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const backup = new KeyBackup("child", { keyUri }, { parent, additionalSecretOutputs: ["tags"] });
    expect(await known(backup.urn)).toContain("test:index:Parent$pulumi-nodejs:dynamic/keyvault:KeyBackup");
    expect(request.mock.lastCall?.[0].getAdditionalsecretoutputsList().sort()).toEqual(["blob", "tags"]);
  });

  it("does not change the arguments that it is given", () => {
    const args: KeyBackupArgs = Object.freeze({ vaultUri, keyName: "orders" });
    new KeyBackup("one", args);
    new KeyBackup("two", args);
    expect(args).toEqual({ vaultUri, keyName: "orders" });
  });

  it("does not compile with two ways to name the key, or with half of one", () => {
    // @ts-expect-error the key is missing
    const neither: KeyBackupArgs = {};
    // @ts-expect-error the name is missing
    const half: KeyBackupArgs = { vaultUri };
    // @ts-expect-error the key is named twice
    const both: KeyBackupArgs = { keyUri, vaultUri, keyName: "orders" };
    // @ts-expect-error there is no such input
    const misspelled: KeyBackupArgs = { keyUri, trigers: [] };
    expect([neither, half, both, misspelled]).toHaveLength(4);
  });
});
