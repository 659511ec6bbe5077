import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { isInHsm, type ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { checkBackup, declaredBackup } from "../../../../src/provider/backup/inputs";
import { readConfiguration } from "../../../../src/provider/engine/configuration";

const unknown = pulumi.runtime.unknownValue;
const [v1, sha256] = ["a".repeat(32), "b".repeat(64)];

/** What the tests of one kind need: its check, its URI, and the names of its inputs. */
function inputsOf(kind: ObjectKind) {
  const resource = `${capitalized(kind.noun)}Backup`;
  const { collection, noun, properties } = kind;
  return {
    resource,
    collection,
    noun,
    uri: `https://kv.vault.azure.net/${collection}/orders`,
    uriInput: properties.uri,
    nameInput: properties.name,
    names: [properties.uri, "vaultUri", properties.name, "triggers", "maxAgeDays", "retain", "forget", "forceDelete"],
    at: (uri: unknown) => ({ [properties.uri]: uri }),
    named: (vaultUri: unknown, name: unknown) => ({ vaultUri, [properties.name]: name }),
    check: (declared: Record<string, unknown>, config: Record<string, string> = {}) =>
      checkBackup(kind, resource, declared, readConfiguration({ get: (name) => config[name] })),
    declared: (inputs: Record<string, unknown>) => declaredBackup(kind, inputs),
  };
}

describe.each(objectKinds)("the inputs of a $noun's backup", (kind) => {
  const { check, at, named, uri, uriInput, nameInput, names, collection, declared } = inputsOf(kind);

  it.each([
    ["an upper-case host", `https://KV.Vault.Azure.Net/${collection}/orders/${v1}`, `${uri}/${v1}`],
    ["the default port", `https://kv.vault.azure.net:443/${collection}/orders`, uri],
    ["doubled and trailing slashes", `https://kv.vault.azure.net//${collection}//orders/`, uri],
  ])(`are made canonical: a ${uriInput} with %s`, (_, given, expected) => {
    expect(check(at(given))).toEqual({ inputs: at(expected), mistakes: [] });
  });

  it("are made canonical: a vaultUri without a slash at its end", () => {
    const host = isInHsm(kind) ? "https://hsm.managedhsm.azure.net" : "https://kv.vault.azure.net";
    const { inputs, mistakes } = check(named(host, "orders"));
    expect(inputs).toEqual(named(`${host}/`, "orders"));
    expect(mistakes).toEqual([]);
  });

  it("are made canonical: hashes of forget in upper case", () => {
    expect(check({ ...at(uri), forget: [sha256.toUpperCase()] }).inputs.forget).toEqual([sha256]);
  });

  it("leave out what the program leaves undefined, and the provider's text", () => {
    expect(check({ __provider: "text", ...at(uri), triggers: null, retain: undefined }).inputs).toEqual(at(uri));
  });

  it("are the same when they are checked again, as ignoreChanges needs", () => {
    const { inputs } = check({ ...at(`HTTPS://KV.vault.azure.net/${collection}/orders/${v1}/`), triggers: [1] });
    expect(check(inputs)).toEqual({ inputs, mistakes: [] });
  });

  it.each(names)("may have %s unknown, in whole or in part", (name) => {
    const others = name === "vaultUri" || name === nameInput ? named("https://kv/", "a") : at(uri);
    for (const value of [unknown, [unknown], { deep: [unknown] }]) {
      const given = { ...others, [name]: value };
      expect(check(given).mistakes).toEqual([]);
      expect(declared(check(given).inputs).unknown).toEqual([name]);
    }
  });
});

describe.each(objectKinds)("a mistake in the inputs of a $noun's backup", (kind) => {
  const { check, at, named, uri, uriInput, nameInput, names, collection, noun, resource, declared } = inputsOf(kind);
  const nameTheObject = `Name the ${noun}: set ${uriInput}, or both vaultUri and ${nameInput}.`;

  it.each<[string, Record<string, unknown>, string]>([
    [`no ${noun}`, {}, nameTheObject],
    [`a vault without a ${noun}`, { vaultUri: "https://kv/" }, nameTheObject],
    ["a name without a vault", { [nameInput]: "a" }, nameTheObject],
    [
      `a ${uriInput} beside ${nameInput}`,
      { ...at(uri), [nameInput]: "a" },
      `remove vaultUri and ${nameInput}, or ${uriInput}.`,
    ],
    [
      `a ${uriInput} beside vaultUri`,
      { ...at(uri), vaultUri: "https://kv/" },
      `already names the vault and the ${noun}`,
    ],
    [`a number for ${uriInput}`, at(5), `${uriInput} must be a string.`],
    ["an array for vaultUri", named([], "a"), "vaultUri must be a string."],
    [`an object for ${nameInput}`, named("https://kv/", {}), `${nameInput} must be a string.`],
    ["a text for triggers", { ...at(uri), triggers: "x" }, "triggers must be an array."],
    [
      "an unknown input",
      { ...at(uri), keyURI: "x" },
      `keyURI is not an input of ${resource}; its inputs are ${uriInput}, vaultUri, ${nameInput}, triggers`,
    ],
    [
      `a relative ${uriInput}`,
      at("orders"),
      `${uriInput} is not an absolute URI like https://my-vault.vault.azure.net/${collection}`,
    ],
    [`a ${uriInput} of a vault`, at("https://kv/"), `${uriInput} is not the URI of a ${noun}`],
    [`a ${uriInput} with a query`, at(`${uri}?a=b`), `${uriInput} has a query.`],
    ["a password in vaultUri", named("https://a:b@kv/", "a"), "vaultUri contains a user name or a pass"],
    ["a path in vaultUri", named(`https://kv/${collection}`, "a"), "vaultUri has a path"],
    ["plain http", named("http://kv.vault.azure.net/", "a"), "vaultUri does not use https."],
    [`an underscore in ${nameInput}`, named("https://kv/", "or_ders"), `${nameInput} is not 1 to 127 letters`],
    [`an empty ${nameInput}`, named("https://kv/", ""), `${nameInput} is not 1 to 127 letters`],
    ["maxAgeDays of zero", { ...at(uri), maxAgeDays: 0 }, "maxAgeDays must be a positive number of days."],
    ["a negative maxAgeDays", { ...at(uri), maxAgeDays: -1 }, "maxAgeDays must be a positive number"],
    ["an infinite maxAgeDays", { ...at(uri), maxAgeDays: Infinity }, "maxAgeDays must be a positive number"],
    ["a text for maxAgeDays", { ...at(uri), maxAgeDays: "7" }, "maxAgeDays must be a positive number"],
    ["a fraction for retain", { ...at(uri), retain: 0.5 }, "retain must be a whole number, 0 or more."],
    ["a negative retain", { ...at(uri), retain: -1 }, "retain must be a whole number"],
    ["a text for retain", { ...at(uri), retain: "1" }, "retain must be a whole number"],
    [
      "a short hash in forget",
      { ...at(uri), forget: ["abc"] },
      "forget must be an array, each item a SHA-256 of 64 hexa",
    ],
    ["a hash for forget", { ...at(uri), forget: sha256 }, "forget must be an array"],
    ["a text for forceDelete", { ...at(uri), forceDelete: "true" }, "forceDelete must be true or false."],
  ])("gives one sentence that names the input: %s", (_, inputs, sentence) => {
    const { mistakes } = check(inputs);
    expect(mistakes).toEqual([expect.stringContaining(sentence)]);
    expect(mistakes[0]).toMatch(/^\w.*\.$/);
  });

  it.each(objectKinds.filter((other) => other !== kind))(`is a ${uriInput} that names a $noun`, (other) => {
    for (const version of ["", "/", `/${v1}`]) {
      expect(check(at(`https://kv.vault.azure.net/${other.collection}/orders${version}`)).mistakes).toEqual([
        `${uriInput} names a ${other.noun}, not a ${noun}: its path must begin with /${collection}.`,
      ]);
    }
  });

  it.each(objectKinds.filter((other) => other !== kind))("is an input of a $noun's backup", (other) => {
    for (const name of [other.properties.name, other.properties.uri]) {
      expect(check({ ...at(uri), [name]: "orders" }).mistakes).toEqual([
        expect.stringContaining(`${name} is not an input of ${resource}`),
      ]);
    }
  });

  it("is the URI of a Managed HSM, unless an HSM holds objects of the kind", () => {
    const hsm = "https://hsm.managedhsm.azure.net/";
    const mistakes = (name: string) =>
      isInHsm(kind) ? [] : [`${name} names a Managed HSM, which holds no ${collection}.`];
    for (const vaultUri of [hsm, hsm.slice(0, -1), "https://HSM.ManagedHsm.azure.net:443/"]) {
      expect(check(named(vaultUri, "orders")).mistakes).toEqual(mistakes("vaultUri"));
    }
    for (const version of ["", `/${v1}`]) {
      expect(check(at(`${hsm}${collection}/orders${version}`)).mistakes).toEqual(mistakes(uriInput));
    }
    expect([kind.noun, isInHsm(kind)]).toEqual([kind.noun, kind.noun === "key"]);
  });

  const privateLink = "https://kv.privatelink.vaultcore.azure.net/";
  it.each([
    [uriInput, at(`${privateLink}${collection}/orders`)],
    ["vaultUri", named(privateLink, "orders")],
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
      `http://${secret}@${secret}.example/${secret}/${collection}/${secret}!/${secret}?${secret}#${secret}`,
      `https://kv.vault.azure.net/${collection}/${secret}/${secret}!`,
      `https://${secret}.managedhsm.azure.net/${collection}/${secret}`,
    );
    const value = fc.oneof(hidden, fc.webUrl(), fc.jsonValue(), fc.anything());
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, "another"), value), (given) => {
        const { inputs, mistakes } = check(given);
        expect(mistakes.join("\n").toLowerCase()).not.toContain(secret.toLowerCase());
        expect(() => declared(inputs)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe.each(objectKinds)("what checked inputs of a $noun's backup declare", (kind) => {
  const { at, named, uri, declared } = inputsOf(kind);

  it("is the object by its vault, its name and its version", () => {
    expect(declared(at(`${uri}/${v1}`))).toMatchObject({
      vaultUri: "https://kv.vault.azure.net/",
      name: "orders",
      version: v1,
      triggers: [],
      maxAgeDays: undefined,
      forget: [],
      forceDelete: false,
      unknown: [],
    });
    expect(declared(named("https://kv/", "orders"))).toMatchObject({
      vaultUri: "https://kv/",
      name: "orders",
      version: undefined,
    });
  });

  it("is everything else that the program says", () => {
    const inputs = { ...at(uri), triggers: [1], maxAgeDays: 0.5, forget: [sha256], forceDelete: true };
    expect(declared({ ...inputs, __provider: unknown })).toMatchObject({
      triggers: [1],
      maxAgeDays: 0.5,
      forget: [sha256],
      forceDelete: true,
      unknown: [],
    });
  });
});
