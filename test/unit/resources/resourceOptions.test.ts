import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import {
  CertificateBackup,
  CertificateRestore,
  KeyBackup,
  KeyRestore,
  RestoreDrill,
  SecretBackup,
  SecretRestore,
} from "../../../src";
import { requireExternalPackage } from "../../../src/resources/resourceOptions";
import { serializedProvider } from "../../../src/resources/serializedProvider";
import { mockEngine } from "./mocks";

class ForeignProvider extends pulumi.ProviderResource {
  constructor() {
    super("azure-native", "foreign", {});
  }
}

const vaultUri = "https://kv.vault.azure.net/";
const backup = { blob: "AAAA", keyName: "orders" };

beforeEach(() => mockEngine());

describe("the provider of another package", () => {
  it.each<[string, (opts: pulumi.CustomResourceOptions) => unknown]>([
    ["KeyBackup", (opts) => new KeyBackup("a", { vaultUri, keyName: "orders" }, opts)],
    ["SecretBackup", (opts) => new SecretBackup("a", { vaultUri, secretName: "orders" }, opts)],
    ["CertificateBackup", (opts) => new CertificateBackup("a", { vaultUri, certificateName: "orders" }, opts)],
    ["KeyRestore", (opts) => new KeyRestore("a", { vaultUri, backup }, opts)],
    ["SecretRestore", (opts) => new SecretRestore("a", { vaultUri, blob: "AAAA" }, opts)],
    ["CertificateRestore", (opts) => new CertificateRestore("a", { vaultUri, blob: "AAAA" }, opts)],
    ["RestoreDrill", (opts) => new RestoreDrill("a", { vaultUri, backup }, opts)],
  ])("is refused by a %s with the one to pass instead", (resource, make) => {
    const provider = new ForeignProvider();
    expect(() => make({ provider })).toThrow(pulumi.RunError);
    expect(() => make({ provider })).toThrow(
      new RegExp(`^A ${resource} cannot use a provider of azure-native\\. .*KeyVaultBackupProvider`),
    );
  });

  it("may be the parent's, which has no effect on the package's resources", () => {
    const providers = { "azure-native": new ForeignProvider() };
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, { providers });
    expect(() => new KeyBackup("child", { vaultUri, keyName: "orders" }, { parent })).not.toThrow();
  });
});

describe("a bundled program", () => {
  const text = `${serializedProvider("keyBackup").configure}`;

  it("is not what a text is from that names the installed package, in any quotes", () => {
    expect(() => requireExternalPackage(text)).not.toThrow();
    for (const quote of ["'", "`"]) expect(() => requireExternalPackage(text.replaceAll('"', quote))).not.toThrow();
  });

  it.each([
    ["a module of the bundle", "Promise.resolve().then(() => init_provider())"],
    ["another file", 'import("./provider-4GXQ.js")'],
    ["a name that begins alike", 'import("pulumi-azure-keyvault-backup/provider/index.js")'],
  ])("is refused, and told how to leave the package out: the import became %s", (_, replacement) => {
    const bundled = text.replace(/import\("[^"]*"\)/, replacement);
    expect(bundled).not.toBe(text);
    expect(() => requireExternalPackage(bundled)).toThrow(pulumi.RunError);
    expect(() => requireExternalPackage(bundled)).toThrow(/must not be bundled .* esbuild --packages=external/);
  });
});

it("The engine's answer, which the SDK prints for pulumi up --debug, shows the URN and no value.", () => {
  const answer = new RegisterResourceResponse()
    .setUrn("urn:pulumi:dev::shop::type::orders")
    .setObject(Struct.fromJavaScript({ blob: "hidden" }));
  expect(`${answer}`).toBe("RegisterResourceResponse(urn:pulumi:dev::shop::type::orders)");
});
