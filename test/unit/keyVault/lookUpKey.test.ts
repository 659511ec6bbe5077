import dns from "node:dns";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Vault } from "../../../src/keyVault/vault";
import type { Waits } from "../../../src/keyVault/vaultConnection";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { impatientVault } from "../../support/model/impatientVault";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;
/** How far the service's clock is ahead, in milliseconds. */
let later = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => Date.now() + later });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
});

function open(waits: Partial<Waits> = {}, vaultUri = local.vaultUri): Vault {
  return impatientVault(service, { vaultUri }, waits);
}

/** Makes names fail to resolve, by this code. */
function resolveNothing(code: string): () => void {
  const lookup = (name: string, _: object, done: (error: Error) => void) =>
    done(Object.assign(new Error(name), { code }));
  const resolver = jest.spyOn(dns, "lookup").mockImplementation(lookup as typeof dns.lookup);
  return () => resolver.mockRestore();
}

describe("looking a key up", () => {
  it("finds its versions, newest first, with their times and tags", async () => {
    const first = await local.createKey("orders");
    later += 2_000;
    const second = await local.rotateKey("orders");
    local.updateKey("orders", first.version, { tags: { old: "yes" } });
    const key = await open().lookUpKey("orders", []);
    const [older, newer] = local.keyVersions("orders");
    const times = (it: typeof older) => ({
      createdAt: Number(it?.created) * 1000,
      updatedAt: Number(it?.updated) * 1000,
    });
    expect(key).toEqual({
      kind: "found",
      isComplete: true,
      versions: [
        { version: second.version, ...times(newer), tags: {}, isPurgeable: true },
        { version: first.version, ...times(older), tags: { old: "yes" }, isPurgeable: true },
      ],
    });
    expect(local.count("backup")).toBe(0);
  });

  it("finds a vault missing whose name does not resolve, and says so in words that stay the same", async () => {
    const restore = resolveNothing("ENOTFOUND");
    // Once the retries have ended first, and once the time.
    for (const waits of [{}, { transient: 2_000, lookUp: 300 }]) {
      expect(await open(waits, "https://kv-gone.example/").lookUpKey("orders", [])).toEqual({
        kind: "missing",
        isVaultUnknown: true,
        because:
          'Could not read key "orders" in kv-gone.example: the name kv-gone.example does not resolve (ENOTFOUND). Check the ' +
          "vault's name and cloud; a vault behind a private endpoint resolves only in its network.",
      });
    }
    restore();
  });

  it("does not take a resolver that is out of order for a missing vault", async () => {
    const restore = resolveNothing("EAI_AGAIN");
    const key = await open({}, "https://kv-gone.example/").lookUpKey("orders", []);
    restore();
    expect(key).toMatchObject({ kind: "unreachable", isForbidden: false });
  });

  it("does not take a page of a proxy for a missing key", async () => {
    await local.createKey("orders");
    local.fail("listVersions", { kind: "html", status: 404 });
    expect(await open().lookUpKey("orders", [])).toMatchObject({ kind: "unreachable", isForbidden: false });
  });

  it("takes the service's own 404 for a missing key", async () => {
    local.fail("listVersions", { kind: "status", status: 404, body: { error: { code: "KeyNotFound", message: "" } } });
    const key = await open().lookUpKey("orders", []);
    expect(key).toMatchObject({ kind: "missing" });
    expect(key).not.toHaveProperty("isVaultUnknown");
  });

  it("does not wait for a permission, and tells a refusal from a failure", async () => {
    await local.createKey("orders");
    local.permissions.delete("list");
    expect(await open().lookUpKey("orders", [])).toMatchObject({ kind: "unreachable", isForbidden: true });
  });

  it("gives up in time", async () => {
    await local.createKey("orders");
    local.fail("listVersions", { kind: "stall" });
    expect(await open({ lookUp: 600 }).lookUpKey("orders", [])).toMatchObject({
      kind: "unreachable",
      isForbidden: false,
      because: expect.stringContaining("gave no answer within 1 s"),
    });
  });
});
