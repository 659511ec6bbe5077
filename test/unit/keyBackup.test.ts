import { beforeAll, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, type KeyBackupArgs } from "../../src";

const previous = {
  a: { blobSha256: "older", backedUpAt: "2026-01-01T00:00:00.000Z" },
  b: { blobSha256: "newer", backedUpAt: "2026-02-01T00:00:00.000Z" },
};
const registered: pulumi.runtime.MockResourceArgs[] = [];

beforeAll(() =>
  pulumi.runtime.setMocks({
    newResource: (args) => {
      registered.push(args);
      return {
        id: "https://kv.vault.azure.net/keys/orders",
        state: { ...args.inputs, blob: "AAAA", keyVersions: ["v1"], ...(args.name === "history" ? { previous } : {}) },
      };
    },
    call: () => ({}),
  }),
);

function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

describe("new KeyBackup", () => {
  it("is of the type that states know", async () => {
    const backup = new KeyBackup("orders", { keyUri: "https://kv.vault.azure.net/keys/orders" });
    expect(await known(backup.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:KeyBackup::orders");
  });

  it("has its outputs under mocks, and blob is secret", async () => {
    const backup = new KeyBackup("orders", { keyUri: "https://kv.vault.azure.net/keys/orders" });
    expect(await pulumi.isSecret(backup.blob)).toBe(true);
    expect(await known(backup.blob)).toBe("AAAA");
    expect(await known(backup.keyVersions)).toEqual(["v1"]);
    for (const name of [
      "keyUriWithVersion",
      "keyUpdatedAt",
      "keyTags",
      "sourceStatus",
      "sourceStatusReason",
    ] as const) {
      expect(pulumi.Output.isInstance(backup[name])).toBe(true);
    }
    for (const name of ["vaultUri", "keyName", "keyUri", "blobSha256", "backedUpAt"] as const) {
      expect(pulumi.Output.isInstance(backup[name])).toBe(true);
    }
  });

  it("has earlier backups newest first and secret, and none of a state that has none", async () => {
    const keyUri = "https://kv.vault.azure.net/keys/orders";
    expect(await known(new KeyBackup("no-history", { keyUri }).previous)).toEqual([]);
    const { previous } = new KeyBackup("history", { keyUri });
    expect(await pulumi.isSecret(previous)).toBe(true);
    expect((await known(previous)).map(({ blobSha256 }) => blobSha256)).toEqual(["newer", "older"]);
  });

  it("does not change the arguments that it is given", () => {
    const args: KeyBackupArgs = { vaultUri: "https://kv.vault.azure.net/", keyName: "orders" };
    new KeyBackup("one", args);
    new KeyBackup("two", args);
    expect(args).toEqual({ vaultUri: "https://kv.vault.azure.net/", keyName: "orders" });
  });

  it("keeps the options of its user", async () => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const backup = new KeyBackup("child", { keyUri: "https://kv.vault.azure.net/keys/orders" }, { parent });
    expect(await known(backup.urn)).toContain("test:index:Parent$pulumi-nodejs:dynamic/keyvault:KeyBackup");
  });

  it("takes outputs of other resources and any JSON for triggers", () => {
    const unknown = pulumi.output("x");
    new KeyBackup("outputs", { vaultUri: unknown, keyName: unknown, triggers: [unknown, { a: [1, null] }, true] });
  });

  it("is not compiled with both spellings of the key, or with neither", () => {
    const keyUri = "https://kv.vault.azure.net/keys/orders";
    // @ts-expect-error the key is missing
    const neither: KeyBackupArgs = {};
    // @ts-expect-error the name is missing
    const half: KeyBackupArgs = { vaultUri: "https://kv.vault.azure.net/" };
    // @ts-expect-error the key is named twice
    const both: KeyBackupArgs = { keyUri, vaultUri: "https://kv.vault.azure.net/", keyName: "orders" };
    expect([neither, half, both].length).toBe(3);
  });
});
