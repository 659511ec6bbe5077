import { constants, createHash, createPublicKey, publicEncrypt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { cryptographyClient, keyClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

const digest = createHash("sha256").update("order 1").digest();
const secret = Buffer.from("the key of the orders");
const hashes = { "RSA-OAEP": "sha1", "RSA-OAEP-256": "sha256" } as const;
let clock = Date.now();
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

function encrypted(vault: LocalVault, algorithm: keyof typeof hashes, version?: string): Buffer {
  const key = createPublicKey({ key: vault.keys.publicJwk("orders", version), format: "jwk" });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashes[algorithm] }, secret);
}

/** The client checks uses and validity itself, wherever it may read the key. */
async function unreadableVault(): Promise<LocalVault> {
  const vault = await service.createVault();
  vault.keys.permissions.delete("get");
  return vault;
}

describe("decryption", () => {
  it.each(["RSA-OAEP", "RSA-OAEP-256"] as const)("unwraps and decrypts by %s", async (algorithm) => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { kty: "RSA" });
    const client = cryptographyClient(service, keyUriWithVersion);
    const unwrapped = await client.unwrapKey(algorithm, encrypted(vault, algorithm));
    const decrypted = await client.decrypt(algorithm, encrypted(vault, algorithm));
    expect(Buffer.from(unwrapped.result)).toEqual(secret);
    expect(Buffer.from(decrypted.result)).toEqual(secret);
    expect([vault.count("unwrapKey"), vault.count("decrypt")]).toEqual([1, 1]);
  });

  it("unwraps what the client wrapped", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { kty: "RSA" });
    const client = cryptographyClient(service, keyUriWithVersion);
    const wrapped = await client.wrapKey("RSA-OAEP", secret);
    expect(Buffer.from((await client.unwrapKey("RSA-OAEP", wrapped.result)).result)).toEqual(secret);
  });

  it("uses the latest version if the request names none, and names it in the answer", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders", { kty: "RSA" });
    const { uri: keyUri, uriWithVersion: keyUriWithVersion } = await vault.keys.rotate("orders");
    const response = await fetch(`${keyUri}//unwrapkey?api-version=7.4`, {
      method: "POST",
      headers: { authorization: `Bearer ${service.identity.accessToken()}` },
      body: JSON.stringify({ alg: "RSA-OAEP", value: encrypted(vault, "RSA-OAEP").toString("base64url") }),
    });
    expect(await response.json()).toEqual({ kid: keyUriWithVersion, value: secret.toString("base64url") });
  });

  it("uses the latest version for a client that knows no version and may not read the key", async () => {
    const vault = await unreadableVault();
    await vault.keys.create("orders", { kty: "RSA" });
    const { uri: keyUri } = await vault.keys.rotate("orders");
    const { result } = await cryptographyClient(service, keyUri).decrypt("RSA-OAEP", encrypted(vault, "RSA-OAEP"));
    expect(Buffer.from(result)).toEqual(secret);
  });

  it("refuses a ciphertext for another version or algorithm", async () => {
    const vault = await service.createVault();
    const { version } = await vault.keys.create("orders", { kty: "RSA" });
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.rotate("orders");
    const client = cryptographyClient(service, keyUriWithVersion);
    const refused = { statusCode: 400, code: "BadParameter" };
    const foreign = encrypted(vault, "RSA-OAEP", version);
    expect(await refusalOf(client.unwrapKey("RSA-OAEP", foreign))).toMatchObject(refused);
    expect(await refusalOf(client.decrypt("RSA-OAEP", Buffer.from("short")))).toMatchObject(refused);
    expect(await refusalOf(client.decrypt("RSA-OAEP-256", encrypted(vault, "RSA-OAEP")))).toMatchObject(refused);
    expect(await refusalOf(client.decrypt("RSA1_5", encrypted(vault, "RSA-OAEP")))).toMatchObject(refused);
  });

  it("refuses an elliptic key", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { keyOperations: ["unwrapKey"] });
    const client = cryptographyClient(service, keyUriWithVersion);
    expect(await refusalOf(client.unwrapKey("RSA-OAEP", Buffer.alloc(256)))).toMatchObject({
      statusCode: 400,
      message: "Property  alg is invalid",
    });
  });

  it("needs the permissions unwrapKey and decrypt", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { kty: "RSA" });
    vault.keys.permissions.delete("unwrapKey");
    vault.keys.permissions.delete("decrypt");
    const client = cryptographyClient(service, keyUriWithVersion);
    expect(await refusalOf(client.unwrapKey("RSA-OAEP", encrypted(vault, "RSA-OAEP")))).toMatchObject({
      innerCode: "ForbiddenByRbac",
      message: expect.stringContaining("Action: 'Microsoft.KeyVault/vaults/keys/unwrap/action'"),
    });
    expect(await refusalOf(client.decrypt("RSA-OAEP", encrypted(vault, "RSA-OAEP")))).toMatchObject({
      innerCode: "ForbiddenByRbac",
      message: expect.stringContaining("Action: 'Microsoft.KeyVault/vaults/keys/decrypt/action'"),
    });
  });
});

describe("the uses of a key", () => {
  it("are those of its type, unless others are given", async () => {
    const vault = await service.createVault();
    const client = keyClient(service, vault);
    await vault.keys.create("elliptic");
    await vault.keys.create("rsa", { kty: "RSA" });
    await vault.keys.create("limited", { kty: "RSA", keyOperations: ["wrapKey", "unwrapKey"] });
    const uses = async (name: string) => (await client.getKey(name)).keyOperations;
    expect(await uses("elliptic")).toEqual(["sign", "verify"]);
    expect(await uses("rsa")).toEqual(["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"]);
    expect(await uses("limited")).toEqual(["wrapKey", "unwrapKey"]);
  });

  it("can be set and changed by the client for one version", async () => {
    const vault = await service.createVault();
    const client = keyClient(service, vault);
    const { properties } = await client.createEcKey("orders", { keyOps: ["verify"] });
    const version = properties.version ?? "";
    const rotated = await client.rotateKey("orders");
    await client.updateKeyProperties("orders", version, { keyOps: ["sign"] });
    expect(rotated.keyOperations).toEqual(["verify"]);
    expect((await client.getKey("orders", { version })).keyOperations).toEqual(["sign"]);
    expect((await client.getKey("orders")).keyOperations).toEqual(["verify"]);
  });

  it("exclude every other use", async () => {
    const vault = await unreadableVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", {
      kty: "RSA",
      keyOperations: ["unwrapKey"],
    });
    const client = cryptographyClient(service, keyUriWithVersion);
    expect(await refusalOf(client.sign("RS256", digest))).toMatchObject({
      statusCode: 403,
      code: "Forbidden",
      innerCode: "KeyOperationForbidden",
      message: "Operation sign is not permitted on this key.",
    });
    expect(await refusalOf(client.decrypt("RSA-OAEP", encrypted(vault, "RSA-OAEP")))).toMatchObject({
      innerCode: "KeyOperationForbidden",
    });
    const { result } = await client.unwrapKey("RSA-OAEP", encrypted(vault, "RSA-OAEP"));
    expect(Buffer.from(result)).toEqual(secret);
  });

  it("keep a client that may read the key from requesting another use", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { keyOperations: ["verify"] });
    const attempt = cryptographyClient(service, keyUriWithVersion).sign("ES256", digest);
    await expect(attempt).rejects.toThrow("Operation sign is not supported on key");
    expect(vault.count("sign")).toBe(0);
  });

  it("come back with a backup", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    await source.keys.create("orders", { keyOperations: ["sign"] });
    await source.keys.create("orders", { keyOperations: ["verify"] });
    await source.keys.create("invoices");
    for (const name of ["orders", "invoices"]) await target.keys.restore(await source.keys.backUp(name));
    const client = keyClient(service, target);
    const version = target.keys.versions("orders")[0]?.version ?? "";
    expect((await client.getKey("orders", { version })).keyOperations).toEqual(["sign"]);
    expect((await client.getKey("orders")).keyOperations).toEqual(["verify"]);
    expect((await client.getKey("invoices")).keyOperations).toEqual(["sign", "verify"]);
  });
});

describe("the validity of a key", () => {
  it("limits the time in which the key signs", async () => {
    const vault = await unreadableVault();
    const now = Math.ceil(clock / 1000);
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", {
      notBefore: now + 10,
      expires: now + 20,
    });
    const sign = () => refusalOf(cryptographyClient(service, keyUriWithVersion).sign("ES256", digest));
    expect(await sign()).toMatchObject({
      statusCode: 403,
      code: "Forbidden",
      innerCode: "KeyNotYetValid",
      message: "Operation sign is not allowed on a key not yet valid.",
    });
    clock = (now + 10) * 1000;
    expect(await sign()).toMatchObject({ statusCode: undefined });
    clock = (now + 20) * 1000;
    expect(await sign()).toMatchObject({
      statusCode: 403,
      code: "Forbidden",
      innerCode: "KeyExpired",
      message: "Operation sign is not allowed on an expired key.",
    });
  });

  it("limits neither verification nor decryption", async () => {
    const vault = await unreadableVault();
    const { uriWithVersion: keyUriWithVersion, version } = await vault.keys.create("orders", {
      kty: "RSA",
      expires: 1,
    });
    const client = cryptographyClient(service, keyUriWithVersion);
    const signature = vault.keys.sign("orders", version, digest);
    expect((await client.verify("RS256", digest, signature)).result).toBe(true);
    expect(Buffer.from((await client.decrypt("RSA-OAEP", encrypted(vault, "RSA-OAEP"))).result)).toEqual(secret);
  });

  it("is checked for every use by a client that may read the key", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { kty: "RSA", expires: 1 });
    const attempt = cryptographyClient(service, keyUriWithVersion).decrypt("RSA-OAEP", encrypted(vault, "RSA-OAEP"));
    await expect(attempt).rejects.toThrow("expired at 1970-01-01T00:00:01.000Z");
    expect(vault.count("decrypt")).toBe(0);
  });
});
