import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { VaultOptions } from "../../../localVault/vaultOptions";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { type Answered, askVault, type Json, type Question } from "./askVault";

// The answers of Azure Key Vault and Managed HSM, as recorded from 2018 to 2025.

let clock = Date.parse("2026-11-01T12:00:00Z");
let service: LocalKeyVault;
let vault: LocalVault;
let hsm: LocalVault;

const slow: VaultOptions = { deletionMilliseconds: 20_000, recoveryMilliseconds: 20_000, purgeMilliseconds: 20_000 };

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault(undefined, slow);
  hsm = await service.createVault(undefined, { kind: "managedHsm", retentionDays: 7 });
});

const ask = (target: LocalVault, request: string, question: Question = {}) =>
  askVault(service, target, request, question);
const base64url = (text: string | Uint8Array) => Buffer.from(text).toString("base64url");
const restore = (target: LocalVault, value: string) => ask(target, "POST keys/restore", { body: { value } });
const backUp = async (target: LocalVault, name = "orders") =>
  String((await ask(target, `POST keys/${name}/backup`)).body.value);

const create = "POST keys/orders/create";

describe("a Managed HSM refuses", () => {
  it.each([
    ["GET keys/orders", "keys/orders"],
    ["POST keys/orders/backup", "keys/orders"],
    ["DELETE keys/orders", "keys/orders"],
    ["GET deletedkeys/orders", "deletedkeys/orders"],
    ["POST deletedkeys/orders/recover", "deletedkeys/orders"],
  ])("%s of a missing key with the URI %s and the id of the request", async (request, path) => {
    const { status, headers, body } = await ask(hsm, request);
    const message = `Key not found: ${hsm.vaultUri}${path} (Activity ID: ${headers.get("x-ms-request-id")})`;
    expect({ status, body }).toEqual({ status: 404, body: { error: { code: "KeyNotFound", message } } });
  });

  it("every blob of another security domain in the same words", async () => {
    const other = await service.createVault(undefined, { kind: "managedHsm", securityDomain: "fabrikam" });
    for (const target of [vault, other]) await target.keys.create("orders");
    for (const value of [base64url("non-existing"), await backUp(vault), await backUp(other)]) {
      const { status, headers, body } = await restore(hsm, value);
      const message = `Backup blob belongs to a different crypto domain and cannot be used with this instance. (Activity ID: ${headers.get("x-ms-request-id")})`;
      expect({ status, body }).toEqual({ status: 400, body: { error: { code: "MalformedBackupBlob", message } } });
    }
  });

  it("a conflict without an inner code, and a fault in the words of an HSM", async () => {
    await hsm.keys.create("orders");
    hsm.keys.delete("orders");
    const { status, body } = await ask(hsm, create, { body: { kty: "EC" } });
    expect(status).toBe(409);
    expect(Object.keys(body.error ?? {})).toEqual(["code", "message"]);
    hsm.fail("get", { kind: "forbidden", reason: "rbac" });
    const forbidden = await ask(hsm, "GET keys/orders");
    expect(forbidden.body.error?.message).toMatch(/Action: 'Microsoft\.KeyVault\/managedHsm\/keys\/read'/);
    expect(forbidden.body.error?.message).toMatch(/\(Activity ID: [0-9a-f-]{36}\)$/);
    expect(forbidden.body.error?.innererror).toBeUndefined();
  });
});

describe("a request without a token", () => {
  it.each([
    [
      "vault",
      "GET keys/orders",
      '{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}',
    ],
    ["managedHsm", "GET keys/orders", "OK"],
    ["managedHsm", "POST keys/restore", ""],
  ] as const)("gets from a %s for %s a challenge and the body %j", async (kind, request, text) => {
    const target = kind === "vault" ? vault : hsm;
    const answer = await ask(target, request, { token: undefined });
    expect(answer.status).toBe(401);
    expect(answer.text).toBe(text);
    expect(answer.headers.get("www-authenticate")).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${service.identity.tenantId}", resource="https://${kind === "vault" ? "vault" : "managedhsm"}.azure.net"`,
    );
  });
});

describe("a backup", () => {
  async function backUpVersions(target: LocalVault, versions: number): Promise<string> {
    for (let made = 0; made < versions; made += 1) await target.keys.create("orders", { kty: "RSA" });
    return backUp(target);
  }

  it.each([
    ["vault", 1, 10_000, 14_000],
    ["vault", 2, 13_000, 14_500],
    ["vault", 6, 24_000, 28_000],
    ["managedHsm", 1, 21_500, 22_500],
    ["managedHsm", 2, 30_000, 33_000],
  ] as const)("of a %s with %d versions has %d to %d characters", async (kind, versions, least, most) => {
    const { length } = await backUpVersions(kind === "vault" ? vault : hsm, versions);
    expect(length).toBeGreaterThanOrEqual(least);
    expect(length).toBeLessThanOrEqual(most);
  });

  it("of a Managed HSM is a compact JWE without an encrypted key", async () => {
    const jwe = Buffer.from(await backUpVersions(hsm, 1), "base64url").toString("latin1");
    const [header = "", ...parts] = jwe.split(".");
    expect(Buffer.from(header, "base64url").toString()).toBe(
      '{"alg":"dir","enc":"A256CBC-HS512","kid":"backup-protection-key"}',
    );
    const lengths = parts.map((part) => Buffer.from(part, "base64url").length);
    expect(lengths).toEqual([0, 16, 12_304, 32]);
  });

  it.each(["vault", "managedHsm"] as const)(
    "of a %s brings back every version with its times, tags and attributes",
    async (kind) => {
      const options = { kind };
      const [source, copy] = [
        await service.createVault(undefined, options),
        await service.createVault(undefined, options),
      ];
      await source.keys.create("orders", { kty: "RSA", enabled: false, expires: 2_000_000_000 });
      clock += 5_000;
      await source.keys.create("orders", { kty: "RSA", tags: { team: "sales" }, keyOperations: ["sign", "verify"] });
      clock += 5_000;
      source.keys.update("orders", undefined, { tags: { team: "billing" } });
      const before = (await ask(source, "GET keys/orders")).body;
      const value = await backUp(source);
      clock += 5_000;
      const { status, body } = await restore(copy, value);
      expect(status).toBe(200);
      const { attributes, tags, key } = before as { attributes: Json; tags: Json; key: Json };
      expect(body).toMatchObject({ attributes, tags, key: { n: key.n, kty: key.kty } });
      expect((body.key as Json).kid).toBe(String(key.kid).replace(source.vaultUri, copy.vaultUri));
      const comparable = (target: LocalVault) =>
        JSON.stringify(target.keys.versions("orders")).replaceAll(target.vaultUri, "");
      expect(comparable(copy)).toBe(comparable(source));
    },
  );
});

describe("a bundle", () => {
  it.each([
    ["2016-10-01", {}],
    ["7.0", {}],
    ["7.3", { recoverableDays: 90 }],
    ["7.4", { recoverableDays: 90, exportable: false }],
    ["7.5", { recoverableDays: 90, exportable: false, hsmPlatform: "0" }],
    ["2025-07-01", { recoverableDays: 90, exportable: false, hsmPlatform: "0" }],
  ])("of a vault has by API version %s the attributes %j", async (apiVersion, expected) => {
    await vault.keys.create("orders");
    const { body } = await ask(vault, "GET keys/orders", { apiVersion });
    const { enabled, created, updated, recoveryLevel, ...attributes } = body.attributes as Json;
    expect(attributes).toEqual(expected);
    expect([enabled, created, updated, recoveryLevel]).toEqual([
      true,
      clock / 1000,
      clock / 1000,
      "Recoverable+Purgeable",
    ]);
  });

  it("of a certificate's key is managed and has no exportable", async () => {
    await vault.certificates.create("orders");
    const { body } = await ask(vault, "GET keys/orders");
    expect(body.managed).toBe(true);
    expect(body.attributes).not.toHaveProperty("exportable");
  });

  it("of a hardware key in a vault has its key type and platform", async () => {
    const { body } = await ask(vault, create, { body: { kty: "RSA-HSM" } });
    expect(body).toMatchObject({ key: { kty: "RSA-HSM" }, attributes: { hsmPlatform: "2" } });
  });

  it.each([
    ["RSA", "RSA-HSM"],
    ["EC", "EC-HSM"],
    ["EC-HSM", "EC-HSM"],
  ])("of a Managed HSM that was asked for %s has the key type %s", async (kty, expected) => {
    const { body } = await ask(hsm, create, { body: { kty } });
    expect((body.key as Json).kty).toBe(expected);
    const { recoverableDays, recoveryLevel, exportable, hsmPlatform } = body.attributes as Json;
    expect([recoverableDays, recoveryLevel, exportable]).toEqual([7, "CustomizedRecoverable+Purgeable", false]);
    expect(hsmPlatform).toBeUndefined();
  });

  it("of a Managed HSM lists the same uses in another order each time", async () => {
    await hsm.keys.create("orders", { kty: "RSA" });
    const uses = async () => ((await ask(hsm, "GET keys/orders")).body.key as { key_ops: string[] }).key_ops;
    const [one, other] = [await uses(), await uses()];
    expect(one).not.toEqual(other);
    expect(one.toSorted()).toEqual(other.toSorted());
  });

  it("of a deleted key is there at once in a Managed HSM, and a purged name can be restored at once", async () => {
    await hsm.keys.create("orders");
    const value = await backUp(hsm);
    expect((await ask(hsm, "DELETE keys/orders")).status).toBe(200);
    const { body } = await ask(hsm, "GET deletedkeys/orders");
    expect(body.scheduledPurgeDate).toBe(Number(body.deletedDate) + 7 * 86_400);
    expect((await ask(hsm, "DELETE deletedkeys/orders")).status).toBe(204);
    expect((await restore(hsm, value)).status).toBe(200);
  });
});

describe("headers", () => {
  it("of a vault name the service, and its answer to a purge has neither a type nor a length", async () => {
    await vault.keys.create("orders");
    const { headers, text } = await ask(vault, "GET keys/orders");
    expect(headers.get("content-length")).toBe(`${text.length}`);
    expect(headers.get("x-ms-keyvault-region")).toBe("westeurope");
    expect(headers.get("x-ms-keyvault-service-version")).toMatch(/^1\.9\./);
    vault.keys.delete("orders");
    clock += 20_000;
    const purged = await ask(vault, "DELETE deletedkeys/orders");
    expect([purged.headers.get("content-type"), purged.headers.get("content-length")]).toEqual([null, null]);
  });

  it("of a Managed HSM name the region on success only, and the build to GET only", async () => {
    await hsm.keys.create("orders");
    const names = async (request: string) => [...(await ask(hsm, request)).headers.keys()];
    expect(await names("GET keys/orders")).toEqual(
      expect.arrayContaining(["x-ms-keyvault-region", "x-ms-build-version", "x-ms-server-latency", "x-frame-options"]),
    );
    expect(await names("GET keys/missing")).not.toContain("x-ms-keyvault-region");
    expect(await names("POST keys/orders/backup")).not.toContain("x-ms-build-version");
    expect(await names("GET keys/orders")).not.toContain("x-ms-keyvault-service-version");
    hsm.keys.delete("orders");
    const purged = await ask(hsm, "DELETE deletedkeys/orders");
    expect([purged.status, purged.headers.get("content-length")]).toEqual([204, "0"]);
  });
});

describe("a list", () => {
  const idsOf = ({ body }: Answered) => (body.value as { kid: string }[]).map(({ kid }) => kid.split("/").at(-1) ?? "");

  async function pagesOf(
    target: LocalVault,
    request: string,
  ): Promise<{ sizes: number[]; links: string[]; ids: string[] }> {
    const [sizes, links, ids]: [number[], string[], string[]] = [[], [], []];
    for (let next: unknown = request; typeof next === "string"; ) {
      const answer = await ask(target, next);
      expect(answer.status).toBe(200);
      ids.push(...idsOf(answer));
      sizes.push(idsOf(answer).length);
      const { nextLink } = answer.body;
      next = typeof nextLink === "string" ? `GET ${nextLink}` : undefined;
      if (typeof nextLink === "string") links.push(nextLink.replace(target.vaultUri, ""));
    }
    return { sizes, links, ids };
  }

  it("of the versions of a missing key is empty, with nextLink null in a vault and without in a Managed HSM", async () => {
    expect((await ask(vault, "GET keys/missing/versions")).body).toEqual({ value: [], nextLink: null });
    expect((await ask(hsm, "GET keys/missing/versions")).body).toEqual({ value: [] });
  });

  it("of versions has full pages, sorted by id in a vault and by creation in a Managed HSM", async () => {
    for (const target of [vault, hsm]) for (let made = 0; made < 26; made += 1) await target.keys.create("orders");
    const created = (target: LocalVault) => target.keys.versions("orders").map(({ version }) => version);
    const [inVault, inHsm] = [
      await pagesOf(vault, "GET keys/orders/versions"),
      await pagesOf(hsm, "GET keys/orders/versions"),
    ];
    expect([inVault.sizes, inHsm.sizes]).toEqual([
      [25, 1],
      [25, 1],
    ]);
    expect(inVault.ids).toEqual(created(vault).toSorted());
    expect(inHsm.ids).toEqual(created(hsm));
    expect(inVault.links[0]).toMatch(/^keys\/orders\/versions\?api-version=7\.6&\$skiptoken=[\w-]+$/);
    expect(inHsm.links[0]).toMatch(/^keys\/orders\/versions\?\$skiptoken=[\w-]+$/);
    const limited = `GET ${hsm.vaultUri}keys/orders/versions?maxresults=6&api-version=7.6`;
    expect((await pagesOf(hsm, limited)).links[0]).toMatch(/^keys\/orders\/versions\?maxresults=6&\$skiptoken=[\w-]+$/);
  });

  it.each(["keys", "deletedkeys"])(
    "of %s that is longer than a page has an empty page and short pages",
    async (path) => {
      const names = ["a", "b", "c", "d", "e"];
      for (const name of names) await vault.keys.create(name);
      if (path === "deletedkeys") for (const name of names) vault.keys.delete(name);
      clock += 20_000;
      const { sizes, ids, links } = await pagesOf(vault, `GET ${vault.vaultUri}${path}?api-version=7.6&maxresults=4`);
      expect(sizes).toEqual([0, 2, 2, 1]);
      expect(ids).toEqual(names);
      expect(links[0]).toMatch(/\?api-version=7\.6&\$skiptoken=[\w-]+&maxresults=4$/);
      expect((await pagesOf(vault, `GET ${path}`)).sizes).toEqual([5]);
    },
  );

  it("of one key begins with an empty page if the vault is told to make short pages", async () => {
    const short = await service.createVault(undefined, { shortPages: true });
    expect((await pagesOf(short, "GET keys")).sizes).toEqual([0]);
    await short.keys.create("orders");
    expect((await pagesOf(short, "GET keys")).sizes).toEqual([0, 1]);
  });
});

describe("the use of a key", () => {
  const digest = base64url(createHash("sha256").update("order 1").digest());
  const now = () => Math.floor(clock / 1000);
  const uses = ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"] as const;

  it.each([
    ["disabled", "KeyDisabled", ["sign", "decrypt", "unwrapKey"], () => ({ enabled: false })],
    ["expired", "KeyExpired", ["sign", "encrypt", "wrapKey"], () => ({ expires: now() - 1 })],
    ["not yet valid", "KeyNotYetValid", ["sign", "encrypt", "wrapKey"], () => ({ notBefore: now() + 60 })],
    ["valid", "", [], () => ({})],
  ] as const)(
    "that is %s is refused only for these operations (inner code %j): %j",
    async (_, inner, refused, change) => {
      await vault.keys.create("orders", { kty: "RSA" });
      const ciphertext = String(
        (await ask(vault, "POST keys/orders/encrypt", { body: { alg: "RSA-OAEP", value: base64url("secret") } })).body
          .value,
      );
      vault.keys.update("orders", undefined, change());
      for (const use of uses) {
        const body = {
          alg: use === "sign" || use === "verify" ? "RS256" : "RSA-OAEP",
          digest,
          value: use === "decrypt" || use === "unwrapKey" ? ciphertext : digest,
        };
        const answer = await ask(vault, `POST keys/orders/${use}`, { body });
        const isRefused = refused.some((name) => name === use);
        expect([use, answer.status]).toEqual([use, isRefused ? 403 : 200]);
        expect(answer.body.error?.innererror?.code).toBe(isRefused ? inner : undefined);
      }
    },
  );
});
