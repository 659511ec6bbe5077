import { readlink, symlink, unlink } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { localProject } from "../support/pulumi/localProject";
import { programs } from "../support/pulumi/programs";
import type { PulumiProject } from "../../engine/pulumiProject";

const clientSecret = "hunter2~VerySecret.Value";
const files = programs.JavaScript ?? {};

let service: LocalKeyVault;
let vault: LocalVault;
let project: PulumiProject;
const blobs: string[] = [];

beforeAll(async () => {
  service = await LocalKeyVault.start();
  vault = await service.createVault();
  const { keyUri } = await vault.createKey("orders");
  project = await localProject(service, files, {
    config: { keyUri, "azure-keyvault-backup:timeoutSeconds": "3" },
  });
  await project.succeeds("up");
  blobs.push(String((await project.outputs()).blob));
});
beforeEach(() => vault.clearRequests());
afterAll(async () => {
  const secrets = { blobs, clientSecret, tokens: service.identity.issued };
  expect(leaksIn(project.printed, secrets)).toEqual([]);
  expect(leaksIn(await project.stateHistory(), { ...secrets })).toEqual([]);
  await project.remove();
  await service.stop();
});

/** What `pulumi up` says of a failure, which has no stack trace and leaves the recorded backup as it was. */
async function failedUp(...args: string[]): Promise<string> {
  const before = await project.records();
  const { code, output } = await project.up(...args);
  expect(code).not.toBe(0);
  expect(output.split("\n").filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))).toEqual([]);
  expect(await project.records()).toEqual(before);
  return output;
}

describe("a mistake in the program", () => {
  it.each([
    [
      "an unusable URI",
      { keyUri: "https://user:hunter2@kv.vault.azure.net/keys/orders" },
      "keyUri has a user name or a password in it.",
    ],
    [
      "the URI of a secret",
      { keyUri: "https://kv.vault.azure.net/secrets/orders" },
      "keyUri names a secret, not a key",
    ],
    ["triggers that are no array", { triggers: '{"a":1}' }, "triggers is not an array."],
    [
      "an unusable time-out",
      { "azure-keyvault-backup:timeoutSeconds": "soon" },
      "timeoutSeconds is not a whole number from 1 to 3600",
    ],
  ])("(%s) gets one error, without the value, and changes nothing", async (_, change, reason) => {
    const { keyUri } = vault.keyVersions("orders")[0] ?? {};
    await project.configure(change);
    const output = await failedUp();
    await project.configure({ keyUri: String(keyUri), triggers: "[]", "azure-keyvault-backup:timeoutSeconds": "3" });
    expect(output).toContain(reason);
    expect(output).not.toContain("hunter2");
    expect(vault.requests).toEqual([]);
  });
});

describe("a backup that fails", () => {
  const renew = () => project.configure({ triggers: JSON.stringify([vault.requests.length, Math.random()]) });

  it("leaves the earlier one in the state, and the next `pulumi up` makes it", async () => {
    vault.fail("backup", { kind: "forbidden", reason: "firewall" });
    await renew();
    const output = await failedUp();
    expect(output).toContain('Key Vault refused to back up key "orders" in localhost');
    expect(output).toContain("Add this machine's address to the vault's firewall");
    await project.succeeds("up");
    blobs.push(String((await project.outputs()).blob));
    expect(blobs[1]).not.toBe(blobs[0]);
  });

  it("for want of a permission says which, and how long it waited", async () => {
    vault.permissions.delete("backup");
    await renew();
    const output = await failedUp();
    vault.permissions.add("backup");
    expect(output).toContain("Waiting up to 3 s for a role assignment or access policy on localhost");
    expect(output).toContain("Grant the data action Microsoft.KeyVault/vaults/keys/backup/action");
    expect(output).toContain("It was refused for");
  });

  it("for want of an answer says so at its deadline", async () => {
    vault.fail("backup", { kind: "stall" });
    await renew();
    const output = await failedUp();
    expect(output).toContain("gave no answer within 3 s.");
  });

  it("for a broken answer does not tell what it held", async () => {
    vault.fail("backup", { kind: "truncated" });
    await renew();
    expect(await failedUp()).toContain("answered with a text that breaks off or is not JSON");
  });

  it("for a certificate that nobody vouches for names the way to trust it", async () => {
    await renew();
    const { NODE_EXTRA_CA_CERTS } = project.env;
    delete project.env.NODE_EXTRA_CA_CERTS;
    const output = await failedUp();
    project.env.NODE_EXTRA_CA_CERTS = NODE_EXTRA_CA_CERTS;
    expect(output).toContain("give its authority's certificate in NODE_EXTRA_CA_CERTS");
    expect(vault.requests).toEqual([]);
  });

  it("for a host that asks for another service's token sends none", async () => {
    await renew();
    await project.configure({ "azure-keyvault-backup:disableChallengeResourceVerification": "false" });
    const output = await failedUp();
    await project.configure({ "azure-keyvault-backup:disableChallengeResourceVerification": "true" });
    expect(output).toContain("asks for a token of another service");
    expect(vault.requests.some(({ hasToken }) => hasToken)).toBe(false);
  });

  it("for a client secret that is wrong does not tell it", async () => {
    await renew();
    await project.configure({
      "azure-native:tenantId": service.identity.tenantId,
      "azure-native:clientId": "99999999-8888-7777-6666-555555555555",
      "azure-native:activeDirectoryAuthorityHost": service.identity.authorityHost,
      "azure-native:resourceManagerAudience": "https://management.example.com/",
      "azure-native:resourceManagerEndpoint": "https://management.example.com/",
      "azure-native:disableInstanceDiscovery": "true",
    });
    await project.configure({ "azure-native:clientSecret": clientSecret }, true);
    const output = await failedUp();
    await project.run(["config", "rm", "azure-native:clientSecret"]);
    expect(output).toContain("no token from the client secret of azure-native:clientSecret (ARM_CLIENT_SECRET)");
    expect(output).toContain("AADSTS");
    await project.succeeds("up");
    blobs.push(String((await project.outputs()).blob));
  });
});

it("tells nothing secret in machine-readable output or in diffs", async () => {
  await project.configure({ triggers: '["a new trigger"]' });
  for (const args of [["--json"], ["--diff"], ["--json", "--diff"]]) {
    const output = await project.succeeds("preview", ...args);
    expect(leaksIn(output, { blobs, tokens: service.identity.issued })).toEqual([]);
    expect(output).toContain("orders");
  }
  const secrets = { blobs, tokens: service.identity.issued };
  for (const args of [
    ["--json", "--skip-preview"],
    ["--debug", "--skip-preview"],
  ]) {
    const output = await project.succeeds("up", ...args);
    expect({ args, leaks: leaksIn(output, secrets) }).toEqual({ args, leaks: [] });
    // The message that told them is still there.
    expect(output).toContain("RegisterResource RPC finished: resource:orders");
  }
  blobs.push(String((await project.outputs()).blob));
  for (const args of [
    ["stack", "export"],
    ["stack", "output", "--json"],
    ["stack", "--show-ids"],
  ]) {
    const { output } = await project.run(args);
    expect({ args, leaks: leaksIn(output, secrets) }).toEqual({ args, leaks: [] });
  }
});

describe("a resource that no state holds", () => {
  it("is not had by get, and the error says why", async () => {
    await project.write(
      "index.js",
      `const { KeyBackup } = require("pulumi-azure-keyvault-backup");
       KeyBackup.get = (name, id) => new KeyBackup(name, { keyUri: id }, { id });
       KeyBackup.get("orders", "https://kv.vault.azure.net/keys/orders");`,
    );
    const { code, output } = await project.preview();
    await project.write("index.js", files["index.js"] ?? "");
    expect(code).not.toBe(0);
    expect(output).toContain("a KeyBackup exists only in the state that made it");
  });
});

it("does not find a package that was removed, and names it", async () => {
  // The state's text loads the package by name: without it a refresh cannot run.
  const modules = `${project.folder}/node_modules`;
  const target = await readlink(modules);
  await unlink(modules);
  const { code, output } = await project.refresh();
  await symlink(target, modules, "dir");
  expect(code).not.toBe(0);
  expect(output).toMatch(/pulumi-azure-keyvault-backup|@pulumi\/pulumi|EOF/);
});
