import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { sha256OfBlob } from "../../../src/backup/blob";
import { createKeyRestoreProvider } from "../../../src/provider/keyRestore";
import { BackupWrapping } from "../../../localVault/backupBlob";
import { KeyStore } from "../../../localVault/keyStore";

// Checks and previews are offline: a provider that turns to the vault fails the test.
const provider = createKeyRestoreProvider(Date.now, () => {
  throw new Error("The vault was asked.");
});
const unknown = pulumi.runtime.unknownValue;
const vaultUri = "https://kv-dr.vault.azure.net/";
const hsmUri = "https://hsm-dr.managedhsm.azure.net/";
const keyUri = "https://kv-prod.vault.azure.net/keys/orders";
const hsmKeyUri = "https://hsm-prod.managedhsm.azure.net/keys/orders";

let blob: string;
let secretBlob: string;

beforeAll(async () => {
  const store = new KeyStore(Date.now);
  await store.create("orders", { kty: "EC" });
  const wrapping = new BackupWrapping();
  const key = store.key("orders");
  if (key === undefined) throw new Error("There is no key.");
  blob = await wrapping.seal(key, "Europe", 0);
  secretBlob = await wrapping.sealOther({ kind: "secret", name: "orders" }, "Europe", 0);
});

beforeEach(() => {
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

type Inputs = Readonly<Record<string, unknown>>;

const declared = (inputs: Inputs = {}): Inputs => ({ vaultUri, backup: { blob }, ...inputs });
const backup = (members: Inputs = {}): Inputs => declared({ backup: { blob, ...members } });

async function checked(inputs: Inputs, config?: pulumi.dynamic.Config): Promise<{ inputs: Inputs; reasons: string[] }> {
  const { inputs: completed, failures = [] } = await provider.check({}, inputs, config);
  // The engine prints the value of a property that a failure names.
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return { inputs: completed, reasons: failures.map(({ reason }) => reason) };
}

const reasonsOf = async (inputs: Inputs) => (await checked(inputs)).reasons;

const cutShort = (by: number) => blob.slice(0, blob.length - by);
const changed = () => {
  const text = Buffer.from(blob, "base64url").toString("latin1");
  return Buffer.from(`${text.slice(0, 60)}${text[60] === "A" ? "B" : "A"}${text.slice(61)}`).toString("base64url");
};
/** Whether one text holds a part of another, whatever the case: no blob is ever printed by a test that fails. */
const repeats = (text: string, secret: string) =>
  [0, 60, secret.length - 24].some((at) => text.toLowerCase().includes(secret.slice(at, at + 24).toLowerCase()));
const members = "blob, blobSha256, keyName, keyUri, keyVersions, keyThumbprints, backedUpAt";

const mistakes: [string, () => Inputs, string][] = [
  [
    "no vault",
    () => declared({ vaultUri: undefined }),
    "vaultUri is missing: give the URI of the vault to restore into.",
  ],
  [
    "no vault, as the engine says it",
    () => declared({ vaultUri: null }),
    "vaultUri is missing: give the URI of the vault",
  ],
  ["no backup", () => declared({ backup: undefined }), "The backup is missing: give backup, or blob."],
  ["a backup without a blob", () => declared({ backup: { keyName: "orders" } }), "backup.blob is missing."],
  [
    "an unknown input",
    () => declared({ keyUri }),
    "keyUri is not an input of KeyRestore, which has vaultUri, backup, onNewVersions, onDestroy.",
  ],
  [
    "an unknown member of the backup",
    () => backup({ keyVersion: "1" }),
    `backup.keyVersion is not an input of the backup of KeyRestore, which has ${members}.`,
  ],
  ["a vault that is a number", () => declared({ vaultUri: 7 }), "vaultUri is not a string."],
  ["a backup that is a text", () => declared({ backup: "orders" }), "backup is not a KeyBackup or an object."],
  [
    "onDestroy that there is not",
    () => declared({ onDestroy: "PURGE" }),
    'onDestroy is not one of "keep", "delete", "purge".',
  ],
  [
    "onNewVersions that there is not",
    () => declared({ onNewVersions: true }),
    'onNewVersions is not "keep" or "recreate".',
  ],
  ["a blob that is a number", () => backup({ blob: 7 }), "backup.blob is not a string."],
  [
    "a hash that is a number",
    () => backup({ blobSha256: 7 }),
    "backup.blobSha256 is not a SHA-256 of 64 hexadecimal digits.",
  ],
  ["a name that is a list", () => backup({ keyName: ["orders"] }), "backup.keyName is not a string."],
  ["a key URI that is a number", () => backup({ keyUri: 7 }), "backup.keyUri is not a string."],
  ["a time that is a number", () => backup({ backedUpAt: 7 }), "backup.backedUpAt is not a string."],
  ["versions that are a text", () => backup({ keyVersions: "1" }), "backup.keyVersions is not an array of strings."],
  [
    "versions that are numbers",
    () => backup({ keyVersions: ["1", 2] }),
    "backup.keyVersions is not an array of strings.",
  ],
  [
    "thumbprints that are a list",
    () => backup({ keyThumbprints: [] }),
    "backup.keyThumbprints is not an object of strings.",
  ],
  [
    "thumbprints of numbers",
    () => backup({ keyThumbprints: { a: 1 } }),
    "backup.keyThumbprints is not an object of strings.",
  ],
  ["no https", () => declared({ vaultUri: "http://kv-dr.vault.azure.net/" }), "vaultUri does not use https."],
  [
    "no URI",
    () => declared({ vaultUri: "kv-dr" }),
    "vaultUri is not an absolute URI like https://my-vault.vault.azure.net/.",
  ],
  ["the URI of a key", () => declared({ vaultUri: keyUri }), "vaultUri has a path: give the URI of the vault alone"],
  [
    "the name of a private link",
    () => declared({ vaultUri: "https://kv-dr.privatelink.vaultcore.azure.net/" }),
    "vaultUri has the name of a private link. Use the vault's public name, https://{vault}.vault.azure.net",
  ],
  [
    "a name that is none",
    () => backup({ keyName: "orders/1" }),
    "backup.keyName is not 1 to 127 letters, digits and hyphens.",
  ],
  [
    "a source that is a secret",
    () => backup({ keyUri: "https://kv-prod.vault.azure.net/secrets/orders" }),
    "backup.keyUri names a secret, not a key",
  ],
  [
    "a source without https",
    () => backup({ keyUri: keyUri.replace("https", "http") }),
    "backup.keyUri does not use https.",
  ],
  [
    "an empty blob",
    () => backup({ blob: "" }),
    "The blob is none: it is neither base64url, nor base64, nor the text of a",
  ],
  [
    "no blob at all",
    () => backup({ blob: "{ orders }" }),
    "The blob is none: it is neither base64url, nor base64, nor the text",
  ],
  [
    "a blob of a secret",
    () => backup({ blob: secretBlob }),
    "The blob is the backup of a secret, not of a key: az keyvault secret restore.",
  ],
  [
    "a file of a secret",
    () => backup({ blob: Buffer.from(secretBlob, "base64url").toString("latin1") }),
    "The blob is the backup of a secret, not of a key: az keyvault secret restore.",
  ],
  [
    "a blob that was cut short after its beginning",
    () => backup({ blob: blob.slice(0, 100) }),
    "The blob is damaged, perhaps cut short: what follows its version string is not a compact JWE of five parts. Give the blob",
  ],
  [
    "a blob of which a character was changed",
    () => backup({ blob: changed(), blobSha256: sha256OfBlob(blob) }),
    "The blob is not the one that was made: its SHA-256 is",
  ],
  [
    "a blob that was cut short in its last part, by its hash",
    () => backup({ blob: cutShort(4), blobSha256: sha256OfBlob(blob) }),
    "The blob is not the one that was made: its SHA-256 is",
  ],
  [
    "the blob of another backup",
    () => backup({ blobSha256: "0".repeat(64) }),
    `and blobSha256 says ${"0".repeat(64)}. Give the blob as it was returned, or another backup.`,
  ],
  [
    "the backup of a Managed HSM for a vault",
    () => backup({ blob: "AAAA", keyUri: hsmKeyUri }),
    "vaultUri names a vault, and the backup is of a Managed HSM: give a Managed HSM of the same security domain.",
  ],
  [
    "the backup of a vault for a Managed HSM",
    () => ({ vaultUri: hsmUri, backup: { blob: "AAAA", keyUri } }),
    "vaultUri names a Managed HSM, and the backup is of a vault: give a vault, in the source's geography.",
  ],
  [
    "the blob of a vault for a Managed HSM",
    () => ({ vaultUri: hsmUri, backup: { blob } }),
    "vaultUri names a Managed HSM, and the backup is of a vault: give a vault, in the source's geography.",
  ],
];

describe("the check of the inputs", () => {
  it.each(mistakes)("tells in one sentence of %s, and repeats nothing of the blob", async (_, inputs, sentence) => {
    const reasons = await reasonsOf(inputs());
    expect(reasons).toEqual([expect.stringContaining(sentence)]);
    expect(reasons[0]).toMatch(/\.$/);
    expect([blob, secretBlob].some((secret) => repeats(reasons.join(""), secret))).toBe(false);
  });

  it("tells all mistakes at once", async () => {
    expect(await reasonsOf({ vaultUri: "http://kv", onDestroy: 1, backup: { keyName: "?" } })).toHaveLength(4);
  });

  it("repeats nothing of a blob that is given where its hash belongs", async () => {
    const reasons = await reasonsOf(backup({ blob: sha256OfBlob(blob), blobSha256: blob }));
    expect(reasons).toHaveLength(1);
    expect(repeats(reasons.join(""), blob)).toBe(false);
  });

  it("takes the name of a private link where the stack allows it", async () => {
    const config = { get: (name: string) => (name.endsWith("Verification") ? "true" : undefined) };
    const uri = "https://kv-dr.privatelink.vaultcore.azure.net";
    const { inputs, reasons } = await checked(declared({ vaultUri: uri }), config as pulumi.dynamic.Config);
    expect([reasons, inputs.vaultUri]).toEqual([[], `${uri}/`]);
  });

  it("takes what a Managed HSM made for a Managed HSM", async () => {
    expect(await reasonsOf({ vaultUri: hsmUri, backup: { blob: "AAAA", keyUri: hsmKeyUri } })).toEqual([]);
    expect(await reasonsOf({ vaultUri: hsmUri, backup: { blob: "AAAA" } })).toEqual([]);
  });

  it("takes a blob that was changed, or cut short in its last part, where its hash is not given: the service tells", async () => {
    expect(await reasonsOf(backup({ blob: cutShort(4) }))).toEqual([]);
    expect(await reasonsOf(backup({ blob: changed() }))).toEqual([]);
  });

  it.each([4, 5, 6])(
    "takes base64 with padding and with the signs that base64url replaces, of %d bytes",
    async (length) => {
      const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0xff, 0xfb, 0xef].slice(0, length));
      const base64 = bytes.toString("base64");
      expect(base64).toMatch(/[+/]/);
      const { inputs, reasons } = await checked({ vaultUri: hsmUri, backup: { blob: ` ${base64}\r\n` } });
      expect([reasons, inputs.backup]).toEqual([[], { blob: bytes.toString("base64url") }]);
    },
  );

  it("completes what was given: the vault, the blob, the name, the hash and the versions", async () => {
    const text = Buffer.from(blob, "base64url").toString("latin1");
    const given = {
      blob: text,
      blobSha256: sha256OfBlob(blob).toUpperCase(),
      keyUri: `${keyUri.replace("kv-prod", "KV-Prod")}/0123456789abcdef0123456789abcdef`,
      keyVersions: ["ABCDEF"],
    };
    const { inputs, reasons } = await checked({ vaultUri: "https://KV-DR.vault.azure.net", backup: given });
    expect(reasons).toEqual([]);
    expect(inputs).toEqual({
      vaultUri,
      backup: { blob, blobSha256: sha256OfBlob(blob), keyUri, keyName: "orders", keyVersions: ["abcdef"] },
    });
  });

  const thumbprints = { a: unknown, b: "B" };
  const unknowns: [string, Inputs][] = [
    ["the vault", { vaultUri: unknown }],
    ["the whole backup", { backup: unknown }],
    ["onDestroy", { onDestroy: unknown }],
    ["onNewVersions", { onNewVersions: unknown }],
    ["the vault and the backup", { vaultUri: unknown, backup: unknown }],
    ...["blob", "blobSha256", "keyName", "keyUri", "keyVersions", "keyThumbprints", "backedUpAt"].map(
      (name): [string, Inputs] => [name, { backup: { blob: "AAAA", [name]: unknown } }],
    ),
    ["one of the versions", { backup: { blob: "AAAA", keyVersions: ["A", unknown] } }],
    ["one of the thumbprints", { backup: { blob: "AAAA", keyThumbprints: thumbprints } }],
  ];

  it.each(unknowns)("passes over what is not known yet: %s", async (_, inputs) => {
    const { reasons, inputs: completed } = await checked(declared(inputs));
    expect(reasons).toEqual([]);
    expect(completed).toMatchObject(inputs.backup === unknown || inputs.backup === undefined ? inputs : {});
    expect(JSON.stringify(completed)).toContain(unknown);
  });

  it("tells the mistakes beside what is not known yet", async () => {
    expect(
      await reasonsOf(declared({ vaultUri: unknown, onDestroy: 1, backup: { blob: unknown, keyName: "?" } })),
    ).toEqual([
      'onDestroy is not one of "keep", "delete", "purge".',
      "backup.keyName is not 1 to 127 letters, digits and hyphens.",
    ]);
  });

  it("tells of a damaged blob though the vault is not known yet", async () => {
    expect(await reasonsOf(backup({ blob: secretBlob }))).toHaveLength(1);
    expect(await reasonsOf({ ...backup({ blob: secretBlob }), vaultUri: unknown })).toHaveLength(1);
  });
});

const texts = () =>
  fc.oneof(
    fc.string(),
    fc.constantFrom(blob, secretBlob, unknown, vaultUri, hsmUri, keyUri, hsmKeyUri, "purge", "recreate", "missing", ""),
  );
const anything = () => fc.oneof(texts(), fc.jsonValue(), fc.constantFrom(undefined, null), fc.array(texts()));
const named = (names: readonly string[], values: () => fc.Arbitrary<unknown>) =>
  fc.record(Object.fromEntries(names.map((name) => [name, values()])), { requiredKeys: [] });
const inputsLike = () => {
  const backups = fc.oneof(named([...members.split(", "), "other"], anything), anything());
  const others = named(["vaultUri", "onNewVersions", "onDestroy", "other", "__provider"], anything);
  return fc.tuple(others, backups).map(([inputs, it]): Inputs => ({ ...inputs, backup: it }));
};
const recordLike = () => {
  const names = [
    "vaultUri",
    "keyName",
    "keyUri",
    "keyVersions",
    "missingVersions",
    "isAdopted",
    "keyStatus",
    "onDestroy",
  ];
  return fc
    .tuple(named([...names, "keyStatusReason", "keyUriWithVersion", "restoredAt"], anything), anything())
    .map(([record, restoredFrom]): Inputs => ({ ...record, restoredFrom }));
};

it("whatever is declared, the check does not throw, asks nothing, and changes nothing that it has completed", async () => {
  await fc.assert(
    fc.asyncProperty(inputsLike(), async (inputs) => {
      const once = await checked(inputs);
      const twice = await checked(once.inputs);
      expect(twice).toEqual(once);
      expect([blob, secretBlob].some((secret) => repeats(once.reasons.join(""), secret))).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it("whatever is recorded and declared, the preview does not throw, and asks nothing", async () => {
  await fc.assert(
    fc.asyncProperty(recordLike(), inputsLike(), async (record, inputs) => {
      const { changes, replaces = [] } = await provider.diff("id", record, (await checked(inputs)).inputs, undefined);
      expect([typeof changes, replaces.length > 0 && changes !== true]).toEqual(["boolean", false]);
    }),
    { numRuns: 500 },
  );
});

it("a read of what no state holds, as pulumi import and KeyRestore.get ask for it, is told", async () => {
  const read = provider.read("https://kv-dr.vault.azure.net/keys/orders", {}, undefined);
  await expect(read).rejects.toMatchObject({
    message:
      "https://kv-dr.vault.azure.net/keys/orders: a KeyRestore exists only in the state that made it. KeyRestore.get and " +
      "pulumi import are not offered; declare it, and pulumi up adopts a key that is there with every version that the " +
      "backup holds.",
    stack: "",
  });
});
