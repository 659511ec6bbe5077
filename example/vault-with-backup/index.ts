import * as authorization from "@pulumi/azure-native/authorization";
import * as keyvault from "@pulumi/azure-native/keyvault";
import * as resources from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { CertificateBackup, KeyBackup, SecretBackup } from "pulumi-azure-keyvault-backup";

const config = new pulumi.Config();
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

// pulumi config set --secret password …
const secret = new keyvault.Secret("password", {
  resourceGroupName: group.name,
  vaultName: vault.name,
  properties: { value: config.requireSecret("password") },
});

const roles = {
  "back-up-keys": "12338af0-0e69-4776-bea7-57ae8d297424", // Key Vault Crypto User
  "back-up-secrets": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", // Key Vault Secrets Officer
};
const [mayBackUpKeys, mayBackUpSecrets] = Object.entries(roles).map(
  ([name, role]) =>
    new authorization.RoleAssignment(name, {
      scope: vault.id,
      principalId: me.objectId,
      principalType: "User", // "ServicePrincipal" for a service principal or a managed identity, as in CI
      roleDefinitionId: pulumi.interpolate`/subscriptions/${me.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
    }),
) as [authorization.RoleAssignment, authorization.RoleAssignment];

const backup = new KeyBackup("signing", { keyUri: key.keyUriWithVersion }, { dependsOn: mayBackUpKeys });

const secretBackup = new SecretBackup(
  "password",
  { secretUri: secret.properties.secretUriWithVersion },
  { dependsOn: mayBackUpSecrets },
);

// azure-native has no certificates. Name one that exists: pulumi config set certificateUri https://my-vault.vault.azure.net/certificates/web
// In its vault, you need the role Key Vault Certificates Officer.
const certificateUri = config.get("certificateUri");
const certificateBackup = certificateUri ? new CertificateBackup("web", { certificateUri }) : undefined;

export const { versions, backedUpAt, blobSha256, blob, sourceStatus } = backup;
export const secretBlob = secretBackup.blob;
export const certificateBlob = certificateBackup?.blob;
