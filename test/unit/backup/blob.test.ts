import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { sha256OfBlob } from "../../../src/backup/blob";
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
