import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import { restoreFamily } from "../../../../src/provider/restore/family";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

type Properties = Readonly<Record<string, unknown>>;

const hsmUri = "https://contoso.managedhsm.azure.net/";
const vaultUri = "https://kv-dr.vault.azure.net/";
const unknown = pulumi.runtime.unknownValue;

let service: TestService;
/** Stacks whose object is backed up. */
const stacks = new Map<ObjectKind, TestStack>();
let hsmBlob: string;

beforeAll(async () => {
  service = await TestService.start();
  for (const kind of objectKinds) {
    const stack = await service.stackOf(kind);
    await stack.backedUp();
    stacks.set(kind, stack);
  }
  const hsm = await service.service.createVault(undefined, { kind: "managedHsm" });
  await hsm.keys.create("orders");
  hsmBlob = await hsm.keys.backUp("orders");
});
afterAll(() => service.stop());
beforeEach(() => {
  for (const { target } of stacks.values()) target.clearRequests();
});

const stackOf = (kind: ObjectKind) => stacks.get(kind) as TestStack;
const backupOf = (kind: ObjectKind): Properties => stackOf(kind).backupRef;
const blobOf = (kind: ObjectKind) => String(backupOf(kind).blob);
const allBlobs = () => Object.fromEntries([...objectKinds.map((kind) => [kind.noun, blobOf(kind)]), ["hsm", hsmBlob]]);

const bytes = (text: string) => Buffer.from(text, "base64url");
const cut = (kind: ObjectKind, length: number) => bytes(blobOf(kind)).subarray(0, length).toString("base64url");

const providerOf = (kind: ObjectKind) =>
  defineProvider(restoreFamily(stackOf(kind).resource("Restore"), kind), stackOf(kind).environment());

async function check(kind: ObjectKind, inputs: Properties, config: Readonly<Record<string, string>> = {}) {
  const { inputs: completed, failures } = await providerOf(kind).check({}, inputs, { get: (name) => config[name] });
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return { completed, reasons: failures.map(({ reason }) => reason) };
}

/** Mistakes in the inputs, which are right but for these. */
const mistakesOf = async (kind: ObjectKind, inputs: Properties) =>
  (await check(kind, { vaultUri, backup: backupOf(kind), ...inputs })).reasons;

/** One sentence is the answer, and it tells nothing of a blob. */
async function expectSentence(kind: ObjectKind, inputs: Properties, sentence: string): Promise<void> {
  const mistakes = await mistakesOf(kind, inputs);
  expect(mistakes).toEqual([expect.stringContaining(sentence)]);
  expect(mistakes[0]).toMatch(/\.$/);
  expect(leaksIn(mistakes.join(), allBlobs())).toEqual([]);
}

const forms = [
  ["base64url", (text: string) => text],
  ["padded base64 in lines", (text: string) => bytes(text).toString("base64").replace(/.{64}/g, "$&\n")],
  ["the contents of a backup file", (text: string) => bytes(text).toString("latin1")],
] as const;

describe.each(objectKinds)("the check of the restore of a $noun", (kind) => {
  const { noun, collection, properties } = kind;
  const { name, uri } = properties;
  const resource = `${capitalized(noun)}Restore`;

  it.each<[string, () => Properties, string]>([
    ["a missing vault", () => ({ vaultUri: null }), "Set vaultUri to the vault to restore into."],
    ["a missing backup", () => ({ backup: undefined }), `${resource} has no backup: set backup, or blob.`],
    ["a backup that is a text", () => ({ backup: "AAAA" }), "backup must be a backup resource or an object."],
    ["a vault that is no text", () => ({ vaultUri: 1 }), "vaultUri must be a string."],
    [
      "a vault that is no URI",
      () => ({ vaultUri: "kv-dr" }),
      "vaultUri is not an absolute URI like https://my-vault.vault.azure.net/.",
    ],
    [
      "a vault with a path",
      () => ({ vaultUri: `${vaultUri}${collection}/orders` }),
      "vaultUri has a path: give the URI of the vault alone.",
    ],
    [
      "the private link name of a vault",
      () => ({ vaultUri: "https://kv-dr.privatelink.vaultcore.azure.net/" }),
      "vaultUri is a private link name. Use the public name",
    ],
    [
      "an unknown input",
      () => ({ [uri]: `https://kv.vault.azure.net/${collection}/orders` }),
      `${uri} is not an input of ${resource}; its inputs are vaultUri, backup, onNewVersions.`,
    ],
    ["another onNewVersions", () => ({ onNewVersions: "merge" }), 'onNewVersions must be "keep" or "recreate".'],
    [
      "an unknown member of the backup",
      () => ({ backup: { ...backupOf(kind), tags: {} } }),
      `backup.tags is not an input of the backup of ${resource}`,
    ],
    ["a backup without a blob", () => ({ backup: { [name]: "orders" } }), "backup.blob is missing:"],
    [
      "a SHA-256 that is none",
      () => ({ backup: { ...backupOf(kind), blobSha256: "abc" } }),
      "backup.blobSha256 must be a SHA-256 of 64 hexadecimal digits.",
    ],
    [
      "versions that are numbers",
      () => ({ backup: { ...backupOf(kind), versions: [1] } }),
      "backup.versions must be an array, each item a string.",
    ],
    [
      "a name that no object has",
      () => ({ backup: { blob: blobOf(kind), [name]: "a name" } }),
      `backup.${name} is not 1 to 127 letters, digits and hyphens.`,
    ],
    [
      "a name that is not the source's",
      () => ({ backup: { ...backupOf(kind), [name]: "invoices" } }),
      `backup.${name} is not the name in backup.${uri}.`,
    ],
    [
      "an empty blob",
      () => ({ backup: { blob: "" } }),
      "blob is not a Key Vault backup: expected base64url, base64 or the contents of a backup file.",
    ],
    ["a blob that is another text", () => ({ backup: { blob: "no backup!" } }), "blob is not a Key Vault backup"],
    [
      "a blob that is cut short",
      () => ({ backup: { blob: cut(kind, 3_000) } }),
      "blob is not a whole backup: it is cut short or changed. Use the whole blob, or another backup.",
    ],
    ["a blob that ends with its header", () => ({ backup: { blob: cut(kind, 60) } }), "blob is not a whole backup"],
    [
      "a blob with another SHA-256 than was recorded",
      () => ({ backup: { ...backupOf(kind), blobSha256: "0".repeat(64) } }),
      "blob is not the recorded backup: its SHA-256 is ",
    ],
  ])("has one sentence for %s", async (_, inputs, sentence) => {
    await expectSentence(kind, inputs(), sentence);
  });

  describe.each(objectKinds.filter((other) => other !== kind))("with the backup of a $noun", (other) => {
    const isToldByTheBlob = [noun, other.noun].includes("secret");

    it("has one sentence for the whole backup, which names the resource to use", async () => {
      const sentence = `backup is of a ${other.noun}, not of a ${noun}: use a ${capitalized(other.noun)}Restore.`;
      await expectSentence(kind, { backup: backupOf(other) }, sentence);
    });

    it.each(forms)(
      `${isToldByTheBlob ? "has one sentence for" : "lets the service judge"} its blob alone, as %s`,
      async (_, form) => {
        const backup = { blob: form(blobOf(other)) };
        if (isToldByTheBlob) {
          const madeOf = other.noun === "secret" ? "a secret" : "a key or certificate";
          const sentence = `blob is the backup of ${madeOf}, not of a ${noun}: use the backup of a ${noun}.`;
          await expectSentence(kind, { backup }, sentence);
        } else {
          expect(await mistakesOf(kind, { backup })).toEqual([]);
        }
      },
    );

    it("has one sentence for its URI as the source", async () => {
      const source = `https://kv.vault.azure.net/${other.collection}/orders`;
      const sentence = `backup.${uri} names a ${other.noun}, not a ${noun}: its path must begin with /${collection}.`;
      await expectSentence(kind, { backup: { blob: blobOf(kind), [uri]: source } }, sentence);
    });
  });

  it("reports several mistakes at once", async () => {
    const backup = { blob: blobOf(kind), versions: "all" };
    expect(await mistakesOf(kind, { vaultUri: "kv-dr", onNewVersions: 1, backup })).toHaveLength(3);
  });

  it("does not repeat a blob that is given in a wrong place", async () => {
    const blob = blobOf(kind);
    const mistakes = await mistakesOf(kind, { vaultUri: blob, backup: { blob, blobSha256: blob, [name]: blob } });
    expect(leaksIn(mistakes.join(), { blob })).toEqual([]);
    expect(mistakes).toHaveLength(3);
  });

  it.each(forms)("takes a blob in the form of %s, and completes it to base64url", async (_, form) => {
    const blob = blobOf(kind);
    const { reasons, completed } = await check(kind, { vaultUri, backup: { ...backupOf(kind), blob: form(blob) } });
    expect([reasons, completed.backup]).toEqual([[], expect.objectContaining({ blob })]);
  });

  it("completes the URI of the vault, and the URI and the name of the source", async () => {
    const blob = blobOf(kind);
    const { completed, reasons } = await check(kind, {
      vaultUri: "https://KV-DR.vault.azure.net",
      backup: { blob, [uri]: `https://KV.vault.azure.net/${collection}/orders/0123` },
      onNewVersions: undefined,
    });
    expect(reasons).toEqual([]);
    const source = `https://kv.vault.azure.net/${collection}/orders`;
    expect(completed).toEqual({ vaultUri, backup: { blob, [uri]: source, [name]: "orders" } });
  });

  it("takes a private link name if the stack disables the challenge's verification", async () => {
    const inputs = { vaultUri: "https://kv-dr.privatelink.vaultcore.azure.net/", backup: backupOf(kind) };
    const config = { "azure-keyvault-backup:disableChallengeResourceVerification": "true" };
    expect((await check(kind, inputs, config)).reasons).toEqual([]);
  });

  it("passes over what is not known yet, and reports the other mistakes", async () => {
    expect(await mistakesOf(kind, { vaultUri: unknown })).toEqual([]);
    expect(await mistakesOf(kind, { backup: unknown })).toEqual([]);
    const backup = { blob: unknown, versions: unknown, [name]: "orders" };
    expect(await mistakesOf(kind, { backup })).toEqual([]);
    expect(await mistakesOf(kind, { vaultUri: unknown, backup: { blob: cut(kind, 3_000) } })).toHaveLength(1);
    expect(await mistakesOf(kind, { backup: { blob: unknown, [name]: "a name" } })).toHaveLength(1);
  });

  it("makes no request", async () => {
    const { target } = stackOf(kind);
    await check(kind, { vaultUri: target.vaultUri, backup: backupOf(kind) });
    expect(target.requests).toEqual([]);
  });
});

describe("the thumbprints of a backup", () => {
  it.each([
    ["in a list", ["a"]],
    ["that are numbers", { a: 1 }],
  ])("have one sentence if they are %s", async (_, thumbprints) => {
    for (const kind of [key, certificate]) {
      const sentence = "backup.thumbprints must be an object of strings.";
      await expectSentence(kind, { backup: { ...backupOf(kind), thumbprints } }, sentence);
    }
  });

  it("are no input of a SecretRestore", async () => {
    const backup = { ...backupOf(secret), thumbprints: {} };
    await expectSentence(secret, { backup }, "backup.thumbprints is not an input of the backup of SecretRestore");
  });
});

describe("a Managed HSM", () => {
  it.each<[string, () => Properties, string]>([
    [
      "a Managed HSM's blob that is cut short",
      () => ({ vaultUri: hsmUri, backup: { blob: bytes(hsmBlob).subarray(0, 5_000).toString("base64url") } }),
      "blob is not a",
    ],
    [
      "a Managed HSM's blob for a vault",
      () => ({ backup: { blob: hsmBlob } }),
      "vaultUri is a vault, and the backup is of a Managed HSM: use a Managed HSM with the same security domain.",
    ],
    [
      "a backup from a Managed HSM for a vault",
      () => ({ backup: { blob: hsmBlob, keyUri: `${hsmUri}keys/orders` } }),
      "vaultUri is a vault, and the backup is of a Managed HSM",
    ],
    [
      "a vault's blob for a Managed HSM",
      () => ({ vaultUri: hsmUri, backup: { blob: blobOf(key) } }),
      "vaultUri is a Managed HSM, and the backup is of a vault: use a vault in the source's geography.",
    ],
  ])("is a mistake of a KeyRestore in %s", async (_, inputs, sentence) => {
    await expectSentence(key, inputs(), sentence);
  });

  it.each(forms)("has blobs that a KeyRestore takes in the form of %s", async (_, form) => {
    const { reasons, completed } = await check(key, { vaultUri: hsmUri, backup: { blob: form(hsmBlob) } });
    expect([reasons, completed.backup]).toEqual([[], { blob: hsmBlob }]);
  });

  const others = objectKinds.filter((kind) => kind !== key);

  it.each(others)("holds no $collection to restore", async (kind) => {
    const sentence = `vaultUri names a Managed HSM, which holds no ${kind.collection}.`;
    await expectSentence(kind, { vaultUri: hsmUri }, sentence);
  });

  it.each(others)("is not the source of a $noun", async (kind) => {
    const backup = { blob: blobOf(kind), [kind.properties.uri]: `${hsmUri}${kind.collection}/orders` };
    const sentence = `backup.${kind.properties.uri} names a Managed HSM, which holds no ${kind.collection}.`;
    await expectSentence(kind, { backup }, sentence);
  });

  it.each(others)("has blobs that are not those of a $noun", async (kind) => {
    const sentence = `blob is the backup of a Managed HSM's key, not of a ${kind.noun}: use the backup of a ${kind.noun}.`;
    expect(await mistakesOf(kind, { backup: { blob: hsmBlob } })).toContain(sentence);
  });
});

describe("whatever a program and a state hold", () => {
  const blobs = () => objectKinds.map(blobOf);
  const texts = () => fc.oneof(fc.string(), fc.constantFrom(...blobs(), unknown, vaultUri, hsmUri, "missing", ""));
  const values = () => fc.oneof(texts(), fc.jsonValue(), fc.constantFrom(undefined, null), fc.array(texts()));
  const kinds = () => fc.constantFrom(...objectKinds);
  const named = (names: readonly string[]) =>
    fc.record(Object.fromEntries(names.map((name) => [name, values()])), { requiredKeys: [] });
  const memberNames = objectKinds.flatMap(({ properties: { name, uri } }) => [name, uri]);
  const members = [...memberNames, "blob", "blobSha256", "versions", "thumbprints", "backedUpAt", "other"];
  const declarations = () =>
    fc
      .tuple(named(["vaultUri", "onNewVersions", "other", "__provider"]), fc.oneof(named(members), values()))
      .map(([inputs, held]): Properties => ({ ...inputs, backup: held }));
  const names = [...memberNames, "vaultUri", "versions", "missingVersions", "status", "restoredAt", "restoredFrom"];

  it("the check has an answer without a blob, which a second check does not change", async () => {
    await fc.assert(
      fc.asyncProperty(kinds(), declarations(), async (kind, inputs) => {
        const once = await check(kind, inputs);
        expect(await check(kind, once.completed)).toEqual(once);
        expect(leaksIn(once.reasons.join(), allBlobs())).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("the preview has an answer without a request", async () => {
    await fc.assert(
      fc.asyncProperty(kinds(), named(names), declarations(), async (kind, recorded, inputs) => {
        const { completed } = await check(kind, inputs);
        const { changes } = await providerOf(kind).diff("id", recorded, completed, undefined);
        expect(typeof changes).toBe("boolean");
      }),
      { numRuns: 300 },
    );
    expect([...stacks.values()].flatMap(({ target }) => target.requests)).toEqual([]);
  });
});
