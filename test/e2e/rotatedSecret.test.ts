import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { PulumiProject } from "../../engine/pulumiProject";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import { leaksIn } from "../support/leaks";
import { endProject } from "../support/pulumi/endProject";
import { localProject } from "../support/pulumi/localProject";
import { errorsIn, stackLinesIn } from "../support/pulumi/printed";
import { javaScriptProject } from "../support/pulumi/programs";

// One backup by the stack's configuration, and one by a provider of its own.
const declarations = `
const azure = new pulumi.Config("azure-native");
const provider = new KeyVaultBackupProvider("own", {
  tenantId: azure.require("tenantId"),
  clientId: azure.require("clientId"),
  clientSecret: azure.requireSecret("clientSecret"),
  disableInstanceDiscovery: true,
  disableChallengeResourceVerification: true,
});
new KeyBackup("by-configuration", { keyUri: config.require("keyUri") });
new KeyBackup("by-provider", { keyUri: config.require("keyUri") }, { provider });
`;

const [oldSecret, newSecret] = [`old~${randomUUID()}`, `new~${randomUUID()}`];

let service: LocalKeyVault;
let project: PulumiProject;
let client: { secret?: string };

beforeAll(async () => {
  service = await LocalKeyVault.start();
  const { identity } = service;
  const { uri: keyUri } = await (await service.createVault()).keys.create("orders");
  const clientId = randomUUID();
  client = identity.registerClient({ clientId, secret: oldSecret });
  project = await localProject(service, javaScriptProject(declarations), {
    config: {
      keyUri,
      "azure-native:tenantId": identity.tenantId,
      "azure-native:clientId": clientId,
      "azure-native:disableInstanceDiscovery": "true",
    },
    env: { AZURE_AUTHORITY_HOST: identity.authorityHost },
  });
  await project.configure({ "azure-native:clientSecret": oldSecret }, true);
  await project.succeeds("up", "--skip-preview");
});
afterAll(async () => {
  const told = project.printed + (await project.stateHistory());
  expect(leaksIn(told, { secrets: [oldSecret, newSecret], tokens: service.identity.issued })).toEqual([]);
  await endProject(project);
  await service.stop();
});

describe("after the client secret was rotated in the stack's configuration", () => {
  const wayOut = "If they changed since, run pulumi up first, or add --run-program.";

  beforeAll(async () => {
    client.secret = newSecret;
    await project.configure({ "azure-native:clientSecret": newSecret }, true);
  });
  beforeEach(() => expect(client.secret).toBe(newSecret));

  it("pulumi refresh succeeds and tells that it used the recorded secret, and the way out", async () => {
    const output = await project.succeeds("refresh", "--skip-preview");
    expect(output).toContain(wayOut);
    expect(output).toContain("AADSTS7000215");
    const unreachable = { sourceStatus: "unreachable", sourceStatusReason: expect.stringContaining(wayOut) };
    expect(await project.records()).toMatchObject([unreachable, unreachable]);
  });

  it("pulumi destroy is refused with the way out", async () => {
    const { code, output } = await project.destroy("--skip-preview");
    expect(code).toBe(1);
    expect(stackLinesIn(output)).toEqual([]);
    const refusals = errorsIn(output);
    expect(refusals.length).toBeGreaterThanOrEqual(1);
    for (const refusal of refusals) expect(refusal).toContain(wayOut);
    expect((await project.backups()).length).toBe(2);
  });

  it("pulumi refresh --run-program uses the new secret", async () => {
    await project.succeeds("refresh", "--skip-preview", "--run-program");
    expect(await project.records()).toMatchObject([{ sourceStatus: "current" }, { sourceStatus: "current" }]);
  });

  it("pulumi destroy --run-program succeeds", async () => {
    await project.succeeds("destroy", "--skip-preview", "--run-program");
    expect(await project.backups()).toEqual([]);
  });
});
