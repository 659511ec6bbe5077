import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { damageOf, sha256OfBlob, unfamiliarStructure } from "../../../src/backup/blob";
import response from "../../support/backupKeyResponse.json";

const folder = mkdtempSync(path.join(tmpdir(), "blob-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the SHA-256 of a blob", () => {
  it("is what sha256sum prints for the file of the decoded bytes", () => {
    const file = path.join(folder, "key.backup");
    writeFileSync(file, Buffer.from(response.value, "base64url"));
    const [printed] = execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ");
    expect(sha256OfBlob(response.value)).toBe(printed);
  });

  it("does not depend on padding", () => {
    expect(sha256OfBlob(`${response.value}==`)).toBe(sha256OfBlob(response.value));
  });
});

describe("the damage of a recorded blob", () => {
  const blobSha256 = sha256OfBlob(response.value);

  it("is none where it is the one that was made", () => {
    expect(damageOf({ blob: response.value, blobSha256 })).toBeUndefined();
  });

  it("names both hashes where it is another", () => {
    const edited = response.value.replace("J", "K");
    expect(damageOf({ blob: edited, blobSha256 })).toBe(
      `its SHA-256 is ${sha256OfBlob(edited)}, and blobSha256 says ${blobSha256}`,
    );
  });
});

describe("the structure of a blob", () => {
  const decoded = Buffer.from(response.value, "base64url");
  const encoded = (text: string) => Buffer.from(text, "latin1").toString("base64url");

  it("is familiar in a response of the service", () => {
    expect(unfamiliarStructure(response.value)).toBeUndefined();
  });

  it.each([
    ["of another length byte", encoded(`%${decoded.subarray(1).toString("latin1")}`)],
    ["of a secret", encoded(decoded.toString("latin1").replace("&AzureKeyVaultKey", ")AzureKeyVaultSecret"))],
    ["of an emulator", Buffer.from("{}").toString("base64url")],
    ["of nothing", ""],
  ])("is unfamiliar %s, by its version string", (_, blob) => {
    expect(unfamiliarStructure(blob)).toContain("version string");
  });

  it.each([
    ["four parts", (text: string) => text.slice(0, text.lastIndexOf("."))],
    ["six parts", (text: string) => `${text}.AA`],
    ["an empty part", (text: string) => text.replace(/\.[\w-]+(?=\.[\w-]+$)/, ".")],
  ])("is unfamiliar with a JWE of %s", (_, change) => {
    expect(unfamiliarStructure(encoded(change(decoded.toString("latin1"))))).toContain("JWE of five parts");
  });
});
