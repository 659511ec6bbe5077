import { beforeAll, beforeEach, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type * as restoreAndDrill from "../../example/restore-and-drill";
import type * as vaultWithBackup from "../../example/vault-with-backup";

let registered: pulumi.runtime.MockResourceArgs[] = [];

const uriOf = (name: string, path: string) => `https://${name}.vault.azure.net/${path}`;

beforeAll(() =>
  pulumi.runtime.setMocks({
    newResource: (args) => {
      registered.push(args);
      return {
        id: `${args.name}-id`,
        state: {
          name: args.name,
          ...args.inputs,
          keyUriWithVersion: uriOf("kv", "keys/signing/v1"),
          properties: {
            vaultUri: uriOf(args.name, ""),
            secretUriWithVersion: uriOf("kv", "secrets/password/v1"),
          },
        },
      };
    },
    call: () => ({ tenantId: "tenant", objectId: "me", subscriptionId: "subscription" }),
  }),
);
beforeEach(() => {
  registered = [];
});

/** Waits until an example has registered as many resources. */
async function registeredAll(count: number): Promise<void> {
  for (let tries = 0; registered.length < count && tries < 500; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(registered.length).toBe(count);
}

const inputsOf = (type: string, name: string) =>
  registered.find((one) => one.type.endsWith(`:${type}`) && one.name === name)?.inputs;

it("backs up a key, a secret and a configured certificate, with the permissions to do so, in one example", async () => {
  const certificateUri = uriOf("elsewhere", "certificates/web");
  pulumi.runtime.setAllConfig({ "project:password": "hunter2", "project:certificateUri": certificateUri });
  const { blob, secretBlob, certificateBlob } = require("../../example/vault-with-backup") as typeof vaultWithBackup;
  await registeredAll(9);
  expect(inputsOf("Vault", "orders")).toBeDefined();
  expect(inputsOf("RoleAssignment", "back-up-keys")?.scope).toBe("orders-id");
  expect(inputsOf("RoleAssignment", "back-up-secrets")?.scope).toBe("orders-id");
  expect(inputsOf("KeyBackup", "signing")?.keyUri).toBe(uriOf("kv", "keys/signing/v1"));
  expect(inputsOf("SecretBackup", "password")?.secretUri).toBe(uriOf("kv", "secrets/password/v1"));
  expect(inputsOf("CertificateBackup", "web")?.certificateUri).toBe(certificateUri);
  const blobs = [blob, secretBlob, certificateBlob].map((one) => one && pulumi.isSecret(one));
  expect(await Promise.all(blobs)).toEqual([true, true, true]);
});

it("restores a key and a secret into their own vault, and proves their backups in the scratch vault, in the other example", async () => {
  pulumi.runtime.setAllConfig({ "project:password": "hunter2" });
  require("../../example/restore-and-drill") as typeof restoreAndDrill;
  await registeredAll(13);
  for (const [restore, name] of [
    ["KeyRestore", "signing"],
    ["SecretRestore", "password"],
  ] as const) {
    expect(inputsOf(restore, name)?.vaultUri).toBe(uriOf("orders", ""));
    expect(inputsOf("RestoreDrill", name)?.vaultUri).toBe(uriOf("scratch", ""));
  }
});
