import { createHash, createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { typeScriptProject } from "../support/pulumi/programs";

const program = typeScriptProject(`import * as pulumi from "@pulumi/pulumi";
import {
  CertificateBackup, CertificateRestore, KeyBackup, KeyRestore, RestoreDrill, SecretBackup, SecretRestore,
} from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const [vaultUri, replica, scratch] = ["source", "replica", "scratch"].map((name) => config.require(name));

const key = new KeyBackup("key", { keyUri: config.require("keys") });
const secret = new SecretBackup("secret", { secretUri: config.require("secrets") });
const certificate = new CertificateBackup("certificate", { vaultUri, certificateName: "web", triggers: [config.get("certificates")] });

const replicas = {
  keys: new KeyRestore("key", { vaultUri: replica, backup: key }),
  secrets: new SecretRestore("secret", { vaultUri: replica, backup: secret }),
  certificates: new CertificateRestore("certificate", { vaultUri: replica, backup: certificate }),
};
const drill = (name: string, backup: KeyBackup | SecretBackup | CertificateBackup) =>
  new RestoreDrill(name, { vaultUri: scratch, backup, maxAgeDays: 30 });
const drills = {
  keys: drill("key", key),
  secrets: drill("secret", secret),
  certificates: drill("certificate", certificate),
};

export const versions = { keys: key.versions, secrets: secret.versions, certificates: certificate.versions };
export const blobs = [key.blob, secret.blob, certificate.blob];
export const status = Object.values(replicas).map(({ status }) => status);
export const missing = Object.values(replicas).map(({ missingVersions }) => missingVersions);
export const outcomes = Object.values(drills).map(({ outcome }) => outcome);
export const checks = Object.values(drills).map(({ checks }) => checks);
export const size: pulumi.Output<number> = secret.blobBytes;
`);

const names = { keys: "orders", secrets: "password", certificates: "web" } as const;
const collections = ["keys", "secrets", "certificates"] as const;
const allVerified = ["verified", "verified", "verified"];

let service: LocalKeyVault;
let source: LocalVault;
let replica: LocalVault;
let scratch: LocalVault;
let project: PulumiProject;
const blobs: string[] = [];
const values: string[] = [];

const requests = () => [source, replica, scratch].flatMap((vault) => vault.requests);
const asked = () => requests().filter(({ hasToken }) => hasToken);
const versions = (vault: LocalVault, collection: (typeof collections)[number]) =>
  vault[collection].versions(names[collection]).map(({ version }) => version);
const secrets = () => ({ blobs, values, tokens: service.identity.issued });

function clearRequests(): void {
  for (const vault of [source, replica, scratch]) vault.clearRequests();
}

/** A new version of each, which the configuration names, as outputs of azure-native do in a program. */
async function rotate(): Promise<void> {
  const key = await source.keys.rotate("orders");
  const secret = await source.secrets.rotate("password");
  const certificate = await source.certificates.rotate("web");
  values.push(source.secrets.value("password"));
  await project.configure({ keys: key.uriWithVersion, secrets: secret.uriWithVersion });
  await project.configure({ certificates: certificate.version });
}

beforeAll(async () => {
  service = await LocalKeyVault.start();
  [source, replica, scratch] = [
    await service.createVault("source"),
    await service.createVault("replica"),
    await service.createVault("scratch"),
  ];
  const { uriWithVersion: keys } = await source.keys.create("orders", { kty: "RSA" });
  const { uriWithVersion: secrets } = await source.secrets.create("password", {
    value: `secret-value-${randomUUID()}`,
  });
  await source.certificates.create("web", { kty: "RSA" });
  values.push(source.secrets.value("password"));
  project = await localProject(service, program, {
    config: { keys, secrets, source: source.vaultUri, replica: replica.vaultUri, scratch: scratch.vaultUri },
  });
});
afterAll(async () => {
  await endProject(project, secrets());
  await service.stop();
});

describe("a TypeScript program with backups of a key, a secret and a certificate, restored replicas and drills", () => {
  it("previews without a request and with the blobs secret", async () => {
    const output = await project.succeeds("preview");
    for (const resource of ["KeyBackup key", "SecretRestore secret", "RestoreDrill certificate"]) {
      expect(output).toContain(`keyvault:${resource} create`);
    }
    expect(output).toContain("[secret]");
    expect(requests()).toEqual([]);
  });

  it("backs up first, then restores and drills, and prints no secret even with --debug", async () => {
    const output = await project.succeeds("up", "--skip-preview", "--debug");
    blobs.push(...(await project.blobs()));
    // The debug message in which the SDK would print the blob.
    expect(output).toContain("RegisterResource RPC finished: resource:key");
    expect(leaksIn(output, secrets())).toEqual([]);
    const created = output.split("\n").filter((line) => /^ \+ .* created/.test(line));
    const position = (type: string) => created.findIndex((line) => line.includes(type));
    for (const kind of ["Key", "Secret", "Certificate"]) {
      expect(position(`${kind}Backup`)).toBeGreaterThanOrEqual(0);
      expect(position(`${kind}Backup`)).toBeLessThan(position(`${kind}Restore`));
    }
    expect(await project.outputs()).toMatchObject({
      versions: Object.fromEntries(collections.map((collection) => [collection, versions(source, collection)])),
      missing: [[], [], []],
      status: ["present", "present", "present"],
      outcomes: allVerified,
      checks: [
        [{ versionId: "passed", publicKey: "passed", privateKey: "passed" }],
        [{ versionId: "passed", attributes: "passed", value: "passed" }],
        [{ versionId: "passed", x5t: "passed", publicKey: "passed", privateKey: "passed" }],
      ],
      size: expect.any(Number),
    });
    for (const collection of collections) {
      expect(versions(replica, collection)).toEqual(versions(source, collection));
      expect([scratch[collection].names, scratch[collection].isDeleted(names[collection])]).toEqual([[], false]);
    }
    expect(replica.secrets.value("password")).toBe(values[0]);
  });

  it("changes nothing and makes no request in an unchanged update", async () => {
    clearRequests();
    const output = await project.succeeds("up", "--expect-no-changes");
    expect(output).toContain("10 unchanged");
    expect(requests()).toEqual([]);
  });

  it("follows new versions that the program names, and the preview says why without a request", async () => {
    await rotate();
    const output = await project.succeeds("preview", "--diff");
    for (const collection of ["keys", "secrets"] as const) {
      const newest = versions(source, collection).at(-1);
      expect(output).toContain(`a new backup will be made, because the backup does not hold version ${newest}`);
    }
    expect(output).toContain("a new backup will be made, because triggers changed");
    expect(requests()).toEqual([]);
    const json = await project.succeeds("up", "--skip-preview", "--json");
    blobs.push(...(await project.blobs()));
    expect(leaksIn(json, secrets())).toEqual([]);
    const newest = collections.map((collection) => [versions(source, collection).at(-1)]);
    expect(await project.outputs()).toMatchObject({ missing: newest, outcomes: allVerified });
    expect(source.count("backup")).toBe(3);
  });

  it("records in a refresh what changed, only lists, and backs up again in the next update", async () => {
    const changed = await Promise.all(collections.map((collection) => source[collection].rotate(names[collection])));
    values.push(source.secrets.value("password"));
    clearRequests();
    await project.succeeds("refresh", "--skip-preview");
    expect(new Set(asked().map(({ operation }) => operation))).toEqual(new Set(["listVersions"]));
    expect(asked().length).toBe(6);
    expect(scratch.requests).toEqual([]);
    const reasons = (await project.records()).map(({ sourceStatusReason }) => sourceStatusReason);
    for (const { version } of changed) expect(reasons).toContainEqual(expect.stringContaining(version));
    const output = await project.succeeds("up", "--skip-preview");
    expect(output).toContain("9 updated");
    expect(await project.outputs()).toMatchObject({ outcomes: allVerified });
  });

  it("brings purged objects back to the replica's vault from the blobs in the state", async () => {
    const message = randomBytes(32);
    const [version = ""] = versions(replica, "keys");
    const digest = createHash("sha256").update(message).digest();
    const publicKey = createPublicKey({ key: replica.keys.publicJwk("orders", version), format: "jwk" });
    for (const collection of collections) {
      replica[collection].delete(names[collection]);
      replica[collection].purge(names[collection]);
    }
    expect(await project.succeeds("up", "--refresh", "--skip-preview")).toContain("a restore is due, because");
    for (const collection of collections) expect(versions(replica, collection)).toEqual(versions(source, collection));
    expect(verify("sha256", message, publicKey, replica.keys.sign("orders", version, digest))).toBe(true);
    expect(replica.secrets.value("password")).toBe(values.at(-1));
    expect(replica.certificates.x509("web").fingerprint).toBe(source.certificates.x509("web").fingerprint);
    expect(replica.secrets.value("web")).toBe(source.secrets.value("web"));
    expect(await project.outputs()).toMatchObject({ missing: [[], [], []], status: ["present", "present", "present"] });
  });

  it("reads no secret's value in a refresh, nor in a backup", async () => {
    clearRequests();
    await project.succeeds("up", "--refresh", "--skip-preview");
    expect(asked().map(({ operation }) => operation)).not.toContain("get");
    const { uriWithVersion } = await source.secrets.rotate("password");
    values.push(source.secrets.value("password"));
    await project.configure({ secrets: uriWithVersion });
    await project.succeeds("up", "--skip-preview", "--target", "**SecretBackup::*");
    expect(source.count("backup", "secrets")).toBe(1);
    expect(source.requestsOf("get", "secrets")).toEqual([]);
  });

  it("is destroyed without a deleted object, after one look at each source", async () => {
    blobs.push(...(await project.blobs()));
    clearRequests();
    const output = await project.succeeds("destroy", "--skip-preview");
    const deleted = output.split("\n").filter((line) => /^ - .* deleted/.test(line));
    const position = (type: string) => deleted.findIndex((line) => line.includes(type));
    for (const kind of ["Key", "Secret", "Certificate"]) {
      expect(position(`${kind}Backup`)).toBeGreaterThan(position(`${kind}Restore`));
    }
    const looks = { operation: "listVersions" };
    expect(asked()).toMatchObject([looks, looks, looks]);
    for (const collection of collections) {
      expect([source[collection].has(names[collection]), replica[collection].has(names[collection])]).toEqual([
        true,
        true,
      ]);
    }
    expect(await project.backups()).toEqual([]);
  });

  it("leaves no blob, no value and no token in clear on the terminal, in the state and in its history", async () => {
    expect(new Set(blobs).size).toBeGreaterThanOrEqual(9);
    expect(new Set(values).size).toBe(4);
    expect(leaksIn(project.printed, secrets())).toEqual([]);
    expect(leaksIn(await project.stateHistory(), secrets())).toEqual([]);
  });
});
