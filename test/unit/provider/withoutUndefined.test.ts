import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { withoutUndefined } from "../../../src/provider/withoutUndefined";

it("leaves out what is undefined, at any depth of an object", () => {
  const properties = { a: 1, b: undefined, c: { d: undefined, e: { f: undefined, g: "" } }, h: {} };
  expect(withoutUndefined(properties)).toStrictEqual({ a: 1, c: { e: { g: "" } }, h: {} });
});

it("keeps what is false, null, zero or empty", () => {
  const properties = { a: false, b: null, c: 0, d: "", e: [], f: Number.NaN };
  expect(withoutUndefined(properties)).toStrictEqual(properties);
});

it("passes arrays on as they are, in any depth", () => {
  const triggers = [{ a: [1, null] }, "b"];
  const { inner } = withoutUndefined({ inner: { triggers } }) as { inner: { triggers: unknown } };
  expect(inner.triggers).toBe(triggers);
});

it("does not change what it is given", () => {
  const inner = Object.freeze({ a: undefined, b: 1 });
  const properties = Object.freeze({ inner, c: undefined });
  withoutUndefined(properties);
  expect(properties).toStrictEqual({ inner: { a: undefined, b: 1 }, c: undefined });
});

it("keeps each value of JSON as it is", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (properties) => {
      expect(withoutUndefined(properties)).toEqual(properties);
    }),
  );
});
