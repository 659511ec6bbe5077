import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { sha256OfBlob } from "../../../src/backup/blob";
import type { StackConfig } from "../../../src/provider/configuration";
import { createRestoreDrillProvider } from "../../../src/provider/restoreDrill";

const offline = () => {
  throw new Error("A vault was asked.");
};
const provider = createRestoreDrillProvider(Date.now, offline);

const encoded = (text: string) => Buffer.from(text, "latin1").toString("base64url");
const blob = encoded("&AzureKeyVaultKeyBackupV1.microsoft.coma.b.c.d.e");
const unknown = pulumi.runtime.unknownValue;
const version = "0123456789abcdef0123456789abcdef";
const backup = { blob, keyUri: "https://kv.vault.azure.net/keys/orders", keyVersions: [version] };
const declared = { vaultUri: "https://kv-scratch.vault.azure.net/", backup, owner: "organization/project/dev/orders" };

beforeEach(() => {
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const configOf = (values: Record<string, string> = {}) =>
  ({ get: (key: string) => values[key], require: (key: string) => values[key] }) as StackConfig;

const check = (news: Record<string, unknown>, config?: StackConfig) => provider.check({}, news, config);

async function mistakes(news: Record<string, unknown>, config?: StackConfig): Promise<string[]> {
  const { failures = [] } = await check(news, config);
  // The engine prints the value of a property that a failure names.
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return failures.map(({ reason }) => reason);
}

describe("the inputs are completed", () => {
  it("by the canonical forms of URIs, the name of the key, and lower case", async () => {
    const news = {
      vaultUri: "https://KV-Scratch.vault.azure.net:443",
      backup: {
        ...backup,
        keyUri: `https://KV.vault.azure.net//keys/orders/${version}`,
        keyVersions: [version.toUpperCase()],
        blobSha256: sha256OfBlob(blob).toUpperCase(),
        keyThumbprints: null,
      },
      owner: declared.owner,
      maxAgeDays: null,
    };
    expect(await check(news)).toEqual({
      inputs: { ...declared, backup: { ...backup, keyName: "orders", blobSha256: sha256OfBlob(blob) } },
      failures: [],
    });
  });

  it.each([
    ["base64", Buffer.from(blob, "base64url").toString("base64")],
    ["base64 in lines", `${Buffer.from(blob, "base64url").toString("base64").replace(/.{20}/g, "$&\r\n")}\n`],
    ["a backup file", Buffer.from(blob, "base64url").toString("latin1")],
  ])("by the blob as the service returns it, where it is given as %s", async (_, text) => {
    const { inputs, failures } = await check({ ...declared, backup: { ...backup, blob: text } });
    expect([failures, (inputs.backup as typeof backup).blob === blob]).toEqual([[], true]);
  });

  it("and are passed over as far as they are not known yet", async () => {
    for (const news of [
      { vaultUri: unknown, backup: unknown, maxAgeDays: unknown, triggers: unknown, onFailure: unknown },
      { vaultUri: unknown, backup: { blob: unknown, keyUri: unknown, keyName: unknown, keyVersions: unknown } },
      {
        vaultUri: declared.vaultUri,
        backup: { ...backup, blob: unknown, keyVersions: [unknown], blobSha256: unknown },
      },
      { vaultUri: declared.vaultUri, backup: { blob, keyName: unknown, keyThumbprints: { [version]: unknown } } },
    ]) {
      expect(await mistakes({ ...news, owner: declared.owner })).toEqual([]);
    }
  });

  it("and a blob that is none is left to the drill, whose failure tells it", async () => {
    expect(await mistakes({ ...declared, backup: { ...backup, blob: "*" } })).toEqual([]);
  });
});

describe("each mistake is told in one sentence", () => {
  const of = (inputs: Record<string, unknown>) => mistakes({ ...declared, ...inputs });

  it.each([
    ["vaultUri is missing: give the URI of the vault to restore into.", { vaultUri: undefined }],
    ["vaultUri is not a string.", { vaultUri: 5 }],
    ["vaultUri is not an absolute URI like https://my-vault.vault.azure.net/.", { vaultUri: "kv" }],
    ["vaultUri does not use https.", { vaultUri: "http://kv.vault.azure.net" }],
    [
      "vaultUri names the vault of the key itself, which a drill never touches: give a scratch vault.",
      { vaultUri: "https://KV.vault.azure.net:443" },
    ],
    ["maxAgeDays is not a positive, finite number of days.", { maxAgeDays: 0 }],
    ["maxAgeDays is not a positive, finite number of days.", { maxAgeDays: "7" }],
    ["triggers is not an array.", { triggers: "again" }],
    ['onFailure is not "fail" or "record".', { onFailure: "ignore" }],
    ["allowSoftDeletedCopies is not true or false.", { allowSoftDeletedCopies: "yes" }],
    [
      "keyName is not an input of RestoreDrill, which has backup, vaultUri, maxAgeDays, triggers, onFailure, " +
        "allowSoftDeletedCopies.",
      { keyName: "orders" },
    ],
    [
      "vaultUri names a Managed HSM, and the backup is of a vault: give a vault, in the source's geography.",
      { vaultUri: "https://hsm.managedhsm.azure.net" },
    ],
  ])("%s", async (mistake, inputs) => {
    expect(await of(inputs)).toEqual([mistake]);
  });

  it.each([
    ["backup.blob is missing.", { blob: undefined }],
    ["backup.blob is not a string.", { blob: 5 }],
    ["backup.keyName is not 1 to 127 letters, digits and hyphens.", { keyName: "or ders" }],
    [
      "backup.keyUri names a secret, not a key: its path begins with /secrets, that of a key with /keys.",
      { keyUri: "https://kv.vault.azure.net/secrets/orders" },
    ],
    [
      "backup.keyName is missing: give it, or backup.keyUri, so that a drill knows which key it may copy.",
      { keyUri: undefined },
    ],
    ["backup.keyVersions is not an array of strings.", { keyVersions: "all" }],
    ["backup.keyThumbprints is not an object of strings.", { keyThumbprints: { [version]: 5 } }],
    ["backup.blobSha256 is not a SHA-256 of 64 hexadecimal digits.", { blobSha256: 5 }],
    [
      "backup.name is not an input of the backup of RestoreDrill, which has blob, blobSha256, keyName, keyUri, " +
        "keyVersions, keyThumbprints, backedUpAt.",
      { name: "orders" },
    ],
    [
      "vaultUri names a vault, and the backup is of a Managed HSM: give a Managed HSM of the same security domain.",
      { blob: encoded("a blob of its own"), keyUri: "https://hsm.managedhsm.azure.net/keys/orders" },
    ],
  ])("%s", async (mistake, members) => {
    expect(await of({ backup: { ...backup, ...members } })).toEqual([mistake]);
  });

  it("of a vault by the name of its private link, unless the stack allows it", async () => {
    const vaultUri = "https://kv-scratch.privatelink.vaultcore.azure.net";
    expect(await of({ vaultUri })).toEqual([
      expect.stringContaining("vaultUri has the name of a private link. Use the vault's public name"),
    ]);
    const allowed = configOf({ "azure-keyvault-backup:disableChallengeResourceVerification": "true" });
    expect(await mistakes({ ...declared, vaultUri }, allowed)).toEqual([]);
  });

  it("of a vault's URI with a path, without an input that only others have", async () => {
    const [mistake, ...others] = await of({ vaultUri: backup.keyUri });
    expect(others).toEqual([]);
    expect(mistake).toMatch(/^vaultUri has a path: give the URI of the vault alone/);
    expect(mistake).not.toContain("keyUri");
  });

  it("of a backup that is missing, without an input that only others have", async () => {
    const [mistake, ...others] = await of({ backup: undefined });
    expect(others).toEqual([]);
    expect(mistake).toMatch(/^The backup is missing: give backup/);
    expect(mistake).not.toContain("blob");
  });

  it("of a backup that is none, once", async () => {
    expect(await of({ backup: "AAAA" })).toEqual(["backup is not a KeyBackup or an object."]);
  });

  it("of the stack's configuration", async () => {
    expect(await mistakes(declared, configOf({ "azure-keyvault-backup:timeoutSeconds": "0" }))).toEqual([
      expect.stringContaining("azure-keyvault-backup:timeoutSeconds is not a whole number from 1 to 3600"),
    ]);
  });

  it("of a resource that no drill of this state made, and that is read by its id", async () => {
    await expect(provider.read("https://kv.vault.azure.net/keys/orders", {}, undefined)).rejects.toMatchObject({
      message:
        "https://kv.vault.azure.net/keys/orders: a RestoreDrill exists only in the state that ran it: RestoreDrill.get and " +
        "pulumi import are not offered.",
      stack: "",
    });
  });
});

describe("whatever a program and a state hold", () => {
  const names = ["vaultUri", "backup", "maxAgeDays", "triggers", "onFailure", "allowSoftDeletedCopies", "owner", "x"];
  const members = ["blob", "blobSha256", "keyName", "keyUri", "keyVersions", "keyThumbprints", "backedUpAt", "x"];
  const secret = "Hunter2-Value";
  const value = fc.oneof(
    fc.constantFrom<unknown>(unknown, null, secret, declared.vaultUri, backup.keyUri, blob, "orders", version, 7),
    fc.webUrl(),
    fc.jsonValue(),
    fc.array(fc.constantFrom<unknown>(unknown, version, secret)),
  );
  const likely = fc.record(
    {
      blob: fc.constantFrom(unknown, blob, `${blob}==`, Buffer.from(blob, "base64url").toString("latin1"), "*"),
      blobSha256: fc.constantFrom(unknown, "AB", sha256OfBlob(blob)),
      keyName: fc.constantFrom(unknown, "orders", "Orders"),
      keyUri: fc.constantFrom(unknown, backup.keyUri, `https://KV.vault.azure.net:443//keys/ORDERS/${version}`),
      keyVersions: fc.array(fc.constantFrom(unknown, version, version.toUpperCase())),
      keyThumbprints: fc.dictionary(fc.string(), fc.string()),
      backedUpAt: value,
    },
    { requiredKeys: ["blob", "keyUri"] },
  );
  const anyBackup = fc.oneof(value, fc.dictionary(fc.constantFrom(...members), value), likely);
  const news = fc.oneof(
    fc.dictionary(fc.constantFrom(...names), value),
    fc.record({ vaultUri: fc.oneof(fc.constant(declared.vaultUri), value), backup: anyBackup, triggers: value }),
  );
  const olds = fc.dictionary(
    fc.constantFrom("vaultUri", "keyName", "blobSha256", "triggers", "drilledAt", "outcome", "leftover", "checks"),
    fc.oneof(value, fc.dictionary(fc.constantFrom("keyUri", "version", "command", "because"), value)),
  );

  it("check has an answer without repeating a value, and none that a second check would change", async () => {
    await fc.assert(
      fc.asyncProperty(news, async (inputs) => {
        const once = await check(inputs);
        expect((once.failures ?? []).map(({ reason }) => reason).join()).not.toContain(secret);
        if (once.failures?.length === 0) {
          expect(await check(once.inputs as Record<string, unknown>)).toEqual(once);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("diff has an answer, of checked inputs or others", async () => {
    await fc.assert(
      fc.asyncProperty(olds, news, async (recorded, inputs) => {
        const checked = (await check(inputs)).inputs as Record<string, unknown>;
        for (const declaration of [inputs, checked]) {
          const { changes, replaces = [] } = await provider.diff("id", recorded, declaration, undefined);
          expect(typeof changes).toBe("boolean");
          expect(["vaultUri", "backup"]).toEqual(expect.arrayContaining(replaces));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("a deletion goes on, or fails without a stack where a copy is recorded that can be removed", async () => {
    await fc.assert(
      fc.asyncProperty(olds, async (recorded) => {
        const failure = await provider.delete("id", recorded, undefined).catch((error: unknown) => error);
        const { command } = (recorded.leftover ?? {}) as { command?: unknown };
        if (failure === undefined) return;
        expect(typeof command).toBe("string");
        expect(failure).toMatchObject({ stack: "", message: expect.stringContaining("could not be removed: A vault") });
      }),
    );
  });
});
