import * as authorization from "@pulumi/azure-native/authorization";
import * as keyvault from "@pulumi/azure-native/keyvault";
import * as resources from "@pulumi/azure-native/resources";
import * as storage from "@pulumi/azure-native/storage";
import * as pulumi from "@pulumi/pulumi";
import { copyDataActions, KeyBackup } from "pulumi-azure-keyvault-backup";

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

// What holds the copies has its own resource group, and outlives this stack: `pulumi destroy` refuses to delete it, and
// `pulumi destroy --exclude-protected` deletes everything else. Even if it is unprotected, Pulumi leaves it in Azure.
const keep = { protect: true, retainOnDelete: true };
const copiesGroup = new resources.ResourceGroup("copies", {}, keep);

const account = new storage.StorageAccount(
  "copies",
  {
    resourceGroupName: copiesGroup.name,
    kind: "StorageV2",
    sku: { name: "Standard_GZRS" }, // in three zones, and in a second region; "Standard_ZRS" in zones alone
    allowBlobPublicAccess: false,
    allowSharedKeyAccess: false, // nothing here uses the account's keys
    minimumTlsVersion: "TLS1_2",
  },
  keep,
);
const inAccount = { resourceGroupName: copiesGroup.name, accountName: account.name };

const softDelete = new storage.BlobServiceProperties(
  "copies",
  {
    ...inAccount,
    blobServicesName: "default",
    isVersioningEnabled: false, // a copy is never overwritten, so it has one version
    deleteRetentionPolicy: { enabled: true, days: 30 },
    containerDeleteRetentionPolicy: { enabled: true, days: 30 },
  },
  keep,
);

const container = new storage.BlobContainer("copies", { ...inAccount, containerName: "key-vault" }, keep);

// For a year after it is written, nobody can change or delete a copy. But while the policy is unlocked, whoever manages
// the account can shorten or remove the policy, or delete the account with all copies. When the backups and a first
// restore have worked, lock it:
//   AT="--account-name ... --container-name key-vault"
//   ETAG=$(az storage container immutability-policy show $AT --query etag -o tsv)
//   az storage container immutability-policy lock $AT --if-match "$ETAG"
// Nobody can undo this. The policy stays. Its period can only be extended, five times: by `az ... extend`, then here.
// You pay for each copy until its year is over, and can delete neither the container nor the account before.
const immutability = new storage.BlobContainerImmutabilityPolicy(
  "copies",
  {
    ...inAccount,
    containerName: container.name,
    immutabilityPolicyName: "default",
    immutabilityPeriodSinceCreationInDays: 365,
  },
  keep,
);

// Copies become cheaper, and are never deleted. Do not move them to Archive: an archived copy must be rehydrated before
// a restore, which takes hours.
new storage.ManagementPolicy(
  "copies",
  {
    ...inAccount,
    managementPolicyName: "default",
    policy: {
      rules: [
        {
          name: "cold",
          type: "Lifecycle",
          definition: {
            filters: { blobTypes: ["blockBlob"] },
            actions: { baseBlob: { tierToCold: { daysAfterModificationGreaterThan: 30 } } },
          },
        },
      ],
    },
  },
  keep,
);

// May read copies and write new ones, and can neither overwrite nor delete.
const copyRole = new authorization.RoleDefinition("copies", {
  roleName: pulumi.interpolate`Key Vault copies in ${account.name}`, // a tenant has each name once
  scope: copiesGroup.id,
  assignableScopes: [copiesGroup.id],
  permissions: [{ dataActions: copyDataActions() }],
});

const cryptoUser = "12338af0-0e69-4776-bea7-57ae8d297424"; // Key Vault Crypto User
const toMe = {
  principalId: me.objectId,
  principalType: "User", // "ServicePrincipal" for a service principal or a managed identity, as in CI
};
const mayBackUp = new authorization.RoleAssignment("back-up-keys", {
  ...toMe,
  scope: vault.id,
  roleDefinitionId: pulumi.interpolate`/subscriptions/${me.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`,
});
const mayCopy = new authorization.RoleAssignment("write-copies", {
  ...toMe,
  scope: container.id,
  roleDefinitionId: copyRole.id,
});

const backup = new KeyBackup(
  "signing",
  {
    keyUri: key.keyUriWithVersion,
    copyTo: [pulumi.interpolate`${account.primaryEndpoints.blob}${container.name}`],
    keepBlobInState: false,
  },
  { dependsOn: [mayBackUp, mayCopy, immutability, softDelete] }, // so that the first copy is protected, too
);

export const { vaultUri } = vault.properties;
export const { copies, blobSha256 } = backup;
