import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { sha256OfBlob } from "../../../src/backup/blob";
import { backupIn, checkBackup, damageOfBackup, kindMistakes } from "../../../src/provider/backupInput";
import response from "../../support/backupKeyResponse.json";

const blob = response.value;
const blobSha256 = sha256OfBlob(blob);
const decoded = Buffer.from(blob, "base64url");
const unknown = pulumi.runtime.unknownValue;
const [v1, v2] = ["a".repeat(32), "b".repeat(32)];
const keyUri = "https://kv.vault.azure.net/keys/orders";
const check = (backup: unknown) => checkBackup("KeyRestore", backup);
const encoded = (text: string) => Buffer.from(text, "latin1").toString("base64url");
const ofSecret = encoded(decoded.toString("latin1").replace("&AzureKeyVaultKey", ")AzureKeyVaultSecret"));
const ofHsm = Buffer.from('{"kid":"orders"}').toString("base64url");

describe("a backup among the inputs", () => {
  it("is completed by what its URI names, and by the canonical form of what it holds", () => {
    const given = {
      blob: decoded.toString("base64"),
      blobSha256: blobSha256.toUpperCase(),
      keyUri: `HTTPS://KV.vault.azure.net:443//keys/orders/${v1}/`,
      keyVersions: [v2.toUpperCase(), v1],
      keyThumbprints: { [v1]: "One" },
      backedUpAt: "2026-03-01T00:00:00Z",
    };
    expect(check(given)).toEqual({
      backup: {
        blob,
        blobSha256,
        keyUri,
        keyName: "orders",
        keyVersions: [v2, v1],
        keyThumbprints: { [v1]: "One" },
        backedUpAt: "2026-03-01T00:00:00Z",
      },
      mistakes: [],
    });
  });

  it("has the versions of its thumbprints in lower case too, by which they are looked for", () => {
    const { backup } = check({ blob, keyThumbprints: { [v1.toUpperCase()]: "One" } });
    expect(backupIn(backup).keyThumbprints).toEqual({ [v1]: "One" });
  });

  it("is its blob alone where no more is given", () => {
    expect(check({ blob })).toEqual({ backup: { blob }, mistakes: [] });
    expect(check({ blob, keyName: null, keyVersions: undefined })).toEqual({ backup: { blob }, mistakes: [] });
  });

  it("is taken in every form in which a blob is kept", () => {
    const lines = decoded.toString("base64").replace(/.{76}/g, "$&\r\n");
    for (const text of [blob, `${blob}==`, decoded.toString("base64"), lines, decoded.toString("latin1")]) {
      expect(check({ blob: text })).toEqual({ backup: { blob }, mistakes: [] });
    }
  });

  it("keeps the name that is given beside a URI, in its own spelling", () => {
    expect(check({ blob, keyName: "Orders", keyUri }).backup).toMatchObject({ keyName: "Orders", keyUri });
  });

  it("keeps a text that is no blob as it is, which its resource tells", () => {
    expect(check({ blob: "no blob!" })).toEqual({ backup: { blob: "no blob!" }, mistakes: [] });
  });

  it("is passed over where it is not known yet, and as far as it is not", () => {
    expect(check(unknown)).toEqual({ backup: unknown, mistakes: [] });
    const partly = {
      blob: unknown,
      blobSha256: unknown,
      keyName: unknown,
      keyUri: unknown,
      keyVersions: [v1, unknown],
      keyThumbprints: unknown,
      backedUpAt: unknown,
    };
    expect(check(partly)).toEqual({ backup: partly, mistakes: [] });
    expect(check({ ...partly, keyVersions: unknown }).mistakes).toEqual([]);
  });

  it("is not changed by being checked, and the same when it is checked again", () => {
    const given = Object.freeze({ blob: `${blob}==`, blobSha256: blobSha256.toUpperCase(), keyUri: `${keyUri}/${v1}` });
    const { backup } = check(given);
    expect(given.keyUri).toBe(`${keyUri}/${v1}`);
    expect(check(backup)).toEqual({ backup, mistakes: [] });
  });
});

describe("mistakes in a backup", () => {
  it("name both ways to give one where there is none", () => {
    expect(check(undefined).mistakes).toEqual(["The backup is missing: give backup, or blob."]);
  });

  it.each([null, "text", 1])("are left to the resource where it is %j", (backup) => {
    expect(check(backup)).toEqual({ backup, mistakes: [] });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["a blob that is missing", { keyUri }, "backup.blob is missing."],
    ["a blob that is no text", { blob: 1 }, "backup.blob is not a string."],
    ["a hash that is no text", { blob, blobSha256: 1 }, "backup.blobSha256 is not a SHA-256 of 64 hexadecimal digits."],
    ["versions that are no array", { blob, keyVersions: v1 }, "backup.keyVersions is not an array of strings."],
    ["versions that are no texts", { blob, keyVersions: [v1, 2] }, "backup.keyVersions is not an array of strings."],
    ["thumbprints in an array", { blob, keyThumbprints: ["a"] }, "backup.keyThumbprints is not an object of strings."],
    ["thumbprints that are no texts", { blob, keyThumbprints: { [v1]: 1 } }, "backup.keyThumbprints is not an object"],
    ["a name of a key that is none", { blob, keyName: "no name" }, "backup.keyName is not 1 to 127 letters"],
    ["a URI that is none", { blob, keyUri: "orders" }, "backup.keyUri is not an absolute URI like https://"],
    ["a URI of a vault", { blob, keyUri: "https://kv.vault.azure.net/" }, "backup.keyUri is not the URI of a key"],
    [
      "a URI of a secret",
      { blob, keyUri: "https://kv.vault.azure.net/secrets/orders" },
      "backup.keyUri names a secret, not a key",
    ],
  ])("tell %s", (_, backup, text) => {
    const { mistakes } = check(backup);
    expect(mistakes).toEqual([expect.stringContaining(text)]);
  });

  it("tell a member that there is none of, with those that there are", () => {
    expect(check({ blob, sha256: blobSha256 }).mistakes).toEqual([
      "backup.sha256 is not an input of the backup of KeyRestore, which has blob, blobSha256, keyName, keyUri, " +
        "keyVersions, keyThumbprints, backedUpAt.",
    ]);
  });

  it("do not repeat a blob that was given for its hash", () => {
    const { backup, mistakes } = check({ blob, blobSha256: blob });
    const told = [...mistakes, ...damageOfBackup(backupIn(backup))];
    expect(told).toHaveLength(1);
    expect(told.join().includes(blob.slice(0, 100).toLowerCase())).toBe(false);
  });

  it("repeat nothing of what was given, whatever it is", () => {
    const secret = "hidden-from-view";
    const values = fc.constantFrom<unknown>(secret, [secret], [1, secret], { [v1]: [secret] }, `${secret}!`);
    const backups = fc.record(
      {
        blob: values,
        blobSha256: values,
        keyName: values,
        keyUri: fc.oneof(
          values,
          fc.constant(`http://${secret}@kv.vault.azure.net/keys/${secret}!?${secret}#${secret}`),
        ),
        keyVersions: values,
        keyThumbprints: values,
        backedUpAt: values,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(backups, (given) => {
        const { backup, mistakes } = check(given);
        const damage = damageOfBackup({ ...backupIn(backup), recordedSha256: undefined });
        expect([...mistakes, ...damage].join()).not.toContain(secret);
      }),
    );
  });
});

describe("what is known of a backup", () => {
  it("is what was checked, with the SHA-256 that its blob has and the vault that it comes from", () => {
    const { backup } = check({
      blob,
      blobSha256: "1".repeat(64),
      keyUri,
      keyVersions: [v1],
      keyThumbprints: { [v1]: "One" },
    });
    expect(backupIn(backup)).toEqual({
      blob,
      blobSha256,
      recordedSha256: "1".repeat(64),
      keyName: "orders",
      sourceVaultUri: "https://kv.vault.azure.net/",
      keyUri,
      keyVersions: [v1],
      keyThumbprints: { [v1]: "One" },
      backedUpAt: undefined,
    });
  });

  it.each([undefined, null, unknown, "text", 1, [], {}])("is nothing where it is %j", (value) => {
    expect(backupIn(value)).toEqual({
      blob: "",
      blobSha256: sha256OfBlob(""),
      recordedSha256: undefined,
      keyName: undefined,
      sourceVaultUri: undefined,
      keyUri: undefined,
      keyVersions: [],
      keyThumbprints: {},
      backedUpAt: undefined,
    });
  });

  it("is nothing of what is not known yet", () => {
    const partly = { blob: unknown, keyName: unknown, keyUri: unknown, keyThumbprints: { [v1]: unknown } };
    expect(backupIn(partly)).toEqual(backupIn({}));
  });
});

describe("the damage of a backup", () => {
  const damage = (backup: unknown) => damageOfBackup(backupIn(check(backup).backup));

  it("is none of what the service returned, and none of the blob of a Managed HSM, whose form is its own", () => {
    expect(damage({ blob })).toEqual([]);
    expect(damage({ blob, blobSha256: blobSha256.toUpperCase() })).toEqual([]);
    expect(damage({ blob: ofHsm, blobSha256: sha256OfBlob(ofHsm) })).toEqual([]);
  });

  it("is that it is no blob", () => {
    expect(damage({ blob: "no blob!" })).toEqual([
      "The blob is none: it is neither base64url, nor base64, nor the text of a backup file.",
    ]);
  });

  it("is that it is another than the one that was made, with both hashes", () => {
    expect(damage({ blob, blobSha256: "1".repeat(64) })).toEqual([
      `The blob is not the one that was made: its SHA-256 is ${blobSha256}, and blobSha256 says ${"1".repeat(64)}. Give ` +
        "the blob as it was returned, or another backup.",
    ]);
  });

  it("is that it is of a secret, with the command for that", () => {
    expect(damage({ blob: ofSecret })).toEqual([
      "The blob is the backup of a secret, not of a key: az keyvault secret restore.",
    ]);
  });

  it.each([
    ["without its last part", (text: string) => text.slice(0, text.lastIndexOf("."))],
    ["to its version string", (text: string) => text.slice(0, 39)],
  ])("is that it was cut short (%s)", (_, cut) => {
    expect(damage({ blob: encoded(cut(decoded.toString("latin1"))) })).toEqual([
      expect.stringMatching(/^The blob is damaged, perhaps cut short: .* compact JWE of five parts\. Give the blob as/),
    ]);
  });
});

describe("a vault for the backup", () => {
  const hsm = "https://hsm.managedhsm.azure.net/";
  const vault = "https://kv.vault.azure.net/";
  const mistakes = (backup: unknown, vaultUri: string) => kindMistakes(backupIn(backup), vaultUri);

  it("is of its own kind", () => {
    expect(mistakes({ blob, keyUri }, vault)).toEqual([]);
    expect(mistakes({ blob }, vault)).toEqual([]);
    expect(mistakes({ blob: ofHsm, keyUri: `${hsm}keys/orders` }, hsm)).toEqual([]);
    expect(mistakes({ blob: ofHsm }, hsm)).toEqual([]);
  });

  it("is no Managed HSM where its URI, or its blob, is of a vault", () => {
    const text = "vaultUri names a Managed HSM, and the backup is of a vault: give a vault, in the source's geography.";
    expect(mistakes({ blob, keyUri }, hsm)).toEqual([text]);
    expect(mistakes({ blob }, hsm)).toEqual([text]);
    expect(mistakes({ blob: ofHsm, keyUri }, hsm)).toEqual([text]);
  });

  it("is no vault where its URI is of a Managed HSM", () => {
    expect(mistakes({ blob: ofHsm, keyUri: `${hsm}keys/orders` }, vault)).toEqual([
      "vaultUri names a vault, and the backup is of a Managed HSM: give a Managed HSM of the same security domain.",
    ]);
  });

  it("may be either where neither tells", () => {
    expect(mistakes({ blob: ofHsm }, vault)).toEqual([]);
  });
});
