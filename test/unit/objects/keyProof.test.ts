import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { NewKey } from "../../../localVault/keyKind";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { VaultOptions } from "../../../localVault/vaultOptions";
import type { CheckResult } from "../../../src/backup/drillEvidence";
import { key } from "../../../src/objects/key";
import type { ProofTools } from "../../../src/objects/objectKind";
import { attemptsAt, objectVersion } from "../../support/keyVault/proofs";
import { type VirtualClock, virtualClock } from "../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(() => newVault());

async function newVault(options: VaultOptions = {}): Promise<void> {
  clock = virtualClock();
  local = await service.createVault(undefined, options);
}

const attempts = (vault: LocalVault) => attemptsAt(service, vault, { clock });

type Tools = Partial<ProofTools>;

/** Proves versions of the key, whose public keys are those of the source unless the tools say otherwise. */
async function prove(versions: readonly string[], tools: Tools = {}) {
  const proofs = await key.prove({
    name: "orders",
    versions: versions.map(objectVersion),
    thumbprints: {},
    copy: attempts(local),
    source: attempts(local),
    now: () => clock.now(),
    ...tools,
  });
  expect([...proofs.keys()]).toEqual(versions);
  return (version = versions[0] ?? "") => proofs.get(version) as Record<"publicKey" | "privateKey", CheckResult>;
}

async function proveNew(options: NewKey = {}, tools: Tools = {}) {
  const { version } = await local.keys.create("orders", options);
  local.clearRequests();
  return (await prove([version], tools))();
}

const uses = () => ["sign", "unwrapKey", "decrypt"].map((use) => local.count(use as "sign"));

/** The next time the version is read, it has the public key of the other version. */
function swapPublicKey(version: string, other: string, key_ops: readonly string[], kty = "EC"): void {
  const kid = `${local.vaultUri}keys/orders/${version}`;
  const body = { key: { ...local.keys.publicJwk("orders", other), kty, kid, key_ops }, attributes: { enabled: true } };
  local.fail("get", { kind: "status", status: 200, body });
}

async function thumbprintOf(version: string): Promise<string> {
  const read = await attempts(local)(key, "get", (client, signal) => client.getKey("orders", version, signal));
  return ("value" in read ? read.value.thumbprint : undefined) ?? "";
}

describe("a restored key is proved", () => {
  it("by every check that a drill records", async () => {
    expect(Object.keys(await proveNew())).toEqual(key.checks);
  });

  it.each([
    ["EC", "vault"],
    ["RSA", "vault"],
    ["EC", "managedHsm"],
    ["RSA", "managedHsm"],
  ] as const)("by one signature if it is an %s key in a %s", async (kty, kind) => {
    await newVault({ kind });
    expect(await proveNew({ kty })).toEqual({ publicKey: "passed", privateKey: "passed" });
    expect(uses()).toEqual([1, 0, 0]);
  });

  it.each([
    ["unwrapping", ["wrapKey", "unwrapKey", "encrypt", "decrypt"], [0, 1, 0]],
    ["decrypting", ["encrypt", "decrypt"], [0, 0, 1]],
  ] as const)("by %s if it is an RSA key that may not sign", async (_, keyOperations, used) => {
    expect(await proveNew({ kty: "RSA", keyOperations })).toEqual({ publicKey: "passed", privateKey: "passed" });
    expect(uses()).toEqual(used);
  });

  it.each<[string, NewKey]>([
    ["has expired", { expires: 1 }],
    ["is not valid yet", { notBefore: Math.ceil(Date.now() / 1000) + 86_400 }],
  ])("by unwrapping if it is an RSA key that %s, which the service still lets unwrap", async (_, validity) => {
    const proof = await proveNew({ kty: "RSA", ...validity });
    expect(proof.privateKey).toBe("passed");
    expect(uses()).toEqual([0, 1, 0]);
  });

  it("version by version, each with its own key", async () => {
    const first = await local.keys.create("orders");
    const second = await local.keys.rotate("orders");
    const proofOf = await prove([second.version, first.version]);
    for (const { version } of [first, second]) {
      expect(proofOf(version)).toEqual({ publicKey: "passed", privateKey: "passed" });
    }
    expect(
      local
        .requestsOf("sign")
        .filter(({ hasToken }) => hasToken)
        .map(({ path }) => path)
        .sort(),
    ).toEqual([first, second].map(({ version }) => `/keys/orders/${version}/sign`).sort());
  });

  it("by another signature each time, so that none can be kept for it", async () => {
    const { version } = await local.keys.create("orders");
    for (let proofs = 0; proofs < 2; proofs += 1) await prove([version]);
    // A vault that returns an old signature does not have the private key.
    local.fail("sign", { kind: "value", value: Buffer.alloc(64, 1).toString("base64url") });
    expect((await prove([version]))().privateKey).toMatch(/^failed: /);
  });

  it("from its first valid millisecond to its last", async () => {
    const now = Math.ceil(clock.now() / 1000) * 1000;
    clock.advance(now - clock.now());
    const { version } = await local.keys.create("orders", { notBefore: now / 1000, expires: now / 1000 + 60 });
    const results = [];
    for (const at of [now - 1, now, now + 59_999, now + 60_000]) {
      results.push((await prove([version], { now: () => at }))().privateKey.slice(0, 7));
    }
    expect(results).toEqual(["not run", "passed", "passed", "not run"]);
  });
});

describe("the public key of a restored key", () => {
  it("passes if it is the one that was recorded with the backup, and the source is not asked", async () => {
    const { version } = await local.keys.create("orders");
    const thumbprints = { [version]: await thumbprintOf(version) };
    expect((await prove([version], { thumbprints, source: undefined }))().publicKey).toBe("passed");
  });

  it("fails if another one was recorded, even if the source has the same, and the private key is not used", async () => {
    const { version } = await local.keys.create("orders");
    const proof = (await prove([version], { thumbprints: { [version]: "other" } }))();
    expect(proof.publicKey).toMatch(/^failed: .*other/);
    expect(proof.privateKey).toMatch(/^not run: the public key/);
    expect(uses()).toEqual([0, 0, 0]);
  });

  it("is compared with the source if none was recorded", async () => {
    const source = await service.createVault();
    const { version } = await source.keys.create("orders");
    await local.keys.restore(await source.keys.backUp("orders"));
    expect((await prove([version], { source: attempts(source) }))().publicKey).toBe("passed");
    expect(source.count("get")).toBe(1);
  });

  it("fails if the source has another one", async () => {
    const { version } = await local.keys.create("orders");
    const { version: other } = await local.keys.rotate("orders");
    const thumbprint = await thumbprintOf(other);
    swapPublicKey(version, other, ["sign"]);
    const proof = (await prove([version]))();
    expect(proof.publicKey).toMatch(new RegExp(`^failed: the thumbprint is ${thumbprint}`));
  });

  it("is not compared if the source is unknown", async () => {
    const { publicKey, privateKey } = await proveNew({}, { source: undefined });
    expect(publicKey).toMatch(/^not run: .*source is unknown/);
    expect(privateKey).toMatch(/^not run: /);
  });

  it("is not compared if the source cannot be read, and the reason is told", async () => {
    const source = await service.createVault();
    expect((await proveNew({}, { source: attempts(source) })).publicKey).toMatch(/^not run: .*cannot be read: .*404/);
  });

  it("is not compared if the source has none", async () => {
    const { version } = await local.keys.create("orders");
    const source = await service.createVault();
    const kid = `${source.vaultUri}keys/orders/${version}`;
    source.fail("get", { kind: "status", status: 200, body: { key: { kid, kty: "oct-HSM" }, attributes: {} } });
    expect((await prove([version], { source: attempts(source) }))().publicKey).toBe(
      "not run: the source has no public key",
    );
  });

  it("is not compared if the copy cannot be read, and the private key is not used", async () => {
    local.keys.permissions.delete("get");
    const proof = await proveNew();
    expect(proof.publicKey).toMatch(/^not run: .*403/);
    expect(proof.privateKey).toMatch(/^not run: .*403/);
  });
});

describe("a comparison of a key", () => {
  const compare = async (versions: readonly string[], tools: Tools = {}) =>
    key.compare({
      name: "orders",
      versions: versions.map(objectVersion),
      thumbprints: {},
      copy: attempts(local),
      source: undefined,
      now: () => clock.now(),
      ...tools,
    });

  it("reads only the versions whose public keys were recorded, and uses no private key", async () => {
    const { version: first } = await local.keys.create("orders");
    const { version: second } = await local.keys.rotate("orders");
    const thumbprints = { [second]: await thumbprintOf(second) };
    local.clearRequests();
    expect(await compare([second, first], { thumbprints })).toEqual(new Map([[second, { publicKey: "passed" }]]));
    expect(local.count("get")).toBe(1);
    expect(uses()).toEqual([0, 0, 0]);
  });

  it("fails if another public key was recorded", async () => {
    const { version } = await local.keys.create("orders");
    const compared = await compare([version], { thumbprints: { [version]: "other" } });
    expect(compared.get(version)).toEqual({ publicKey: expect.stringMatching(/^failed: .*other/) });
  });

  it("is not made of what cannot be read", async () => {
    const { version } = await local.keys.create("orders");
    local.keys.permissions.delete("get");
    const compared = await compare([version], { thumbprints: { [version]: "other" } });
    expect(compared.get(version)).toEqual({ publicKey: expect.stringMatching(/^not run: .*403/) });
  });
});

describe("the private key of a restored key fails", () => {
  it.each(["EC", "RSA"] as const)("if its signature does not fit the public %s key of the source", async (kty) => {
    const { version } = await local.keys.create("orders", { kty });
    const { version: other } = await local.keys.rotate("orders");
    swapPublicKey(version, other, ["sign"], kty);
    const proof = (
      await prove([version], { thumbprints: { [version]: await otherThumbprint(version, other, kty) } })
    )();
    expect(proof).toEqual({ publicKey: "passed", privateKey: expect.stringMatching(/^failed: its signature/) });
  });

  it.each(["unwrapKey", "decrypt"] as const)(
    "if it cannot decrypt what was encrypted for the source (%s)",
    async (use) => {
      const { version } = await local.keys.create("orders", { kty: "RSA", keyOperations: [use] });
      const { version: other } = await local.keys.rotate("orders");
      swapPublicKey(version, other, [use], "RSA");
      const thumbprints = { [version]: await otherThumbprint(version, other, "RSA", use) };
      expect((await prove([version], { thumbprints }))().privateKey).toMatch(/^failed: it cannot decrypt/);
    },
  );

  it.each(["unwrapKey", "decrypt"] as const)("if it decrypts to something else (%s)", async (use) => {
    local.fail(use, { kind: "value", value: Buffer.alloc(32).toString("base64url") });
    expect((await proveNew({ kty: "RSA", keyOperations: [use] })).privateKey).toMatch(/^failed: it cannot decrypt/);
  });

  it.each([10, 0])("if the signature has %s bytes", async (length) => {
    local.fail("sign", { kind: "value", value: Buffer.alloc(length, 1).toString("base64url") });
    expect((await proveNew()).privateKey).toMatch(/^failed: its signature/);
  });

  /** The thumbprint of the other version; the swapped public key is read again afterwards. */
  async function otherThumbprint(version: string, other: string, kty: string, use = "sign"): Promise<string> {
    local.clearFaults();
    const thumbprint = await thumbprintOf(other);
    swapPublicKey(version, other, [use], kty);
    return thumbprint;
  }
});

describe("the private key of a restored key is not used", () => {
  const later = Math.ceil(Date.now() / 1000) + 86_400;

  it.each<[string, NewKey, RegExp]>([
    ["if the version is disabled", { enabled: false }, /disabled/],
    ["if the version is disabled and an RSA key", { kty: "RSA", enabled: false }, /disabled/],
    ["before an elliptic key is valid", { notBefore: later }, /outside its nbf and exp/],
    ["after an elliptic key has expired", { expires: 1 }, /outside its nbf and exp/],
    [
      "after an RSA key has expired that may only sign",
      { kty: "RSA", expires: 1, keyOperations: ["sign"] },
      /outside its nbf/,
    ],
    ["if an elliptic key may not sign", { keyOperations: ["verify"] }, /key_ops \(verify\)/],
    ["if an elliptic key may do what it cannot", { keyOperations: ["unwrapKey"] }, /key_ops \(unwrapKey\)/],
    [
      "if an RSA key may only encrypt",
      { kty: "RSA", keyOperations: ["encrypt", "wrapKey"] },
      /key_ops \(encrypt, wrapKey\)/,
    ],
  ])("%s", async (_, options, because) => {
    const { publicKey, privateKey } = await proveNew(options);
    expect(publicKey).toBe("passed");
    expect(privateKey).toMatch(/^not run: /);
    expect(privateKey).toMatch(because);
    expect(uses()).toEqual([0, 0, 0]);
  });

  it("if it is symmetric", async () => {
    const { version } = await local.keys.create("orders");
    const kid = `${local.vaultUri}keys/orders/${version}`;
    const body = { key: { kid, kty: "oct-HSM", key_ops: ["encrypt", "decrypt"] }, attributes: { enabled: true } };
    local.fail("get", { kind: "status", status: 200, body }, 9);
    const proof = (await prove([version]))();
    expect(proof.publicKey).toMatch(/^not run: a symmetric key/);
    expect(proof.privateKey).toMatch(/^not run: /);
    expect(uses()).toEqual([0, 0, 0]);
  });

  it("if it is on an unknown curve", async () => {
    const { version } = await local.keys.create("orders");
    const kid = `${local.vaultUri}keys/orders/${version}`;
    const unknown = { kid, kty: "EC", crv: "P-999", x: "AAAA", y: "AAAA", key_ops: ["sign", "verify"] };
    local.fail("get", { kind: "status", status: 200, body: { key: unknown, attributes: { enabled: true } } }, 9);
    const proof = (await prove([version]))();
    expect(proof).toEqual({ publicKey: "passed", privateKey: "not run: the curve P-999 is not known" });
    expect(uses()).toEqual([0, 0, 0]);
  });

  it.each([
    ["sign", "sign/action"],
    ["unwrapKey", "unwrap/action"],
    ["decrypt", "decrypt/action"],
  ] as const)("if the identity may not %s, and what to grant is told", async (use, action) => {
    local.keys.permissions.delete(use);
    const { privateKey } = await proveNew({ kty: "RSA", keyOperations: [use] });
    expect(privateKey).toMatch(new RegExp(`^not run: .*${action}`));
    expect(local.count(use)).toBe(1);
  });

  it("if the service refuses to sign with 400, which says nothing of the key", async () => {
    local.fail("sign", { kind: "status", status: 400 });
    expect((await proveNew()).privateKey).toMatch(/^not run: /);
  });

  it.each(["unwrapKey", "decrypt"] as const)(
    "to %s if the service fails, which says nothing of the key",
    async (use) => {
      local.fail(use, { kind: "status", status: 500 }, Number.POSITIVE_INFINITY);
      expect((await proveNew({ kty: "RSA", keyOperations: [use] })).privateKey).toMatch(/^not run: .*500/);
    },
  );
});
