import { beforeAll, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { type BackupToRestore, KeyBackup, KeyRestore, type KeyRestoreArgs } from "../../src";

const vaultUri = "https://dr.vault.azure.net/";
const keyUri = "https://kv.vault.azure.net/keys/orders";
const backedUp = {
  blob: "AAAA",
  blobSha256: "11",
  keyName: "orders",
  keyUri,
  keyVersions: ["v2", "v1"],
  keyThumbprints: { v2: "two" },
  backedUpAt: "2026-03-01T00:00:00.000Z",
};
const registered = new Map<string, pulumi.runtime.MockResourceArgs>();

beforeAll(() =>
  pulumi.runtime.setMocks({
    newResource: (args) => {
      registered.set(args.name, args);
      const isBackup = args.type.endsWith(":KeyBackup");
      return { id: isBackup ? keyUri : `${vaultUri}keys/orders`, state: { ...args.inputs, ...(isBackup && backedUp) } };
    },
    call: () => ({}),
  }),
);

function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** What the resource of that name was registered with. */
async function inputsOf(resource: pulumi.Resource, name: string): Promise<Record<string, unknown>> {
  await known(resource.urn);
  const { __provider, ...inputs } = registered.get(name)?.inputs ?? {};
  return inputs;
}

/** A secret as mocks see it, and also an object that has one. */
const secret = (value: unknown) => ({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value });

describe("new KeyRestore", () => {
  it("is of the type that states know", async () => {
    const restore = new KeyRestore("type", { vaultUri, blob: "AAAA" });
    expect(await known(restore.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:KeyRestore::type");
  });

  it("has its outputs under mocks", async () => {
    const restore = new KeyRestore("outputs", { vaultUri, blob: "AAAA" });
    for (const name of [
      "vaultUri",
      "keyName",
      "keyUri",
      "keyUriWithVersion",
      "keyVersions",
      "restoredAt",
      "restoredFrom",
      "isAdopted",
      "missingVersions",
      "keyStatus",
      "keyStatusReason",
    ] as const) {
      expect(pulumi.Output.isInstance(restore[name])).toBe(true);
    }
    expect(await known(restore.vaultUri)).toBe(vaultUri);
  });

  it("is given a KeyBackup as plain values, of which the blob is secret, and never as a resource", async () => {
    const backup = new KeyBackup("source", { keyUri });
    const restore = new KeyRestore("of-backup", { vaultUri, backup });
    expect(await inputsOf(restore, "of-backup")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("is given what is known of a backup that is kept elsewhere, with its blob secret though it was given in clear", async () => {
    const restore = new KeyRestore("of-values", { vaultUri, backup: { ...backedUp } });
    expect(await inputsOf(restore, "of-values")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("is given nothing else that an object with a backup has", async () => {
    const backup = { ...backedUp, triggers: ["x"], note: "mine" };
    const restore = new KeyRestore("no-more", { vaultUri, backup });
    expect(await inputsOf(restore, "no-more")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("is given a blob alone, which is secret", async () => {
    const restore = new KeyRestore("of-blob", { vaultUri, blob: pulumi.output("AAAA") });
    expect(await inputsOf(restore, "of-blob")).toEqual({ vaultUri, backup: secret({ blob: "AAAA" }) });
  });

  it("marks a blob secret once where it is one already", async () => {
    const restore = new KeyRestore("of-secret", { vaultUri, blob: pulumi.secret("AAAA") });
    expect(await inputsOf(restore, "of-secret")).toEqual({ vaultUri, backup: secret({ blob: "AAAA" }) });
  });

  it("is given what to do with the key later", async () => {
    const restore = new KeyRestore("later", { vaultUri, blob: "AAAA", onNewVersions: "recreate", onDestroy: "purge" });
    expect(await inputsOf(restore, "later")).toEqual({
      vaultUri,
      backup: secret({ blob: "AAAA" }),
      onNewVersions: "recreate",
      onDestroy: "purge",
    });
  });

  it("does not change the arguments that it is given", () => {
    const args: KeyRestoreArgs = { vaultUri, backup: { ...backedUp }, onDestroy: "delete" };
    new KeyRestore("one", args);
    new KeyRestore("two", args);
    expect(args).toEqual({ vaultUri, backup: backedUp, onDestroy: "delete" });
  });

  it("keeps the options of its user", async () => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const restore = new KeyRestore("child", { vaultUri, blob: "AAAA" }, { parent });
    expect(await known(restore.urn)).toContain("test:index:Parent$pulumi-nodejs:dynamic/keyvault:KeyRestore");
  });

  it("takes outputs of other resources, in whole and in part", async () => {
    const text = pulumi.output("orders");
    const backup: BackupToRestore = {
      blob: pulumi.output("AAAA"),
      keyName: text,
      keyVersions: [pulumi.output("v1"), "v2"],
      keyThumbprints: { v1: pulumi.output("one") },
    };
    const onDestroy = pulumi.output<"keep" | "purge">("keep");
    const restore = new KeyRestore("of-outputs", { vaultUri: pulumi.output(vaultUri), backup, onDestroy });
    expect(await inputsOf(restore, "of-outputs")).toEqual({
      vaultUri,
      backup: secret({ blob: "AAAA", keyName: "orders", keyVersions: ["v1", "v2"], keyThumbprints: { v1: "one" } }),
      onDestroy: "keep",
    });
  });

  it("is not compiled with both a backup and a blob, with neither, without a vault, or with an unknown choice", () => {
    // @ts-expect-error the backup is missing
    const neither: KeyRestoreArgs = { vaultUri };
    // @ts-expect-error the backup is given twice
    const both: KeyRestoreArgs = { vaultUri, backup: backedUp, blob: "AAAA" };
    // @ts-expect-error the vault is missing
    const nowhere: KeyRestoreArgs = { blob: "AAAA" };
    // @ts-expect-error the blob is missing
    const empty: KeyRestoreArgs = { vaultUri, backup: { keyName: "orders" } };
    // @ts-expect-error there is no such choice
    const replacing: KeyRestoreArgs = { vaultUri, blob: "AAAA", onNewVersions: "replace" };
    // @ts-expect-error there is no such choice
    const dropping: KeyRestoreArgs = { vaultUri, blob: "AAAA", onDestroy: "drop" };
    // @ts-expect-error there is no such input
    const misspelled: KeyRestoreArgs = { vaultUri, blob: "AAAA", onDestory: "keep" };
    expect([neither, both, nowhere, empty, replacing, dropping, misspelled].length).toBe(7);
  });
});
