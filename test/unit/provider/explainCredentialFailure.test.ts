import { expect, it } from "@jest/globals";
import { explainCredentialFailure } from "../../../src/provider/explainCredentialFailure";
import { readIdentitySettings } from "../../../src/provider/identitySettings";

const secret = "hunter2~VerySecret.Value";
const settings = readIdentitySettings((name) => (name === "clientSecret" ? secret : undefined));

it("leaves a secret out of a message that is cut in the middle of it", () => {
  const { message } = explainCredentialFailure(settings, new Error(`${"x".repeat(990)}${secret}`));
  expect(message).toContain("xxx[secret]".slice(0, 8));
  expect(message).not.toContain("hunter2");
});

it("leaves a token out, whole or cut, on one line or several", () => {
  const token = `eyJ${"a".repeat(600)}.eyJ${"b".repeat(600)}.${"c".repeat(300)}`;
  for (const text of [token, token.slice(0, 900), `output:\n${token}\nmore`]) {
    const { message } = explainCredentialFailure(settings, new Error(text));
    expect(message).toContain("[token]");
    expect(message).not.toMatch(/aaaa|bbbb/);
  }
});

it("leaves out a secret that ends with a line break", () => {
  const withBreak = readIdentitySettings((name) => (name === "oidcToken" ? "first-part\nsecond-part\n" : undefined));
  const { message } = explainCredentialFailure(withBreak, new Error("refused: first-part\nsecond-part"));
  expect(message).not.toMatch(/first-part|second-part/);
});
