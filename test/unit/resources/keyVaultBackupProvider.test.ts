import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import {
  CertificateBackup,
  CertificateRestore,
  KeyBackup,
  KeyRestore,
  KeyVaultBackupProvider,
  type KeyVaultBackupProviderArgs,
  RestoreDrill,
  SecretBackup,
  SecretRestore,
} from "../../../src";
import { readConfiguration } from "../../../src/provider/engine/configuration";
import { readIdentitySettings, variablesOf } from "../../../src/provider/identity/identitySettings";
import { inputsOf, mockEngine, registered, secret } from "./mocks";

const vaultUri = "https://kv.vault.azure.net/";
const keyUri = `${vaultUri}keys/orders`;
const backup = { blob: "AAAA", keyName: "orders" };

/** Settings of a private cloud that azure-native too takes from the environment and the stack's configuration alone. */
const ofPrivateClouds = ["activeDirectoryAuthorityHost", "resourceManagerAudience", "resourceManagerEndpoint"];

const all: Required<KeyVaultBackupProviderArgs> = {
  tenantId: "tenant",
  clientId: "client",
  clientSecret: "secret 1",
  clientCertificatePath: "path",
  clientCertificatePassword: "secret 2",
  useOidc: true,
  oidcToken: "secret 3",
  oidcTokenFilePath: "file",
  oidcRequestUrl: "url",
  oidcRequestToken: "secret 4",
  oidcAudience: "audience",
  useMsi: false,
  useDefaultAzureCredential: true,
  auxiliaryTenantIds: ["a", pulumi.output("b")],
  environment: "china",
  disableInstanceDiscovery: true,
  disableChallengeResourceVerification: true,
  timeoutSeconds: 7,
};

beforeEach(() => mockEngine());

describe("a KeyVaultBackupProvider", () => {
  it("hands over texts, under the names that the stack's configuration has, with secrets marked", async () => {
    const inputs = await inputsOf(new KeyVaultBackupProvider("b", all), "b");
    expect(inputs).toEqual({
      "azure-native:tenantId": "tenant",
      "azure-native:clientId": "client",
      "azure-native:clientSecret": secret("secret 1"),
      "azure-native:clientCertificatePath": "path",
      "azure-native:clientCertificatePassword": secret("secret 2"),
      "azure-native:useOidc": "true",
      "azure-native:oidcToken": secret("secret 3"),
      "azure-native:oidcTokenFilePath": "file",
      "azure-native:oidcRequestUrl": "url",
      "azure-native:oidcRequestToken": secret("secret 4"),
      "azure-native:oidcAudience": "audience",
      "azure-native:useMsi": "false",
      "azure-native:useDefaultAzureCredential": "true",
      "azure-native:auxiliaryTenantIds": '["a","b"]',
      "azure-native:environment": "china",
      "azure-native:disableInstanceDiscovery": "true",
      "azure-keyvault-backup:disableChallengeResourceVerification": "true",
      "azure-keyvault-backup:timeoutSeconds": "7",
    });
  });

  it("has an input for each setting of the identity, and the provider reads each of its inputs", async () => {
    const inputs = await inputsOf(new KeyVaultBackupProvider("b", all), "b");
    const get = (name: string) => (name in inputs ? "set" : undefined);
    const settings = readIdentitySettings((name) => get(`azure-native:${name}`));
    const unset = Object.entries(settings).filter(([, value]) => value === undefined);
    expect(unset.map(([name]) => name)).toEqual(ofPrivateClouds);
    const own = ["disableChallengeResourceVerification", "timeoutSeconds"];
    expect(Object.keys(all).filter((name) => !(name in variablesOf))).toEqual(own);
    const read = { get: (name: string) => inputs[name] as string | undefined };
    expect(readConfiguration(read)).toEqual({
      disableChallengeResourceVerification: true,
      timeout: 7000,
      mistakes: [],
    });
  });

  it("marks exactly those inputs secret whose documentation says so", async () => {
    const text = readFileSync(path.resolve(__dirname, "../../../src/resources/keyVaultBackupProvider.ts"), "utf8");
    const documented = [...text.matchAll(/always treated as secret\. \*\/\n {2}(\w+)\?:/g)].map(([, name]) => name);
    const inputs = await inputsOf(new KeyVaultBackupProvider("b", all), "b");
    const marked = Object.keys(inputs).filter((name) => typeof inputs[name] === "object");
    expect(marked.map((name) => name.replace("azure-native:", "")).sort()).toEqual(documented.sort());
  });

  it("hands over nothing for what is not set", async () => {
    expect(await inputsOf(new KeyVaultBackupProvider("none"), "none")).toEqual({});
    const undefinedOnly = new KeyVaultBackupProvider("undefined", { tenantId: undefined });
    expect(await inputsOf(undefinedOnly, "undefined")).toEqual({});
  });

  it("is a provider of dynamic resources, and each resource can use it", async () => {
    const provider = new KeyVaultBackupProvider("b", { tenantId: pulumi.output("tenant") });
    await inputsOf(provider, "b");
    expect(registered.get("b")?.type).toBe("pulumi:providers:pulumi-nodejs");
    const resources = {
      ofKey: new KeyBackup("ofKey", { keyUri }, { provider }),
      ofSecret: new SecretBackup("ofSecret", { vaultUri, secretName: "orders" }, { provider }),
      ofCertificate: new CertificateBackup("ofCertificate", { vaultUri, certificateName: "orders" }, { provider }),
      key: new KeyRestore("key", { vaultUri, backup }, { provider }),
      secret: new SecretRestore("secret", { vaultUri, blob: "AAAA" }, { provider }),
      certificate: new CertificateRestore("certificate", { vaultUri, blob: "AAAA" }, { provider }),
      drill: new RestoreDrill("drill", { vaultUri, backup }, { provider }),
    };
    for (const [name, resource] of Object.entries(resources)) {
      await inputsOf(resource, name);
      expect(registered.get(name)?.provider).toContain("pulumi:providers:pulumi-nodejs::b::");
    }
  });
});
