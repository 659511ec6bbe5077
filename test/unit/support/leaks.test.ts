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

it("finds the value of a secret of the local vault, in clear or encoded, wherever it stands in a text", () => {
  const value = "secret-value-1f0c";
  for (const before of ["", "a", "ab", '{"value":"']) {
    const text = `${before}${value}"`;
    expect(leaksIn(text)).toEqual(["a secret's value"]);
    expect(leaksIn(Buffer.from(text).toString("base64"))).toEqual(["a secret's value"]);
    expect(leaksIn(Buffer.from(text).toString("base64url"))).toEqual(["a secret's value"]);
  }
});

it("finds the blob of a secret", () => {
  const blob = `${Buffer.from(")AzureKeyVaultSecretBackupV1.microsoft.com").toString("base64url")}eyJ`;
  expect(leaksIn(blob)).toEqual(["the beginning of a blob"]);
});
