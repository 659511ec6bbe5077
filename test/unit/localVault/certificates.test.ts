import { createHash, createPrivateKey, createPublicKey, verify, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { certificateClient, cryptographyClient, keyClient, secretClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault, type Json } from "./askVault";

let clock = Date.parse("2026-11-01T12:00:00Z");
let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault(undefined, { retentionDays: 7 });
});

const whole = (request: string, body?: Json) => askVault(service, vault, request, body === undefined ? {} : { body });
const ask = async (request: string, body?: Json) => (await whole(request, body)).body;
const pemOf = (source: LocalVault, name: string) => source.secrets.value(name);

describe("the real client", () => {
  it("has a certificate issued and reads it back", async () => {
    const client = certificateClient(service, vault);
    const policy = { issuerName: "Self", subject: "CN=orders.example, O=Contoso", keyType: "EC", validityInMonths: 6 };
    const poller = await client.beginCreateCertificate("tls", policy as never, {
      intervalInMs: 1,
      tags: { team: "web" },
    });
    const created = await poller.pollUntilDone();
    const x509 = new X509Certificate(created.cer ?? new Uint8Array());
    expect(x509.subject).toBe("CN=orders.example\nO=Contoso");
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(created.properties).toMatchObject({
      tags: { team: "web" },
      notBefore: new Date("2026-11-01T11:50:00Z"),
      expiresOn: new Date("2027-05-01T12:00:00Z"),
    });
    expect(Buffer.from(created.properties.x509Thumbprint ?? []).toString("hex")).toBe(
      createHash("sha1").update(x509.raw).digest("hex"),
    );
    expect(created.keyId).toBe(`${vault.vaultUri}keys/tls/${created.properties.version}`);
    expect(created.secretId).toBe(`${vault.vaultUri}secrets/tls/${created.properties.version}`);
    expect((await client.getCertificatePolicy("tls")).subject).toBe("CN=orders.example, O=Contoso");
  });

  it("imports a certificate with its key in PEM", async () => {
    const other = await service.createVault();
    await other.certificates.create("tls");
    const pem = Buffer.from(pemOf(other, "tls"));
    const policy = { contentType: "application/x-pem-file" } as const;
    const imported = await certificateClient(service, vault).importCertificate("copy", pem, { policy });
    expect(imported.cer).toEqual(new Uint8Array(other.certificates.x509("tls").raw));
    expect(vault.keys.publicJwk("copy")).toEqual(other.keys.publicJwk("tls"));
    expect(imported.properties).toMatchObject({ notBefore: new Date("2026-11-01T11:50:00Z") });
    expect(
      await refusalOf(certificateClient(service, vault).importCertificate("other", pem.subarray(9))),
    ).toMatchObject({
      statusCode: 400,
      code: "BadParameter",
    });
  });

  it("changes tags and attributes, deletes, recovers, purges and restores", async () => {
    const client = certificateClient(service, vault);
    const { version } = await vault.certificates.create("tls");
    await client.updateCertificateProperties("tls", version, { tags: { team: "web" }, enabled: false });
    expect(vault.certificates.versions("tls")).toMatchObject([{ tags: { team: "web" }, enabled: false }]);
    const backup = (await client.backupCertificate("tls")) ?? new Uint8Array();
    await (await client.beginDeleteCertificate("tls", { intervalInMs: 1 })).pollUntilDone();
    await (await client.beginRecoverDeletedCertificate("tls", { intervalInMs: 1 })).pollUntilDone();
    await (await client.beginDeleteCertificate("tls", { intervalInMs: 1 })).pollUntilDone();
    await client.purgeDeletedCertificate("tls");
    const restored = await client.restoreCertificateBackup(backup);
    expect(restored.properties).toMatchObject({ version, enabled: false, tags: { team: "web" } });
  });
});

describe("the issuance of a certificate", () => {
  it("takes as long as the option issuanceMilliseconds says", async () => {
    vault.issuanceMilliseconds = 15_000;
    const created = await whole("POST certificates/tls/create", { policy: { key_props: { kty: "EC" } } });
    expect([created.status, created.headers.get("retry-after")]).toEqual([202, "10"]);
    const inProgress = {
      id: `${vault.vaultUri}certificates/tls/pending`,
      status: "inProgress",
      issuer: { name: "Self" },
    };
    expect(created.body).toMatchObject(inProgress);
    const waiting = await whole("GET certificates/tls/pending");
    expect([waiting.status, waiting.headers.get("retry-after")]).toEqual([200, "10"]);
    expect((await whole("GET certificates/tls")).status).toBe(404);
    expect([vault.certificates.names, vault.keys.names]).toEqual([[], []]);
    expect((await whole("POST certificates/tls/create", {})).status).toBe(409);

    clock += 15_000;
    const done = await whole("GET certificates/tls/pending");
    expect(done.headers.get("retry-after")).toBeNull();
    expect(done.body).toMatchObject({ status: "completed", target: `${vault.vaultUri}certificates/tls` });
    expect(await ask("GET certificates/tls")).toMatchObject({ pending: { id: inProgress.id } });
    expect((await ask("PATCH certificates/tls/pending", { cancellation_requested: true })).error).toEqual({
      code: "Forbidden",
      message: "Pending status must be in progress to allow update.",
    });
  });

  it("is answered with a time to wait, even if it takes none", async () => {
    const { status, headers } = await whole("POST certificates/tls/create", {});
    expect([status, headers.get("retry-after")]).toEqual([202, "10"]);
    expect((await whole("GET certificates/tls")).status).toBe(200);
  });

  it("can be cancelled", async () => {
    vault.issuanceMilliseconds = 15_000;
    await ask("POST certificates/tls/create", {});
    const cancelled = await ask("PATCH certificates/tls/pending", { cancellation_requested: true });
    expect(cancelled).toMatchObject({ cancellation_requested: true, status: "cancelled" });
    clock += 15_000;
    expect([vault.certificates.names, vault.keys.names, vault.secrets.names]).toEqual([[], [], []]);
  });

  it("never ends if the issuer is unknown", async () => {
    await ask("POST certificates/tls/create", { policy: { issuer: { name: "Unknown" } } });
    clock += 86_400_000;
    expect(await ask("GET certificates/tls/pending")).toMatchObject({ status: "inProgress" });
  });

  it("keeps the key only if the policy says so", async () => {
    await vault.certificates.create("fresh");
    await vault.certificates.create("kept", { reuseKey: true, tags: { team: "web" } });
    const before = [vault.keys.publicJwk("fresh"), vault.keys.publicJwk("kept")];
    await vault.certificates.rotate("fresh");
    await vault.certificates.rotate("kept");
    expect(vault.keys.publicJwk("fresh")).not.toEqual(before[0]);
    expect(vault.keys.publicJwk("kept")).toEqual(before[1]);
    expect(vault.certificates.versions("kept").map(({ tags }) => tags)).toEqual([{ team: "web" }, { team: "web" }]);
  });
});

describe("the key and the secret of a certificate", () => {
  it.each([
    ["EC", "ES256"],
    ["RSA", "RS256"],
  ] as const)("sign and hold the private key of a certificate of type %s", async (kty, algorithm) => {
    const { version } = await vault.certificates.create("tls", { kty });
    const digest = createHash("sha256").update("order 1").digest();
    const keyUri = `${vault.vaultUri}keys/tls/${version}`;
    const { result } = await cryptographyClient(service, keyUri).sign(algorithm, digest);
    const key = { key: vault.certificates.x509("tls").publicKey, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from("order 1"), key, result)).toBe(true);

    const secret = await secretClient(service, vault).getSecret("tls");
    expect(secret.properties).toMatchObject({ version, contentType: "application/x-pem-file", managed: true });
    const pem = secret.value ?? "";
    expect(new X509Certificate(pem).raw).toEqual(vault.certificates.x509("tls").raw);
    const jwk = createPublicKey(createPrivateKey(pem)).export({ format: "jwk" });
    expect(jwk).toEqual(vault.keys.publicJwk("tls"));
  });

  it("are listed as managed, and the key has the uses of the policy and no exportable", async () => {
    await vault.certificates.create("tls", { kty: "RSA" });
    const bundle = await ask("GET keys/tls");
    expect(bundle).toMatchObject({
      managed: true,
      key: { key_ops: ["sign", "verify", "wrapKey", "unwrapKey"] },
      attributes: { hsmPlatform: "0" },
    });
    expect(bundle.attributes).not.toHaveProperty("exportable");
    expect((await ask("GET keys")).value).toMatchObject([{ kid: `${vault.vaultUri}keys/tls`, managed: true }]);
    expect((await ask("GET secrets")).value).toMatchObject([{ id: `${vault.vaultUri}secrets/tls`, managed: true }]);
    expect(await ask("GET secrets/tls")).toMatchObject({ kid: vault.keys.versions("tls")[0]?.uriWithVersion });
  });

  it("hold no private key if the certificate is not exportable", async () => {
    await vault.certificates.create("tls", { exportable: false });
    expect(vault.secrets.value("tls")).not.toContain("PRIVATE KEY");
    expect(vault.secrets.value("tls")).toContain("BEGIN CERTIFICATE");
  });

  it("follow its attributes and versions", async () => {
    const { version } = await vault.certificates.create("tls", { notBefore: 1_800_000_000, expires: 1_900_000_000 });
    vault.certificates.update("tls", version, { enabled: false });
    await vault.certificates.rotate("tls");
    const attributes = { enabled: false, nbf: 1_800_000_000, exp: 1_900_000_000 };
    expect(await ask(`GET keys/tls/${version}`)).toMatchObject({ attributes });
    expect((await ask(`GET secrets/tls/${version}`)).error?.innererror?.code).toBe("SecretDisabled");
    const ids = (versions: { version: string }[]) => versions.map((one) => one.version);
    expect(ids(vault.keys.versions("tls"))).toEqual(ids(vault.certificates.versions("tls")));
    expect(ids(vault.secrets.versions("tls"))).toEqual(ids(vault.certificates.versions("tls")));
  });

  it("are deleted, recovered, purged and restored with it", async () => {
    await vault.certificates.create("tls");
    const all = [vault.certificates, vault.keys, vault.secrets] as const;
    const jwk = vault.keys.publicJwk("tls");
    const blob = await vault.certificates.backUp("tls");
    vault.certificates.delete("tls");
    expect(all.map((objects) => [objects.has("tls"), objects.isDeleted("tls")])).toEqual(Array(3).fill([false, true]));
    expect((await ask("DELETE deletedkeys/tls")).error?.innererror?.code).toBe("KeyManagedByKeyVault");
    expect((await ask("POST deletedsecrets/tls/recover")).error?.innererror?.code).toBe("SecretManagedByKeyVault");
    vault.certificates.recover("tls");
    expect(all.map((objects) => objects.has("tls"))).toEqual([true, true, true]);
    vault.certificates.delete("tls");
    vault.certificates.purge("tls");
    expect(all.map((objects) => objects.isDeleted("tls"))).toEqual([false, false, false]);
    expect(await vault.certificates.restore(blob)).toBe(true);
    expect(vault.keys.publicJwk("tls")).toEqual(jwk);
    expect((await keyClient(service, vault).getKey("tls")).properties.managed).toBe(true);
  });
});

describe("the name of a certificate", () => {
  it.each(["keys", "secrets"] as const)("must be free among the %s", async (collection) => {
    const source = await service.createVault();
    await source.certificates.create("tls");
    const blob = await source.certificates.backUp("tls");
    vault.purgeMilliseconds = 5_000;
    const attempts = async () => [
      (await whole("POST certificates/restore", { value: blob })).status,
      (await whole("POST certificates/tls/create", {})).status,
      (await whole("POST certificates/tls/import", { value: pemOf(source, "tls") })).status,
    ];
    await vault.collection(collection).create("tls");
    expect(await attempts()).toEqual([409, 409, 409]);
    expect((await ask("POST certificates/restore", { value: blob })).error?.message).toContain(
      `There was a conflict restoring the certificate '${vault.vaultUri}certificates/tls/`,
    );
    await expect(vault.certificates.create("tls")).rejects.toThrow("The name tls is taken");
    vault.collection(collection).delete("tls");
    expect(await attempts()).toEqual([409, 409, 409]);
    vault.collection(collection).purge("tls");
    expect(await attempts()).toEqual([409, 409, 409]);
    clock += 5_000;
    expect(await vault.certificates.restore(blob)).toBe(true);
  });
});

describe("the recorded answers for a certificate with two versions, of which the newer is disabled", () => {
  it("have the same members before the backup and after the restore, but for pending", async () => {
    await ask("POST certificates/tls/create", { policy: { key_props: { kty: "RSA" } } });
    clock += 20_000;
    await ask("POST certificates/tls/create", { policy: { x509_props: { subject: "CN=two" } } });
    const created = clock / 1000;
    clock += 10_000;
    const before = await ask("PATCH certificates/tls", { attributes: { enabled: false } });
    const { certificates } = vault;
    const [first, second] = certificates.versions("tls");
    const thumbprint = (version = "") =>
      createHash("sha1").update(certificates.x509("tls", version).raw).digest("base64url");
    expect(before).toEqual({
      id: second?.uriWithVersion,
      kid: `${vault.vaultUri}keys/tls/${second?.version}`,
      sid: `${vault.vaultUri}secrets/tls/${second?.version}`,
      x5t: thumbprint(second?.version),
      cer: certificates.x509("tls").raw.toString("base64"),
      attributes: {
        enabled: false,
        nbf: created - 600,
        exp: Date.parse("2027-11-01T12:00:00Z") / 1000 + created - Date.parse("2026-11-01T12:00:00Z") / 1000,
        created,
        updated: clock / 1000,
        recoveryLevel: "CustomizedRecoverable+Purgeable",
        recoverableDays: 7,
      },
      policy: {
        id: `${vault.vaultUri}certificates/tls/policy`,
        key_props: { exportable: true, kty: "RSA", key_size: 2048, reuse_key: false },
        secret_props: { contentType: "application/x-pem-file" },
        x509_props: {
          subject: "CN=two",
          ekus: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
          key_usage: ["digitalSignature", "keyEncipherment"],
          validity_months: 12,
          basic_constraints: { ca: false },
        },
        lifetime_actions: [{ trigger: { lifetime_percentage: 80 }, action: { action_type: "AutoRenew" } }],
        issuer: { name: "Self" },
        attributes: { enabled: true, created: created - 20, updated: created },
      },
      pending: { id: `${vault.vaultUri}certificates/tls/pending` },
    });

    const { value } = await ask("GET certificates/tls/versions");
    expect(value).toHaveLength(2);
    expect(value).toContainEqual({
      id: first?.uriWithVersion,
      x5t: thumbprint(first?.version),
      attributes: {
        enabled: true,
        nbf: created - 620,
        exp: (before.attributes as { exp: number }).exp - 20,
        created: created - 20,
        updated: created - 20,
      },
      subject: "",
    });

    const blob = (await ask("POST certificates/tls/backup")).value;
    expect(await ask("DELETE certificates/tls")).toEqual({
      recoveryId: `${vault.vaultUri}deletedcertificates/tls`,
      deletedDate: clock / 1000,
      scheduledPurgeDate: clock / 1000 + 7 * 86_400,
      ...before,
    });
    vault.certificates.purge("tls");
    clock += 60_000;
    const { pending: _, ...restored } = before;
    expect(await ask("POST certificates/restore", { value: blob })).toEqual(restored);
    expect((await whole("GET certificates/tls/pending")).status).toBe(404);
  });
});
