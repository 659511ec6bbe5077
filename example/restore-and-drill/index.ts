import * as authorization from "@pulumi/azure-native/authorization";
import * as keyvault from "@pulumi/azure-native/keyvault";
import * as resources from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill, SecretBackup, SecretRestore } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
const me = authorization.getClientConfigOutput();
const group = new resources.ResourceGroup("orders");

const [vault, scratch] = ["orders", "scratch"].map(
  (name) =>
    new keyvault.Vault(name, {
      resourceGroupName: group.name,
      properties: {
        tenantId: me.tenantId,
        sku: { family: "A", name: "standard" },
        enableRbacAuthorization: true,
      },
    }),
) as [keyvault.Vault, keyvault.Vault];

const key = new keyvault.Key("signing", {
  resourceGroupName: group.name,
  vaultName: vault.name,
  properties: { kty: "RSA", keySize: 2048 },
});

// pulumi config set --secret password …
const secret = new keyvault.Secret("password", {
  resourceGroupName: group.name,
  vaultName: vault.name,
  properties: { value: config.requireSecret("password") },
});

const administrator = "00482a5a-887f-4fb3-b363-3b7fe8e74483"; // Key Vault Administrator: every operation on what is in a vault
const dependsOn = Object.entries({ vault, scratch }).map(
  ([name, { id }]) =>
    new authorization.RoleAssignment(name, {
      scope: id,
      principalId: me.objectId,
      principalType: "User", // "ServicePrincipal" for a service principal or a managed identity, as in CI
      roleDefinitionId: pulumi.interpolate`/subscriptions/${me.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${administrator}`,
    }),
);

const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion }, { dependsOn });
const secretBackup = new SecretBackup("password", { secretUri: secret.properties.secretUriWithVersion }, { dependsOn });

// Adopt the key and the secret while they are there, and change nothing. If the key is lost, restore it first, because azure-native
// would create a different key in a plain `pulumi up --refresh`: pulumi up --refresh --target '**KeyRestore::signing'
// If the secret is lost: pulumi up --refresh --target '**SecretRestore::password'
const { vaultUri } = vault.properties;
const restore = new KeyRestore("signing", { vaultUri, backup }, { dependsOn });
const secretRestore = new SecretRestore("password", { vaultUri, backup: secretBackup }, { dependsOn });

// Prove each new backup, and prove it again in the first `pulumi up` after 30 days.
const scratchVault = { vaultUri: scratch.properties.vaultUri, maxAgeDays: 30 };
const drill = new RestoreDrill("signing", { ...scratchVault, backup }, { dependsOn });
const secretDrill = new RestoreDrill("password", { ...scratchVault, backup: secretBackup }, { dependsOn });

export const { status } = restore;
export const { outcome, verifiedAt, checks } = drill;
export const secretStatus = secretRestore.status;
export const secretOutcome = secretDrill.outcome;
