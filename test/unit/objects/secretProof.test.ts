import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { NewSecret, SecretChange } from "../../../localVault/secretKind";
import { failuresIn } from "../../../src/backup/drillEvidence";
import type { ObjectVersion, ProofTools } from "../../../src/objects/objectKind";
import { secret } from "../../../src/objects/secret";
import { attemptsAt, listedVersions } from "../../support/keyVault/proofs";
import { type VirtualClock, virtualClock } from "../../support/keyVault/virtualClock";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let source: LocalVault;
let copy: LocalVault;

beforeAll(async () => {
  clock = virtualClock();
  service = await LocalKeyVault.start({ now: () => clock.now() });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  source = await service.createVault();
  copy = await service.createVault();
});

const attempts = (vault: LocalVault) => attemptsAt(service, vault, { clock });

const isContradicted = expect.stringMatching(/^failed: .*the source's/);

/** A secret in the source, and its restored copy. */
async function restored(options: NewSecret = {}): Promise<string> {
  const { version } = await source.secrets.create("orders", { value: "hunter2", ...options });
  await copy.secrets.restore(await source.secrets.backUp("orders"));
  return version;
}

async function prove(tools: Partial<ProofTools> = {}) {
  const versions = tools.versions ?? (await listedVersions(attempts(copy), secret));
  const proofs = await secret.prove({
    name: "orders",
    versions,
    thumbprints: {},
    copy: attempts(copy),
    source: attempts(source),
    now: () => clock.now(),
    ...tools,
  });
  expect([...proofs.keys()]).toEqual(versions.map(({ version }) => version));
  expect(JSON.stringify([...proofs])).not.toContain("hunter");
  return proofs;
}

/** The results for the only version. */
async function proveOne(tools: Partial<ProofTools> = {}): Promise<Record<string, string> | undefined> {
  return [...(await prove(tools)).values()][0];
}

describe("a restored secret", () => {
  it("passes every check that a drill records if it is the source's", async () => {
    await restored({ contentType: "text/plain", tags: { team: "sales" }, notBefore: 86_400, expires: 4_000_000_000 });
    const proof = await proveOne();
    expect(proof).toEqual({ attributes: "passed", value: "passed", valueCompared: "yes" });
    expect(Object.keys(proof ?? {})).toEqual([...secret.checks, "valueCompared"]);
  });

  it("is compared version by version: one list of the source, and one look at each value", async () => {
    await source.secrets.create("orders");
    for (let rotations = 0; rotations < 9; rotations += 1) await source.secrets.rotate("orders");
    await copy.secrets.restore(await source.secrets.backUp("orders"));
    const proofs = await prove();
    expect(proofs.size).toBe(10);
    for (const proof of proofs.values()) expect(proof).toMatchObject({ attributes: "passed", value: "passed" });
    expect(source.count("listVersions")).toBe(1);
    expect([source.count("get"), copy.count("get")]).toEqual([10, 10]);
  });

  it("is compared in the same way if it is not restored, but there already", async () => {
    const version = await restored();
    copy.secrets.update("orders", version, { value: "other" });
    const versions = await listedVersions(attempts(copy), secret);
    const tools = { name: "orders", versions, thumbprints: {}, copy: attempts(copy), source: attempts(source) };
    const compared = await secret.compare({ ...tools, now: () => clock.now() });
    expect(compared).toEqual(await prove());
    expect(failuresIn(compared)).toEqual([expect.stringMatching(new RegExp(`${version}.*value`))]);
  });
});

describe("the value of a restored secret", () => {
  it.each([
    ["another value of the same length", "hunter3"],
    ["a longer value", "hunter2hunter2"],
    ["a value that differs in case", "Hunter2"],
    ["a value of other characters and the same number of them", "hunterü"],
    ["an empty value", ""],
  ])("fails if it is %s, and neither is told", async (_, value) => {
    copy.secrets.update("orders", await restored(), { value });
    expect(await proveOne()).toMatchObject({ value: isContradicted });
  });

  it("fails if only the source's is empty", async () => {
    copy.secrets.update("orders", await restored({ value: "" }), { value: "hunter2" });
    expect(await proveOne()).toMatchObject({ value: isContradicted });
  });

  it("passes if both are empty", async () => {
    await restored({ value: "" });
    expect(await proveOne()).toMatchObject({ value: "passed" });
  });

  it("fails if the copy has none", async () => {
    const version = await restored();
    const body = { id: `${copy.vaultUri}secrets/orders/${version}`, attributes: {} };
    const versions = await listedVersions(attempts(copy), secret);
    copy.fail("get", { kind: "status", status: 200, body });
    expect(await proveOne({ versions })).toMatchObject({ value: "failed: it has no value" });
  });

  it("is not compared if the copy cannot be read, and the reason is told", async () => {
    await restored();
    copy.secrets.permissions.delete("get");
    const because = expect.stringMatching(/^not run: .*read the value of secret.*403.*getSecret\/action/);
    expect(await proveOne()).toMatchObject({ attributes: "passed", value: because });
    expect(source.count("get")).toBe(0);
  });

  it("passes if only the copy can be read, and it is told that nothing was compared, and why", async () => {
    await restored();
    source.secrets.permissions.delete("get");
    const valueCompared = expect.stringMatching(/^no: the source cannot be read: .*getSecret\/action/);
    expect(await proveOne()).toEqual({ attributes: "passed", value: "passed", valueCompared });
    expect(await proveOne({ source: undefined })).toMatchObject({ valueCompared: "no: the source is unknown" });
  });

  it("is not compared if the version is disabled, which the service does not read", async () => {
    await restored({ enabled: false });
    const because = expect.stringMatching(/^not run: .*SecretDisabled.*enable the version/);
    expect(await proveOne()).toMatchObject({ attributes: "passed", value: because });
  });

  it.each([
    ["has expired", { expires: 1 }],
    ["is not valid yet", { notBefore: 4_000_000_000 }],
  ])("is compared if the version %s", async (_, validity) => {
    copy.secrets.update("orders", await restored(validity), { value: "other" });
    expect(await proveOne()).toMatchObject({ attributes: "passed", value: isContradicted });
  });
});

describe("the attributes of a restored secret", () => {
  it.each<[string, SecretChange]>([
    ["enabled", { enabled: false }],
    ["nbf", { notBefore: 5 }],
    ["exp", { expires: 4_000_000_000 }],
    ["contentType", { contentType: "text/html" }],
    ["tags", { tags: { team: "sales", owner: "me" } }],
    ["tags", { tags: {} }],
    ["exp, tags", { expires: 4_000_000_000, tags: { team: "costs" } }],
  ])("fail if they are not the source's: %s", async (names, change) => {
    const version = await restored({ contentType: "text/plain", tags: { team: "sales" }, expires: 4_100_000_000 });
    // Within the second of the backup.
    copy.secrets.update("orders", version, change);
    expect(await proveOne()).toMatchObject({
      attributes: expect.stringMatching(new RegExp(`^failed: .*source's: ${names}$`)),
    });
  });

  it("fail if the version was created at another time", async () => {
    await restored();
    const [listed] = (await listedVersions(attempts(copy), secret)) as [ObjectVersion];
    const versions = [{ ...listed, createdAt: listed.createdAt - 1_000 }];
    expect(await proveOne({ versions })).toMatchObject({
      attributes: expect.stringMatching(/^failed: .*another time/),
    });
  });

  it.each(["source", "copy"] as const)(
    "are not compared if those of the %s changed after the backup",
    async (whose) => {
      const version = await restored();
      clock.advance(5_000);
      const vault = { source, copy }[whose];
      vault.secrets.update("orders", version, { tags: { team: "sales" } });
      const because = expect.stringMatching(/^not run: .*changed after the backup/);
      expect(await proveOne()).toMatchObject({ attributes: because, value: "passed" });
    },
  );

  it("are not compared if the source is unknown", async () => {
    await restored();
    const proof = { attributes: "not run: the source is unknown", value: "passed" };
    expect(await proveOne({ source: undefined })).toMatchObject(proof);
  });

  it("are not compared if the source cannot be listed, and the reason is told", async () => {
    await restored();
    source.secrets.permissions.delete("list");
    const because = expect.stringMatching(/^not run: the source cannot be listed: .*403/);
    expect(await proveOne()).toMatchObject({ attributes: because, value: "passed" });
  });

  it("are not compared if the source does not have the version", async () => {
    await restored();
    source = await service.createVault();
    const proof = { attributes: "not run: the source does not have the version", value: "passed" };
    expect(await proveOne()).toMatchObject(proof);
  });
});
