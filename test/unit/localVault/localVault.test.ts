import { createHash, createPublicKey, verify } from "node:crypto";
import { ManagedIdentityCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

const clientOptions = {
  serviceVersion: "7.4",
  disableChallengeResourceVerification: true,
  retryOptions: { maxRetries: 0 },
};
const quick = { intervalInMs: 1 };
let clock = Date.parse("2026-11-01T12:00:00.900Z");
let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
  Object.assign(process.env, service.environment());
});
afterAll(() => service.stop());

const credential = () => new ManagedIdentityCredential();
const clientOf = (vault: LocalVault) => new KeyClient(vault.vaultUri, credential(), clientOptions);
const sha256 = (text: string) => createHash("sha256").update(text).digest();

async function listed(client: KeyClient, name: string) {
  const versions: string[] = [];
  for await (const { version } of client.listPropertiesOfKeyVersions(name)) versions.push(version ?? "");
  return versions;
}

async function backupOf(client: KeyClient, name: string): Promise<Uint8Array> {
  const backup = await client.backupKey(name);
  if (backup === undefined) throw new Error("no backup");
  return backup;
}

describe("keys", () => {
  it("creates keys that the client reads back, with attributes and tags", async () => {
    const client = clientOf(await service.createVault());
    const created = await client.createEcKey("orders", { tags: { team: "sales" }, enabled: false });
    const read = await client.getKey("orders");
    expect(read.id).toBe(created.id);
    expect(read.properties).toMatchObject({ tags: { team: "sales" }, enabled: false });
    expect(read.properties.createdOn).toEqual(new Date("2026-11-01T12:00:00Z"));
  });

  it("creates RSA keys", async () => {
    const created = await clientOf(await service.createVault()).createRsaKey("wrapping");
    expect(created.key?.n).toHaveLength(256);
  });

  it("refuses a name that Azure does not allow", async () => {
    const client = clientOf(await service.createVault());
    expect(await refusalOf(client.createEcKey("under_score"))).toMatchObject({ statusCode: 400, code: "BadParameter" });
  });

  it("lists every version over several pages", async () => {
    const vault = await service.createVault();
    for (let made = 0; made < 31; made += 1) await vault.keys.create("orders");
    vault.clearRequests();
    const versions = await listed(clientOf(vault), "orders");
    expect(versions.toSorted()).toEqual(
      vault.keys
        .versions("orders")
        .map(({ version }) => version)
        .toSorted(),
    );
    expect(vault.requestsOf("listVersions").map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  it("lists no versions of a key that is not there", async () => {
    expect(await listed(clientOf(await service.createVault()), "missing")).toEqual([]);
  });

  it("reads the newest version if no version is named", async () => {
    const vault = await service.createVault();
    const client = clientOf(vault);
    const { version } = await vault.keys.create("orders", { tags: { team: "sales" } });
    const rotated = await client.rotateKey("orders");
    expect(rotated.properties.version).not.toBe(version);
    expect(rotated.key?.x).not.toEqual((await client.getKey("orders", { version })).key?.x);
    expect((await client.getKey("orders")).properties.version).toBe(rotated.properties.version);
    expect(rotated.properties.tags).toEqual({ team: "sales" });
  });

  it("moves the time of the last change when tags or attributes change", async () => {
    const vault = await service.createVault();
    const { version } = await vault.keys.create("orders");
    clock += 5_000;
    await clientOf(vault).updateKeyProperties("orders", version, { tags: { reviewed: "yes" } });
    const [changed] = vault.keys.versions("orders");
    expect(changed).toMatchObject({ tags: { reviewed: "yes" }, enabled: true });
    expect((changed?.updated ?? 0) - (changed?.created ?? 0)).toBe(5);
    clock += 3_000;
    expect(vault.keys.update("orders", undefined, { enabled: false })).toMatchObject({ enabled: false });
    expect((await clientOf(vault).getKey("orders")).properties.updatedOn).toEqual(
      new Date(Math.floor(clock / 1000) * 1000),
    );
  });

  it("lists each key once, by its latest version, and finds names in any case", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders");
    await vault.keys.rotate("Orders");
    await vault.keys.create("invoices");
    const names: string[] = [];
    for await (const { name } of clientOf(vault).listPropertiesOfKeys()) names.push(name);
    expect(names).toEqual(["invoices", "orders"]);
    expect((await clientOf(vault).getKey("ORDERS")).properties.version).toBe(vault.keys.versions("orders")[1]?.version);
  });

  it("says which key was not found", async () => {
    const client = clientOf(await service.createVault());
    expect(await refusalOf(client.backupKey("missing"))).toMatchObject({
      statusCode: 404,
      code: "KeyNotFound",
      message: expect.stringContaining("A key with (name/id) missing was not found in this key vault."),
    });
    expect(await refusalOf(client.getKey("missing", { version: "1" }))).toMatchObject({
      message: expect.stringContaining("(name/id) missing/1 "),
    });
  });
});

describe("signatures", () => {
  it.each(["EC", "RSA"] as const)("made with %s keys can be verified with the public key", async (kty) => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { kty });
    const cryptography = new CryptographyClient(keyUriWithVersion, credential(), clientOptions);
    const algorithm = kty === "EC" ? "ES256" : "RS256";
    const { result } = await cryptography.sign(algorithm, sha256("order 1"));
    const publicKey = createPublicKey({ key: vault.keys.publicJwk("orders"), format: "jwk" });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from("order 1"), key, result)).toBe(true);
    expect(verify("sha256", Buffer.from("order 2"), key, result)).toBe(false);
    expect((await cryptography.verify(algorithm, sha256("order 1"), result)).result).toBe(true);
    expect((await cryptography.verify(algorithm, sha256("order 2"), result)).result).toBe(false);
  });

  it("are refused for a disabled key", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders", { enabled: false });
    const cryptography = new CryptographyClient(keyUriWithVersion, credential(), clientOptions);
    expect(await refusalOf(cryptography.sign("ES256", sha256("x")))).toMatchObject({ statusCode: 403 });
  });
});

describe("backup and restore", () => {
  it("uses the envelope of Azure, in its size", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders", { kty: "RSA" });
    const text = Buffer.from(await backupOf(clientOf(vault), "orders")).toString("latin1");
    expect(text.slice(0, 39)).toBe("&AzureKeyVaultKeyBackupV1.microsoft.com");
    const parts = text.slice(39).split(".");
    expect(JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString())).toEqual({
      kid: expect.any(String),
      alg: "RSA-OAEP-256",
      enc: "A256CBC-HS512",
    });
    // The bytes: the encrypted key of an RSA-4096 key, the iv, the ciphertext, the tag.
    expect(parts.slice(1).map((part) => Buffer.from(part, "base64url").length)).toEqual([512, 16, 5_344, 32]);
  });

  it("never returns the same backup twice and never a readable one", async () => {
    const vault = await service.createVault();
    await vault.keys.create("orders");
    const client = clientOf(vault);
    const [one, other] = [await backupOf(client, "orders"), await backupOf(client, "orders")];
    expect(Buffer.from(one).equals(other)).toBe(false);
    expect(Buffer.from(one).toString("latin1")).not.toContain("orders");
  });

  it("brings a purged key back with its versions, attributes, tags and material", async () => {
    const vault = await service.createVault();
    const client = clientOf(vault);
    const { version } = await vault.keys.create("orders", { tags: { team: "sales" } });
    await vault.keys.rotate("orders");
    vault.keys.update("orders", version, { enabled: false });
    const signature = vault.keys.sign("orders", version, sha256("order 1"));
    const before = vault.keys.versions("orders");
    const backup = await backupOf(client, "orders");

    await (await client.beginDeleteKey("orders", quick)).pollUntilDone();
    expect(await refusalOf(client.restoreKeyBackup(backup))).toMatchObject({
      statusCode: 409,
      code: "Conflict",
      innerCode: "ObjectIsDeletedButRecoverable",
    });
    await client.purgeDeletedKey("orders");
    expect(await refusalOf(client.getKey("orders"))).toMatchObject({ code: "KeyNotFound" });
    const restored = await client.restoreKeyBackup(backup);

    expect(restored.properties.version).toBe(before.at(-1)?.version);
    expect(vault.keys.versions("orders")).toEqual(before);
    const publicKey = createPublicKey({ key: vault.keys.publicJwk("orders", version), format: "jwk" });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from("order 1"), key, signature)).toBe(true);
  });

  it("restores into another vault of the geography, where the copy is independent", async () => {
    const [source, target] = [await service.createVault(), await service.createVault()];
    const { version } = await source.keys.create("orders");
    const restored = await clientOf(target).restoreKeyBackup(await backupOf(clientOf(source), "orders"));
    expect(restored.id).toBe(`${target.vaultUri}keys/orders/${version}`);
    expect(target.keys.publicJwk("orders")).toEqual(source.keys.publicJwk("orders"));
    await target.keys.rotate("orders");
    expect(source.keys.versions("orders")).toHaveLength(1);
  });

  it("cannot decrypt a backup that is from another geography or was changed", async () => {
    const [source, target] = [await service.createVault(), await service.createVault(undefined, { geography: "Asia" })];
    await source.keys.create("orders");
    const backup = await backupOf(clientOf(source), "orders");
    const undecryptable = { statusCode: 400, code: "Malformed backup blob", message: "Cannot decrypt backup blob." };
    expect(await refusalOf(clientOf(target).restoreKeyBackup(backup))).toMatchObject(undecryptable);
    const changed = Uint8Array.from(backup);
    changed[4_000] = (changed[4_000] ?? 0) === 65 ? 66 : 65;
    source.keys.delete("orders");
    source.keys.purge("orders");
    expect(await refusalOf(clientOf(source).restoreKeyBackup(changed))).toMatchObject(undecryptable);
  });

  it("refuses zeros as a corrupt version", async () => {
    const client = clientOf(await service.createVault());
    expect(await refusalOf(client.restoreKeyBackup(new Uint8Array(8_693)))).toMatchObject({
      statusCode: 400,
      message: "Backup blob contains invalid or corrupt version.",
    });
  });

  it("refuses a restore over a key in use, without an inner code", async () => {
    const vault = await service.createVault();
    const { uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders");
    const client = clientOf(vault);
    expect(await refusalOf(client.restoreKeyBackup(await backupOf(client, "orders")))).toEqual({
      statusCode: 409,
      code: "Conflict",
      innerCode: undefined,
      message: expect.stringContaining(`There was a conflict restoring the key '${keyUriWithVersion}'.`),
    });
  });

  it("refuses a restore for a while after a purge", async () => {
    const vault = await service.createVault(undefined, { purgeMilliseconds: 4_000 });
    await vault.keys.create("orders");
    const client = clientOf(vault);
    const backup = await backupOf(client, "orders");
    vault.keys.delete("orders");
    vault.keys.purge("orders");
    expect(await refusalOf(client.restoreKeyBackup(backup))).toMatchObject({ statusCode: 409, innerCode: undefined });
    clock += 4_000;
    expect((await client.restoreKeyBackup(backup)).name).toBe("orders");
  });

  it("refuses to back up a key that belongs to a certificate", async () => {
    const vault = await service.createVault();
    await vault.certificates.create("tls");
    const client = clientOf(vault);
    expect((await client.getKey("tls")).properties.managed).toBe(true);
    expect(await refusalOf(client.backupKey("tls"))).toMatchObject({
      statusCode: 403,
      code: "Forbidden",
      message: expect.stringContaining(
        'Operation "backup" is not allowed on this Key, since it is associated with a certificate.',
      ),
    });
  });
});

describe("deletion", () => {
  it("keeps a deleted key's name until it is recovered", async () => {
    const vault = await service.createVault();
    const client = clientOf(vault);
    await vault.keys.create("orders");
    await (await client.beginDeleteKey("orders", quick)).pollUntilDone();
    expect(await refusalOf(client.createEcKey("orders"))).toMatchObject({
      code: "Conflict",
      innerCode: "ObjectIsDeletedButRecoverable",
    });
    expect((await client.getDeletedKey("orders")).properties.recoveryId).toBe(`${vault.vaultUri}deletedkeys/orders`);
    await (await client.beginRecoverDeletedKey("orders", quick)).pollUntilDone();
    expect((await client.getKey("orders")).name).toBe("orders");
  });

  it("takes as long as the option deletionMilliseconds says", async () => {
    const vault = await service.createVault(undefined, { deletionMilliseconds: 2_000 });
    const client = clientOf(vault);
    await vault.keys.create("orders");
    vault.keys.delete("orders");
    expect(await refusalOf(client.getDeletedKey("orders"))).toMatchObject({ message: "Deleted Key not found: orders" });
    expect(await refusalOf(client.createEcKey("orders"))).toMatchObject({ innerCode: "ObjectIsBeingDeleted" });
    clock += 2_000;
    expect((await client.getDeletedKey("orders")).name).toBe("orders");
  });

  it("cannot be followed by a purge under purge protection", async () => {
    const vault = await service.createVault(undefined, { purgeProtection: true });
    const client = clientOf(vault);
    await vault.keys.create("orders");
    expect((await client.getKey("orders")).properties.recoveryLevel).toBe("Recoverable");
    vault.keys.delete("orders");
    expect(await refusalOf(client.purgeDeletedKey("orders"))).toMatchObject({ statusCode: 403, code: "Forbidden" });
    expect((await client.getDeletedKey("orders")).name).toBe("orders");
  });
});
