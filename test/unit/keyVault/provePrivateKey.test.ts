import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { PublicKey } from "../../../src/keyVault/publicKey";
import type { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { impatientVault } from "../../support/model/impatientVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import type { Fault } from "../../../localVault/vaultFault";

let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
});

const open = (waits: Partial<Waits> = {}): Vault => impatientVault(service, local, waits);

async function publicKey(version: string): Promise<PublicKey> {
  const read = await open().readPublicKeys("orders", [version]);
  const [key] = read.kind === "read" ? read.keys : [];
  if (key === undefined) throw new Error("There is no such version.");
  return key;
}

/** Creates the key, and reads its public half. */
async function created(key: Parameters<LocalVault["createKey"]>[1] = {}): Promise<PublicKey> {
  return publicKey((await local.createKey("orders", key)).version);
}

const prove = (key: PublicKey, waits: Partial<Waits> = {}) => open(waits).provePrivateKey("orders", key, Date.now());
const uses = () => ["sign", "unwrapKey", "decrypt"].map((use) => local.count(use as "sign" | "unwrapKey" | "decrypt"));

describe("a private key is proved", () => {
  it.each(["EC", "RSA"] as const)("by one signature, where an %s key may sign", async (kty) => {
    expect(await prove(await created({ kty }))).toEqual({ kind: "proved" });
    expect(uses()).toEqual([1, 0, 0]);
  });

  it.each([
    ["unwrap", ["wrapKey", "unwrapKey", "encrypt", "decrypt"], [0, 1, 0]],
    ["decrypt", ["encrypt", "decrypt"], [0, 0, 1]],
  ] as const)("by what it alone can decrypt, where an RSA key may not sign, but %s", async (_, keyOperations, used) => {
    expect(await prove(await created({ kty: "RSA", keyOperations }))).toEqual({ kind: "proved" });
    expect(uses()).toEqual(used);
  });

  it("of the version that is asked for, and no other", async () => {
    const first = await created();
    await local.rotateKey("orders");
    expect(await prove(first)).toEqual({ kind: "proved" });
    expect(local.requestsOf("sign").map(({ path }) => path)).toEqual([`/keys/orders/${first.version}/sign`]);
  });
});

describe("a private key is refuted", () => {
  it.each(["EC", "RSA"] as const)("by a signature that the public %s key does not verify", async (kty) => {
    const first = await created({ kty });
    const second = await publicKey((await local.rotateKey("orders")).version);
    expect(await prove({ ...first, jwk: second.jwk })).toEqual({
      kind: "refuted",
      because: "its signature does not verify by the source's public key",
    });
  });

  it.each(["unwrapKey", "decrypt"] as const)("by not decrypting (%s) what the public key encrypted", async (use) => {
    const first = await created({ kty: "RSA", keyOperations: [use] });
    const second = await publicKey((await local.rotateKey("orders")).version);
    expect(await prove({ ...first, jwk: second.jwk })).toEqual({
      kind: "refuted",
      because: "it does not decrypt what the source's public key encrypted",
    });
  });

  it.each(["unwrapKey", "decrypt"] as const)("by decrypting (%s) to something else", async (use) => {
    const key = await created({ kty: "RSA", keyOperations: [use] });
    local.fail(use, { kind: "value", value: randomBytes(32).toString("base64url") });
    expect(await prove(key)).toMatchObject({ kind: "refuted" });
  });

  it.each([
    ["of another length", 10],
    ["that is empty", 0],
  ])("by a signature %s", async (_, length) => {
    const key = await created();
    local.fail("sign", { kind: "value", value: randomBytes(length).toString("base64url") });
    expect(await prove(key)).toMatchObject({ kind: "refuted" });
  });
});

describe("a proof is not run, and nothing is asked,", () => {
  const later = Math.ceil(Date.now() / 1000) + 86_400;
  it.each([
    ["of a disabled version", { enabled: false }, "the version is disabled"],
    ["before a version is valid", { notBefore: later }, "the version is not valid at this time (nbf, exp)"],
    ["after a version has expired", { expires: 1 }, "the version is not valid at this time (nbf, exp)"],
    [
      "of an elliptic key that may not sign",
      { keyOperations: ["verify"] },
      "its operations (verify) allow neither to sign, nor to unwrap, nor to decrypt",
    ],
    [
      "of an elliptic key that may do what it cannot",
      { keyOperations: ["unwrapKey"] },
      "its operations (unwrapKey) allow neither to sign, nor to unwrap, nor to decrypt",
    ],
    [
      "of an RSA key that is for others to encrypt",
      { kty: "RSA", keyOperations: ["encrypt", "wrapKey"] },
      "its operations (encrypt, wrapKey) allow neither to sign, nor to unwrap, nor to decrypt",
    ],
  ] as const)("%s", async (_, key, because) => {
    const publicKey = await created(key);
    local.clearRequests();
    expect(await prove(publicKey)).toEqual({ kind: "notRun", because });
    expect(local.requests).toEqual([]);
  });

  it("of a symmetric key", async () => {
    const key = { ...(await created()), jwk: undefined, thumbprint: undefined };
    expect(await prove(key)).toEqual({
      kind: "notRun",
      because: "it is a symmetric key, which has no public key to verify by",
    });
    expect(uses()).toEqual([0, 0, 0]);
  });
});

describe("what the identity may not do", () => {
  it.each([
    ["sign", "sign with", "sign/action"],
    ["unwrapKey", "unwrap with", "unwrap/action"],
    ["decrypt", "decrypt with", "decrypt/action"],
  ] as const)("(%s) is told at once, with what to grant", async (use, verb, action) => {
    const key = await created({ kty: "RSA", keyOperations: [use] });
    local.permissions.delete(use);
    expect(await prove(key, { notReady: [1] })).toEqual({
      kind: "notRun",
      because:
        `Key Vault refused to ${verb} key "orders" in ${new URL(local.vaultUri).host}: 403 Forbidden (ForbiddenByRbac). ` +
        `Grant the data action Microsoft.KeyVault/vaults/keys/${action}, for instance with the role Key Vault Crypto User.`,
    });
    expect(local.count(use)).toBe(1);
    local.authorization = "accessPolicy";
    expect(await prove(key)).toMatchObject({
      because: expect.stringContaining(`key permission "${use}" in an access policy`),
    });
  });

  it("is not said to be missing where the key itself forbids it, as when it was disabled meanwhile", async () => {
    const key = await created();
    local.updateKey("orders", key.version, { enabled: false });
    const proof = await prove(key);
    expect(proof).toEqual({ kind: "notRun", because: expect.stringContaining("403 Forbidden (KeyDisabled)") });
    expect(proof).toEqual({ kind: "notRun", because: expect.not.stringContaining("Grant the data action") });
  });
});

describe("what hinders a proof otherwise proves nothing:", () => {
  it.each<[string, Fault, string, Partial<Waits>]>([
    ["an error of the service", { kind: "status", status: 500 }, "The service failed, after retries", {}],
    ["a failed connection", { kind: "reset" }, "failed (ECONNRESET)", {}],
    ["no answer", { kind: "stall" }, "gave no answer within", { lookUp: 500 }],
    ["a refused token", { kind: "unauthorized" }, "401", {}],
    ["a version that is gone", { kind: "status", status: 404 }, "404 KeyNotFound", {}],
  ])("%s", async (_, fault, text, waits) => {
    const key = await created();
    local.fail("sign", fault, Number.POSITIVE_INFINITY);
    const proof = await prove(key, waits);
    expect(proof).toEqual({ kind: "notRun", because: expect.stringContaining('sign with key "orders" in localhost') });
    expect(proof).toEqual({ kind: "notRun", because: expect.stringContaining(text) });
  });

  it("a failure that passes is retried", async () => {
    const key = await created();
    local.fail("sign", { kind: "status", status: 503 }, 2);
    expect(await prove(key)).toEqual({ kind: "proved" });
  });
});
