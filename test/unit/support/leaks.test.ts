import { expect, it } from "@jest/globals";
import response from "../../support/backupKeyResponse.json";
import { leaksIn } from "../../support/leaks";

it("finds a real blob, whole, cut, or decoded", () => {
  const { value } = response;
  expect(leaksIn(`error: ${value}`, {})).toEqual(["the beginning of a blob"]);
  expect(leaksIn(Buffer.from(value, "base64url").toString("latin1"), {})).toEqual(["the beginning of a decoded blob"]);
  expect(leaksIn(value.slice(4_000, 4_120), { blob: value })).toEqual(["blob"]);
});

it("finds secrets by name and does not repeat them", () => {
  expect(leaksIn("the password is hunter2!", { password: "hunter2", other: ["absent"] })).toEqual(["password"]);
});

it("finds nothing in a text that tells nothing", () => {
  expect(leaksIn("blob: [secret]", { blob: response.value, token: ["eyJhbGciOi.eyJ.x"] })).toEqual([]);
});
