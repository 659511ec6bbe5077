import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { membersIn, textIn, textMembersIn, textsIn } from "../../../src/provider/valuesIn";

const unknown = pulumi.runtime.unknownValue;
const noTexts = [undefined, null, 0, true, [], {}];

it.each(noTexts)("a text in %j is none", (value) => {
  expect(textIn(value)).toBeUndefined();
});

it("a text is itself, also where it is empty, and not where it is not known yet", () => {
  expect([textIn("a"), textIn(""), textIn(unknown)]).toEqual(["a", "", undefined]);
});

it("texts are those of an array, in their order, and of anything else none", () => {
  expect(textsIn(["b", 1, "a", null, ["c"], "", { d: "d" }])).toEqual(["b", "a", ""]);
  for (const value of [undefined, null, "a", 1, { 0: "a", length: 1 }]) {
    expect(textsIn(value)).toEqual([]);
  }
});

describe("members", () => {
  it("are those of an object, whatever they are", () => {
    const value = { a: 1, b: null, c: undefined };
    expect(membersIn(value)).toEqual(value);
  });

  it.each([undefined, null, "a", 1, true])("are none of %j", (value) => {
    expect(Object.keys(membersIn(value))).toEqual([]);
    expect(textMembersIn(value)).toEqual({});
  });

  it("that are texts are told apart from others, and from what is not known yet", () => {
    expect(textMembersIn({ a: "1", b: 2, c: null, d: unknown, e: "", f: ["1"] })).toEqual({ a: "1", e: "" });
  });

  it("that are texts keep names that objects have of their own", () => {
    const value = JSON.parse('{"__proto__":"1","constructor":"2"}');
    expect(JSON.stringify(textMembersIn(value))).toBe('{"__proto__":"1","constructor":"2"}');
  });
});
