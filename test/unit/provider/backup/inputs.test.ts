import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { key } from "../../../../src/objects/key";
import { checkBackup, declaredBackup } from "../../../../src/provider/backup/inputs";
import { readConfiguration } from "../../../../src/provider/engine/configuration";

const unknown = pulumi.runtime.unknownValue;
const [v1, sha256] = ["a".repeat(32), "b".repeat(64)];
const keyUri = "https://kv.vault.azure.net/keys/orders";
const names = ["keyUri", "vaultUri", "keyName", "triggers", "maxAgeDays", "retain", "forget", "forceDelete"];

function check(declared: Record<string, unknown>, config: Record<string, string> = {}) {
  return checkBackup(key, "KeyBackup", declared, readConfiguration({ get: (name) => config[name] }));
}

describe("the inputs of a KeyBackup", () => {
  it.each([
    ["an upper-case host", `https://KV.Vault.Azure.Net/keys/orders/${v1}`, `${keyUri}/${v1}`],
    ["the default port", `https://kv.vault.azure.net:443/keys/orders`, keyUri],
    ["doubled and trailing slashes", `https://kv.vault.azure.net//keys//orders/`, keyUri],
  ])("are made canonical: a keyUri with %s", (_, given, expected) => {
    expect(check({ keyUri: given })).toEqual({ inputs: { keyUri: expected }, mistakes: [] });
  });

  it("are made canonical: a vaultUri without a slash at its end", () => {
    const { inputs, mistakes } = check({ vaultUri: "https://hsm.managedhsm.azure.net", keyName: "orders" });
    expect(inputs).toEqual({ vaultUri: "https://hsm.managedhsm.azure.net/", keyName: "orders" });
    expect(mistakes).toEqual([]);
  });

  it("are made canonical: hashes of forget in upper case", () => {
    expect(check({ keyUri, forget: [sha256.toUpperCase()] }).inputs.forget).toEqual([sha256]);
  });

  it("leave out what the program leaves undefined, and the provider's text", () => {
    expect(check({ __provider: "text", keyUri, triggers: null, retain: undefined }).inputs).toEqual({ keyUri });
  });

  it("are the same when they are checked again, as ignoreChanges needs", () => {
    const { inputs } = check({ keyUri: `HTTPS://KV.vault.azure.net/keys/orders/${v1}/`, triggers: [1] });
    expect(check(inputs)).toEqual({ inputs, mistakes: [] });
  });

  it.each(names)("may have %s unknown, in whole or in part", (name) => {
    const others = name === "vaultUri" || name === "keyName" ? { vaultUri: "https://kv/", keyName: "a" } : { keyUri };
    for (const value of [unknown, [unknown], { deep: [unknown] }]) {
      const declared = { ...others, [name]: value };
      expect(check(declared).mistakes).toEqual([]);
      expect(declaredBackup(key, check(declared).inputs).unknown).toEqual([name]);
    }
  });
});

describe("a mistake in the inputs of a KeyBackup", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["no key", {}, "Name the key: set keyUri, or both vaultUri and keyName."],
    ["a vault without a key", { vaultUri: "https://kv/" }, "Name the key: set keyUri"],
    ["a name without a vault", { keyName: "a" }, "Name the key: set keyUri"],
    ["a keyUri beside keyName", { keyUri, keyName: "a" }, "remove vaultUri and keyName, or keyUri."],
    ["a keyUri beside vaultUri", { keyUri, vaultUri: "https://kv/" }, "keyUri already names the vault and the key"],
    ["a number for keyUri", { keyUri: 5 }, "keyUri must be a string."],
    ["an array for vaultUri", { vaultUri: [], keyName: "a" }, "vaultUri must be a string."],
    ["an object for keyName", { vaultUri: "https://kv/", keyName: {} }, "keyName must be a string."],
    ["a text for triggers", { keyUri, triggers: "x" }, "triggers must be an array."],
    [
      "an unknown input",
      { keyUri, keyURI: "x" },
      "keyURI is not an input of KeyBackup; its inputs are keyUri, vaultUri",
    ],
    ["a relative keyUri", { keyUri: "orders" }, "keyUri is not an absolute URI"],
    ["a keyUri of a secret", { keyUri: "https://kv/secrets/a" }, "keyUri names a secret, not a key"],
    ["a keyUri of a vault", { keyUri: "https://kv/" }, "keyUri is not the URI of a key"],
    ["a keyUri with a query", { keyUri: `${keyUri}?a=b` }, "keyUri has a query."],
    [
      "a password in vaultUri",
      { vaultUri: "https://a:b@kv/", keyName: "a" },
      "vaultUri contains a user name or a pass",
    ],
    ["a path in vaultUri", { vaultUri: "https://kv/keys", keyName: "a" }, "vaultUri has a path"],
    ["plain http", { vaultUri: "http://kv.vault.azure.net/", keyName: "a" }, "vaultUri does not use https."],
    ["an underscore in keyName", { vaultUri: "https://kv/", keyName: "or_ders" }, "keyName is not 1 to 127 letters"],
    ["an empty keyName", { vaultUri: "https://kv/", keyName: "" }, "keyName is not 1 to 127 letters"],
    ["maxAgeDays of zero", { keyUri, maxAgeDays: 0 }, "maxAgeDays must be a positive number of days."],
    ["a negative maxAgeDays", { keyUri, maxAgeDays: -1 }, "maxAgeDays must be a positive number"],
    ["an infinite maxAgeDays", { keyUri, maxAgeDays: Infinity }, "maxAgeDays must be a positive number"],
    ["a text for maxAgeDays", { keyUri, maxAgeDays: "7" }, "maxAgeDays must be a positive number"],
    ["a fraction for retain", { keyUri, retain: 0.5 }, "retain must be a whole number, 0 or more."],
    ["a negative retain", { keyUri, retain: -1 }, "retain must be a whole number"],
    ["a text for retain", { keyUri, retain: "1" }, "retain must be a whole number"],
    ["a short hash in forget", { keyUri, forget: ["abc"] }, "forget must be an array, each item a SHA-256 of 64 hexa"],
    ["a hash for forget", { keyUri, forget: sha256 }, "forget must be an array"],
    ["a text for forceDelete", { keyUri, forceDelete: "true" }, "forceDelete must be true or false."],
  ])("gives one sentence that names the input: %s", (_, inputs, sentence) => {
    const { mistakes } = check(inputs);
    expect(mistakes).toEqual([expect.stringContaining(sentence)]);
    expect(mistakes[0]).toMatch(/^\w.*\.$/);
  });

  it.each([
    ["keyUri", { keyUri: "https://kv.privatelink.vaultcore.azure.net/keys/orders" }],
    ["vaultUri", { vaultUri: "https://kv.privatelink.vaultcore.azure.net/", keyName: "orders" }],
  ])("is the private link name of a vault in %s, unless hosts are not verified", (name, inputs) => {
    expect(check(inputs).mistakes).toEqual([expect.stringContaining(`${name} is a private link name. Use the public`)]);
    const off = { "azure-keyvault-backup:disableChallengeResourceVerification": "true" };
    expect(check(inputs, off).mistakes).toEqual([]);
  });

  it("does not repeat a value, and is found without throwing, whatever the program declares", () => {
    const secret = "Hunter2-Value";
    const hidden = fc.constantFrom<unknown>(
      unknown,
      secret,
      `${secret}!`,
      [secret],
      { [v1]: [secret] },
      `http://${secret}@${secret}.example/${secret}/keys/${secret}!/${secret}?${secret}#${secret}`,
      `https://kv.vault.azure.net/keys/${secret}/${secret}!`,
    );
    const value = fc.oneof(hidden, fc.webUrl(), fc.jsonValue(), fc.anything());
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, "another"), value), (declared) => {
        const { inputs, mistakes } = check(declared);
        expect(mistakes.join("\n").toLowerCase()).not.toContain(secret.toLowerCase());
        expect(() => declaredBackup(key, inputs)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe("what checked inputs declare", () => {
  it("is the key by its vault, its name and its version", () => {
    expect(declaredBackup(key, { keyUri: `${keyUri}/${v1}` })).toMatchObject({
      vaultUri: "https://kv.vault.azure.net/",
      name: "orders",
      version: v1,
      triggers: [],
      maxAgeDays: undefined,
      forget: [],
      forceDelete: false,
      unknown: [],
    });
    expect(declaredBackup(key, { vaultUri: "https://kv/", keyName: "orders" })).toMatchObject({
      vaultUri: "https://kv/",
      name: "orders",
      version: undefined,
    });
  });

  it("is everything else that the program says", () => {
    const inputs = { keyUri, triggers: [1], maxAgeDays: 0.5, forget: [sha256], forceDelete: true };
    expect(declaredBackup(key, { ...inputs, __provider: unknown })).toMatchObject({
      triggers: [1],
      maxAgeDays: 0.5,
      forget: [sha256],
      forceDelete: true,
      unknown: [],
    });
  });
});
