import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { sha256OfBlob } from "../../../../src/backup/blob";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import {
  backupRefIn,
  checkBackupRef,
  kindOfBackup,
  knownBackup,
  vaultTypeMistakes,
  whyNotRestorable,
} from "../../../../src/provider/engine/backupRef";
import { readConfiguration } from "../../../../src/provider/engine/configuration";
import response from "../../../support/backupKeyResponse.json";

const blob = response.value;
const blobSha256 = sha256OfBlob(blob);
const decoded = Buffer.from(blob, "base64url");
const unknown = pulumi.runtime.unknownValue;
const [v1, v2] = ["a".repeat(32), "b".repeat(32)];
const keyUri = "https://kv.vault.azure.net/keys/orders";
const configuration = readConfiguration(undefined);
const check = (backup: unknown) => checkBackupRef(key, "KeyRestore", backup, configuration);
const refIn = (backup: unknown) => backupRefIn(key, backup);
const restores = new Map<ObjectKind, string>([
  [key, "KeyRestore"],
  [secret, "SecretRestore"],
  [certificate, "CertificateRestore"],
]);
const pairs = objectKinds.flatMap((kind) =>
  objectKinds.filter((other) => other !== kind).map((other) => ({ kind, other })),
);
const checkAs = (kind: ObjectKind, backup: unknown) =>
  checkBackupRef(kind, restores.get(kind) ?? "", backup, configuration);
const uriOf = ({ collection }: ObjectKind) => `https://kv.vault.azure.net/${collection}/orders`;
const encoded = (text: string) => Buffer.from(text, "latin1").toString("base64url");
const ofSecret = encoded(decoded.toString("latin1").replace("&AzureKeyVaultKey", ")AzureKeyVaultSecret"));
const part = (text: string) => Buffer.from(text).toString("base64url");
const ofHsm = encoded(
  `${part('{"alg":"dir","enc":"A256CBC-HS512"}')}..${part("iv")}.${part("text")}.${part("t".repeat(32))}`,
);

describe("the kind of a backup", () => {
  it.each(objectKinds)("is that of its name or its URI: $noun", (kind) => {
    const { name, uri } = kind.properties;
    expect(kindOfBackup({ blob, [name]: "orders" })).toBe(kind);
    expect(kindOfBackup({ [uri]: uriOf(kind) })).toBe(kind);
    expect(kindOfBackup({ blob: unknown, [name]: unknown, [uri]: unknown })).toBe(kind);
  });

  it("is not told by a backup that names no object, or by what is no backup", () => {
    for (const backup of [{ blob }, { blob, keyName: null, secretUri: undefined }, {}, undefined, null, unknown, "x"]) {
      expect(kindOfBackup(backup)).toBeUndefined();
    }
  });

  it.each(pairs)("is not told by a backup that names two kinds: $kind.noun and $other.noun", ({ kind, other }) => {
    expect(kindOfBackup({ blob, [kind.properties.name]: "a", [other.properties.uri]: "b" })).toBeUndefined();
  });
});

describe("a backup among the inputs", () => {
  it.each(objectKinds)("of a $noun is completed with the name in its URI, and made canonical", (kind) => {
    const { name, uri } = kind.properties;
    const given = {
      blob: `${decoded.toString("base64")}\n`,
      [uri]: `HTTPS://KV.vault.azure.net//${kind.collection}/orders/${v1}/`,
    };
    const completed = { backup: { blob, [uri]: uriOf(kind), [name]: "orders" }, mistakes: [] };
    expect(checkAs(kind, given)).toEqual(completed);
    expect(checkBackupRef(kind, "RestoreDrill", given, configuration)).toEqual(completed);
  });

  it("may be a blob alone, in any form in which people keep one", () => {
    const lines = decoded.toString("base64").replace(/.{76}/g, "$&\r\n");
    for (const text of [blob, `${blob}==`, decoded.toString("base64"), lines, decoded.toString("latin1")]) {
      expect(check({ blob: text, keyName: null, versions: undefined })).toEqual({ backup: { blob }, mistakes: [] });
    }
  });

  it("keeps the spelling of a name that is given beside the URI", () => {
    expect(check({ blob, keyName: "Orders", keyUri })).toEqual({
      backup: { blob, keyName: "Orders", keyUri },
      mistakes: [],
    });
  });

  it("keeps a text that is no blob, which the resource reports", () => {
    expect(check({ blob: "no blob!" })).toEqual({ backup: { blob: "no blob!" }, mistakes: [] });
  });

  it("is passed over as far as it is not known yet", () => {
    expect(check(unknown)).toEqual({ backup: unknown, mistakes: [] });
    const names = ["blob", "blobSha256", "keyUri", "keyName", "versions", "thumbprints", "backedUpAt"];
    const partly = Object.fromEntries(names.map((name) => [name, unknown]));
    expect(check(partly)).toEqual({ backup: partly, mistakes: [] });
    const deep = { blob: unknown, versions: [v1, unknown], thumbprints: { [v1]: unknown } };
    expect(check(deep)).toEqual({ backup: deep, mistakes: [] });
  });

  it("is the same when it is checked again, and what was given is not changed", () => {
    const given = Object.freeze({ blob: `${blob}==`, blobSha256: blobSha256.toUpperCase(), keyUri: `${keyUri}/${v1}` });
    const { backup } = check(given);
    expect(check(backup)).toEqual({ backup, mistakes: [] });
    expect(given.keyUri).toBe(`${keyUri}/${v1}`);
  });
});

describe("a mistake in a backup", () => {
  it("is that there is none, unless the engine hands over something that the resource reports", () => {
    expect(check(undefined).mistakes).toEqual(["KeyRestore has no backup: set backup, or blob."]);
    for (const backup of [null, "text", 1]) expect(check(backup)).toEqual({ backup, mistakes: [] });
    expect(checkBackupRef(undefined, "RestoreDrill", undefined, configuration).mistakes).toEqual([
      "RestoreDrill has no backup: set backup.",
    ]);
  });

  it.each(pairs)(
    "is that it is of another kind of object, and the resource to use is told: $other.noun, not $kind.noun",
    ({ kind, other }) => {
      const { name, uri } = other.properties;
      for (const member of [{ [name]: "orders" }, { [uri]: uriOf(other) }, { [uri]: unknown }]) {
        const given = { blob, ...member };
        expect(checkAs(kind, given)).toEqual({
          backup: given,
          mistakes: [`backup is of a ${other.noun}, not of a ${kind.noun}: use a ${restores.get(other)}.`],
        });
      }
    },
  );

  it.each(pairs)("is that it names an object of another kind too: $kind.noun and $other.noun", ({ kind, other }) => {
    const { name, uri } = other.properties;
    const given = { blob, [kind.properties.name]: "orders" };
    for (const member of [name, uri]) {
      expect(checkAs(kind, { ...given, [member]: "orders" }).mistakes).toEqual([
        expect.stringContaining(
          `backup.${member} is not an input of the backup of ${restores.get(kind)}; its inputs are`,
        ),
      ]);
    }
  });

  it("is that only the backup could tell the kind of object, and does not", () => {
    for (const given of [{ blob }, { blob, keyName: "a", secretName: "a" }]) {
      expect(checkBackupRef(undefined, "RestoreDrill", given, configuration)).toEqual({
        backup: given,
        mistakes: [
          "backup does not name its object: set one of keyName, secretName, certificateName in backup, or the URI of the object.",
        ],
      });
    }
    for (const backup of [unknown, null, "text"]) {
      expect(checkBackupRef(undefined, "RestoreDrill", backup, configuration)).toEqual({ backup, mistakes: [] });
    }
  });

  it.each(objectKinds)("is that the URI is not that of a $noun", (kind) => {
    const { uri } = kind.properties;
    const [other] = objectKinds.filter((one) => one !== kind) as [ObjectKind];
    expect(checkAs(kind, { blob, [uri]: uriOf(other) }).mistakes).toEqual([
      `backup.${uri} names a ${other.noun}, not a ${kind.noun}: its path must begin with /${kind.collection}.`,
    ]);
    expect(checkAs(kind, { blob, [uri]: "https://kv.vault.azure.net/storage/orders" }).mistakes).toEqual([
      expect.stringContaining(
        `backup.${uri} is not the URI of a ${kind.noun}: its path must be /${kind.collection}/{name}`,
      ),
    ]);
  });

  it.each([secret, certificate])("is that a Managed HSM is the source of a $noun", (kind) => {
    const { uri } = kind.properties;
    const inHsm = uriOf(kind).replace("kv.vault", "hsm.managedhsm");
    expect(checkAs(kind, { blob, [uri]: inHsm }).mistakes).toEqual([
      `backup.${uri} names a Managed HSM, which holds no ${kind.collection}.`,
    ]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["no blob", { keyUri }, "backup.blob is missing:"],
    ["a number for the blob", { blob: 1 }, "backup.blob must be a string."],
    ["a number for the hash", { blob, blobSha256: 1 }, "backup.blobSha256 must be a SHA-256 of 64 hexadecimal digits."],
    ["a text for the versions", { blob, versions: v1 }, "backup.versions must be an array, each item a string."],
    [
      "a number among the versions",
      { blob, versions: [v1, 2] },
      "backup.versions must be an array, each item a string",
    ],
    ["an array of thumbprints", { blob, thumbprints: ["a"] }, "backup.thumbprints must be an object of strings."],
    ["a number among thumbprints", { blob, thumbprints: { [v1]: 1 } }, "backup.thumbprints must be an object of str"],
    ["a number for the time", { blob, backedUpAt: 1 }, "backup.backedUpAt must be a string."],
    ["a space in the name", { blob, keyName: "no name" }, "backup.keyName is not 1 to 127 letters"],
    ["a relative URI", { blob, keyUri: "orders" }, "backup.keyUri is not an absolute URI like https://"],
    ["the URI of a vault", { blob, keyUri: "https://kv.vault.azure.net/" }, "backup.keyUri is not the URI of a key"],
    ["the URI of a secret", { blob, keyUri: "https://kv/secrets/orders" }, "backup.keyUri names a secret, not a key"],
    [
      "a name that is not in the URI",
      { blob, keyName: "a", keyUri },
      "backup.keyName is not the name in backup.keyUri.",
    ],
    [
      "an unknown member",
      { blob, sha256: blobSha256 },
      "backup.sha256 is not an input of the backup of KeyRestore; its",
    ],
  ])("gives one sentence: %s", (_, backup, sentence) => {
    expect(check(backup).mistakes).toEqual([expect.stringContaining(sentence)]);
  });

  it("repeats nothing of what was given, and is found without throwing, whatever is given", () => {
    const hiddenText = "hidden-from-view";
    const hidden = fc.constantFrom<unknown>(
      unknown,
      hiddenText,
      `${hiddenText}!`,
      [1, hiddenText],
      { [v1]: [hiddenText] },
      `http://${hiddenText}@kv.vault.azure.net/keys/${hiddenText}!?${hiddenText}#${hiddenText}`,
    );
    const value = fc.oneof(hidden, fc.anything());
    const named = objectKinds.flatMap(({ properties }) => [properties.name, properties.uri]);
    const members = ["blob", "blobSha256", ...named, "versions", "thumbprints", "backedUpAt"];
    const backups = fc.oneof(fc.dictionary(fc.constantFrom(...members), value, { maxKeys: 5 }), value);
    fc.assert(
      fc.property(fc.constantFrom(...objectKinds), backups, (kind, given) => {
        const { backup, mistakes } = checkAs(kind, given);
        const ref = backupRefIn(kind, backup);
        const reasons = [...mistakes, ...whyNotRestorable(kind, ref), ...vaultTypeMistakes(ref, "https://kv/")];
        expect(reasons.join("\n")).not.toContain(hiddenText);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what is known of a backup", () => {
  it("is what was checked, with the hash of the blob as it is and the vault of its source", () => {
    const { backup } = check({
      blob,
      blobSha256: "A".repeat(64),
      keyUri,
      versions: [v2.toUpperCase(), v1],
      thumbprints: { [v1.toUpperCase()]: "One" },
      backedUpAt: "2026-03-01T00:00:00Z",
    });
    expect(refIn(backup)).toEqual({
      blob,
      blobSha256,
      recordedSha256: "a".repeat(64),
      name: "orders",
      sourceVaultUri: "https://kv.vault.azure.net/",
      sourceUri: keyUri,
      versions: [v2, v1],
      thumbprints: { [v1]: "One" },
      backedUpAt: "2026-03-01T00:00:00Z",
    });
  });

  it("is nothing if the value is no backup, or not known yet", () => {
    const nothing = {
      blob: "",
      blobSha256: "",
      recordedSha256: undefined,
      name: undefined,
      sourceVaultUri: undefined,
      sourceUri: undefined,
      versions: [],
      thumbprints: {},
      backedUpAt: undefined,
    };
    for (const value of [undefined, null, unknown, "text", 1, [], {}, { blob: unknown, keyUri: unknown }]) {
      expect(refIn(value)).toEqual(nothing);
    }
  });

  it("is undefined as a whole while a part of it is unknown", () => {
    expect(knownBackup(key, { blob, versions: [unknown] })).toBeUndefined();
    expect(knownBackup(key, { blob })).toMatchObject({ blob, blobSha256 });
  });
});

describe.each(objectKinds)("what is known of a backup of a $noun", (kind) => {
  it("has the name, the URI and the vault of its source", () => {
    const { backup } = checkAs(kind, { blob, [kind.properties.uri]: `${uriOf(kind)}/${v1}` });
    expect(backupRefIn(kind, backup)).toMatchObject({
      name: "orders",
      sourceUri: uriOf(kind),
      sourceVaultUri: "https://kv.vault.azure.net/",
    });
  });

  it("does not have the name of another kind of object", () => {
    for (const { properties } of objectKinds.filter((other) => other !== kind)) {
      const ref = backupRefIn(kind, { blob, [properties.name]: "orders", [properties.uri]: "orders" });
      expect(ref).toMatchObject({ name: undefined, sourceUri: undefined, sourceVaultUri: undefined });
    }
  });
});

describe("a backup that cannot be restored", () => {
  const why = (backup: unknown) => whyNotRestorable(key, refIn(check(backup).backup));

  it("is not any that a vault or a Managed HSM returned", () => {
    expect(why({ blob, blobSha256: blobSha256.toUpperCase() })).toEqual([]);
    expect(why({ blob: ofHsm, blobSha256: sha256OfBlob(ofHsm) })).toEqual([]);
    expect(why({ blob: "AAAA" })).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ["is no backup", { blob: "no blob!" }, /^blob is not a Key Vault backup: expected base64url/],
    [
      "is not the one that was recorded",
      { blob, blobSha256: "1".repeat(64) },
      new RegExp(`^blob is not the recorded backup: its SHA-256 is ${blobSha256}, not 1{64}\\.`),
    ],
    ["lacks its end", { blob: blob.slice(0, -200) }, /^blob is not a whole backup: it is cut short or changed\./],
    ["of a Managed HSM lacks its end", { blob: ofHsm.slice(0, -60) }, /^blob is not a whole backup/],
  ])("gives one reason if it %s", (_, backup, reason) => {
    expect(why(backup)).toEqual([expect.stringMatching(reason)]);
  });

  it.each<[string, ObjectKind, string, string]>([
    ["a secret, for a key", key, ofSecret, "a secret, not of a key: use the backup of a key."],
    ["a secret, for a certificate", certificate, ofSecret, "a secret, not of a certificate: use the backup of a cert"],
    ["a key or certificate, for a secret", secret, blob, "a key or certificate, not of a secret: use the backup of a"],
    ["a Managed HSM, for a secret", secret, ofHsm, "a Managed HSM's key, not of a secret: use the backup of a secret."],
    ["a Managed HSM, for a certificate", certificate, ofHsm, "a Managed HSM's key, not of a certificate: use the bac"],
  ])("begins like that of %s", (_, kind, text, reason) => {
    for (const whole of [text, text.slice(0, -60)]) {
      expect(whyNotRestorable(kind, backupRefIn(kind, { blob: whole }))).toEqual([
        expect.stringContaining(`blob is the backup of ${reason}`),
      ]);
    }
  });

  it("is not one of the kind itself, nor one of an emulator", () => {
    const own: [ObjectKind, string][] = [
      [key, blob],
      [key, ofHsm],
      [certificate, blob],
      [secret, ofSecret],
    ];
    for (const [kind, text] of own) expect(whyNotRestorable(kind, backupRefIn(kind, { blob: text }))).toEqual([]);
    for (const kind of objectKinds) expect(whyNotRestorable(kind, backupRefIn(kind, { blob: "AAAA" }))).toEqual([]);
  });
});

describe("a vault for a backup", () => {
  const hsm = "https://hsm.managedhsm.azure.net/";
  const vault = "https://kv.vault.azure.net/";
  const mistakes = (backup: unknown, vaultUri: string) => vaultTypeMistakes(refIn(backup), vaultUri);

  it("may be one of the backup's own type", () => {
    expect(mistakes({ blob, keyUri }, vault)).toEqual([]);
    expect(mistakes({ blob }, vault)).toEqual([]);
    expect(mistakes({ blob: ofHsm, keyUri: `${hsm}keys/orders` }, hsm)).toEqual([]);
    expect(mistakes({ blob: ofHsm }, hsm)).toEqual([]);
  });

  it("must not be a Managed HSM if the backup, or its source, is of a vault", () => {
    for (const backup of [{ blob, keyUri }, { blob }, { blob: ofHsm, keyUri }, { blob: ofSecret }]) {
      expect(mistakes(backup, hsm)).toEqual([
        expect.stringContaining("vaultUri is a Managed HSM, and the backup is of"),
      ]);
    }
  });

  it("must not be a vault if the backup, or its source, is of a Managed HSM", () => {
    for (const backup of [{ blob: ofHsm }, { blob: ofHsm, keyUri: `${hsm}keys/orders` }]) {
      expect(mistakes(backup, vault)).toEqual([
        expect.stringContaining("use a Managed HSM with the same security dom"),
      ]);
    }
  });

  it("may be any if nothing tells what the backup is of, as with an emulator", () => {
    for (const vaultUri of [vault, hsm]) expect(mistakes({ blob: "AAAA" }, vaultUri)).toEqual([]);
    expect(mistakes({ blob: ofHsm, keyUri: "https://localhost/keys/orders" }, "https://localhost/")).toEqual([]);
  });
});
