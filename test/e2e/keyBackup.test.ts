import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";
import { restore } from "../support/restore";

let service: LocalKeyVault;
beforeAll(async () => {
  service = await LocalKeyVault.start();
});
afterAll(() => service.stop());

describe.each(Object.entries(programs))("a %s program", (language, files) => {
  let vault: LocalVault;
  let project: PulumiProject;
  const blobs: string[] = [];

  beforeAll(async () => {
    vault = await service.createVault();
    const { keyUriWithVersion } = await vault.createKey("orders");
    project = await localProject(service, files, { config: { keyUri: keyUriWithVersion } });
  });
  afterAll(() => project.remove());

  it("shows at preview what is known, keeps the blob secret, and asks the service for nothing", async () => {
    const output = await project.succeeds("preview");
    expect(output).toContain("keyvault:KeyBackup orders create");
    expect(output).toMatch(/blob *: \[secret\]/);
    expect(output.replace(/ +/g, " ")).toContain(`vaultUri : "${vault.vaultUri}"`);
    expect(vault.requests).toEqual([]);
  });

  it("holds the backup after `pulumi up`, at the price of four requests and a challenge", async () => {
    const output = await project.succeeds("up");
    expect(output).toMatch(/blob *: \[secret\]/);
    expect(vault.requests.map(({ operation, hasToken }) => [operation, hasToken])).toEqual([
      ["listVersions", false],
      ["listVersions", true],
      ["get", true],
      ["backup", true],
      ["listVersions", true],
    ]);
    const outputs = await project.outputs();
    const [version] = vault.keyVersions("orders");
    expect(outputs).toMatchObject({
      vaultUri: vault.vaultUri,
      keyName: "orders",
      keyUri: version?.keyUri,
      keyUriWithVersion: version?.keyUriWithVersion,
      keyVersions: [version?.version],
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      keyUpdatedAt: new Date(Number(version?.updated) * 1000).toISOString(),
      keyTags: {},
      sourceStatus: "current",
      previous: [],
    });
    blobs.push(String(outputs.blob));
    expect((await restore(service, String(blobs[0]))).versions).toEqual([version?.version]);
  });

  it("makes no request in an unchanged `pulumi up` or a preview, and one reading in a refresh", async () => {
    vault.clearRequests();
    for (const result of [await project.up(), await project.preview()]) {
      expect(result).toMatchObject({ code: 0, output: expect.stringContaining("2 unchanged") });
    }
    expect(vault.requests).toEqual([]);
    expect(await project.succeeds("refresh", "--skip-preview")).toContain("2 unchanged");
    expect(vault.requests.flatMap(({ hasToken, operation }) => (hasToken ? [operation] : []))).toEqual([
      "listVersions",
    ]);
  });

  it("backs the key up anew when the key has a new version, and the preview says why", async () => {
    const { version, keyUriWithVersion } = await vault.rotateKey("orders");
    await project.configure({ keyUri: keyUriWithVersion });
    const because = `a new backup will be made, because the recorded backup does not hold version ${version}.`;
    const { output } = await project.preview();
    expect(output.split("\n").filter((line) => line.includes("a new backup will be made")).length).toBeGreaterThan(0);
    expect(output).toContain(`KeyBackup ${vault.vaultUri}keys/orders: ${because}`);
    expect(vault.count("backup")).toBe(0);
    expect(await project.up()).toMatchObject({ code: 0, output: expect.stringContaining("1 updated") });
    const { blob, keyVersions } = await project.outputs();
    blobs.push(String(blob));
    expect(keyVersions).toEqual(
      vault
        .keyVersions("orders")
        .map((it) => it.version)
        .reverse(),
    );
    expect((await restore(service, String(blobs[1]))).versions.length).toBe(2);
  });

  it("forgets the blob in `pulumi destroy`, once the vault has told that the key is there", async () => {
    vault.clearRequests();
    expect(await project.destroy()).toMatchObject({ code: 0 });
    expect(vault.requests.flatMap(({ hasToken, operation }) => (hasToken ? [operation] : []))).toEqual([
      "listVersions",
    ]);
    expect(await project.backups()).toEqual([]);
  });

  it("has told no blob and no token, in any state or on the terminal", async () => {
    const secrets = { blobs, tokens: service.identity.issued };
    expect(blobs.length).toBe(2);
    expect(leaksIn(project.printed, secrets)).toEqual([]);
    expect(leaksIn(await project.stateHistory(), secrets)).toEqual([]);
    expect(language).toBeTruthy();
  });
});
