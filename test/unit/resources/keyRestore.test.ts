import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { type BackupToRestore, KeyBackup, KeyRestore, type KeyRestoreArgs } from "../../../src";
import { documentedOutputs, inputsOf, known, mockEngine, secret } from "./mocks";

const vaultUri = "https://dr.vault.azure.net/";
const backedUp = {
  blob: "AAAA",
  blobSha256: "11",
  keyName: "orders",
  keyUri: "https://kv.vault.azure.net/keys/orders",
  versions: ["v2", "v1"],
  thumbprints: { v2: "two" },
  backedUpAt: "2026-03-01T00:00:00.000Z",
};

beforeEach(() => mockEngine({ state: { KeyBackup: backedUp } }));

describe("a KeyRestore", () => {
  it("has the type that states know", async () => {
    const restore = new KeyRestore("orders", { vaultUri, blob: "AAAA" });
    expect(await known(restore.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:KeyRestore::orders");
  });

  it("has every documented output", () => {
    const restore = new KeyRestore("orders", { vaultUri, blob: "AAAA" });
    const outputs = documentedOutputs("keyRestore.ts");
    expect(outputs).toEqual(expect.arrayContaining(["keyUri", "missingVersions", "restoredFrom", "status"]));
    for (const name of outputs) expect(pulumi.Output.isInstance(restore[name as keyof KeyRestore])).toBe(true);
  });

  it("hands a KeyBackup to the provider as plain properties with a secret blob", async () => {
    const backup = new KeyBackup("source", { keyUri: backedUp.keyUri });
    const restore = new KeyRestore("of-backup", { vaultUri, backup });
    expect(await inputsOf(restore, "of-backup")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("hands over what is known of a backup that is kept elsewhere, and nothing else, with a secret blob", async () => {
    const restore = new KeyRestore("of-values", { vaultUri, backup: { ...backedUp, note: "mine" } as BackupToRestore });
    expect(await inputsOf(restore, "of-values")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it.each<[string, pulumi.Input<string>]>([
    ["a text", "AAAA"],
    ["an output", pulumi.output("AAAA")],
    ["a secret", pulumi.secret("AAAA")],
  ])("hands over a blob alone, secret once: %s", async (_, blob) => {
    const restore = new KeyRestore("of-blob", { vaultUri, blob });
    expect(await inputsOf(restore, "of-blob")).toEqual({ vaultUri, backup: secret({ blob: "AAAA" }) });
  });

  it("takes outputs of other resources in any part of a backup", async () => {
    const backup: BackupToRestore = {
      blob: pulumi.output("AAAA"),
      keyName: pulumi.output("orders"),
      versions: [pulumi.output("v1"), "v2"],
      thumbprints: { v1: pulumi.output("one") },
    };
    const onNewVersions = pulumi.output<"keep" | "recreate">("recreate");
    const restore = new KeyRestore("of-outputs", { vaultUri: pulumi.output(vaultUri), backup, onNewVersions });
    expect(await inputsOf(restore, "of-outputs")).toEqual({
      vaultUri,
      backup: secret({ blob: "AAAA", keyName: "orders", versions: ["v1", "v2"], thumbprints: { v1: "one" } }),
      onNewVersions: "recreate",
    });
  });

  it("lets the provider report that there is no backup", async () => {
    const restore = new KeyRestore("nothing", { vaultUri } as KeyRestoreArgs);
    expect(await inputsOf(restore, "nothing")).toEqual({ vaultUri });
  });

  it("does not compile with two backups, with none, without a vault, or with an unknown choice", () => {
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
    // @ts-expect-error there is no such input
    const deleting: KeyRestoreArgs = { vaultUri, blob: "AAAA", onDestroy: "delete" };
    expect([neither, both, nowhere, empty, replacing, deleting]).toHaveLength(6);
  });
});
