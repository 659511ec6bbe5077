import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import type { Configuration } from "../../../../src/provider/engine/configuration";
import {
  array,
  arrayOf,
  boolean,
  days,
  oneOf,
  parseInput,
  parseVaultInput,
  type Shape,
  sha256,
  shapeMistakes,
  string,
} from "../../../../src/provider/engine/inputs";

const unknown = pulumi.runtime.unknownValue;
const hash = "0123456789abcdef".repeat(4);
const shapes = { name: string, isGood: boolean, list: array, age: days, mode: oneOf("keep", "recreate") };
const configuration: Configuration = { disableChallengeResourceVerification: false, timeout: 1, mistakes: [] };
const hsm = "https://hsm.managedhsm.azure.net/";

describe("a shape", () => {
  const values = [undefined, null, "", "keep", hash, true, false, 0, 1.5, -1, Number.NaN, Infinity, [], [1], ["a"], {}];
  it.each<[string, Shape, readonly unknown[]]>([
    ["a string", string, ["", "keep", hash]],
    ["true or false", boolean, [true, false]],
    ["an array", array, [[], [1], ["a"]]],
    ["a positive number of days", days, [1.5]],
    ["a SHA-256 of 64 hexadecimal digits", sha256, [hash]],
    ["an array, each item a string", arrayOf(string), [[], ["a"]]],
    ['"keep" or "recreate"', oneOf("keep", "recreate"), ["keep"]],
  ])("takes %s and nothing else", (description, shape, taken) => {
    expect(values.filter((value) => shape.fits(value))).toEqual(taken);
    expect(shape.description).toBe(description);
  });

  it("of a SHA-256 takes digits in upper case, and no text around them", () => {
    expect(sha256.fits(hash.toUpperCase())).toBe(true);
    for (const text of [` ${hash}`, `${hash}\n`, `${hash}0`, `${hash.slice(1)}g`])
      expect(sha256.fits(text)).toBe(false);
  });

  it("lists three names with commas and one or", () => {
    expect(oneOf("a", "b", "c").description).toBe('"a", "b" or "c"');
  });
});

describe("the mistakes in properties", () => {
  it("are none if each property fits or is absent", () => {
    expect(shapeMistakes("R", { name: "a", isGood: true, list: [], age: 30, mode: "recreate" }, shapes)).toEqual([]);
    expect(shapeMistakes("R", {}, shapes)).toEqual([]);
  });

  it("have a sentence for each property that does not fit", () => {
    expect(shapeMistakes("R", { name: 1, isGood: "yes", list: {}, age: -1, mode: "replace" }, shapes)).toEqual([
      "name must be a string.",
      "isGood must be true or false.",
      "list must be an array.",
      "age must be a positive number of days.",
      'mode must be "keep" or "recreate".',
    ]);
  });

  it("have a sentence for each unknown property, with the known ones", () => {
    expect(shapeMistakes("KeyRestore", { nmae: 1, toString: 2 }, { name: string, mode: string })).toEqual([
      "nmae is not an input of KeyRestore; its inputs are name, mode.",
      "toString is not an input of KeyRestore; its inputs are name, mode.",
    ]);
  });

  it("name the property by its path", () => {
    expect(shapeMistakes("R", { name: 1, nmae: 1 }, { name: string }, "backup.")).toEqual([
      "backup.nmae is not an input of R; its inputs are name.",
      "backup.name must be a string.",
    ]);
  });

  it("pass over values that are not known yet, in whole or in part", () => {
    const properties = { name: unknown, isGood: [unknown], list: { of: unknown }, age: unknown, mode: unknown };
    expect(shapeMistakes("R", properties, shapes)).toEqual([]);
  });

  it("repeat no value", () => {
    const value = fc.constantFrom<unknown>("secret-1", ["secret-1"], { a: "secret-1" });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(shapes), "other"), value), (properties) => {
        expect(shapeMistakes("R", properties, shapes).join()).not.toContain("secret-1");
      }),
    );
  });
});

describe("a text among the inputs", () => {
  const parse = (text: string) => (text === "good" ? { value: 1 } : { mistakes: ["is bad", "is long"] });

  it("is parsed, or gives each mistake as a sentence under the input's name", () => {
    const mistakes: string[] = [];
    expect(parseInput("name", "good", parse, mistakes)).toBe(1);
    expect(mistakes).toEqual([]);
    expect(parseInput("name", "evil", parse, mistakes)).toBeUndefined();
    expect(mistakes).toEqual(["name is bad.", "name is long."]);
  });

  it("is passed over if it is unknown or no text", () => {
    const mistakes: string[] = [];
    for (const value of [unknown, undefined, 1, ["evil"]]) {
      expect(parseInput("name", value, parse, mistakes)).toBeUndefined();
    }
    expect(mistakes).toEqual([]);
  });
});

describe("a vault among the inputs", () => {
  it("is made canonical, whatever kind of object it is for", () => {
    for (const kind of [undefined, ...objectKinds]) {
      const mistakes: string[] = [];
      const vaultUri = parseVaultInput(kind, "https://KV.vault.azure.net", configuration, mistakes);
      expect(vaultUri).toBe("https://kv.vault.azure.net/");
      expect(mistakes).toEqual([]);
    }
  });

  it("is refused by its private link name with the public name, unless hosts are not verified", () => {
    const name = "https://kv.privatelink.vaultcore.azure.net/";
    const mistakes: string[] = [];
    parseVaultInput(key, name, configuration, mistakes);
    expect(mistakes).toEqual([expect.stringMatching(/^vaultUri is a private link name\. Use the public name, https:/)]);
    const lenient: string[] = [];
    parseVaultInput(key, name, { ...configuration, disableChallengeResourceVerification: true }, lenient);
    expect(lenient).toEqual([]);
  });

  it("may be a Managed HSM for keys and for what is of no known kind", () => {
    for (const kind of [key, undefined]) {
      const mistakes: string[] = [];
      expect(parseVaultInput(kind, hsm, configuration, mistakes)).toBe(hsm);
      expect(mistakes).toEqual([]);
    }
  });

  it.each([secret, certificate])("is no Managed HSM for $collection", (kind) => {
    const mistakes: string[] = [];
    expect(parseVaultInput(kind, hsm, configuration, mistakes)).toBeUndefined();
    expect(mistakes).toEqual([`vaultUri names a Managed HSM, which holds no ${kind.collection}.`]);
  });
});
