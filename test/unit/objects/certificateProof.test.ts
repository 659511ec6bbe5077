import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { NewCertificate } from "../../../localVault/certificateKind";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { failuresIn } from "../../../src/backup/drillEvidence";
import { certificate } from "../../../src/objects/certificate";
import type { ObjectVersion, ProofTools } from "../../../src/objects/objectKind";
import { attemptsAt, listedVersions } from "../../support/keyVault/proofs";
import { type VirtualClock, virtualClock } from "../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let copy: LocalVault;
let listed: ObjectVersion[];

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  copy = await service.createVault();
});

const attempts = (vault: LocalVault) => attemptsAt(service, vault, { clock });

/** Makes a version in the vault of the copy, and forgets what the vault was asked. */
async function created(options: NewCertificate = {}): Promise<string> {
  const { version } = await copy.certificates.create("orders", options);
  listed = await listedVersions(attempts(copy), certificate);
  copy.clearRequests();
  return version;
}

/** Tools for the listed versions, whose thumbprints are those of the source. */
const tools = (change: Partial<ProofTools> = {}): ProofTools => ({
  name: "orders",
  versions: listed,
  thumbprints: Object.fromEntries(listed.map(({ version, thumbprint }) => [version, thumbprint ?? ""])),
  copy: attempts(copy),
  source: undefined,
  now: () => clock.now(),
  ...change,
});

type Results = Record<"x5t" | "publicKey" | "privateKey" | "expiresAt", string>;

async function prove(version: string, change: Partial<ProofTools> = {}): Promise<Results> {
  const proofs = await certificate.prove(tools(change));
  expect(new Set(proofs.keys())).toEqual(new Set(listed.map((one) => one.version)));
  expect(copy.requestsOf("get", "secrets")).toEqual([]);
  return proofs.get(version) as Results;
}

const uses = () => (["sign", "unwrapKey", "decrypt"] as const).map((use) => copy.count(use));
const now = () => Math.floor(clock.now() / 1000);

/** The next look at the certificate's version gets this answer. */
function answerCertificate(version: string, body: { readonly cer?: string; readonly keyVersion?: string }): void {
  const { cer, keyVersion = version } = body;
  const id = `${copy.vaultUri}certificates/orders/${version}`;
  const kid = `${copy.vaultUri}keys/orders/${keyVersion}`;
  const answer = { id, kid, ...(cer === undefined ? {} : { cer }), attributes: { enabled: true } };
  copy.fail("get", { kind: "status", status: 200, body: answer }, 1, { collection: "certificates" });
}

/** The next look at the version of the key gets the public key of another version. */
function answerKey(version: string, other: string): void {
  const kid = `${copy.vaultUri}keys/orders/${version}`;
  const publicKey = { ...copy.keys.publicJwk("orders", other), kid, key_ops: ["sign"] };
  const body = { key: publicKey, attributes: { enabled: true } };
  copy.fail("get", { kind: "status", status: 200, body }, 1, { collection: "keys" });
}

describe("a restored certificate is proved", () => {
  it.each([
    ["EC", [1, 0, 0]],
    ["RSA", [1, 0, 0]],
  ] as const)("by one signature if it has an %s key", async (kty, used) => {
    const expires = now() + 86_400;
    const version = await created({ kty, expires });
    const expiresAt = new Date(expires * 1000).toISOString();
    const proof = await prove(version);
    expect(proof).toEqual({ x5t: "passed", publicKey: "passed", privateKey: "passed", expiresAt });
    expect(Object.keys(proof)).toEqual([...certificate.checks, "expiresAt"]);
    expect(uses()).toEqual(used);
  });

  it("by unwrapping if it has an RSA key that may not sign", async () => {
    const policy = { x509_props: { key_usage: ["keyEncipherment"] } };
    expect(await prove(await created({ kty: "RSA", policy }))).toMatchObject({ privateKey: "passed" });
    expect(uses()).toEqual([0, 1, 0]);
  });

  it("version by version, each with its own key", async () => {
    const first = await created();
    const second = await created();
    const proofs = await certificate.prove(tools());
    expect(failuresIn(proofs)).toEqual([]);
    expect([...proofs.values()].map(({ privateKey }) => privateKey)).toEqual(["passed", "passed"]);
    const signed = copy.requestsOf("sign").filter(({ hasToken }) => hasToken);
    expect(signed.map(({ path }) => path).sort()).toEqual(
      [first, second].map((version) => `/keys/orders/${version}/sign`).sort(),
    );
  });

  it("by the version of the key that it names, in whatever case", async () => {
    const version = await created();
    const other = (await copy.certificates.create("orders")).version;
    const cer = copy.certificates.x509("orders", other).raw.toString("base64");
    answerCertificate(version, { cer, keyVersion: other.toUpperCase() });
    expect(await prove(version)).toMatchObject({ publicKey: "passed", privateKey: "passed" });
  });

  it("without a date of its end if the service tells none", async () => {
    const version = await created();
    listed = listed.map((one) => ({ ...one, attributes: {} }));
    expect(await prove(version)).not.toHaveProperty("expiresAt");
  });
});

describe("x5t of a restored certificate", () => {
  it("fails if another one was recorded", async () => {
    const version = await created();
    const { x5t } = await prove(version, { thumbprints: { [version]: "other" } });
    expect(x5t).toBe(`failed: x5t is ${listed[0]?.thumbprint}, the source's is other`);
  });

  it("is not looked up in the source if it was recorded", async () => {
    const source = await service.createVault();
    expect(await prove(await created(), { source: attempts(source) })).toMatchObject({ x5t: "passed" });
    expect(source.requests).toEqual([]);
  });

  it("is compared with the source's by one list if it was not recorded for every version", async () => {
    const source = await service.createVault();
    await source.certificates.create("orders");
    await source.certificates.rotate("orders");
    await copy.certificates.restore(await source.certificates.backUp("orders"));
    listed = await listedVersions(attempts(copy), certificate);
    const [{ version, thumbprint = "" }, { version: other }] = listed as [ObjectVersion, ObjectVersion];
    const thumbprints = { [version]: thumbprint };
    const proofs = await certificate.prove(tools({ thumbprints, source: attempts(source) }));
    expect([version, other].map((one) => proofs.get(one)?.x5t)).toEqual(["passed", "passed"]);
    expect(source.requests.filter(({ hasToken }) => hasToken)).toHaveLength(1);
  });

  it("fails if the source's version has another one", async () => {
    const version = await created();
    const source = await service.createVault();
    const id = `${source.vaultUri}certificates/orders/${version}`;
    const item = { id, x5t: Buffer.alloc(20, 1).toString("base64url"), attributes: {} };
    source.fail("listVersions", { kind: "status", status: 200, body: { value: [item] } });
    expect((await prove(version, { thumbprints: {}, source: attempts(source) })).x5t).toMatch(/^failed: .*AQEBAQ/);
  });

  it.each<[string, () => Promise<Partial<ProofTools>>, RegExp]>([
    ["if the source is unknown", async () => ({ source: undefined }), /source is unknown/],
    [
      "if the source does not have the version",
      async () => ({ source: attempts(await service.createVault()) }),
      /source does not have the version/,
    ],
    [
      "if the source cannot be read",
      async () => {
        const source = await service.createVault();
        source.certificates.permissions.delete("list");
        return { source: attempts(source) };
      },
      /source cannot be read: .*403/,
    ],
  ])("is not compared %s", async (_, change, because) => {
    const proof = await prove(await created(), { thumbprints: {}, ...(await change()) });
    expect(proof.x5t).toMatch(/^not run: the backup does not record x5t, and /);
    expect(proof.x5t).toMatch(because);
    expect(proof).toMatchObject({ publicKey: "passed", privateKey: "passed" });
  });

  it("is not compared if the copy has none", async () => {
    const version = await created();
    const versions = listed.map((one) => ({ ...one, thumbprint: undefined }));
    expect((await prove(version, { versions, thumbprints: {} })).x5t).toBe("not run: the version has no x5t");
  });

  it("is all that is compared if the certificate is not restored, but there already", async () => {
    const version = await created();
    expect(await certificate.compare(tools())).toEqual(new Map([[version, { x5t: "passed" }]]));
    expect(copy.requests).toEqual([]);
  });
});

describe("the key of a restored certificate", () => {
  it("fails if the certificate does not fit it, and is not used", async () => {
    const version = await created();
    const other = await created();
    answerKey(version, other);
    listed = listed.filter((one) => one.version === version);
    const proof = await prove(version);
    expect(proof.publicKey).toMatch(/^failed: .*key/);
    expect(proof.privateKey).toMatch(/^failed: /);
    expect(uses()).toEqual([0, 0, 0]);
  });

  it("fails if it signs for another certificate", async () => {
    const version = await created();
    const other = await created();
    // The vault has the certificate's public key beside the private key of the other.
    answerCertificate(version, {
      cer: copy.certificates.x509("orders", version).raw.toString("base64"),
      keyVersion: other,
    });
    answerKey(other, version);
    listed = listed.filter((one) => one.version === version);
    const proof = await prove(version);
    expect(proof).toMatchObject({ x5t: "passed", publicKey: "passed" });
    expect(proof.privateKey).toMatch(/^failed: its signature .*the certificate's public key/);
  });

  it.each([
    ["without a certificate", undefined],
    ["with what is no certificate", "AAAA"],
  ])("is not proved if the answer comes %s", async (_, cer) => {
    const version = await created();
    answerCertificate(version, cer === undefined ? {} : { cer });
    const because = "not run: the certificate cannot be parsed";
    expect(await prove(version)).toMatchObject({ x5t: "passed", publicKey: because, privateKey: because });
    expect(copy.requestsOf("get", "keys")).toEqual([]);
  });

  it.each([
    ["certificates", "certificates/read"],
    ["keys", "keys/read"],
  ] as const)(
    "is not proved if the identity may not read %s, and what to grant is told",
    async (collection, action) => {
      const version = await created();
      copy.collection(collection).permissions.delete("get");
      const because = expect.stringMatching(new RegExp(`^not run: .*${action}`));
      expect(await prove(version)).toMatchObject({ x5t: "passed", publicKey: because, privateKey: because });
    },
  );

  it("is not used if the identity may not sign, and what to grant is told", async () => {
    const version = await created();
    copy.keys.permissions.delete("sign");
    const privateKey = expect.stringMatching(/^not run: .*keys\/sign\/action/);
    expect(await prove(version)).toMatchObject({ publicKey: "passed", privateKey });
  });

  it("is not used if the version is disabled", async () => {
    const version = await created({ enabled: false });
    const proof = { x5t: "passed", publicKey: "passed", privateKey: "not run: the version is disabled" };
    expect(await prove(version)).toMatchObject(proof);
  });
});

describe("an expired certificate", () => {
  const expired = () => ({ notBefore: now() - 7_200, expires: now() - 3_600 });

  it("is proved by unwrapping if it has an RSA key", async () => {
    const { expires } = expired();
    const expiresAt = new Date(expires * 1000).toISOString();
    const version = await created({ kty: "RSA", ...expired() });
    expect(await prove(version)).toEqual({ x5t: "passed", publicKey: "passed", privateKey: "passed", expiresAt });
    expect(uses()).toEqual([0, 1, 0]);
  });

  it("does not fail if it has an elliptic key, which the service no longer uses", async () => {
    const version = await created(expired());
    expect(failuresIn(await certificate.prove(tools()))).toEqual([]);
    expect(await prove(version)).toMatchObject({
      x5t: "passed",
      publicKey: "passed",
      privateKey: expect.stringMatching(/^not run: .*outside its nbf and exp/),
    });
    expect(uses()).toEqual([0, 0, 0]);
  });
});
