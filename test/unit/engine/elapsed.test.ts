import { expect, it } from "@jest/globals";
import { elapsed } from "../../../engine/elapsed";

it.each([
  [0, "0:00"],
  [59_999, "0:59"],
  [60_000, "1:00"],
  [187_000, "3:07"],
  [3_600_000, "60:00"],
])("writes %d ms as %s", (milliseconds, text) => {
  expect(elapsed(milliseconds)).toBe(text);
});
