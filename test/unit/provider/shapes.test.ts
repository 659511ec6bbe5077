import { describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import {
  array,
  boolean,
  days,
  given,
  oneOf,
  type Properties,
  type Shape,
  shapeMistakes,
  string,
} from "../../../src/provider/shapes";

const shapes = { name: string, isGood: boolean, list: array, age: days, mode: oneOf("keep", "recreate") };
const mistakes = (properties: Properties, prefix?: string) => shapeMistakes("KeyRestore", properties, shapes, prefix);

describe("a shape", () => {
  const values = ["", "keep", true, false, 0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, [], [1], {}];
  it.each<[string, Shape, readonly unknown[]]>([
    ["string", string, ["", "keep"]],
    ["boolean", boolean, [true, false]],
    ["array", array, [[], [1]]],
    ["days", days, [1.5]],
    ["oneOf", oneOf("keep", "recreate"), ["keep"]],
  ])("(%s) is that of some values only", (_, shape, its) => {
    expect(values.filter((value) => shape.isShapeOf(value))).toEqual(its);
  });

  it("of days takes neither a text nor a fraction of nothing", () => {
    expect(days.isShapeOf("30")).toBe(false);
    expect(days.isShapeOf(0)).toBe(false);
    expect(days.isShapeOf(Number.MIN_VALUE)).toBe(true);
  });

  it("of names says which they are", () => {
    expect(oneOf("fail", "record").text).toBe('"fail" or "record"');
    expect(oneOf("keep", "delete", "purge").text).toBe('one of "keep", "delete", "purge"');
  });
});

describe("what the program gives", () => {
  it("is all that is neither undefined nor null, without the provider's own text", () => {
    const declared = { __provider: "text", a: undefined, b: null, c: false, d: 0, e: "", f: { g: null } };
    expect(given(declared)).toStrictEqual({ c: false, d: 0, e: "", f: { g: null } });
  });
});

describe("the mistakes in properties", () => {
  it("are none where each has its shape, or is absent", () => {
    expect(mistakes({ name: "a", isGood: true, list: [], age: 30, mode: "recreate" })).toEqual([]);
    expect(mistakes({})).toEqual([]);
  });

  it("are a sentence for each that has another shape", () => {
    expect(mistakes({ name: 1, isGood: "yes", list: {}, age: -1, mode: "replace" })).toEqual([
      "name is not a string.",
      "isGood is not true or false.",
      "list is not an array.",
      "age is not a positive, finite number of days.",
      'mode is not "keep" or "recreate".',
    ]);
  });

  it("are a sentence for each that there is none of, with those that there are", () => {
    expect(mistakes({ nmae: "a" })).toEqual([
      "nmae is not an input of KeyRestore, which has name, isGood, list, age, mode.",
    ]);
    expect(mistakes({ toString: "a", name: "a" })).toHaveLength(1);
  });

  it("name the property by its place", () => {
    expect(mistakes({ name: 1, nmae: "a" }, "backup.")).toEqual([
      "backup.nmae is not an input of KeyRestore, which has name, isGood, list, age, mode.",
      "backup.name is not a string.",
    ]);
  });

  it("are none of what is not known yet, whole or in part", () => {
    const unknown = pulumi.runtime.unknownValue;
    expect(mistakes({ name: unknown, isGood: unknown, list: { of: unknown }, age: unknown, mode: unknown })).toEqual(
      [],
    );
  });

  it("repeat no value, which may be secret", () => {
    expect(mistakes({ name: ["secret"], mode: "secret", age: "secret", isGood: "secret" }).join()).not.toContain(
      "secret",
    );
  });
});
