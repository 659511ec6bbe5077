import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { sha256OfBlob } from "../../src/backup/blob";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { ProjectFolder } from "../support/providerProcess/projectFolder";
import {
  type Properties,
  ProviderProcess,
  refusalOf,
  sentBack,
  verificationOff,
  wireSecret,
} from "../support/providerProcess/providerProcess";
import { serializedText as __provider } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const unknown = pulumi.runtime.unknownValue;
const triggers = [1, "zwei", null, true, { b: [{}], a: { c: "€" } }, []];

let service: LocalKeyVault;
let project: ProjectFolder;
let provider: ProviderProcess;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await ProjectFolder.create(installed().installed, "copy");
  provider = await ProviderProcess.start(project.path, service, verificationOff);
});
afterAll(async () => {
  await provider.stop();
  await project.remove();
  await service.stop();
});
beforeEach(async () => {
  vault = await service.createVault();
});

/** A backup of a new key, as the engine has it before the next update. */
async function backedUp(declared: Properties = {}) {
  const key = await vault.createKey("orders", { tags: { team: "billing" } });
  const { inputs } = await provider.check({ __provider, keyUri: key.keyUriWithVersion, ...declared });
  const { id, outputs } = await provider.create(inputs);
  vault.clearRequests();
  return { key, inputs, id, outputs, olds: sentBack(outputs) };
}

/** Removes the key for good, so that another may take its name. */
function purge(): void {
  vault.deleteKey("orders");
  vault.purgeKey("orders");
}

describe("check", () => {
  it("completes the key, and keeps the text of the provider", async () => {
    const keyUri = `https://KV.vault.azure.net/keys/orders/${"a".repeat(32)}`;
    expect(await provider.check({ __provider, keyUri, triggers })).toEqual({
      inputs: {
        __provider,
        vaultUri: "https://kv.vault.azure.net/",
        keyName: "orders",
        keyUri: "https://kv.vault.azure.net/keys/orders",
        keyVersion: "a".repeat(32),
        triggers,
      },
      failures: [],
    });
  });

  it("names every mistake, and the property of none, whose value the engine would print", async () => {
    const { failures } = await provider.check({ __provider, keyUri: "https://kv/secrets/a?b", keyURI: "x" });
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("keyURI is not an input of KeyBackup") },
      { property: "", reason: expect.stringContaining("keyUri has a query.") },
      { property: "", reason: expect.stringContaining("keyUri names a secret, not a key") },
    ]);
  });

  it("passes over what is unknown at preview", async () => {
    const inputs = { __provider, vaultUri: unknown, keyName: "orders", triggers: [{ deep: [unknown] }] };
    expect(await provider.check(inputs)).toEqual({ inputs, failures: [] });
  });
});

describe("create", () => {
  it("returns the record, with the blob as a secret", async () => {
    const { key, id, outputs } = await backedUp({ triggers });
    expect(id).toBe(key.keyUri);
    expect(outputs).toEqual({
      __provider,
      vaultUri: vault.vaultUri,
      keyName: "orders",
      keyUri: key.keyUri,
      keyVersion: key.version,
      triggers,
      keyUriWithVersion: key.keyUriWithVersion,
      keyVersions: [key.version],
      keyThumbprints: { [key.version]: expect.stringMatching(/^[\w-]{43}$/) },
      blob: wireSecret(expect.stringMatching(/^[\w-]{5000,}$/)),
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      keyUpdatedAt: new Date(Number(vault.keyVersions("orders")[0]?.updated) * 1000).toISOString(),
      keyTags: { team: "billing" },
      sourceStatus: "current",
      previous: {},
    });
  });

  it("leaves out what the identity may not read", async () => {
    vault.permissions.delete("list");
    vault.permissions.delete("get");
    const { outputs } = await backedUp();
    expect(outputs).toMatchObject({
      keyVersions: [],
      sourceStatus: "unreachable",
      sourceStatusReason: expect.stringContaining("Grant the data action Microsoft.KeyVault/vaults/keys/read"),
    });
    for (const name of ["keyUriWithVersion", "keyUpdatedAt", "keyTags"]) {
      expect(outputs).not.toHaveProperty(name);
    }
  });

  it("returns a backup of several megabytes whole", async () => {
    vault.blobPadding = 5_000_000;
    const { olds } = await backedUp();
    expect(String(olds.blob).length).toBeGreaterThan(5_000_000);
    expect(await provider.read("id", { outputs: olds })).toMatchObject({ outputs: { blob: wireSecret(olds.blob) } });
  });
});

describe("diff", () => {
  it("sees no change between a record and the inputs that it was made of", async () => {
    const { id, inputs, olds } = await backedUp({ triggers });
    expect(await provider.diff(id, olds, inputs)).toEqual({ changes: "none", replaces: [] });
  });

  it("sees no change in another text of the provider", async () => {
    const { id, inputs, olds } = await backedUp();
    const news = { ...inputs, __provider: `${__provider}// A later release.\n` };
    expect(await provider.diff(id, olds, news)).toEqual({ changes: "none", replaces: [] });
  });

  it("asks for an update for a new version of the key, and prints why", async () => {
    const { id, olds } = await backedUp();
    const { keyUri, keyUriWithVersion, version } = await vault.rotateKey("orders");
    const { inputs } = await provider.check({ __provider, keyUri: keyUriWithVersion });
    expect(await provider.diff(id, olds, inputs)).toEqual({ changes: "some", replaces: [] });
    await provider.hasPrinted(
      `KeyBackup ${keyUri}: a new backup will be made, because the recorded backup does not hold version ${version}.\n`,
    );
  });

  it("asks for a replacement for another key", async () => {
    const { id, olds } = await backedUp();
    const { inputs } = await provider.check({ __provider, keyUri: `${vault.vaultUri}keys/invoices` });
    expect(await provider.diff(id, olds, inputs)).toEqual({ changes: "some", replaces: ["keyName"] });
  });

  it("asks for an update at preview while the key, or a part of a trigger, is unknown", async () => {
    const { id, inputs, olds } = await backedUp({ triggers: ["a"] });
    for (const part of [{ keyUri: unknown }, { triggers: [{ deep: [unknown] }] }]) {
      const { inputs: news } = await provider.check({ __provider, keyUri: inputs.keyUri, triggers: ["a"], ...part });
      expect(await provider.diff(id, olds, news)).toEqual({ changes: "some", replaces: [] });
    }
  });
});

describe("update", () => {
  it("returns a new record, with the blob as a secret, and nothing of an old one that it holds whole", async () => {
    const { id, olds } = await backedUp({ triggers });
    const { keyUriWithVersion, version } = await vault.rotateKey("orders");
    const { inputs } = await provider.check({ __provider, keyUri: keyUriWithVersion });
    const outputs = await provider.update(id, olds, inputs);
    expect(outputs).toMatchObject({
      __provider,
      keyVersion: version,
      keyVersions: [version, olds.keyVersion],
      keyUriWithVersion,
      blob: wireSecret(expect.stringMatching(/^[\w-]{5000,}$/)),
      previous: {},
    });
    expect(outputs).not.toHaveProperty("triggers");
    expect(sentBack(outputs).blob).not.toBe(olds.blob);
    expect(await provider.diff(id, sentBack(outputs), inputs)).toMatchObject({ changes: "none" });
  });

  it("keeps the backup of a key that was created anew, its blob a secret too, and prints that", async () => {
    const { key, id, olds } = await backedUp();
    purge();
    const { version, keyUriWithVersion } = await vault.createKey("orders");
    const { inputs } = await provider.check({ __provider, keyUri: keyUriWithVersion });
    const { backedUpAt, blobSha256 } = olds;
    const keptBecause = `no newer backup is known to hold version ${key.version}`;
    expect(await provider.update(id, olds, inputs)).toMatchObject({
      keyVersions: [version],
      previous: {
        [String(blobSha256)]: {
          blob: wireSecret(olds.blob),
          blobSha256,
          keyVersions: [key.version],
          backedUpAt,
          keptBecause,
        },
      },
    });
    await provider.hasPrinted(
      `KeyBackup ${key.keyUri}: the backup of ${backedUpAt} (${blobSha256}) is kept in previous: ${keptBecause}.\n`,
    );
  });
});

describe("refresh", () => {
  it("keeps the record as it is, the blob a secret again, at the price of one reading", async () => {
    const { id, outputs, olds } = await backedUp({ triggers });
    expect(await provider.read(id, { outputs: olds })).toEqual({ id, outputs, inputs: undefined });
    expect(vault.requests).toMatchObject([{ operation: "listVersions", hasToken: true }]);
  });

  it("keeps all else of the record, whatever has become of the key, and tells that", async () => {
    const { key, id, outputs, olds } = await backedUp();
    const read = (source: Properties) =>
      expect(provider.read(id, { outputs: olds })).resolves.toEqual({
        id,
        outputs: { ...outputs, ...source },
        inputs: undefined,
      });
    const { version } = await vault.rotateKey("orders");
    await read({ sourceStatus: "changed", sourceStatusReason: `the key has newer version ${version}` });
    vault.fail("listVersions", { kind: "forbidden", reason: "firewall" });
    await read({ sourceStatus: "unreachable", sourceStatusReason: expect.stringContaining("ForbiddenByFirewall") });
    vault.deleteKey("orders");
    const recover = "az keyvault key recover --vault-name localhost --name orders.";
    await read({ sourceStatus: "missing", sourceStatusReason: expect.stringContaining(recover) });
    await provider.hasPrinted(`KeyBackup ${key.keyUri}: the backup is kept, and the key is missing: `);
    expect(vault.count("backup")).toBe(0);
  });

  it("sees no drift, asked with what it was made of in the place of what it is to become", async () => {
    const { id, inputs, olds } = await backedUp({ triggers });
    const { outputs } = await provider.read(id, { outputs: olds });
    expect(await provider.diff(id, sentBack(outputs), inputs)).toEqual({ changes: "none", replaces: [] });
  });

  it("refuses a blob that is not the one that was recorded, and names both by their SHA-256", async () => {
    const { id, olds } = await backedUp();
    const { details } = await refusalOf(provider.read(id, { outputs: { ...olds, blob: "AAAA" } }));
    expect(details).toContain(`its SHA-256 is ${sha256OfBlob("AAAA")}, and blobSha256 says ${olds.blobSha256}.`);
    expect(vault.requests).toEqual([]);
  });
});

describe("delete", () => {
  it("of a backup whose key is there asks the vault for one reading", async () => {
    const { id, olds } = await backedUp();
    await provider.delete(id, olds);
    expect(vault.requests).toMatchObject([{ operation: "listVersions", hasToken: true }]);
    expect(vault.hasKey("orders")).toBe(true);
  });

  it("is refused where the blob may be the only copy, until forceDelete was recorded or the blob is forgotten", async () => {
    const { key, id, olds } = await backedUp();
    purge();
    const { details } = await refusalOf(provider.delete(id, olds));
    expect(details).toContain(`The backup of ${key.keyUri} is not deleted: it may be the only copy of the key`);
    await provider.delete(id, { ...olds, forceDelete: true });
    const { version } = await vault.createKey("orders");
    expect((await refusalOf(provider.delete(id, olds))).details).toContain(
      `it may hold the only copy: the key in the vault lacks version ${key.version}.`,
    );
    expect(version).not.toBe(key.version);
    await provider.check({ __provider, keyUri: key.keyUri, forget: [olds.blobSha256] });
    await provider.delete(id, olds);
  });
});

describe("the token", () => {
  let fresh: ProviderProcess;
  let issued: number;
  let inputs: Properties;

  beforeEach(async () => {
    const { keyUri } = await vault.createKey("orders");
    ({ inputs } = await provider.check({ __provider, keyUri }));
    issued = service.identity.issued.length;
  });
  afterEach(() => fresh.stop());

  it("is the managed identity's, and for Key Vault", async () => {
    fresh = await ProviderProcess.start(project.path, service, verificationOff);
    await fresh.create(inputs);
    expect(service.identity.tokensIssued.slice(issued)).toMatchObject([
      { grant: "managedIdentity", resource: "https://vault.azure.net", clientId: service.identity.clientId },
    ]);
  });

  it("is not asked for where nobody vouches for the vault's certificate", async () => {
    const { NODE_EXTRA_CA_CERTS, ...distrusting } = service.environment();
    fresh = await ProviderProcess.start(project.path, { environment: () => distrusting }, verificationOff);
    const { details } = await refusalOf(fresh.create(inputs));
    expect(details).toMatch(
      /: the TLS certificate of localhost:\d+ was not accepted \(\w+\)\. .*NODE_EXTRA_CA_CERTS\.$/,
    );
    expect(vault.requests).toEqual([]);
    expect(service.identity.issued.length).toBe(issued);
  });
});
