import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { certificate } from "../../../../src/objects/certificate";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { isEmpty, once, passed, record } from "./drillStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.stackOf(certificate);
});

const day = 86_400;
const seconds = () => Math.floor(stack.now() / 1000);
const notRun = (...words: string[]) => expect.stringMatching(new RegExp(`^not run: .*${words.join(".*")}`));

/** Drills the backup of one version; says what the checks found. Nothing is left. */
async function checked(outcome: string, inputs: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  await stack.drill.up(stack.drilling({ ...record, ...inputs }));
  expect(stack.drill.failureMessage).toBe("");
  expect(stack.drill.outputs).toMatchObject({ outcome });
  expect(stack.drill.outputs).not.toHaveProperty("leftover");
  expect(isEmpty(stack.target)).toBe(true);
  const [check = {}] = (stack.drill.outputs?.checks ?? []) as Record<string, unknown>[];
  return check;
}

describe("a drill of a certificate", () => {
  it("restores its key and its secret with it, and purges all three", async () => {
    await stack.backedUp();
    const { keys, secrets, certificates } = stack.target;
    let restored: unknown;
    stack.target.afterRequest("restore", () => {
      restored = [keys, secrets, certificates].map((objects) => objects.has("orders"));
    });
    await checked("verified");
    expect(restored).toEqual([true, true, true]);
    expect(stack.changes).toEqual(once);
    expect(stack.target.requests.filter(({ collection }) => collection === "secrets")).toEqual([]);
  });

  it("records when each version expires", async () => {
    const expires = seconds() + 30 * day;
    await stack.backedUp({ expires });
    expect(await checked("verified")).toMatchObject({ expiresAt: new Date(expires * 1000).toISOString() });
  });

  it("takes an expired certificate of EC for proved but for its private key, which may not sign any more", async () => {
    await stack.backedUp({ notBefore: seconds() - 30 * day, expires: seconds() - day });
    const privateKey = notRun("outside its nbf and exp");
    expect(await checked("partly")).toMatchObject({ ...passed(certificate), privateKey });
    expect(stack.drill.outputs).not.toHaveProperty("failure");
  });

  it("proves an expired certificate of RSA, whose private key still decrypts", async () => {
    await stack.backedUp({ kty: "RSA", notBefore: seconds() - 30 * day, expires: seconds() - day });
    expect(await checked("verified")).toMatchObject(passed(certificate));
    expect(stack.requests).not.toContain("sign");
  });

  it("needs no request to the source if the backup records x5t", async () => {
    await stack.backedUp();
    stack.source.certificates.delete("orders");
    stack.source.certificates.purge("orders");
    stack.source.clearRequests();
    await checked("verified");
    expect(stack.source.requests).toEqual([]);
  });

  it("compares x5t of all versions with one listing of the source if the backup does not record x5t", async () => {
    await stack.backedUp();
    await stack.rotated();
    stack.source.clearRequests();
    await checked("verified", { backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.source.requests.filter(({ hasToken }) => hasToken).map(({ operation }) => operation)).toEqual([
      "listVersions",
    ]);
  });

  it("tells nothing of the private key", async () => {
    await stack.backedUp();
    const values = stack.source.secrets.value("orders").split("\n").slice(1, 3);
    await checked("verified");
    expect(leaksIn(JSON.stringify([stack.drill.outputs, stack.printed]), { values })).toEqual([]);
  });
});

describe("a drill of a certificate fails", () => {
  it("if x5t of a version is not the one that the backup records, and still proves its key", async () => {
    const { version } = await stack.backedUp();
    const backup = { ...stack.backupRef, thumbprints: { [version]: "other" } };
    const x5t = expect.stringMatching(/^failed: x5t is .*, the source's is other$/);
    expect(await checked("failed", { backup })).toEqual({ version, ...passed(certificate), x5t });
  });

  it("if the certificate's public key is not that of its key", async () => {
    const { version } = await stack.backedUp();
    await stack.source.keys.create("other");
    const key = { kid: `${stack.target.vaultUri}keys/orders/${version}`, ...stack.source.keys.publicJwk("other") };
    const body = { key, attributes: { enabled: true } };
    stack.target.fail("get", { kind: "status", status: 200, body }, 1, { collection: "keys" });
    const result = "failed: the certificate and its key have different public keys";
    const check = await checked("failed");
    expect(check).toMatchObject({ version, x5t: "passed", publicKey: result, privateKey: result });
    expect(stack.requests).not.toContain("sign");
  });

  it("if the private key makes a signature that does not fit the certificate", async () => {
    await stack.backedUp();
    stack.target.fail("sign", { kind: "value", value: randomBytes(64).toString("base64url") });
    const privateKey = "failed: its signature does not verify with the certificate's public key";
    expect(await checked("failed")).toMatchObject({ ...passed(certificate), privateKey });
  });

  it("if the blob is the backup of a key, which the service refuses", async () => {
    await stack.backedUp();
    await stack.source.keys.create("invoices");
    const blob = await stack.source.keys.backUp("invoices");
    await checked("failed", { backup: { ...stack.backupRef, blob, blobSha256: undefined } });
    expect(stack.drill.outputs).toMatchObject({
      failure: expect.stringContaining("damaged, cut short or not the backup of a certificate"),
    });
    expect(stack.changes).toEqual([]);
  });
});

describe("a drill proves the backup of a certificate partly", () => {
  it("if the backup does not record x5t and the source is gone", async () => {
    await stack.backedUp();
    stack.source.certificates.delete("orders");
    stack.source.certificates.purge("orders");
    const check = await checked("partly", { backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(check).toMatchObject({ ...passed(certificate), x5t: notRun("does not record x5t", "the source") });
  });

  it("if the backup does not record x5t and the source cannot be read", async () => {
    await stack.backedUp();
    stack.source.certificates.permissions.delete("list");
    const check = await checked("partly", { backup: { ...stack.backupRef, thumbprints: undefined } });
    const x5t = notRun("the source cannot be read", "Microsoft.KeyVault/vaults/certificates/read");
    expect(check).toMatchObject({ ...passed(certificate), x5t });
  });

  it("if the backup neither records x5t nor says of which vault it is", async () => {
    await stack.backedUp();
    const { certificateName, versions, blob } = stack.backupRef;
    const check = await checked("partly", { backup: { certificateName, versions, blob } });
    expect(check).toMatchObject({ ...passed(certificate), x5t: notRun("its source is unknown") });
  });

  it("if the identity may not sign with keys of the scratch vault", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("sign");
    const privateKey = notRun('Key Vault refused to sign with key "orders"', "keys/sign/action");
    expect(await checked("partly")).toMatchObject({ ...passed(certificate), privateKey });
  });

  it("if the identity has no permission on keys of the scratch vault, and removes the copy", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.clear();
    const result = notRun('Key Vault refused to read key "orders"', "keys/read");
    const check = await checked("partly");
    expect(check).toMatchObject({ ...passed(certificate), publicKey: result, privateKey: result });
    expect(stack.changes).toEqual(once);
  });

  it("if its policy lets the key neither sign nor decrypt", async () => {
    await stack.backedUp({ policy: { x509_props: { key_usage: ["keyAgreement"] } } });
    const check = await checked("partly");
    expect(check).toMatchObject({ ...passed(certificate), privateKey: notRun("key_ops") });
  });

  it("if the newest version is disabled, and removes the copy", async () => {
    const { version } = await stack.backedUp();
    stack.source.certificates.update("orders", undefined, { enabled: false });
    await stack.backUp();
    const check = await checked("partly");
    expect(check).toMatchObject({ ...passed(certificate), version, privateKey: notRun("the version is disabled") });
    expect(stack.changes).toEqual(once);
  });
});

describe("what a certificate's drill may not do for any version", () => {
  it("is not asked again for each of many versions", async () => {
    await stack.source.certificates.create("orders");
    for (let version = 1; version < 20; version += 1) await stack.source.certificates.rotate("orders");
    await stack.backUp();
    stack.target.keys.permissions.clear();
    await checked("partly");
    expect(stack.target.count("get", "certificates")).toBe(20);
    expect(stack.target.count("get", "keys")).toBeLessThanOrEqual(8);
    expect(stack.target.count("get", "keys")).toBeGreaterThan(0);
  });
});
