import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { key } from "../../../../src/objects/key";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import { restoreFamily } from "../../../../src/provider/restore/family";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

type Properties = Readonly<Record<string, unknown>>;

let service: TestService;
let stack: TestStack;
let blob: string;
let secretBlob: string;
let hsmBlob: string;
let backup: Properties;

beforeAll(async () => {
  service = await TestService.start();
  stack = await service.newStack();
  await stack.backedUp();
  backup = stack.backupRef;
  blob = String(backup.blob);
  await stack.source.secrets.create("orders");
  secretBlob = await stack.source.secrets.backUp("orders");
  const hsm = await service.service.createVault(undefined, { kind: "managedHsm" });
  await hsm.keys.create("orders");
  hsmBlob = await hsm.keys.backUp("orders");
});
afterAll(() => service.stop());
beforeEach(() => stack.target.clearRequests());

const unknown = pulumi.runtime.unknownValue;
const hsmUri = "https://contoso.managedhsm.azure.net/";
const vaultUri = "https://kv-dr.vault.azure.net/";
const bytes = (text: string) => Buffer.from(text, "base64url");
const cut = (length: number) => bytes(blob).subarray(0, length).toString("base64url");

async function check(inputs: Properties, config: Readonly<Record<string, string>> = {}) {
  const provider = defineProvider(restoreFamily("KeyRestore", key), stack.environment());
  const { inputs: completed, failures } = await provider.check({}, inputs, { get: (name) => config[name] });
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return { completed, reasons: failures.map(({ reason }) => reason) };
}

const mistakesOf = async (inputs: Properties) => (await check({ vaultUri, backup, ...inputs })).reasons;

describe("one sentence is the answer to", () => {
  it.each<[string, () => Properties, string]>([
    ["a missing vault", () => ({ vaultUri: null }), "Set vaultUri to the vault to restore into."],
    ["a missing backup", () => ({ backup: undefined }), "KeyRestore has no backup: set backup, or blob."],
    ["a backup that is a text", () => ({ backup: "AAAA" }), "backup must be a backup resource or an object."],
    ["a vault that is no text", () => ({ vaultUri: 1 }), "vaultUri must be a string."],
    [
      "a vault that is no URI",
      () => ({ vaultUri: "kv-dr" }),
      "vaultUri is not an absolute URI like https://my-vault.vault.azure.net/.",
    ],
    [
      "a vault with a path",
      () => ({ vaultUri: `${vaultUri}keys/orders` }),
      "vaultUri has a path: give the URI of the vault alone.",
    ],
    [
      "the private link name of a vault",
      () => ({ vaultUri: "https://kv-dr.privatelink.vaultcore.azure.net/" }),
      "vaultUri is a private link name. Use the public name",
    ],
    [
      "an unknown input",
      () => ({ keyUri: "https://kv.vault.azure.net/keys/orders" }),
      "keyUri is not an input of KeyRestore; its inputs are vaultUri, backup, onNewVersions.",
    ],
    ["another onNewVersions", () => ({ onNewVersions: "merge" }), 'onNewVersions must be "keep" or "recreate".'],
    [
      "an unknown member of the backup",
      () => ({ backup: { ...backup, tags: {} } }),
      "backup.tags is not an input of the backup of KeyRestore",
    ],
    ["a backup without a blob", () => ({ backup: { keyName: "orders" } }), "backup.blob is missing."],
    [
      "a SHA-256 that is none",
      () => ({ backup: { ...backup, blobSha256: "abc" } }),
      "backup.blobSha256 must be a SHA-256 of 64 hexadecimal digits.",
    ],
    [
      "versions that are numbers",
      () => ({ backup: { ...backup, versions: [1] } }),
      "backup.versions must be an array, each item a string.",
    ],
    [
      "thumbprints in a list",
      () => ({ backup: { ...backup, thumbprints: ["a"] } }),
      "backup.thumbprints must be an object of strings.",
    ],
    [
      "thumbprints that are numbers",
      () => ({ backup: { ...backup, thumbprints: { a: 1 } } }),
      "backup.thumbprints must be an object of strings.",
    ],
    [
      "a name that no key has",
      () => ({ backup: { blob, keyName: "a key" } }),
      "backup.keyName is not 1 to 127 letters, digits and hyphens.",
    ],
    [
      "a source that is a secret",
      () => ({ backup: { blob, keyUri: "https://kv.vault.azure.net/secrets/orders" } }),
      "backup.keyUri names a secret, not a key: its path must begin with /keys.",
    ],
    [
      "a name that is not the source's",
      () => ({ backup: { ...backup, keyName: "invoices" } }),
      "backup.keyName is not the name in backup.keyUri.",
    ],
    [
      "an empty blob",
      () => ({ backup: { blob: "" } }),
      "blob is not a Key Vault backup: expected base64url, base64 or the contents of a backup file.",
    ],
    ["a blob that is another text", () => ({ backup: { blob: "no backup!" } }), "blob is not a Key Vault backup"],
    [
      "the backup of a secret",
      () => ({ backup: { blob: secretBlob } }),
      "blob is the backup of a secret, not of a key. Restore it with az keyvault secret restore.",
    ],
    [
      "the file of a secret's backup",
      () => ({ backup: { blob: bytes(secretBlob).toString("latin1") } }),
      "blob is the backup of a secret, not of a key.",
    ],
    [
      "a blob that is cut short",
      () => ({ backup: { blob: cut(4_000) } }),
      "blob is not a whole backup: it is cut short or changed. Use the whole blob, or another backup.",
    ],
    ["a blob that ends with its header", () => ({ backup: { blob: cut(60) } }), "blob is not a whole backup"],
    [
      "a Managed HSM's blob that is cut short",
      () => ({ vaultUri: hsmUri, backup: { blob: bytes(hsmBlob).subarray(0, 5_000).toString("base64url") } }),
      "blob is not a",
    ],
    [
      "a blob with another SHA-256 than was recorded",
      () => ({ backup: { ...backup, blobSha256: "0".repeat(64) } }),
      `blob is not the recorded backup: its SHA-256 is `,
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
      () => ({ vaultUri: hsmUri, backup: { blob } }),
      "vaultUri is a Managed HSM, and the backup is of a vault: use a vault in the source's geography.",
    ],
  ])("%s", async (_, inputs, sentence) => {
    const mistakes = await mistakesOf(inputs());
    expect(mistakes).toEqual([expect.stringContaining(sentence)]);
    expect(mistakes[0]).toMatch(/\.$/);
    expect(leaksIn(mistakes.join(), { blob, secretBlob, hsmBlob })).toEqual([]);
  });
});

describe("the check of a KeyRestore", () => {
  it("reports several mistakes at once", async () => {
    const mistakes = await mistakesOf({ vaultUri: "kv-dr", onNewVersions: 1, backup: { blob, versions: "all" } });
    expect(mistakes).toHaveLength(3);
  });

  it("does not repeat a blob that is given in a wrong place", async () => {
    const mistakes = await mistakesOf({ vaultUri: blob, backup: { blob, blobSha256: blob, keyName: blob } });
    expect(leaksIn(mistakes.join(), { blob })).toEqual([]);
    expect(mistakes).toHaveLength(3);
  });

  it.each([
    ["base64url", (text: string) => text],
    ["padded base64 in lines", (text: string) => bytes(text).toString("base64").replace(/.{64}/g, "$&\n")],
    ["the contents of a backup file", (text: string) => bytes(text).toString("latin1")],
  ] as const)("takes a blob in the form of %s, and completes it to base64url", async (_, form) => {
    const vault = await check({ vaultUri, backup: { ...backup, blob: form(blob) } });
    expect([vault.reasons, vault.completed.backup]).toEqual([[], expect.objectContaining({ blob })]);
    const hsm = await check({ vaultUri: hsmUri, backup: { blob: form(hsmBlob) } });
    expect([hsm.reasons, hsm.completed.backup]).toEqual([[], { blob: hsmBlob }]);
  });

  it("completes the URI of the vault, and the URI and the name of the source", async () => {
    const { completed, reasons } = await check({
      vaultUri: "https://KV-DR.vault.azure.net",
      backup: { blob, keyUri: "https://KV.vault.azure.net/keys/orders/0123" },
      onNewVersions: undefined,
    });
    expect(reasons).toEqual([]);
    expect(completed).toEqual({
      vaultUri,
      backup: { blob, keyUri: "https://kv.vault.azure.net/keys/orders", keyName: "orders" },
    });
  });

  it("takes a private link name if the stack disables the challenge's verification", async () => {
    const inputs = { vaultUri: "https://kv-dr.privatelink.vaultcore.azure.net/", backup };
    const config = { "azure-keyvault-backup:disableChallengeResourceVerification": "true" };
    expect((await check(inputs, config)).reasons).toEqual([]);
  });

  it("passes over what is not known yet, and reports the other mistakes", async () => {
    expect(await mistakesOf({ vaultUri: unknown })).toEqual([]);
    expect(await mistakesOf({ backup: unknown })).toEqual([]);
    expect(await mistakesOf({ backup: { blob: unknown, versions: unknown, keyName: "orders" } })).toEqual([]);
    expect(await mistakesOf({ vaultUri: unknown, backup: { blob: cut(4_000) } })).toHaveLength(1);
    expect(await mistakesOf({ backup: { blob: unknown, keyName: "a key" } })).toHaveLength(1);
  });

  it("makes no request", async () => {
    await check({ vaultUri: stack.target.vaultUri, backup });
    expect(stack.target.requests).toEqual([]);
  });
});

describe("whatever a program and a state hold", () => {
  const texts = () =>
    fc.oneof(fc.string(), fc.constantFrom(blob, secretBlob, unknown, vaultUri, hsmUri, "missing", ""));
  const values = () => fc.oneof(texts(), fc.jsonValue(), fc.constantFrom(undefined, null), fc.array(texts()));
  const named = (names: readonly string[]) =>
    fc.record(Object.fromEntries(names.map((name) => [name, values()])), { requiredKeys: [] });
  const members = ["blob", "blobSha256", "keyName", "keyUri", "versions", "thumbprints", "backedUpAt", "other"];
  const declarations = () =>
    fc
      .tuple(named(["vaultUri", "onNewVersions", "other", "__provider"]), fc.oneof(named(members), values()))
      .map(([inputs, held]): Properties => ({ ...inputs, backup: held }));
  const names = [
    "vaultUri",
    "keyName",
    "keyUri",
    "versions",
    "missingVersions",
    "status",
    "restoredAt",
    "restoredFrom",
  ];

  it("the check has an answer without a blob, which a second check does not change", async () => {
    await fc.assert(
      fc.asyncProperty(declarations(), async (inputs) => {
        const once = await check(inputs);
        expect(await check(once.completed)).toEqual(once);
        expect(leaksIn(once.reasons.join(), { blob, secretBlob })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("the preview has an answer without a request", async () => {
    const provider = defineProvider(restoreFamily("KeyRestore", key), stack.environment());
    await fc.assert(
      fc.asyncProperty(named(names), declarations(), async (recorded, inputs) => {
        const { changes } = await provider.diff("id", recorded, (await check(inputs)).completed, undefined);
        expect(typeof changes).toBe("boolean");
      }),
      { numRuns: 300 },
    );
    expect(stack.target.requests).toEqual([]);
  });
});
