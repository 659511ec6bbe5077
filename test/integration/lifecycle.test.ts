import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { LocalKeyVault } from "../support/localKeyVault";
import type { LocalVault } from "../support/localVault";
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
  const key = await vault.createKey("orders");
  const { inputs } = await provider.check({ __provider, keyUri: key.keyUriWithVersion, ...declared });
  const { id, outputs } = await provider.create(inputs);
  vault.clearRequests();
  return { key, inputs, id, outputs, olds: sentBack(outputs) };
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
      blob: wireSecret(expect.stringMatching(/^[\w-]{5000,}$/)),
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    });
  });

  it("leaves out what the identity may not read", async () => {
    vault.permissions.delete("list");
    vault.permissions.delete("get");
    const { outputs } = await backedUp();
    expect(outputs).toMatchObject({ keyVersions: [] });
    expect(outputs).not.toHaveProperty("keyUriWithVersion");
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
  it("returns a new record, with the blob as a secret, and nothing of the old one", async () => {
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
    });
    expect(outputs).not.toHaveProperty("triggers");
    expect(sentBack(outputs).blob).not.toBe(olds.blob);
    expect(await provider.diff(id, sentBack(outputs), inputs)).toMatchObject({ changes: "none" });
  });
});

describe("refresh", () => {
  it("keeps the record as it is, the blob a secret again, without a request to the vault", async () => {
    const { id, outputs, olds } = await backedUp({ triggers });
    expect(await provider.read(id, { outputs: olds })).toEqual({ id, outputs, inputs: undefined });
    expect(vault.requests).toEqual([]);
  });

  it("keeps the record of a key that was deleted", async () => {
    const { id, outputs, olds } = await backedUp();
    vault.deleteKey("orders");
    expect(await provider.read(id, { outputs: olds })).toMatchObject({ id, outputs });
  });

  it("sees no drift, asked with what it was made of in the place of what it is to become", async () => {
    const { id, inputs, olds } = await backedUp({ triggers });
    const { outputs } = await provider.read(id, { outputs: olds });
    expect(await provider.diff(id, sentBack(outputs), inputs)).toEqual({ changes: "none", replaces: [] });
  });
});

describe("delete", () => {
  it("makes no request to the vault", async () => {
    const { id, olds } = await backedUp();
    await provider.delete(id, olds);
    expect(vault.requests).toEqual([]);
    expect(vault.hasKey("orders")).toBe(true);
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
