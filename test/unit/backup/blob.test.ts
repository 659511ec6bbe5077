import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  blobBytes,
  canonicalBlob,
  damageOf,
  originOfBlob,
  sha256OfBlob,
  whyIncomplete,
} from "../../../src/backup/blob";
import response from "../../support/backupKeyResponse.json";
import { blobOf, hsmFile, vaultFile } from "../../support/keyVault/blobs";

const vaultBlob = blobOf(vaultFile());
const secretBlob = blobOf(vaultFile({ versionString: "Secret" }));
const hsmBlob = blobOf(hsmFile());
const emulatorBlob = blobOf('{"kid":"orders"}');

/** Removes bytes from the end of what a blob encodes. */
const cut = (blob: string, bytes: number) => Buffer.from(blob, "base64url").subarray(0, -bytes).toString("base64url");

describe("the SHA-256 of a blob", () => {
  it("is what sha256sum prints for the backup file", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "blob-"));
    try {
      const file = path.join(folder, "key.backup");
      writeFileSync(file, Buffer.from(vaultBlob, "base64url"));
      const [printed] = execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ");
      expect(sha256OfBlob(vaultBlob)).toBe(printed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the size of a blob", () => {
  it("is that of the backup file", () => {
    expect(blobBytes(vaultBlob)).toBe(vaultFile().length);
    expect(blobBytes("AAAA")).toBe(3);
  });
});

describe("a recorded blob", () => {
  const blobSha256 = sha256OfBlob(vaultBlob);

  it("is not damaged if it has the recorded SHA-256", () => {
    expect(damageOf({ blob: vaultBlob, blobSha256 })).toBeUndefined();
  });

  it("is damaged if its SHA-256 is another, and both are told", () => {
    const damaged = cut(vaultBlob, 1);
    expect(damageOf({ blob: damaged, blobSha256 })).toContain(sha256OfBlob(damaged));
    expect(damageOf({ blob: damaged, blobSha256 })).toContain(blobSha256);
  });

  it("is not judged if it is kept outside the state", () => {
    expect(damageOf({ blobSha256 })).toBeUndefined();
  });

  it("is damaged if it is empty, which is not the same as being kept elsewhere", () => {
    expect(damageOf({ blob: "", blobSha256 })).toBeDefined();
  });
});

describe("the form in which the service returns a blob", () => {
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

  it("is made of base64url and base64, with or without padding and line breaks", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...encodings), (blob, encode) => {
        const canonical = canonicalBlob(encode(blob) ?? "");
        expect(canonical).toBe(blob.toString("base64url"));
        expect(sha256OfBlob(canonical ?? "")).toBe(createHash("sha256").update(blob).digest("hex"));
      }),
    );
  });

  it.each([
    ["a key", vaultFile()],
    ["a key before 2020", vaultFile({ tagBytes: 16 })],
    ["a secret", vaultFile({ versionString: "Secret" })],
    ["a key in a Managed HSM", hsmFile()],
  ])("is made of the text of a backup file of %s, with or without white space around it", (_, file) => {
    expect(canonicalBlob(file)).toBe(blobOf(file));
    expect(canonicalBlob(`${file}\n`)).toBe(blobOf(file));
    expect(canonicalBlob(` \n${file}\r\n`)).toBe(blobOf(file));
  });

  it("is made of the text of a file that the service returned in 2019", () => {
    expect(canonicalBlob(Buffer.from(response.value, "base64url").toString("utf8"))).toBe(response.value);
  });

  it("is not changed again, and has no other characters than base64url", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: "binary" })), (text) => {
        const canonical = canonicalBlob(text);
        fc.pre(canonical !== undefined);
        expect(canonical).toMatch(/^[\w-]+$/);
        expect(canonicalBlob(canonical)).toBe(canonical);
      }),
    );
  });

  it.each([
    ["an empty text", ""],
    ["white space", " \n"],
    ["padding", "=="],
    ["a sentence", "no backup, sorry"],
    ["the name of a file", "./key.keyvaultbackup"],
    ["a name of five parts", "orders.kv.vault.azure.net"],
    ["one digit", "A"],
    ["five digits, which encode no whole number of bytes", "AAAAA"],
    ["padding in the middle", "AA==AA=="],
    ["more padding than there can be", "AA==="],
    ["the JSON of the service's answer", JSON.stringify({ value: vaultBlob })],
    ["the text of a Managed HSM's file without its end", hsmFile().slice(0, -80)],
  ])("is not made of %s", (_, text) => {
    expect(canonicalBlob(text)).toBeUndefined();
  });
});

describe("the origin of a blob", () => {
  it("is a vault's key or certificate by the version string", () => {
    expect(originOfBlob(vaultBlob)).toBe("vaultKeyOrCertificate");
    expect(originOfBlob(response.value)).toBe("vaultKeyOrCertificate");
    expect(originOfBlob(blobOf(vaultFile().replace("V1.", "V2.")))).toBe("vaultKeyOrCertificate");
  });

  it("is a vault's secret by the version string", () => {
    expect(originOfBlob(secretBlob)).toBe("vaultSecret");
  });

  it("is a Managed HSM by the header of the JWE", () => {
    expect(originOfBlob(hsmBlob)).toBe("managedHsm");
  });

  it.each([
    ["of an emulator", emulatorBlob],
    ["of another JWE", blobOf(hsmFile().replace(/^[^.]+/, blobOf('{"alg":"RSA-OAEP"}')))],
    ["of a JWE with a header that is null", blobOf(`${blobOf("null")}..AA.AA.AA`)],
    ["that ends within its version string", blobOf(vaultFile().slice(0, 20))],
    ["whose length byte counts too much", blobOf(vaultFile({ lengthByte: 39 }))],
    ["whose version string has something before it", blobOf(vaultFile({ versionString: "Key" }).replace("A", "xA"))],
    ["that is empty", ""],
  ])("is unknown of a blob %s", (_, blob) => {
    expect(originOfBlob(blob)).toBe("other");
  });
});

describe("a whole blob", () => {
  it.each([
    ["of a vault, with a tag of 32 bytes", vaultBlob],
    ["of a vault, with a tag of 16 bytes", blobOf(vaultFile({ tagBytes: 16 }))],
    ["of a vault, as it was returned in 2019", response.value],
    ["of a secret", secretBlob],
    ["of a Managed HSM", hsmBlob],
    ["of an emulator, which is not judged", emulatorBlob],
  ])("%s is accepted", (_, blob) => {
    expect(whyIncomplete(blob)).toBeUndefined();
  });
});

describe("a blob that is not whole", () => {
  it.each([
    ["vault", vaultBlob, 39],
    ["secret in a vault", secretBlob, 42],
    ["Managed HSM", hsmBlob, hsmFile().indexOf(".") + 1],
  ])("is noticed wherever the backup of a %s was cut", (_, blob, least) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: blobBytes(blob) - least }), (bytes) => {
        // A tag of 32 bytes that lost half of its characters has the length of the shorter tag.
        fc.pre(bytes !== 21);
        expect(whyIncomplete(cut(blob, bytes))).toContain("cut short");
      }),
    );
  });

  it.each([
    ["lacks the tag", vaultFile().replace(/\.[^.]+$/, "")],
    ["has a part too many", `${vaultFile()}.AA`],
    ["has an empty part", vaultFile().replace(/\.[^.]+(?=\.[^.]+$)/, ".")],
    ["has an encrypted key although it is of a Managed HSM", hsmFile().replace("..", ".AA.")],
    ["has a tag of 31 bytes", vaultFile({ tagBytes: 31 })],
    ["has a tag of 17 bytes", hsmFile({ tagBytes: 17 })],
    ["has characters that no JWE has", vaultFile().replace(/.$/, "!")],
  ])("is noticed if it %s", (_, file) => {
    expect(whyIncomplete(blobOf(file))).toContain("cut short");
  });
});
