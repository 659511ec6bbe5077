import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import {
  arrayIn,
  isUnknown,
  membersIn,
  numberIn,
  onWire,
  secretOnWire,
  textIn,
  textMembersIn,
  textsIn,
  unknownIn,
  withoutEmpty,
} from "../../../../src/provider/engine/values";

const unknown = pulumi.runtime.unknownValue;

describe("a value that is not known yet", () => {
  it("is found at any depth of objects and arrays", () => {
    for (const value of [unknown, [unknown], [1, [{ a: [unknown] }]], { a: { b: unknown } }]) {
      expect(isUnknown(value)).toBe(true);
    }
  });

  it("is not seen in other values", () => {
    for (const value of [undefined, null, 0, "", `${unknown}!`, [], {}, [1, { a: ["b"] }]]) {
      expect(isUnknown(value)).toBe(false);
    }
    fc.assert(fc.property(fc.jsonValue(), (value) => !isUnknown(value)));
  });

  it("gives its property's name", () => {
    expect(unknownIn({ a: unknown, b: "known", c: [{ d: unknown }], e: undefined })).toEqual(["a", "c"]);
  });

  it("is neither a text nor among texts", () => {
    expect(textIn(unknown)).toBeUndefined();
    expect(textsIn(["a", unknown])).toEqual(["a"]);
    expect(textMembersIn({ a: "1", b: unknown })).toEqual({ a: "1" });
  });
});

describe("a reader of values", () => {
  const odd = [undefined, null, true, 1, "text", [], ["a"], {}, { a: "b" }, unknown];
  const taken = (read: (value: unknown) => unknown, empty: unknown) =>
    odd.filter((value) => JSON.stringify(read(value)) !== JSON.stringify(empty));

  it("of texts passes over everything else", () => {
    expect(taken(textIn, undefined)).toEqual(["text"]);
    expect(textIn("")).toBe("");
    expect(textsIn(["b", 1, "a", null, ["c"], "", { d: "d" }])).toEqual(["b", "a", ""]);
    expect(taken(textsIn, [])).toEqual([["a"]]);
  });

  it("of numbers and arrays passes over everything else", () => {
    expect(taken(numberIn, undefined)).toEqual([1]);
    expect(taken(arrayIn, [])).toEqual([["a"]]);
  });

  it("of members passes over everything but objects", () => {
    expect(taken(membersIn, {})).toEqual([{ a: "b" }]);
    expect(taken(textMembersIn, {})).toEqual([{ a: "b" }]);
    expect(textMembersIn({ a: "1", b: 2, c: null, e: "", f: ["1"] })).toEqual({ a: "1", e: "" });
  });

  it("of text members keeps names that every object has", () => {
    const value = JSON.parse('{"__proto__":"1","constructor":"2"}');
    expect(JSON.stringify(textMembersIn(value))).toBe('{"__proto__":"1","constructor":"2"}');
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const read of [isUnknown, textIn, textsIn, numberIn, arrayIn, membersIn, textMembersIn]) read(value);
      }),
    );
  });
});

it("The declared inputs are those that are neither undefined nor null, without the provider's text.", () => {
  const declared = { __provider: "text", a: undefined, b: null, c: false, d: 0, e: "", f: { g: null } };
  expect(withoutEmpty(declared)).toStrictEqual({ c: false, d: 0, e: "", f: { g: null } });
});

describe("on the wire", () => {
  it("a secret text is what Pulumi takes for a secret", () => {
    expect(secretOnWire("hidden")).toEqual({
      [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig,
      value: "hidden",
    });
    expect(pulumi.runtime.isRpcSecret(secretOnWire("hidden"))).toBe(true);
    expect(secretOnWire("")).toHaveProperty("value", "");
    expect(secretOnWire(undefined)).toBeUndefined();
  });

  it("there is no undefined member at any depth, also of objects in arrays", () => {
    const item = { a: undefined, b: [{ c: undefined, d: 1 }] };
    const properties = {
      a: 1,
      b: undefined,
      c: { d: undefined, e: { f: undefined, g: "" } },
      h: {},
      i: [item, [item]],
    };
    expect(onWire(properties)).toStrictEqual({
      a: 1,
      c: { e: { g: "" } },
      h: {},
      i: [{ b: [{ d: 1 }] }, [{ b: [{ d: 1 }] }]],
    });
  });

  it("values that are false, null, zero or empty stay", () => {
    const properties = { a: false, b: null, c: 0, d: "", e: [], f: Number.NaN };
    expect(onWire(properties)).toStrictEqual(properties);
  });

  it("JSON stays as it is, and the given object is not changed", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (properties) => {
        expect(onWire(properties)).toEqual(properties);
      }),
    );
    const given = Object.freeze({ inner: Object.freeze({ a: undefined, b: 1 }), c: undefined });
    expect(onWire(given)).toStrictEqual({ inner: { b: 1 } });
  });
});
