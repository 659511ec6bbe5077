import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { key } from "../../../../src/objects/key";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { isEmpty, passed } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.stackOf(key);
});

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failureMessage).toBe("");
}

/** The drill fails for the reason, and leaves nothing. */
async function failed(because: string, inputs: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  expect(await stack.drill.up(stack.drilling(inputs))).toBe(false);
  expect(stack.drill.failureMessage).toContain(because);
  expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
  expect(isEmpty(stack.target)).toBe(true);
  return { ...stack.drill.outputs };
}

describe("a drill of a key", () => {
  it("proves an RSA key by a signature", async () => {
    const { version } = await stack.backedUp({ kty: "RSA" });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified", checks: [{ version, ...passed(key) }] });
    expect(stack.requests).toContain("sign");
    expect(isEmpty(stack.target)).toBe(true);
  });

  it("compares the public keys with the source's if the backup does not record them", async () => {
    await stack.backedUp();
    stack.source.clearRequests();
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.source.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation)).toEqual(["get"]);
  });

  it("proves it partly if neither the backup nor the source tells the public keys", async () => {
    await stack.backedUp();
    const { keyName, versions, blob } = stack.backupRef;
    await up({ backup: { keyName, versions, blob } });
    const publicKey = expect.stringContaining("not run: the backup does not record the public key");
    const privateKey = expect.stringContaining("not run: ");
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly", checks: [{ publicKey, privateKey }] });
    expect(stack.requests).not.toContain("sign");
  });

  it("proves it partly if the identity may not sign in the scratch vault", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("sign");
    await up();
    const privateKey = expect.stringMatching(/^not run: Key Vault refused to sign with key "orders"/);
    expect(stack.drill.outputs).toMatchObject({ outcome: "partly", checks: [{ ...passed(key), privateKey }] });
    expect(isEmpty(stack.target)).toBe(true);
  });
});

describe("a drill of a version that cannot sign", () => {
  const seconds = () => Math.floor(stack.now() / 1000);

  it.each(["unwrapKey", "decrypt"] as const)("proves an expired RSA key by %s", async (operation) => {
    await stack.backedUp({ kty: "RSA", expires: seconds() - 60, keyOperations: ["sign", operation] });
    await up();
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.requests).toContain(operation);
    expect(stack.requests).not.toContain("sign");
  });

  it.each([
    ["is disabled", { enabled: false }, "not run: the version is disabled"],
    ["is expired and may not unwrap", { expires: 1 }, "not run: the version is outside its nbf and exp"],
    ["may only verify", { keyOperations: ["verify"] }, "not run: key_ops (verify) allow neither sign"],
  ] as const)("proves it partly if it %s, and the other versions wholly", async (_, change, because) => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    stack.source.keys.update("orders", first, change);
    await stack.backUp();
    await up();
    expect(stack.drill.outputs).toMatchObject({
      outcome: "partly",
      checks: [
        { version: second, ...passed(key) },
        { version: first, ...passed(key), privateKey: expect.stringContaining(because) },
      ],
    });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
    expect(stack.drill.outputs).not.toHaveProperty("failure");
    expect(isEmpty(stack.target)).toBe(true);
    stack.target.clearRequests();
    await up();
    expect(stack.target.requests).toEqual([]);
  });
});

describe("a drill of a key fails", () => {
  it("if a public key is not the one that the backup records, without using the private key", async () => {
    const { version } = await stack.backedUp();
    const thumbprints = { [version]: "A".repeat(43) };
    const because = `publicKey failed: the thumbprint is `;
    expect(await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, thumbprints } }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(because);
    const publicKey = expect.stringContaining(`the source's is ${"A".repeat(43)}`);
    expect(stack.drill.outputs).toMatchObject({
      outcome: "failed",
      checks: [{ version, versionId: "passed", publicKey, privateKey: expect.stringMatching(/^not run: /) }],
    });
    expect(stack.requests).not.toContain("sign");
    expect(isEmpty(stack.target)).toBe(true);
  });

  it.each([
    ["a wrong signature", { kty: "RSA" }, "sign", 256],
    ["a signature of another length", { kty: "EC" }, "sign", 3],
    ["wrong bytes when it unwraps", { kty: "RSA", keyOperations: ["unwrapKey"] }, "unwrapKey", 32],
    ["wrong bytes when it decrypts", { kty: "RSA", keyOperations: ["decrypt"] }, "decrypt", 32],
  ] as const)("if the private key makes %s", async (_, options, operation, length) => {
    const { version } = await stack.backedUp(options);
    stack.target.fail(operation, { kind: "value", value: randomBytes(length).toString("base64url") });
    const refutation = operation === "sign" ? "its signature does not verify" : "it cannot decrypt";
    const { checks } = await failed(refutation);
    expect(checks).toEqual([{ version, ...passed(key), privateKey: expect.stringMatching(/^failed: /) }]);
  });

  it("if the service answers that the private key cannot decrypt", async () => {
    await stack.backedUp({ kty: "RSA", keyOperations: ["decrypt"] });
    stack.target.fail("decrypt", { kind: "status", status: 400 });
    await failed("it cannot decrypt");
  });

  it("and names the failed version first, with the number of those that it does not name", async () => {
    await stack.source.keys.create("orders");
    for (let count = 0; count < 3; count += 1) await stack.source.keys.rotate("orders");
    for (const { version } of stack.source.keys.versions("orders")) {
      stack.source.keys.update("orders", version, { enabled: false });
    }
    await stack.backUp();
    const versions = stack.backupRef.versions as string[];
    const oldest = versions.at(-1) ?? "";
    const thumbprints = { ...(stack.backupRef.thumbprints as object), [oldest]: "other" };
    expect(await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, thumbprints } }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(`failed, because version ${oldest}: publicKey failed`);
    expect(stack.drill.failureMessage).toContain("; 2 more in checks.");
  });
});
