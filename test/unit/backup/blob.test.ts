import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  canonicalBlob,
  damageOf,
  isOfSecret,
  isOfVaultKey,
  sha256OfBlob,
  unfamiliarStructure,
} from "../../../src/backup/blob";
import response from "../../support/backupKeyResponse.json";

const folder = mkdtempSync(path.join(tmpdir(), "blob-"));
afterAll(() => rmSync(folder, { recursive: true }));

const decoded = Buffer.from(response.value, "base64url");
const encoded = (text: string) => Buffer.from(text, "latin1").toString("base64url");
const ofSecret = encoded(decoded.toString("latin1").replace("&AzureKeyVaultKey", ")AzureKeyVaultSecret"));

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
  it("is familiar in a response of the service", () => {
    expect(unfamiliarStructure(response.value)).toBeUndefined();
  });

  it.each([
    ["of another length byte", encoded(`%${decoded.subarray(1).toString("latin1")}`)],
    ["of a secret", ofSecret],
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

describe("the canonical form of a blob", () => {
  const lines = (text: string, length: number, end: string) => text.match(new RegExp(`.{1,${length}}`, "g"))?.join(end);
  const encodings: readonly ((bytes: Buffer) => string | undefined)[] = [
    (bytes) => bytes.toString("base64url"),
    (bytes) => bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_"),
    (bytes) => bytes.toString("base64"),
    (bytes) => bytes.toString("base64").replaceAll("=", ""),
    (bytes) => `${bytes.toString("base64")}\n`,
    (bytes) => lines(bytes.toString("base64"), 64, "\n"),
    (bytes) => lines(bytes.toString("base64"), 76, "\r\n"),
    (bytes) => `  ${lines(bytes.toString("base64url"), 7, "\t ")}\r\n`,
  ];
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array));

  it("is the one that the service returns, out of every encoding of its bytes, and has their SHA-256", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...encodings), (blob, encode) => {
        const canonical = canonicalBlob(encode(blob) ?? "");
        expect(canonical).toBe(blob.toString("base64url"));
        expect(sha256OfBlob(canonical ?? "")).toBe(createHash("sha256").update(blob).digest("hex"));
      }),
    );
  });

  it("is found in the text of a backup file, whatever follows the version string in it", () => {
    fc.assert(
      fc.property(bytes, (rest) => {
        const file = Buffer.concat([decoded.subarray(0, 39), rest]);
        expect(canonicalBlob(file.toString("latin1"))).toBe(file.toString("base64url"));
      }),
    );
  });

  it("is found in what a file of a real backup holds as text, of a key and of a secret", () => {
    for (const blob of [response.value, ofSecret]) {
      expect(canonicalBlob(Buffer.from(blob, "base64url").toString("utf8"))).toBe(blob);
    }
  });

  it("is its own canonical form, and never anything but base64url", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: "binary" })), (text) => {
        const canonical = canonicalBlob(text);
        fc.pre(canonical !== undefined);
        expect(canonical).toMatch(/^[0-9a-zA-Z_-]+$/);
        expect(canonicalBlob(canonical)).toBe(canonical);
      }),
    );
  });

  it.each([
    ["an empty text", ""],
    ["spaces alone", " \n"],
    ["padding alone", "=="],
    ["a sentence", "no backup, sorry"],
    ["a name of a file", "./key.keyvaultbackup"],
    ["a digit without the others of its byte", "A"],
    ["a number of digits that encodes no bytes", "AAAAA"],
    ["padding in the middle", "AA==AA=="],
    ["more padding than there can be", "AA==="],
    ["the JSON of an answer", JSON.stringify(response)],
  ])("is none of %s", (_, text) => {
    expect(canonicalBlob(text)).toBeUndefined();
  });
});

describe("what a blob is the backup of", () => {
  it("is a key, or a certificate, by its version string alone, whatever follows", () => {
    expect(isOfVaultKey(response.value)).toBe(true);
    expect(isOfVaultKey(encoded(decoded.toString("latin1").slice(0, 39)))).toBe(true);
    expect(isOfVaultKey(encoded(decoded.toString("latin1").replace("V1.", "V2.")))).toBe(true);
    expect(isOfSecret(response.value)).toBe(false);
  });

  it("is a secret by a version string of its own", () => {
    expect(isOfSecret(ofSecret)).toBe(true);
    expect(isOfVaultKey(ofSecret)).toBe(false);
  });

  it.each([
    ["of a Managed HSM or an emulator", Buffer.from('{"kid":"orders"}').toString("base64url")],
    ["cut short within its version string", encoded(decoded.toString("latin1").slice(0, 20))],
    ["whose length byte counts more than the version string", encoded(`'${decoded.toString("latin1").slice(1)}`)],
    ["of nothing", ""],
  ])("is not known of one %s", (_, blob) => {
    expect([isOfVaultKey(blob), isOfSecret(blob)]).toEqual([false, false]);
  });
});
