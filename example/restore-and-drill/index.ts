import * as authorization from "@pulumi/azure-native/authorization";
import * as keyvault from "@pulumi/azure-native/keyvault";
import * as resources from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { KeyBackup, KeyRestore, RestoreDrill } from "pulumi-azure-keyvault-backup";

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

const cryptoOfficer = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"; // Key Vault Crypto Officer: every operation on keys
const dependsOn = Object.entries({ vault, scratch }).map(
  ([name, { id }]) =>
    new authorization.RoleAssignment(name, {
      scope: id,
      principalId: me.objectId,
      principalType: "User", // "ServicePrincipal" for a service principal or a managed identity, as in CI
      roleDefinitionId: pulumi.interpolate`/subscriptions/${me.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoOfficer}`,
    }),
);

const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion }, { dependsOn });

// Adopts the key while it is there, and changes nothing. Restores it after a refresh has found that it is gone.
const restore = new KeyRestore("signing", { vaultUri: vault.properties.vaultUri, backup }, { dependsOn });

// Proves each new backup, and proves it again in the first `pulumi up` after 30 days.
const drill = new RestoreDrill(
  "signing",
  { vaultUri: scratch.properties.vaultUri, backup, maxAgeDays: 30 },
  { dependsOn },
);

export const { status } = restore;
export const { outcome, verifiedAt, checks } = drill;
