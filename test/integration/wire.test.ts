import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
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
import { serializedTexts } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const __provider = serializedTexts.keyBackup;
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
  const key = await vault.keys.create("orders", { tags: { team: "billing" } });
  const { inputs } = await provider.check({ __provider, keyUri: key.uriWithVersion, ...declared });
  const { id, outputs } = await provider.create(inputs);
  vault.clearRequests();
  return { key, inputs, id, outputs, olds: sentBack(outputs) };
}

describe("check", () => {
  it("completes the inputs and keeps the provider's text", async () => {
    const keyUri = `https://KV.vault.azure.net/keys/orders/${"a".repeat(32)}`;
    expect(await provider.check({ __provider, keyUri, triggers })).toEqual({
      inputs: { __provider, keyUri: keyUri.replace("KV", "kv"), triggers },
      failures: [],
    });
  });

  it("attributes no mistake to a property, because the engine would print the property's value", async () => {
    const { failures } = await provider.check({ __provider, keyUri: "https://kv/secrets/a?b", keyURI: "x" });
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("keyURI is not an input of KeyBackup") },
      { property: "", reason: expect.stringContaining("keyUri") },
      { property: "", reason: expect.stringContaining("keyUri") },
    ]);
  });

  it("accepts values that are unknown at preview", async () => {
    const inputs = { __provider, vaultUri: unknown, keyName: "orders", triggers: [{ deep: [unknown] }] };
    expect(await provider.check(inputs)).toEqual({ inputs, failures: [] });
  });
});

describe("a record on the wire", () => {
  it("has the blob as a secret, every input that decides about the next backup, and no undefined member", async () => {
    const { key, id, outputs } = await backedUp({ triggers });
    expect(id).toMatch(/^[\da-f-]{36}$/);
    expect(outputs).toEqual({
      __provider,
      vaultUri: vault.vaultUri,
      keyName: "orders",
      keyUri: key.uri,
      keyUriWithVersion: key.uriWithVersion,
      declaredVersion: key.version,
      triggers,
      versions: [key.version],
      thumbprints: { [key.version]: expect.stringMatching(/^[\w-]{43}$/) },
      updatedAt: new Date(Number(vault.keys.versions("orders")[0]?.updated) * 1000).toISOString(),
      tags: { team: "billing" },
      blob: wireSecret(expect.stringMatching(/^[\w-]{5000,}$/)),
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      blobBytes: expect.any(Number),
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      sourceStatus: "current",
      previous: {},
    });
  });

  it("has the blob of each earlier backup as a secret after an update and after a refresh", async () => {
    const { key, id, olds } = await backedUp();
    vault.keys.delete("orders");
    vault.keys.purge("orders");
    const { version, uriWithVersion: keyUriWithVersion } = await vault.keys.create("orders");
    const { inputs } = await provider.check({ __provider, keyUri: keyUriWithVersion });
    const updated = await provider.update(id, olds, inputs);
    const { backedUpAt, blobSha256, blobBytes } = olds;
    const previous = {
      [String(blobSha256)]: {
        sourceUri: key.uri,
        blob: wireSecret(olds.blob),
        blobSha256,
        blobBytes,
        versions: [key.version],
        backedUpAt,
        keptBecause: expect.stringContaining(key.version),
      },
    };
    expect(updated).toMatchObject({ versions: [version], blob: wireSecret(expect.any(String)), previous });
    const { outputs } = await provider.read(id, {
      outputs: { ...updated, blob: sentBack(updated).blob, previous: { [String(blobSha256)]: olds } },
    });
    expect(outputs).toMatchObject({
      blob: wireSecret(sentBack(updated).blob),
      previous: { [String(blobSha256)]: { blob: wireSecret(olds.blob) } },
    });
    await provider.hasPrinted(`KeyBackup ${key.uri}: the backup of ${backedUpAt} (${blobSha256}) is kept`);
  });

  it("holds a blob of a megabyte", async () => {
    vault.blobPadding = 1_000_000;
    const { olds } = await backedUp();
    expect(String(olds.blob).length).toBeGreaterThan(1_000_000);
    expect(await provider.read("id", { outputs: olds })).toMatchObject({ outputs: { blob: wireSecret(olds.blob) } });
  });
});

describe("diff", () => {
  it("is empty between a record and its own inputs, also with the provider's text of another release", async () => {
    const { id, inputs, olds } = await backedUp({ triggers });
    for (const text of [__provider, `${__provider}// A later release.\n`]) {
      expect(await provider.diff(id, olds, { ...inputs, __provider: text })).toEqual({ changes: "none", replaces: [] });
    }
    expect(vault.requests).toEqual([]);
  });

  it("asks for an update, and never for a replacement, when the program names another key", async () => {
    const { id, olds } = await backedUp();
    const { inputs } = await provider.check({ __provider, keyUri: `${vault.vaultUri}keys/invoices` });
    expect(await provider.diff(id, olds, inputs)).toEqual({ changes: "some", replaces: [] });
  });

  it("asks for an update at preview while the key or a part of a trigger is unknown", async () => {
    const { id, inputs, olds } = await backedUp({ triggers: ["a"] });
    for (const part of [{ keyUri: unknown }, { triggers: [{ deep: [unknown] }] }]) {
      const { inputs: news } = await provider.check({ __provider, keyUri: inputs.keyUri, triggers: ["a"], ...part });
      expect(await provider.diff(id, olds, news)).toEqual({ changes: "some", replaces: [] });
    }
  });
});

describe("the token", () => {
  it("is one of the managed identity for Key Vault", async () => {
    const fresh = await ProviderProcess.start(project.path, service, verificationOff);
    const issued = service.identity.issued.length;
    const { uri: keyUri } = await vault.keys.create("orders");
    await fresh.create({ __provider, keyUri });
    await fresh.stop();
    expect(service.identity.tokensIssued.slice(issued)).toMatchObject([
      { grant: "managedIdentity", resource: "https://vault.azure.net", clientId: service.identity.clientId },
    ]);
  });

  it("is not requested for a vault whose certificate is not trusted", async () => {
    const { NODE_EXTRA_CA_CERTS, ...distrusting } = service.environment();
    const fresh = await ProviderProcess.start(project.path, { environment: () => distrusting }, verificationOff);
    const issued = service.identity.issued.length;
    const { uri: keyUri } = await vault.keys.create("orders");
    const { details } = await refusalOf(fresh.create({ __provider, keyUri }));
    await fresh.stop();
    expect(details).toMatch(/localhost:\d+: the TLS certificate was not accepted .*NODE_EXTRA_CA_CERTS/);
    expect([vault.requests, service.identity.issued.length - issued]).toEqual([[], 0]);
  });
});
