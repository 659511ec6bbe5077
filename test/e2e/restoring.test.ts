import { createHash, createPublicKey, type KeyObject, randomBytes, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";

const program = {
  ...programs.TypeScript,
  "index.ts": `import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const backup = new KeyBackup("orders", { vaultUri: config.require("source"), keyName: "orders" });
const home = new KeyRestore("home", { vaultUri: config.require("source"), backup });
const copy = new KeyRestore("copy", { vaultUri: config.require("second"), backup });
const drill = new RestoreDrill("orders", { vaultUri: config.require("scratch"), backup, maxAgeDays: 30 });

export const { keyThumbprints, sourceStatus } = backup;
export const restored = { home: home.keyVersions, isAdopted: home.isAdopted, copy: copy.keyVersions };
export const missing = copy.missingVersions;
export const { outcome, checks, verifiedAt, drilledAt } = drill;
`,
};

let service: LocalKeyVault;
let source: LocalVault;
let second: LocalVault;
let scratch: LocalVault;
let project: PulumiProject;
const blobs: string[] = [];

beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

async function newProject(): Promise<void> {
  source = await service.createVault();
  second = await service.createVault();
  scratch = await service.createVault();
  await source.createKey("orders", { kty: "RSA" });
  project = await localProject(service, program, {
    config: { source: source.vaultUri, second: second.vaultUri, scratch: scratch.vaultUri },
  });
}

const requests = () => [source, second, scratch].flatMap((vault) => vault.requests);
const versions = (vault: LocalVault) => vault.keyVersions("orders").map(({ version }) => version);
const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };

describe("a backup, its restore into two vaults and its drill, in one program", () => {
  let message: Buffer;
  let signature: Buffer;
  let publicKey: KeyObject;

  beforeAll(newProject);
  afterAll(() => project.remove());

  it("are shown at preview without a request", async () => {
    const output = await project.succeeds("preview");
    expect(output).toContain("keyvault:KeyRestore copy create");
    expect(output).toContain("keyvault:RestoreDrill orders create");
    expect(requests()).toEqual([]);
  });

  it("adopt the key that is there, restore it where it is not, and prove the backup", async () => {
    const output = await project.succeeds("up");
    expect(output).toContain(
      `KeyRestore ${source.vaultUri}keys/orders: adopted, not restored: the key is there, with every version`,
    );
    const [version = ""] = versions(source);
    expect(versions(second)).toEqual([version]);
    expect(second.publicJwk("orders")).toEqual(source.publicJwk("orders"));
    expect(await project.outputs()).toMatchObject({
      restored: { home: [version], isAdopted: true, copy: [version] },
      missing: [],
      outcome: "verified",
      checks: [{ version, ...passed }],
      keyThumbprints: { [version]: expect.stringMatching(/^[\w-]{43}$/) },
    });
    expect([scratch.keyNames, scratch.isDeleted("orders")]).toEqual([[], false]);
    message = randomBytes(32);
    publicKey = createPublicKey({ key: source.publicJwk("orders"), format: "jwk" });
    signature = source.sign("orders", version, createHash("sha256").update(message).digest());
  });

  it("make no request in an unchanged `pulumi up`, and restore nothing in a refresh", async () => {
    for (const vault of [source, second, scratch]) vault.clearRequests();
    expect(await project.succeeds("up")).toContain("5 unchanged");
    expect(requests()).toEqual([]);
    await project.succeeds("refresh");
    expect(new Set(requests().map(({ operation }) => operation))).toEqual(new Set(["listVersions"]));
    expect(scratch.requests).toEqual([]);
  });

  it("show what a restored key lacks after a rotation of its source, and prove the new backup", async () => {
    const rotated = await source.rotateKey("orders");
    const output = await project.succeeds("up", "--refresh");
    expect(output).toContain("a new backup will be made, because the key has newer version");
    expect(await project.outputs()).toMatchObject({
      missing: [rotated.version],
      restored: { copy: [versions(second)[0]] },
      outcome: "verified",
      checks: [
        { version: rotated.version, ...passed },
        { version: versions(source)[0], ...passed },
      ],
    });
  });

  it("bring the key back that was deleted and purged, from the blob in the state", async () => {
    const before = versions(source);
    source.deleteKey("orders");
    source.purgeKey("orders");
    await project.succeeds("refresh");
    expect(await project.succeeds("preview")).toContain(
      `KeyRestore ${source.vaultUri}keys/orders: the key will be restored again, because key "orders" is not in`,
    );
    await project.succeeds("up");
    expect(versions(source)).toEqual(before);
    expect(verify("sha256", message, publicKey, signature)).toBe(true);
    const digest = createHash("sha256").update(message).digest();
    expect(verify("sha256", message, publicKey, source.sign("orders", before[0], digest))).toBe(true);
    expect(await project.outputs()).toMatchObject({ restored: { isAdopted: true } });
  });

  it("tell nothing secret in machine-readable output, in diffs and in the SDK's debug messages", async () => {
    blobs.push(...(await project.blobs()));
    const secrets = { blobs, tokens: service.identity.issued };
    for (const args of [["--json"], ["--diff"]]) {
      expect(leaksIn(await project.succeeds("preview", ...args), secrets)).toEqual([]);
    }
    await source.rotateKey("orders");
    const output = await project.succeeds("up", "--refresh", "--debug", "--skip-preview");
    expect(output).toContain("RegisterResource RPC finished: resource:copy");
    blobs.push(...(await project.blobs()));
    expect(leaksIn(output, { ...secrets, blobs })).toEqual([]);
  });

  it("leave the restored keys where they are in `pulumi destroy`", async () => {
    await project.succeeds("destroy");
    expect([source.hasKey("orders"), second.hasKey("orders")]).toEqual([true, true]);
  });

  it("have told no blob and no token, in any state or on the terminal", async () => {
    const secrets = { blobs, tokens: service.identity.issued };
    expect(blobs.length).toBeGreaterThan(0);
    expect(leaksIn(project.printed, secrets)).toEqual([]);
    expect(leaksIn(await project.stateHistory(), secrets)).toEqual([]);
  });
});

it("a file that az wrote is restored from the program's configuration, and stays secret", async () => {
  const [from, to] = [await service.createVault(), await service.createVault()];
  const { version } = await from.createKey("orders");
  const file = Buffer.from(await from.backUpKey("orders"), "base64url");
  const files = {
    ...programs.JavaScript,
    "index.js": `const pulumi = require("@pulumi/pulumi");
const { KeyRestore } = require("pulumi-azure-keyvault-backup");
const config = new pulumi.Config();
const { keyUri, keyVersions } = new KeyRestore("orders", {
  vaultUri: config.require("to"), blob: config.require("blob"), onDestroy: "purge",
});
module.exports = { keyUri, keyVersions };
`,
  };
  const restoring = await localProject(service, files, { config: { to: to.vaultUri } });
  await restoring.configure({ blob: file.toString("base64") }, true);
  await restoring.succeeds("preview", "--diff");
  await restoring.succeeds("up");
  expect(await restoring.outputs()).toEqual({ keyUri: `${to.vaultUri}keys/orders`, keyVersions: [version] });
  to.clearRequests();
  expect(await restoring.succeeds("up")).toContain("2 unchanged");
  expect(to.requests).toEqual([]);
  const secrets = { blob: [file.toString("base64url"), file.toString("base64")], tokens: service.identity.issued };
  expect(leaksIn(restoring.printed, secrets)).toEqual([]);
  expect(leaksIn(await restoring.stateHistory(), secrets)).toEqual([]);
  await restoring.succeeds("destroy");
  expect([to.hasKey("orders"), to.isDeleted("orders"), from.hasKey("orders")]).toEqual([false, false, true]);
  await restoring.remove();
});
