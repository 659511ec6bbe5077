import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import {
  CertificateBackup,
  type CertificateBackupArgs,
  type CertificateBackupToRestore,
  CertificateRestore,
  type CertificateRestoreArgs,
  KeyBackup,
  type KeyBackupArgs,
  type KeyBackupToRestore,
  KeyRestore,
  type KeyRestoreArgs,
  SecretBackup,
  type SecretBackupArgs,
  type SecretBackupToRestore,
  SecretRestore,
  type SecretRestoreArgs,
} from "../../../src";
import { documentedOutputs, inputsOf, known, mockEngine, secret } from "./mocks";

/** The resources of a kind; the inputs are typed in each kind's own test. */
interface Kind {
  readonly resource: string;
  readonly noun: string;
  readonly restore: (name: string, args: object) => KeyRestore | SecretRestore | CertificateRestore;
  readonly backup: (name: string, args: object) => KeyBackup | SecretBackup | CertificateBackup;
}

const vaultUri = "https://dr.vault.azure.net/";
const kinds: readonly Kind[] = [
  {
    resource: "KeyRestore",
    noun: "key",
    restore: (name, args) => new KeyRestore(name, args as KeyRestoreArgs),
    backup: (name, args) => new KeyBackup(name, args as KeyBackupArgs),
  },
  {
    resource: "SecretRestore",
    noun: "secret",
    restore: (name, args) => new SecretRestore(name, args as SecretRestoreArgs),
    backup: (name, args) => new SecretBackup(name, args as SecretBackupArgs),
  },
  {
    resource: "CertificateRestore",
    noun: "certificate",
    restore: (name, args) => new CertificateRestore(name, args as CertificateRestoreArgs),
    backup: (name, args) => new CertificateBackup(name, args as CertificateBackupArgs),
  },
];

describe.each(kinds)("a $resource", ({ resource, noun, restore, backup }) => {
  const [nameMember, uriMember] = [`${noun}Name`, `${noun}Uri`];
  const uri = `https://kv.vault.azure.net/${noun}s/orders`;
  const backedUp = {
    blob: "AAAA",
    blobSha256: "11",
    [nameMember]: "orders",
    [uriMember]: uri,
    versions: ["v2", "v1"],
    ...(noun === "secret" ? {} : { thumbprints: { v2: "two" } }),
    backedUpAt: "2026-03-01T00:00:00.000Z",
  };

  beforeEach(() => mockEngine({ state: { [resource.replace("Restore", "Backup")]: backedUp } }));

  it("has the type that states know", async () => {
    const { urn } = restore("orders", { vaultUri, blob: "AAAA" });
    expect(await known(urn)).toContain(`::pulumi-nodejs:dynamic/keyvault:${resource}::orders`);
  });

  it("has every documented output", () => {
    const members = restore("orders", { vaultUri, blob: "AAAA" }) as unknown as Readonly<Record<string, unknown>>;
    const outputs = documentedOutputs(`${noun}Restore.ts`);
    const own = [nameMember, uriMember, `${uriMember}WithVersion`];
    expect(outputs).toEqual(expect.arrayContaining(["vaultUri", "missingVersions", "restoredFrom", "status", ...own]));
    for (const name of outputs) expect([name, pulumi.Output.isInstance(members[name])]).toEqual([name, true]);
  });

  it("hands a backup resource to the provider as plain properties with a secret blob", async () => {
    const source = backup("source", { [uriMember]: uri });
    const replica = restore("of-backup", { vaultUri, backup: source });
    expect(await inputsOf(replica, "of-backup")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("hands over what is known of a backup that is kept elsewhere, and nothing else, with a secret blob", async () => {
    const replica = restore("of-values", { vaultUri, backup: { ...backedUp, note: "mine" } });
    expect(await inputsOf(replica, "of-values")).toEqual({ vaultUri, backup: secret(backedUp) });
  });

  it("hands over the name of another kind of object, so that the provider can refuse the backup", async () => {
    const members = { blob: "AAAA", keyName: "a", keyUri: "b", secretName: "c", secretUri: "d" };
    const ofAll = { ...members, certificateName: "e", certificateUri: "f" };
    const replica = restore("of-all", { vaultUri, backup: ofAll });
    expect(await inputsOf(replica, "of-all")).toEqual({ vaultUri, backup: secret(ofAll) });
  });

  it.each<[string, pulumi.Input<string>]>([
    ["a text", "AAAA"],
    ["an output", pulumi.output("AAAA")],
    ["a secret", pulumi.secret("AAAA")],
  ])("hands over a blob alone, secret once: %s", async (_, blob) => {
    const replica = restore("of-blob", { vaultUri, blob });
    expect(await inputsOf(replica, "of-blob")).toEqual({ vaultUri, backup: secret({ blob: "AAAA" }) });
  });

  it("takes outputs of other resources in any part of a backup", async () => {
    const replica = restore("of-outputs", {
      vaultUri: pulumi.output(vaultUri),
      backup: { blob: pulumi.output("AAAA"), [nameMember]: pulumi.output("orders"), versions: [pulumi.output("v1")] },
      onNewVersions: pulumi.output("recreate"),
    });
    expect(await inputsOf(replica, "of-outputs")).toEqual({
      vaultUri,
      backup: secret({ blob: "AAAA", [nameMember]: "orders", versions: ["v1"] }),
      onNewVersions: "recreate",
    });
  });

  it("lets the provider report that there is no backup", async () => {
    expect(await inputsOf(restore("nothing", { vaultUri }), "nothing")).toEqual({ vaultUri });
  });
});

describe("the inputs of a restore", () => {
  it("compile with outputs in any part of a backup", () => {
    const thumbprints = { v1: pulumi.output("one") };
    const common = { blob: pulumi.output("AAAA"), versions: [pulumi.output("v1"), "v2"] };
    const key: KeyBackupToRestore = { ...common, keyName: pulumi.output("orders"), thumbprints };
    const ofSecret: SecretBackupToRestore = { ...common, secretName: pulumi.output("orders") };
    const certificate: CertificateBackupToRestore = { ...common, certificateName: pulumi.output("web"), thumbprints };
    const onNewVersions = pulumi.output<"keep" | "recreate">("recreate");
    const ofKey: KeyRestoreArgs = { vaultUri: pulumi.output(vaultUri), backup: key, onNewVersions };
    expect([ofKey, ofSecret, certificate]).toHaveLength(3);
  });

  it("do not compile with two backups, with none, without a vault, or with an unknown choice", () => {
    const backup: KeyBackupToRestore = { blob: "AAAA", keyName: "orders" };
    // @ts-expect-error the backup is missing
    const neither: KeyRestoreArgs = { vaultUri };
    // @ts-expect-error the backup is given twice
    const both: SecretRestoreArgs = { vaultUri, backup: { blob: "AAAA" }, blob: "AAAA" };
    // @ts-expect-error the vault is missing
    const nowhere: CertificateRestoreArgs = { blob: "AAAA" };
    // @ts-expect-error the blob is missing
    const empty: KeyRestoreArgs = { vaultUri, backup: { keyName: "orders" } };
    // @ts-expect-error there is no such choice
    const replacing: SecretRestoreArgs = { vaultUri, blob: "AAAA", onNewVersions: "replace" };
    // @ts-expect-error there is no such input
    const deleting: CertificateRestoreArgs = { vaultUri, blob: "AAAA", onDestroy: "delete" };
    const good: KeyRestoreArgs = { vaultUri, backup };
    expect([neither, both, nowhere, empty, replacing, deleting, good]).toHaveLength(7);
  });

  it("do not compile with a backup of another kind of object", () => {
    const blob = "AAAA";
    const refused = [
      // @ts-expect-error a secret is no key
      { vaultUri, backup: { blob, secretName: "orders" } } satisfies KeyRestoreArgs,
      // @ts-expect-error a certificate is no key
      { vaultUri, backup: { blob, certificateName: "orders" } } satisfies KeyRestoreArgs,
      // @ts-expect-error a key is no secret
      { vaultUri, backup: { blob, keyName: "orders" } } satisfies SecretRestoreArgs,
      // @ts-expect-error a certificate is no secret
      { vaultUri, backup: { blob, certificateUri: "orders" } } satisfies SecretRestoreArgs,
      // @ts-expect-error a key is no certificate
      { vaultUri, backup: { blob, keyUri: "orders" } } satisfies CertificateRestoreArgs,
      // @ts-expect-error a secret is no certificate
      { vaultUri, backup: { blob, secretName: "orders" } } satisfies CertificateRestoreArgs,
      // @ts-expect-error secrets have no thumbprints
      { vaultUri, backup: { blob, thumbprints: {} } } satisfies SecretRestoreArgs,
    ];
    expect(refused).toHaveLength(7);
  });

  it("do not compile with a backup resource of another kind of object", () => {
    const refused = (ofKey: KeyBackup, ofSecret: SecretBackup, ofCertificate: CertificateBackup) => [
      // @ts-expect-error a secret is no key
      { vaultUri, backup: ofSecret } satisfies KeyRestoreArgs,
      // @ts-expect-error a certificate is no key
      { vaultUri, backup: ofCertificate } satisfies KeyRestoreArgs,
      // @ts-expect-error a key is no secret
      { vaultUri, backup: ofKey } satisfies SecretRestoreArgs,
      // @ts-expect-error a certificate is no secret
      { vaultUri, backup: ofCertificate } satisfies SecretRestoreArgs,
      // @ts-expect-error a key is no certificate
      { vaultUri, backup: ofKey } satisfies CertificateRestoreArgs,
      // @ts-expect-error a secret is no certificate
      { vaultUri, backup: ofSecret } satisfies CertificateRestoreArgs,
    ];
    expect(refused).toHaveLength(3);
  });
});
