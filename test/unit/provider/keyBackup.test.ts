import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { calculateJwkThumbprint, type JWK } from "jose";
import { sha256OfBlob } from "../../../src/backup/blob";
import { keyBackup } from "../../../src/provider";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { useIdentityOf } from "../../support/useIdentityOf";

const unknown = pulumi.runtime.unknownValue;
const [v1, v2] = ["a".repeat(32), "b".repeat(32)];
const __provider = "the text";
const inputNames = ["keyUri", "vaultUri", "keyName", "triggers", "maxAgeDays", "retain", "forget", "forceDelete"];

let service: LocalKeyVault;
let local: LocalVault;
let said: string[];

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  useIdentityOf(service);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The stack's configuration as the engine hands it over. */
function configOf(values: Record<string, string> = {}): pulumi.dynamic.Config {
  const all: Record<string, string> = {
    "azure-keyvault-backup:disableChallengeResourceVerification": "true",
    ...values,
  };
  return { get: (name) => all[name], require: (name) => all[name] ?? "" };
}

async function mistakes(inputs: Record<string, unknown>, config?: pulumi.dynamic.Config): Promise<string[]> {
  const { failures = [] } = await keyBackup.check({}, { __provider, ...inputs }, config);
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return failures.map(({ reason }) => reason);
}

describe("check", () => {
  it("completes the key by its URI with its vault, its name and its version", async () => {
    const { inputs, failures } = await keyBackup.check(
      {},
      { __provider, keyUri: `https://KV.vault.azure.net/keys/orders/${v1}` },
      undefined,
    );
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      vaultUri: "https://kv.vault.azure.net/",
      keyName: "orders",
      keyUri: "https://kv.vault.azure.net/keys/orders",
      keyVersion: v1,
    });
  });

  it("completes the key by its vault and its name with its URI", async () => {
    const given = { vaultUri: "https://hsm.managedhsm.azure.net", keyName: "orders", triggers: [1] };
    expect((await keyBackup.check({}, given, undefined)).inputs).toEqual({
      vaultUri: "https://hsm.managedhsm.azure.net/",
      keyName: "orders",
      keyUri: "https://hsm.managedhsm.azure.net/keys/orders",
      triggers: [1],
    });
  });

  it("passes over what is not known yet", async () => {
    expect(await mistakes({ keyUri: unknown, triggers: unknown })).toEqual([]);
    expect(await mistakes({ vaultUri: unknown, keyName: "orders", triggers: [unknown] })).toEqual([]);
    expect(await mistakes({ keyUri: unknown, maxAgeDays: unknown, retain: unknown, forget: [unknown] })).toEqual([]);
    expect(await mistakes({ vaultUri: unknown, keyName: "or_ders" })).toEqual([
      expect.stringContaining("keyName is not 1"),
    ]);
    expect((await keyBackup.check({}, { keyUri: unknown }, undefined)).inputs).toEqual({ keyUri: unknown });
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      "both spellings of the key",
      { keyUri: "https://kv/keys/a", keyName: "a" },
      "keyUri names the vault and the key already",
    ],
    ["no key", {}, "The key is missing: give keyUri, or both vaultUri and keyName."],
    ["a vault without a key", { vaultUri: "https://kv/" }, "The key is missing"],
    ["a number for a URI", { keyUri: 5 }, "keyUri is not a string."],
    ["an object for a name", { vaultUri: "https://kv/", keyName: {} }, "keyName is not a string."],
    ["triggers that are no array", { keyUri: "https://kv/keys/a", triggers: "x" }, "triggers is not an array."],
    [
      "an input that it does not have",
      { keyUri: "https://kv/keys/a", keyURI: "x" },
      "keyURI is not an input of KeyBackup",
    ],
    ["a secret's URI", { keyUri: "https://kv/secrets/a" }, "keyUri names a secret, not a key"],
    ["a password", { vaultUri: "https://a:b@kv/", keyName: "a" }, "vaultUri has a user name or a password in it."],
    ["no age", { keyUri: "https://kv/keys/a", maxAgeDays: 0 }, "maxAgeDays is not a positive, finite number of days."],
    ["a negative age", { keyUri: "https://kv/keys/a", maxAgeDays: -1 }, "maxAgeDays is not a positive"],
    ["an endless age", { keyUri: "https://kv/keys/a", maxAgeDays: Infinity }, "maxAgeDays is not a positive"],
    [
      "an age that is no number",
      { keyUri: "https://kv/keys/a", maxAgeDays: Number.NaN },
      "maxAgeDays is not a positive",
    ],
    ["a text for an age", { keyUri: "https://kv/keys/a", maxAgeDays: "7" }, "maxAgeDays is not a positive"],
    [
      "half a backup",
      { keyUri: "https://kv/keys/a", retain: 0.5 },
      "retain is not a whole number of backups, 0 or more.",
    ],
    ["fewer backups than none", { keyUri: "https://kv/keys/a", retain: -1 }, "retain is not a whole number"],
    ["a text for backups", { keyUri: "https://kv/keys/a", retain: "1" }, "retain is not a whole number"],
    [
      "a hash that is none",
      { keyUri: "https://kv/keys/a", forget: ["abc"] },
      "forget is not an array of blobSha256 values",
    ],
    ["a hash outside an array", { keyUri: "https://kv/keys/a", forget: "a".repeat(64) }, "forget is not an array"],
    ["a text for yes", { keyUri: "https://kv/keys/a", forceDelete: "true" }, "forceDelete is not true or false."],
    ["plain http", { vaultUri: "http://kv.vault.azure.net/", keyName: "a" }, "vaultUri does not use https."],
  ])("refuses %s with one reason", async (_, inputs, reason) => {
    expect(await mistakes(inputs)).toEqual([expect.stringContaining(reason)]);
  });

  it("explains why the name of a private link is refused, and takes it with the switch on", async () => {
    const inputs = { keyUri: "https://kv.privatelink.vaultcore.azure.net/keys/orders" };
    expect(await mistakes(inputs)).toEqual([expect.stringContaining("Use the vault's public name")]);
    expect(await mistakes(inputs, configOf())).toEqual([]);
  });

  it.each([
    ["disableChallengeResourceVerification", "yes", "is neither true nor false"],
    ["timeoutSeconds", "soon", "is not a whole number from 1 to 3600"],
    ["timeoutSeconds", "0", "is not a whole number from 1 to 3600"],
    ["timeoutSeconds", "16.1", "is not a whole number from 1 to 3600"],
    ["timeoutSeconds", "86400", "is not a whole number from 1 to 3600"],
  ])("refuses %s of %s in the stack's configuration", async (name, value, reason) => {
    const config = configOf({ [`azure-keyvault-backup:${name}`]: value });
    expect(await mistakes({ keyUri: "https://kv/keys/a" }, config)).toEqual([expect.stringContaining(reason)]);
  });

  it("takes what the engine hands back of the recorded inputs for ignoreChanges", async () => {
    const programs = [
      { keyUri: `https://kv.vault.azure.net/keys/orders/${v1}`, triggers: [1] },
      { vaultUri: "https://kv.vault.azure.net", keyName: "orders" },
    ];
    for (const program of programs) {
      const { inputs: recorded } = await keyBackup.check({}, program, undefined);
      for (const name of Object.keys(recorded)) {
        const { inputs, failures } = await keyBackup.check(recorded, { ...program, [name]: recorded[name] }, undefined);
        expect({ name, failures }).toEqual({ name, failures: [] });
        expect(inputs).toMatchObject({ keyUri: recorded.keyUri });
      }
      expect(await keyBackup.check(recorded, recorded, undefined)).toEqual({ inputs: recorded, failures: [] });
    }
  });

  it("does not take the key for handed back when it is named twice, and differently", async () => {
    const { inputs: recorded } = await keyBackup.check(
      {},
      { keyUri: "https://kv.vault.azure.net/keys/orders" },
      undefined,
    );
    const twice = { keyUri: recorded.keyUri, vaultUri: "https://kv.vault.azure.net/", keyName: "invoices" };
    const { failures } = await keyBackup.check(recorded, twice, undefined);
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("names the vault and the key already") },
    ]);
  });

  it("keeps the version that ignoreChanges hands back", async () => {
    const { inputs: recorded } = await keyBackup.check(
      {},
      { keyUri: `https://kv.vault.azure.net/keys/orders/${v1}` },
      undefined,
    );
    const changed = { keyUri: `https://kv.vault.azure.net/keys/orders/${v2}`, keyVersion: v1 };
    expect((await keyBackup.check(recorded, changed, undefined)).inputs.keyVersion).toBe(v1);
    expect(await mistakes(changed)).toEqual([expect.stringContaining("keyVersion is not an input of KeyBackup")]);
  });

  it("has an answer without repeating a value, whatever it is given", async () => {
    const value = fc.oneof(fc.constant(unknown), fc.webUrl(), fc.jsonValue(), fc.constant("Hunter2-Value"));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...inputNames, "another"), value), async (inputs) => {
        const reasons = await mistakes(inputs);
        expect(reasons.join()).not.toContain("Hunter2-Value");
      }),
    );
  });
});

describe("diff", () => {
  const recorded = {
    __provider,
    vaultUri: "https://kv.vault.azure.net/",
    keyName: "orders",
    keyUri: "https://kv.vault.azure.net/keys/orders",
    keyVersions: [v1],
    blob: "AAAA",
    blobSha256: sha256OfBlob("AAAA"),
  };
  const declare = async (inputs: Record<string, unknown>) => (await keyBackup.check({}, inputs, undefined)).inputs;
  const diff = async (inputs: Record<string, unknown>) =>
    keyBackup.diff("id", recorded, { ...(await declare(inputs)), __provider: "another text" }, undefined);

  it("sees no change in the same key in another spelling", async () => {
    for (const keyUri of [
      "https://kv.vault.azure.net/keys/orders",
      `https://KV.VAULT.AZURE.NET:443//keys/ORDERS/${v1.toUpperCase()}`,
    ]) {
      expect(await diff({ keyUri })).toEqual({ changes: false });
    }
    expect(await diff({ vaultUri: "https://kv.vault.azure.net", keyName: "orders" })).toEqual({ changes: false });
    expect(said).toEqual([]);
  });

  it("updates for a version that the backup does not hold, and says why in one line", async () => {
    expect(await diff({ keyUri: `https://kv.vault.azure.net/keys/orders/${v2}` })).toEqual({ changes: true });
    expect(said).toEqual([
      `KeyBackup https://kv.vault.azure.net/keys/orders: a new backup will be made, because the recorded backup does not hold version ${v2}.\n`,
    ]);
  });

  it("updates for changed triggers, and does not print them", async () => {
    expect(await diff({ keyUri: recorded.keyUri, triggers: ["hunter2"] })).toEqual({ changes: true });
    expect(said.join()).toContain("because triggers changed.");
    expect(said.join()).not.toContain("hunter2");
  });

  it("updates for inputs that are not known yet, and says what may come of it", async () => {
    expect(await diff({ keyUri: unknown })).toEqual({ changes: true });
    expect(await diff({ keyUri: recorded.keyUri, triggers: [{ deep: [unknown] }] })).toEqual({ changes: true });
    expect(said).toEqual([
      `KeyBackup ${recorded.keyUri}: a new backup may be made, or one of another key that takes the place of this one: ` +
        "keyUri will be known during the update.\n",
      `KeyBackup ${recorded.keyUri}: a new backup may be made: triggers will be known during the update.\n`,
    ]);
  });

  it("replaces for another key or another vault", async () => {
    expect(await diff({ keyUri: "https://kv.vault.azure.net/keys/invoices" })).toEqual({
      changes: true,
      replaces: ["keyName"],
    });
    expect(await diff({ vaultUri: "https://kv2.vault.azure.net", keyName: unknown })).toEqual({
      changes: true,
      replaces: ["vaultUri"],
    });
    expect(said[0]).toContain("replaced by a backup of another key, because keyName changed.");
  });

  it("has an answer for whatever a state and a program hold", async () => {
    const properties = fc.dictionary(
      fc.constantFrom(
        ...inputNames,
        "keyVersion",
        "keyVersions",
        "blob",
        "blobSha256",
        "previous",
        "sourceStatus",
        "x",
      ),
      fc.oneof(fc.constant(unknown), fc.jsonValue()),
    );
    await fc.assert(
      fc.asyncProperty(properties, properties, async (olds, news) => {
        expect(typeof (await keyBackup.diff("id", olds, news, undefined)).changes).toBe("boolean");
      }),
      // A value that only fails when it is made a text.
      {
        examples: [
          [{ keyVersions: [{ toString: 0 }], previous: [null, { blobSha256: 5 }] }, { keyVersion: "v1" }],
          [{ keyVersions: [{ toString: 0 }] }, { keyVersion: "v1" }],
        ],
        numRuns: 500,
      },
    );
  });
});

describe("create and update", () => {
  it("return the record, with the blob marked secret on the wire", async () => {
    const { version, keyUri, keyUriWithVersion } = await local.createKey("orders", { tags: { team: "orders" } });
    const { inputs } = await keyBackup.check({}, { keyUri: keyUriWithVersion, triggers: ["a"] }, configOf());
    const { id, outs } = await keyBackup.create({ ...inputs, __provider }, configOf());
    expect(id).toBe(keyUri);
    expect(outs).toEqual({
      vaultUri: local.vaultUri,
      keyName: "orders",
      keyUri,
      keyVersion: version,
      triggers: ["a"],
      keyUriWithVersion,
      keyVersions: [version],
      keyThumbprints: { [version]: await calculateJwkThumbprint(local.publicJwk("orders") as JWK) },
      blob: {
        [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig,
        value: expect.stringMatching(/^[\w-]+$/),
      },
      keyUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      keyTags: { team: "orders" },
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      sourceStatus: "current",
      previous: {},
    });
    const updated = await keyBackup.update(id, outs, { ...inputs, triggers: ["b"], __provider }, configOf());
    expect(updated.outs).toMatchObject({ keyVersions: [version], triggers: ["b"] });
    expect(updated.outs.blob).not.toEqual(outs.blob);
  });

  it("record the thumbprint of each newest version, and keep those that were recorded", async () => {
    const { version, keyUri } = await local.createKey("orders", { kty: "RSA" });
    const { inputs } = await keyBackup.check({}, { keyUri }, configOf());
    const { id, outs } = await keyBackup.create(inputs, configOf());
    const rotated = await local.rotateKey("orders");
    const thumbprint = async (of: string) => [of, await calculateJwkThumbprint(local.publicJwk("orders", of) as JWK)];
    const both = Object.fromEntries([await thumbprint(version), await thumbprint(rotated.version)]);
    const updated = await keyBackup.update(id, outs, { ...inputs, triggers: ["b"] }, configOf());
    expect(updated.outs.keyThumbprints).toEqual(both);
    local.permissions.delete("get");
    await local.rotateKey("orders");
    const unread = await keyBackup.update(id, updated.outs, { ...inputs, triggers: ["c"] }, configOf());
    expect(unread.outs).toMatchObject({ keyVersions: { length: 3 }, keyThumbprints: both });
  });

  it("leave out what the identity may not read", async () => {
    const { keyUriWithVersion } = await local.createKey("orders");
    local.permissions.delete("list");
    local.permissions.delete("get");
    const { inputs } = await keyBackup.check({}, { keyUri: keyUriWithVersion }, configOf());
    const { outs } = await keyBackup.create(inputs, configOf());
    expect(outs).toMatchObject({
      keyVersions: [],
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringContaining("Grant the data action Microsoft.KeyVault/vaults/keys/read"),
    });
    for (const name of ["keyUriWithVersion", "keyUpdatedAt", "keyTags"]) {
      expect(outs).not.toHaveProperty(name);
    }
    const recorded = { ...outs, blob: pulumi.runtime.unwrapRpcSecret(outs.blob) };
    expect(await keyBackup.diff("id", recorded, inputs, configOf())).toEqual({ changes: false });
  });

  it("fail with an error that the engine does not take for a half-made resource", async () => {
    const { inputs } = await keyBackup.check({}, { keyUri: `${local.vaultUri}keys/missing` }, configOf());
    const config = configOf({ "azure-keyvault-backup:timeoutSeconds": "1" });
    const error: unknown = await keyBackup.create(inputs, config).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty("id");
  });

  it("make no call while the environment turns TLS verification off", async () => {
    const { keyUri } = await local.createKey("orders");
    const { inputs } = await keyBackup.check({}, { keyUri }, configOf());
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const error = await keyBackup.create(inputs, configOf()).catch((reason: Error) => reason);
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    expect(error).toMatchObject({ message: expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS/) });
    expect(local.requests).toEqual([]);
  });

  it("share one token and one challenge among the resources of a process", async () => {
    const { keyUri } = await local.createKey("orders");
    const { inputs } = await keyBackup.check({}, { keyUri }, configOf());
    const issued = service.identity.tokensIssued.length;
    await Promise.all(Array.from({ length: 10 }, () => keyBackup.create(inputs, configOf())));
    expect(local.requests.filter(({ hasToken }) => !hasToken).length).toBe(1);
    expect(service.identity.tokensIssued.length - issued).toBeLessThanOrEqual(1);
  });
});

it("read and delete tell a mistake in the configuration, and change nothing", async () => {
  const { keyUri } = await local.createKey("orders");
  const { inputs } = await keyBackup.check({}, { keyUri }, configOf());
  const { outs } = await keyBackup.create(inputs, configOf());
  const recorded = { ...outs, blob: pulumi.runtime.unwrapRpcSecret(outs.blob) };
  const config = configOf({ "azure-keyvault-backup:timeoutSeconds": "soon" });
  for (const call of [() => keyBackup.read("id", recorded, config), () => keyBackup.delete("id", recorded, config)]) {
    const error = await call().catch((reason: Error) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining("timeoutSeconds is not a whole"), stack: "" });
  }
});

it("read of a resource that no state holds says that there is no get", async () => {
  const error = await keyBackup.read("the id", { __provider }, configOf()).catch((reason: Error) => reason);
  expect(error).toMatchObject({
    message: expect.stringContaining("exists only in the state that made it"),
    stack: "",
  });
});
