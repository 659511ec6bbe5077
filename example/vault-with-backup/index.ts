import * as authorization from "@pulumi/azure-native/authorization";
import * as keyvault from "@pulumi/azure-native/keyvault";
import * as resources from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "pulumi-azure-keyvault-backup";

const me = authorization.getClientConfigOutput();
const group = new resources.ResourceGroup("orders");

const vault = new keyvault.Vault("orders", {
  resourceGroupName: group.name,
  properties: {
    tenantId: me.tenantId,
    sku: { family: "A", name: "standard" },
    enableRbacAuthorization: true,
  },
});

const key = new keyvault.Key("signing", {
  resourceGroupName: group.name,
  vaultName: vault.name,
  properties: { kty: "RSA", keySize: 2048 },
});

const cryptoUser = "12338af0-0e69-4776-bea7-57ae8d297424"; // Key Vault Crypto User: reads and backs up keys
const mayBackUp = new authorization.RoleAssignment("backup", {
  scope: vault.id,
  principalId: me.objectId,
  principalType: "User", // "ServicePrincipal" for a service principal or a managed identity, as in CI
  roleDefinitionId: pulumi.interpolate`/subscriptions/${me.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`,
});

const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion }, { dependsOn: mayBackUp });

export const { versions, backedUpAt, blobSha256, blob, sourceStatus } = backup;
