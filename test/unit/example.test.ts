import { beforeAll, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type * as example from "../../example/vault-with-backup";

const registered: pulumi.runtime.MockResourceArgs[] = [];

beforeAll(() =>
  pulumi.runtime.setMocks({
    newResource: (args) => {
      registered.push(args);
      return {
        id: `${args.name}-id`,
        state: { ...args.inputs, keyUriWithVersion: "https://kv.vault.azure.net/keys/signing/v1" },
      };
    },
    call: () => ({ tenantId: "tenant", objectId: "me", subscriptionId: "subscription" }),
  }),
);

it("declares a vault, a key, the permission to back it up, and the backup in the example", async () => {
  const { blob } = require("../../example/vault-with-backup") as typeof example;
  expect(await pulumi.isSecret(blob)).toBe(true);
  await new Promise((resolve) => blob.apply(resolve));
  expect(registered.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "azure-native:keyvault:Vault",
      "azure-native:keyvault:Key",
      "azure-native:authorization:RoleAssignment",
      "pulumi-nodejs:dynamic/keyvault:KeyBackup",
    ]),
  );
  const backup = registered.find(({ type }) => type.endsWith("keyvault:KeyBackup"));
  expect(backup?.inputs.keyUri).toBe("https://kv.vault.azure.net/keys/signing/v1");
});
