import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { localProject } from "../support/pulumi/localProject";
import { typeScriptProject } from "../support/pulumi/programs";

const program = typeScriptProject(`import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const backup = new KeyBackup("orders", { keyUri: config.require("keyUri") });
const replica = new KeyRestore("replica", { vaultUri: config.require("replica"), backup });
const drill = new RestoreDrill("orders", { vaultUri: config.require("scratch"), backup, maxAgeDays: 30 });

export const { blob, blobSha256, versions, keyUriWithVersion, sourceStatus } = backup;
export const { missingVersions, status } = replica;
export const { outcome, checks } = drill;
export const size: pulumi.Output<number> = backup.blobBytes;
`);

let service: LocalKeyVault;
let source: LocalVault;
let replica: LocalVault;
let scratch: LocalVault;
let project: PulumiProject;
const blobs: string[] = [];

const requests = () => [source, replica, scratch].flatMap((vault) => vault.requests);
const versions = (vault: LocalVault) => vault.keys.versions("orders").map(({ version }) => version);
const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
const secrets = () => ({ blobs, tokens: service.identity.issued });

function clearRequests(): void {
  for (const vault of [source, replica, scratch]) vault.clearRequests();
}

beforeAll(async () => {
  service = await LocalKeyVault.start();
  [source, replica, scratch] = [
    await service.createVault("source"),
    await service.createVault("replica"),
    await service.createVault("scratch"),
  ];
  const { uriWithVersion: keyUriWithVersion } = await source.keys.create("orders", { kty: "RSA" });
  project = await localProject(service, program, {
    config: { keyUri: keyUriWithVersion, replica: replica.vaultUri, scratch: scratch.vaultUri },
  });
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});

describe("a TypeScript program with a backup, a restored replica and a drill", () => {
  it("previews without a request and with the blob secret", async () => {
    const output = await project.succeeds("preview");
    for (const resource of ["KeyBackup orders", "KeyRestore replica", "RestoreDrill orders"]) {
      expect(output).toContain(`keyvault:${resource} create`);
    }
    expect(output).toMatch(/blob *: \[secret\]/);
    expect(requests()).toEqual([]);
  });

  it("backs up first, then restores and drills, and prints no secret even with --debug", async () => {
    const output = await project.succeeds("up", "--skip-preview", "--debug");
    blobs.push(...(await project.blobs()));
    // The debug message in which the SDK would print the blob.
    expect(output).toContain("RegisterResource RPC finished: resource:replica");
    expect(leaksIn(output, secrets())).toEqual([]);
    const created = output.split("\n").filter((line) => /^ \+ .* created/.test(line));
    const position = (type: string) => created.findIndex((line) => line.includes(type));
    expect(position("KeyBackup")).toBeGreaterThanOrEqual(0);
    expect(position("KeyBackup")).toBeLessThan(Math.min(position("KeyRestore"), position("RestoreDrill")));
    const [version] = versions(source);
    expect(await project.outputs()).toMatchObject({
      versions: [version],
      missingVersions: [],
      status: "present",
      outcome: "verified",
      checks: [{ version, ...passed }],
      size: expect.any(Number),
    });
    expect(versions(replica)).toEqual([version]);
    expect([scratch.keys.has("orders"), scratch.keys.isDeleted("orders")]).toEqual([false, false]);
  });

  it("changes nothing and makes no request in an unchanged update", async () => {
    clearRequests();
    const output = await project.succeeds("up", "--expect-no-changes");
    expect(output).toContain("4 unchanged");
    expect(requests()).toEqual([]);
  });

  it("follows a rotation that keyUriWithVersion names, and the preview says why without a request", async () => {
    const { version, uriWithVersion: keyUriWithVersion } = await source.keys.rotate("orders");
    await project.configure({ keyUri: keyUriWithVersion });
    const because = `a new backup will be made, because the backup does not hold version ${version}`;
    expect(await project.succeeds("preview", "--diff")).toContain(because);
    expect(requests()).toEqual([]);
    const output = await project.succeeds("up", "--skip-preview", "--json");
    blobs.push(...(await project.blobs()));
    expect(leaksIn(output, secrets())).toEqual([]);
    expect(await project.outputs()).toMatchObject({
      versions: [...versions(source)].reverse(),
      keyUriWithVersion,
      missingVersions: [version],
      outcome: "verified",
    });
    expect(source.count("backup")).toBe(1);
  });

  it("records in a refresh that the key changed, only reads, and backs up again in the next update", async () => {
    const { version } = await source.keys.rotate("orders");
    clearRequests();
    await project.succeeds("refresh", "--skip-preview");
    const operations = requests().filter(({ hasToken }) => hasToken);
    expect(operations.map(({ operation }) => operation)).toEqual(["listVersions", "listVersions"]);
    expect(scratch.requests).toEqual([]);
    expect(await project.records()).toMatchObject([
      { sourceStatus: "changed", sourceStatusReason: expect.stringContaining(version) },
    ]);
    const output = await project.succeeds("up", "--skip-preview");
    expect(output).toContain(version);
    expect(output).toContain("3 updated");
    expect(await project.outputs()).toMatchObject({ sourceStatus: "current", outcome: "verified" });
  });

  it("brings a purged key back to the replica's vault from the blob in the state", async () => {
    const message = randomBytes(32);
    const [version = ""] = versions(replica);
    const digest = createHash("sha256").update(message).digest();
    const publicKey = createPublicKey({ key: replica.keys.publicJwk("orders", version), format: "jwk" });
    replica.keys.delete("orders");
    replica.keys.purge("orders");
    expect(await project.succeeds("up", "--refresh", "--skip-preview")).toContain("it will be restored, because");
    expect(versions(replica)).toEqual(versions(source));
    expect(verify("sha256", message, publicKey, replica.keys.sign("orders", version, digest))).toBe(true);
    expect(await project.outputs()).toMatchObject({ missingVersions: [], status: "present" });
  });

  it("is destroyed without a deleted key, after one look at the source", async () => {
    blobs.push(...(await project.blobs()));
    clearRequests();
    const output = await project.succeeds("destroy", "--skip-preview");
    const deleted = output.split("\n").filter((line) => /^ - .* deleted/.test(line));
    const position = (type: string) => deleted.findIndex((line) => line.includes(type));
    expect(position("KeyBackup")).toBeGreaterThan(Math.max(position("KeyRestore"), position("RestoreDrill")));
    expect(requests().filter(({ hasToken }) => hasToken)).toMatchObject([{ operation: "listVersions" }]);
    expect([source.keys.has("orders"), replica.keys.has("orders")]).toEqual([true, true]);
    expect(await project.backups()).toEqual([]);
  });

  it("leaves no blob and no token in clear on the terminal, in the state and in its history", async () => {
    expect(new Set(blobs).size).toBe(3);
    expect(leaksIn(project.printed, secrets())).toEqual([]);
    expect(leaksIn(await project.stateHistory(), secrets())).toEqual([]);
  });
});
