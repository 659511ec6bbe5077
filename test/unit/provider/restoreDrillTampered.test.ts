import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { leaksIn } from "../../support/leaks";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let said: string[];

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

interface Check extends Record<"version" | "versionId" | "publicKey" | "privateKey", string> {}

const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
const failure = () => String((stack.drill.failure as Error | undefined)?.message);
const host = () => new URL(stack.target.vaultUri).host;

/** Drills a backup, which fails for this reason, told in the message and the record alike, and leaves nothing behind. */
async function isRefuted(backup: Record<string, unknown>, because: string): Promise<readonly Check[]> {
  const tampered = { ...stack.recorded, ...backup };
  expect(await stack.drill.up(stack.drilling({ backup: tampered }))).toBe(false);
  const { outputs } = stack.drill;
  expect(failure()).toContain(
    `The restore drill of key "orders" in ${host()} failed, of the backup whose SHA-256 is ${outputs?.blobSha256}: `,
  );
  expect(failure()).toContain(because);
  expect(JSON.stringify(outputs)).toContain(JSON.stringify(because).slice(1, -1));
  expect(outputs).toMatchObject({ outcome: "failed" });
  expect(outputs).not.toHaveProperty("verifiedAt");
  expect(leaksIn(`${failure()}${said}${JSON.stringify(outputs)}`, { blob: String(tampered.blob) })).toEqual([]);
  expect(stack.target.keyNames).toEqual([]);
  expect(["orders", "invoices"].filter((name) => stack.target.isDeleted(name))).toEqual([]);
  return outputs?.checks as Check[];
}

const letterChanged = (blob: string) => {
  const bytes = Buffer.from(blob, "base64url");
  const at = bytes.length - 1_000;
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
  return bytes.toString("base64url");
};
const cut = (blob: string, bytes: number) => Buffer.from(blob, "base64url").subarray(0, bytes).toString("base64url");

describe("a drill fails for the backup", () => {
  it("of another key", async () => {
    const version = await stack.backedUp();
    const { version: other } = await stack.source.createKey("invoices");
    const blob = await stack.source.backUpKey("invoices");
    const because = 'The blob holds key "invoices", and not "orders".';
    const checks = await isRefuted({ blob, blobSha256: undefined }, because);
    expect(stack.drill.outputs).toMatchObject({ failure: because, restoredVersions: [other] });
    expect(checks.map((check) => check.version)).toEqual([other, version]);
    expect(checks[1]?.versionId).toBe("failed: the restored key has no such version");
  });

  it("of another key, whose own name is taken in the scratch vault, and leaves that as it is", async () => {
    await stack.backedUp();
    await stack.source.createKey("invoices");
    await stack.target.createKey("invoices", { tags: { team: "invoices" } });
    const before = stack.target.keyVersions("invoices");
    const blob = await stack.source.backUpKey("invoices");
    const backup = { ...stack.recorded, blob, blobSha256: undefined };
    expect(await stack.drill.up(stack.drilling({ backup }))).toBe(false);
    expect(stack.target.keyVersions("invoices")).toEqual(before);
    expect(failure()).toContain('key "invoices"');
    expect(failure()).not.toContain("in the meantime");
  });

  it("of a key of that name in another vault", async () => {
    const version = await stack.backedUp();
    const elsewhere = await stack.service.createVault();
    const { version: other } = await elsewhere.createKey("orders");
    const checks = await isRefuted(
      { blob: await elsewhere.backUpKey("orders"), blobSha256: undefined },
      "failed: the restored key has no such version",
    );
    expect(checks).toMatchObject([
      { version: other, versionId: "not run: the backup does not say whether it holds it" },
      {
        version,
        versionId: "failed: the restored key has no such version",
        privateKey: expect.stringMatching(/^not run/),
      },
    ]);
  });

  it.each([
    ["list keys", "backup", "passed"],
    [
      "read them and not list them",
      "list",
      "not run: the versions of the restored key may not be listed, so that it may have others",
    ],
  ] as const)("that lacks a version, to an identity that may %s", async (_, missing, versionId) => {
    const first = await stack.backedUp();
    const second = await stack.rotated();
    const blob = await stack.source.backUpKey("orders", { versions: [first] });
    stack.target.authorization = "accessPolicy";
    stack.target.permissions.delete(missing);
    const backup = { ...stack.recorded, blob, blobSha256: undefined };
    expect(await stack.drill.up(stack.drilling({ backup, allowSoftDeletedCopies: true }))).toBe(false);
    const lacked = { version: second, versionId: "failed: the restored key has no such version" };
    const checks = [{ version: first, ...passed, versionId }, lacked];
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", checks });
    expect(failure()).toContain(`Version ${second}: version id failed: the restored key has no such version;`);
  });

  it("that is none, is of a secret, or was cut short, and asks no vault", async () => {
    await stack.backedUp();
    const blob = String(stack.recorded.blob);
    const damaged = "The blob is damaged, perhaps cut short: what follows its version string is not a compact JWE";
    for (const [tampered, because] of [
      ["*", "The blob is none: it is neither base64url, nor base64, nor the text of a backup file."],
      [await stack.source.backUpAs("secret", "orders"), "The blob is the backup of a secret, not of a key"],
      [cut(blob, 4_000), damaged],
      [cut(blob, 60), damaged],
    ] as const) {
      const checks = await isRefuted({ blob: tampered, blobSha256: undefined }, because);
      expect(checks).toMatchObject([{ versionId: "not run: the drill ended before it" }]);
    }
    expect(stack.target.requests).toEqual([]);
  });

  it("that is not the one that was made, and asks no vault", async () => {
    await stack.backedUp();
    const { blob, blobSha256 } = stack.recorded;
    for (const tampered of [letterChanged(String(blob)), cut(String(blob), 4_000), "AAAA"]) {
      await isRefuted({ blob: tampered }, `, and blobSha256 says ${blobSha256}. Give the blob as it was returned`);
    }
    expect(stack.target.requests).toEqual([]);
  });

  it("that only the service finds damaged, of a certificate, or of another geography", async () => {
    await stack.backedUp();
    const { length } = Buffer.from(String(stack.recorded.blob), "base64url");
    const elsewhere = await stack.service.createVault(undefined, { geography: "United States" });
    await elsewhere.createKey("orders");
    for (const [blob, because] of [
      [letterChanged(String(stack.recorded.blob)), "If this one is, the blob is damaged."],
      [cut(String(stack.recorded.blob), length - 4), "If this one is, the blob is damaged."],
      [await stack.source.backUpAs("certificate", "orders"), "az keyvault certificate restore --vault-name localhost"],
      [await elsewhere.backUpKey("orders"), "A backup is restored only in the geography and the Azure subscription in"],
    ] as const) {
      const checks = await isRefuted({ blob, blobSha256: undefined }, because);
      expect(checks).toMatchObject([{ versionId: "not run: the drill ended before it" }]);
    }
  });

  it("whose public key is not that of the source, without a use of its private key", async () => {
    const version = await stack.backedUp();
    const { [version]: own } = stack.recorded.keyThumbprints as Record<string, string>;
    const other = randomBytes(32).toString("base64url");
    const because = `failed: its thumbprint is ${own}, and the source's ${other}`;
    const checks = await isRefuted({ keyThumbprints: { [version]: other } }, because);
    const privateKey = expect.stringMatching(
      /^not run: the source's public key, by which to verify, is not known to be/,
    );
    expect(checks).toEqual([{ version, versionId: "passed", publicKey: because, privateKey }]);
    expect(stack.asked).not.toContain("sign");
  });

  it.each([
    ["a signature that does not verify", { kty: "RSA" }, "sign", 256],
    ["a signature that does not verify", { kty: "EC" }, "sign", 64],
    ["a signature of another length", { kty: "EC" }, "sign", 3],
    ["other bytes than were wrapped", { kty: "RSA", keyOperations: ["unwrapKey"] }, "unwrapKey", 32],
    ["other bytes than were encrypted", { kty: "RSA", keyOperations: ["decrypt"] }, "decrypt", 32],
  ] as const)("whose private key makes %s", async (_, key, use, length) => {
    const version = await stack.backedUp(key);
    stack.target.fail(use, { kind: "value", value: randomBytes(length).toString("base64url") });
    const because =
      use === "sign"
        ? "failed: its signature does not verify by the source's public key"
        : "failed: it does not decrypt what the source's public key encrypted";
    const checks = await isRefuted({}, because);
    expect(checks).toEqual([{ version, ...passed, privateKey: because }]);
  });

  it("whose private key cannot decrypt, by the service's own words", async () => {
    const version = await stack.backedUp({ kty: "RSA", keyOperations: ["decrypt"] });
    stack.target.fail("decrypt", { kind: "status", status: 400 });
    const checks = await isRefuted({}, "decrypt");
    expect(checks).toEqual([{ version, ...passed, privateKey: expect.stringMatching(/^failed: /) }]);
  });

  it("of many versions of which one fails, with the evidence of the others, and those that failed told first", async () => {
    const versions = [await stack.backedUp()];
    while (versions.length < 9) {
      stack.pass(1_000);
      versions.unshift((await stack.source.rotateKey("orders")).version);
    }
    await stack.backUp();
    const oldest = versions.at(-1) ?? "";
    const checks = await isRefuted({ keyThumbprints: { [oldest]: "another" } }, ", and the source's another");
    expect(checks.slice(0, 8)).toEqual(versions.slice(0, 8).map((version) => ({ version, ...passed })));
    expect(failure()).toContain(`: Version ${oldest}: version id passed; public key failed: `);
    expect(failure()).toContain(" And 4 more versions.");
  });
});
